//! ZIP archives of one executable, as Lambda's custom runtimes take them.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// What Lambda starts in an archive of a custom runtime.
pub const BOOTSTRAP: &str = "bootstrap";

/// Packs a binary under a name. The same binary always gives the same bytes: no time of day goes in.
///
/// # Errors
///
/// The binary cannot be read.
pub fn pack(binary: &Path, name: &str, compression: CompressionMethod) -> Result<Vec<u8>> {
    let code = std::fs::read(binary).with_context(|| format!("{} cannot be read", binary.display()))?;
    pack_bytes(&code, name, compression)
}

/// The same for bytes that are in no file.
///
/// # Errors
///
/// The archive cannot be written. This does not happen in memory.
pub(crate) fn pack_bytes(code: &[u8], name: &str, compression: CompressionMethod) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(compression)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o755);
    archive.start_file(name, options)?;
    archive.write_all(code)?;
    Ok(archive.finish()?.into_inner())
}

/// The executable of an archive that [`pack`] made, with its name and its permissions.
///
/// # Errors
///
/// The bytes are no archive of exactly one file.
pub fn unpack(archive: &[u8]) -> Result<(String, u32, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(archive))?;
    anyhow::ensure!(archive.len() == 1, "the archive has {} files instead of one", archive.len());
    let mut file = archive.by_index(0)?;
    let mut code = Vec::new();
    file.read_to_end(&mut code)?;
    Ok((file.name()?.into_owned(), file.unix_mode().unwrap_or_default(), code))
}
