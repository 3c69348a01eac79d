//! Standard output is data, standard error is talk.

use clap::ValueEnum;
use comfy_table::ContentArrangement;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use console::Term;
use serde::Serialize;
use std::io::{self, Write};

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document, for programs
    Json,
}

/// What can be shown to people as a table.
pub trait Table {
    /// The table, without the frame's style.
    fn table(&self) -> comfy_table::Table;
}

/// Where a command puts its answer.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Format,
}

impl Output {
    /// Writes in this format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// The format asked for.
    #[must_use]
    pub fn format(self) -> Format {
        self.format
    }

    /// Writes a command's answer to standard output.
    ///
    /// # Errors
    ///
    /// Standard output is full. That its reader has seen enough and closed it, as `head` does, is no error.
    pub fn data<T: Serialize + Table>(self, data: &T) -> io::Result<()> {
        match self.write(data) {
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    fn write<T: Serialize + Table>(self, data: &T) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match self.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut stdout, data)?;
                writeln!(stdout)
            }
            Format::Table => writeln!(stdout, "{}", drawn(data, &Term::stdout())),
        }
    }
}

/// A table as this terminal shows it; as wide as it wants to be where there is none.
pub(crate) fn drawn(data: &impl Table, terminal: &Term) -> comfy_table::Table {
    let mut table = data.table();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some((_, columns)) = terminal.size_checked() {
        table.set_width(columns);
    }
    table
}
