//! Checks the size of a function as it is uploaded.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use local_cloud::function::Binaries;

const MIB: f64 = 1024.0 * 1024.0;

/// The largest size of each function in a ZIP archive, in MiB. Functions with the AWS SDK may be larger.
const LIMITS: [(&str, f64); 6] = [
    ("inbound-federation", 0.8),
    ("custom-message", 0.85),
    ("pre-sign-up", 2.0),
    ("post-confirmation", 2.0),
    ("post-authentication", 2.0),
    // With clients of five services, the pages in seven languages, and the mails.
    ("account-api", 5.0),
];

/// Prints the size of each function.
///
/// # Errors
///
/// Fails if a binary cannot be read or is larger than its limit.
pub(crate) fn check(binaries: &Binaries) -> Result<()> {
    let mut too_large = Vec::new();
    for (function, limit) in LIMITS {
        let size = mebibytes(zipped(binaries.path(function)?)?);
        println!("{size:>6.2} MiB of {limit:.2}  {function}");
        if size > limit {
            too_large.push(function);
        }
    }
    if !too_large.is_empty() {
        bail!("larger than their limit when zipped: {}", too_large.join(", "));
    }
    Ok(())
}

/// The bytes that a binary takes in a ZIP archive with the usual compression. The archive itself adds a few hundred.
///
/// # Errors
///
/// Fails if the file cannot be read.
pub(crate) fn zipped(binary: &Path) -> Result<u64> {
    let bytes = std::fs::read(binary).with_context(|| format!("{} cannot be read", binary.display()))?;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes)?;
    Ok(encoder.finish()?.len() as u64)
}

/// Bytes in MiB.
#[allow(clippy::cast_precision_loss, reason = "sizes of files and processes are far below 2^52")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

#[cfg(test)]
mod tests {
    use super::*;
    use local_cloud::function::ALL;

    #[test]
    fn every_function_has_a_limit() {
        let mut limited = LIMITS.map(|(function, _)| function);
        let mut functions = ALL;
        limited.sort_unstable();
        functions.sort_unstable();
        assert_eq!(limited, functions);
    }
}
