//! Standard output: what a command was asked for, for people or for programs.

use super::Tabular;
use super::visible::is_shown;
use clap::ValueEnum;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, StdoutLock, Write};

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document, for programs
    Json,
}

/// The version of everything that is written as JSON. It grows when a member is renamed or removed, or means something
/// else; a new member does not change it.
pub(crate) const VERSION: u32 = 1;

/// What a command writes as JSON: its data, and the version of its form.
// A type that cannot describe itself cannot be written, so each has its schema.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}")]
pub(crate) struct Versioned<T> {
    /// The version of this form. It grows when a member is renamed or removed, or means something else.
    #[schemars(extend("const" = VERSION))]
    version: u32,
    #[serde(flatten)]
    data: T,
}

impl<T> Versioned<T> {
    /// The data in the form of today.
    pub(crate) fn new(data: T) -> Self {
        Self { version: VERSION, data }
    }
}

/// The JSON Schema (2020-12) of what is written of a type.
pub(crate) fn schema_of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// Where a command puts its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
}

impl Output {
    /// Writes a command's data to standard output, as a table or as JSON. The table makes hidden characters visible. In
    /// JSON they become `\u` escapes.
    ///
    /// # Errors
    ///
    /// Fails if standard output cannot be written. A reader that closes it early, as `head` does, is not an error.
    pub(crate) fn data<T: Serialize + JsonSchema + Tabular>(self, data: &T) -> io::Result<()> {
        let mut stdout = stdout();
        match self.format {
            Format::Json => {
                writeln!(stdout, "{}", without_hidden(&serde_json::to_string_pretty(&Versioned::new(data))?))
            }
            Format::Table => writeln!(stdout, "{}", data.table().for_stdout()),
        }
    }
}

/// A value as JSON on one line. Hidden characters become `\u` escapes, which are the same value to a program.
///
/// # Errors
///
/// Fails if the value cannot be written as JSON.
pub(crate) fn json_line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|text| without_hidden(&text))
}

/// Outside of strings, the only such characters in JSON are the line breaks between its lines.
fn without_hidden(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || is_shown(character) {
            shown.push(character);
        } else {
            let units = &mut [0; 2];
            shown.extend(character.encode_utf16(units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    shown
}

/// A cell of a CSV file that no spreadsheet runs as a formula. An apostrophe is put before a leading `=`, `+`, `-`,
/// `@`, tab or carriage return (OWASP, "CSV Injection"). It is also put before `=`, `+`, `-` and `@` where a
/// spreadsheet may split the cell: after a semicolon, a tab or a line break.
pub(crate) fn spreadsheet_cell(text: &str) -> Cow<'_, str> {
    const FORMULA: [char; 4] = ['=', '+', '-', '@'];
    let mut cell = String::with_capacity(text.len());
    if text.starts_with(['\t', '\r']) {
        cell.push('\'');
    }
    let mut starts = true;
    for character in text.chars() {
        if starts && FORMULA.contains(&character) {
            cell.push('\'');
        }
        starts = matches!(character, ';' | '\t' | '\r' | '\n');
        cell.push(character);
    }
    if cell == text { Cow::Borrowed(text) } else { Cow::Owned(cell) }
}

/// Standard output, for the commands that write to it piece by piece.
pub(crate) fn stdout() -> UntilClosed<StdoutLock<'static>> {
    UntilClosed { out: io::stdout().lock(), closed: false }
}

/// A writer that drops everything after its reader has closed the other end, as `head` does. The command still
/// finishes, removes its files, and its exit code says what was found.
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
            outcome => {
                outcome.map_err(|why| io::Error::new(why.kind(), format!("standard output cannot be written: {why}")))
            }
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
        let full = write(io::ErrorKind::StorageFull).unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
        assert!(full.to_string().contains("standard output"), "{full}");
    }

    #[test]
    fn json_hides_nothing_and_is_the_same_value() {
        let value = "x\u{9b}2Jy\u{202e}\u{7f}\u{2800}\u{e0041}\n";
        let text = json_line(&value).unwrap();
        assert!(text.is_ascii() && text.contains("\\u202e"), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }

    #[test]
    fn a_cell_that_a_spreadsheet_would_calculate_begins_with_an_apostrophe() {
        for formula in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(A1)", "\t1", "\r1"] {
            assert_eq!(spreadsheet_cell(formula), format!("'{formula}"));
        }
        assert_eq!(spreadsheet_cell("x;=cmd|'/C calc'!A0"), "x;'=cmd|'/C calc'!A0");
        assert_eq!(spreadsheet_cell("\t=1\n@2"), "'\t'=1\n'@2");
        for plain in ["", "ada@example.com", "Google_1", " =1", "5c1f4b0e-3f0a-4d57-9a41-7d2f0c6b8e11"] {
            assert_eq!(spreadsheet_cell(plain), plain);
        }
    }
}
