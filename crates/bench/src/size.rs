//! The size of a function as it is uploaded.

use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::DeflateEncoder;

/// The bytes of a binary in a ZIP archive of the usual compression, without the archive's own few hundred.
///
/// # Errors
///
/// The file cannot be read.
pub fn zipped(binary: &Path) -> Result<u64> {
    let mut file = std::fs::File::open(binary).with_context(|| format!("{} cannot be read", binary.display()))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.len() as u64)
}
