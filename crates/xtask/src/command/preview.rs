//! `cargo xtask preview`: every message on one page.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};
use std::{env, fs};

use anyhow::{Context, Result};
use clap::Args;
use local_cloud::layout;
use messages::gallery;
use messages::settings::TEMPLATE_DIR;
use messages::{Kind, LOCALES, Settings};
use tokio::process::Command;

/// How often `--watch` looks for a change.
const PAUSE: Duration = Duration::from_millis(400);

/// Where the page goes and what happens next. The settings of the messages are read from the environment: without APP_URL
/// no message has a link.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Open the page in the browser.
    #[arg(long)]
    open: bool,
    /// Write the page again whenever a template, a locale or a file of TEMPLATE_DIR changes, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// The file to write.
    #[arg(long, value_name = "FILE", default_value_os_t = layout::local().join("messages.html"))]
    out: PathBuf,
}

/// Writes the page.
///
/// # Errors
///
/// A setting has a value that is not allowed, or the file cannot be written or opened.
pub(crate) async fn run(options: Options) -> Result<()> {
    let watched = watched();
    let mut seen = newest(&watched);
    // A later build runs in the repository's root folder.
    let out = std::path::absolute(&options.out)?;
    write(&out)?;
    if options.open {
        open::that_detached(&out).with_context(|| format!("{} cannot be opened", out.display()))?;
    }
    if !options.watch {
        return Ok(());
    }
    loop {
        tokio::time::sleep(PAUSE).await;
        let now = newest(&watched);
        if now != seen {
            seen = now;
            rebuild(&out).await?;
        }
    }
}

fn write(file: &Path) -> Result<()> {
    let settings = Settings::from_lookup(&|name| env::var(name).ok())?;
    gallery::write(&settings, file).with_context(|| format!("{} cannot be written", file.display()))?;
    eprintln!("{} messages in {} languages: {}", Kind::ALL.len(), LOCALES.len(), file.display());
    Ok(())
}

/// Writes the page with a fresh build, because the built-in templates and locales are compiled in. A build that
/// fails says so, and the next change tries again.
async fn rebuild(file: &Path) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--package", "xtask", "--", "preview", "--out"])
        .arg(file)
        .current_dir(layout::root())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .context("cargo cannot be started")?;
    if !status.success() {
        eprintln!("The page is as it was; waiting for the next change.");
    }
    Ok(())
}

/// What the messages are made of.
fn watched() -> Vec<PathBuf> {
    let messages = layout::root().join("crates/messages");
    let mut folders: Vec<PathBuf> = ["locales", "templates", "src"].map(|folder| messages.join(folder)).into();
    folders.extend(env::var_os(TEMPLATE_DIR).map(PathBuf::from));
    folders
}

/// The number of files and the latest change among them. What cannot be read does not count: an editor may be
/// replacing it.
fn newest(folders: &[PathBuf]) -> (usize, Option<SystemTime>) {
    let mut open: Vec<PathBuf> = folders.to_vec();
    let (mut count, mut newest) = (0, None);
    while let Some(path) = open.pop() {
        let Ok(metadata) = fs::metadata(&path) else { continue };
        count += 1;
        newest = newest.max(metadata.modified().ok());
        if let Ok(entries) = fs::read_dir(&path) {
            open.extend(entries.flatten().map(|entry| entry.path()));
        }
    }
    (count, newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_added_or_removed_file_is_noticed() {
        let folder = env::temp_dir().join(format!("preview-{}", uuid::Uuid::new_v4()));
        let file = folder.join("en").join("sign-up.html");
        fs::create_dir_all(folder.join("en")).unwrap();
        let empty = newest(std::slice::from_ref(&folder));
        fs::write(&file, "one").unwrap();
        let added = newest(std::slice::from_ref(&folder));
        assert_ne!(empty, added);
        let later = SystemTime::now() + Duration::from_secs(5);
        fs::File::options().append(true).open(&file).unwrap().set_modified(later).unwrap();
        let changed = newest(std::slice::from_ref(&folder));
        assert_ne!(added, changed);
        fs::remove_file(&file).unwrap();
        assert_ne!(changed, newest(std::slice::from_ref(&folder)));
        fs::remove_dir_all(&folder).unwrap();
    }
}
