//! Standard output is data, standard error is talk.

use clap::ValueEnum;
use comfy_table::ContentArrangement;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use console::Term;
use serde::Serialize;
use std::io::{self, StdoutLock, Write};

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
        let mut stdout = stdout();
        match self.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut stdout, data)?;
                writeln!(stdout)
            }
            Format::Table => writeln!(stdout, "{}", drawn(data, &Term::stdout())),
        }
    }
}

/// Standard output, for every command that writes data to it by itself.
pub(crate) fn stdout() -> UntilClosed<StdoutLock<'static>> {
    UntilClosed { out: io::stdout().lock(), closed: false }
}

/// Drops what is written after the reader has closed its end, as `head` does once it has seen enough: the command
/// still comes to its end, removes its files, and says by its exit code what was found.
pub(crate) struct UntilClosed<W> {
    out: W,
    closed: bool,
}

impl<W: Write> UntilClosed<W> {
    fn unless_closed<T>(&mut self, dropped: T, write: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.closed {
            return Ok(dropped);
        }
        match write(&mut self.out) {
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(dropped)
            }
            outcome => outcome,
        }
    }
}

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed((), Write::flush)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that leaves, or a disk that is full, after so many bytes.
    struct Ends(usize, io::ErrorKind);

    impl Write for Ends {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(self.1.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.1.into())
        }
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_error_and_a_full_disk_is_one() {
        let write = |kind| {
            let mut out = UntilClosed { out: Ends(3, kind), closed: false };
            out.write_all(b"more than three").and_then(|()| out.flush())
        };
        assert!(write(io::ErrorKind::BrokenPipe).is_ok());
        assert_eq!(write(io::ErrorKind::StorageFull).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
