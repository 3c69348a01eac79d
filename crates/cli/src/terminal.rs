//! Everything that people read goes through here: notes, warnings, questions, tables, progress, errors.
//!
//! Data goes to standard output, talk to standard error. What is shown may hold text that a stranger wrote into a
//! profile, so every value is shown by [`visible`]: no other part of this crate writes to the terminal, which
//! a test holds.

// First: the macros hold for the modules below.
/// Says one line to people.
macro_rules! say {
    ($($text:tt)*) => { $crate::terminal::line("", format_args!($($text)*)) };
}

/// Says one line that people should know before they go on.
macro_rules! note {
    ($($text:tt)*) => { $crate::terminal::line("note: ", format_args!($($text)*)) };
}

/// Ends a function with [`Refused`]: what was asked for would be unsafe or ambiguous, and nothing was changed.
macro_rules! refuse {
    ($($text:tt)*) => { return Err($crate::terminal::Refused(format!($($text)*)).into()) };
}

mod exit;
mod output;
mod progress;
mod question;
mod table;
mod visible;

pub use exit::ExitStatus;
pub(crate) use exit::Refused;
pub(crate) use output::{Format, Output, VERSION, Versioned, json_line, schema_of, spreadsheet_cell, stdout};
pub(crate) use progress::Progress;
pub(crate) use question::{Consent, confirm, confirm_with_pool, is_asked, short};
pub(crate) use table::{Cell, Table, Tabular};

use crate::advice;
use anyhow::Error;
use std::fmt;
use std::io::{self, Write};
use visible::visible;

/// Writes a line to standard error. A reader that closed it, as in `2>&1 | head`, is no reason to stop between two
/// changes.
pub(crate) fn line(kind: &str, text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{kind}{}", visible(&text.to_string()));
}

/// Shows a table to the person who is about to be asked.
pub(crate) fn show(data: &impl Tabular) {
    let _ = writeln!(io::stderr().lock(), "{}", data.table().for_stderr());
}

/// Says why a command could not do what it was asked for, and returns what it ends with.
pub(crate) fn failed(error: &Error) -> ExitStatus {
    let style = console::Style::new().for_stderr().red().bold();
    if let Some(refused) = error.downcast_ref::<Refused>() {
        line(&style.apply_to("refused: ").to_string(), format_args!("{refused}"));
        return ExitStatus::Refused;
    }
    line(&style.apply_to("error: ").to_string(), format_args!("{error:#}"));
    advise(error);
    ExitStatus::Failed
}

/// Says what to do about an error, if that is known.
pub(crate) fn advise(error: &Error) {
    if let Some(advice) = advice::of(error) {
        line("", format_args!("{advice}"));
    }
}

#[cfg(test)]
mod tests;
