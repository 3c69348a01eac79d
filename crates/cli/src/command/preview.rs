//! `preview`

use crate::options::Global;
use crate::private_file::draft_of;
use crate::terminal::{ExitStatus, Table, Tabular};
use anyhow::{Context, Result};
use clap::Args;
use messages::{Kind, LOCALES, Messages, Settings, gallery};
use schemars::JsonSchema;
use serde::Serialize;
use std::env;
use std::path::PathBuf;

/// Write all messages, in every language and style, to one HTML page
///
/// Takes the settings of the custom-message function from the environment: APP_NAME, APP_URL, SUPPORT_EMAIL, LOGO_URL,
/// LEGAL_FOOTER, TERMS_URL, PRIVACY_URL, BRAND_COLOR, DEFAULT_LOCALE, FORM_OF_ADDRESS, MESSAGE_STYLE, SMS_HOST, TEMPLATE_DIR. Without APP_URL no message has a link. You need no AWS account.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Preview {
    /// The file to write; replaces an existing one
    #[arg(long, value_name = "FILE", default_value = "messages.html")]
    out: PathBuf,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

const EXAMPLE: &str = "\
Example:
  APP_NAME=Harbour APP_URL=https://app.example.com cognito-triggers preview --open";

/// The page that was written.
#[derive(Serialize, JsonSchema)]
pub(super) struct Written {
    /// The file.
    file: PathBuf,
    /// How many kinds of messages there are.
    messages: usize,
    /// In how many languages.
    languages: usize,
    /// Templates of TEMPLATE_DIR that cannot be used, and why.
    problems: Vec<String>,
}

impl Preview {
    pub(super) fn run(&self, global: &Global) -> Result<ExitStatus> {
        let settings = Settings::from_lookup(&|name| env::var(name).ok())?;
        let file = std::path::absolute(&self.out)?;
        // Never through a symbolic link, and whole or not at all.
        let write = || -> Result<()> {
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let draft = draft_of(&file)?;
            gallery::write(&settings, draft.path())?;
            draft.persist(&file)?;
            Ok(())
        };
        write().with_context(|| format!("{} cannot be written", file.display()))?;
        let problems: Vec<_> = Messages::new(settings).problems().iter().map(ToString::to_string).collect();
        for problem in &problems {
            note!("a template cannot be used: {problem}");
        }
        let status = if problems.is_empty() { ExitStatus::Done } else { ExitStatus::Warnings };
        if self.open {
            open::that_detached(&file).with_context(|| format!("{} cannot be opened", file.display()))?;
        }
        let written = Written { file, messages: Kind::ALL.len(), languages: LOCALES.len(), problems };
        global.output().data(&written)?;
        Ok(status)
    }
}

impl Tabular for Written {
    fn table(&self) -> Table {
        let counts = [self.messages, self.languages, self.problems.len()].map(|count| count.to_string());
        let row = [self.file.display().to_string()].into_iter().chain(counts);
        Table::new(["file", "messages", "languages", "problems"]).with([row])
    }
}
