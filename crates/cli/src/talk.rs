//! Standard error is talk: a command does the same whether somebody listens or not.

use std::fmt;
use std::io::{self, Write};

/// Takes the place of [`std::eprintln`] in this crate. That one panics if standard error was closed by its reader, as
/// after `2>&1 | head`, and a command must not end between two changes for that.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::talk::line(format_args!($($text)*)) };
}

/// Writes a line to standard error, or to nobody.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
