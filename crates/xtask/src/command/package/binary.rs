//! Whether a binary can run on Lambda's `provided.al2023`.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use memchr::memmem;

use super::Architecture;

/// The C library of Amazon Linux 2023, which `provided.al2023` is made of.
const GLIBC: (u32, u32) = (2, 34);

/// Refuses a binary that Lambda would not start.
///
/// # Errors
///
/// It is no program for this processor, or needs a newer C library.
pub(super) fn must_run_on_lambda(path: &Path, architecture: Architecture) -> Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let machine = match architecture {
        Architecture::Arm64 => 183,
        Architecture::X86 => 62,
    };
    // The header of ELF: magic number, 64 bits, little-endian; the machine at offset 18 (gABI, "ELF header").
    ensure!(bytes.starts_with(b"\x7fELF\x02\x01"), "{} is not a Linux program", path.display());
    let found = bytes.get(18..20).map_or(0, |field| u16::from_le_bytes([field[0], field[1]]));
    ensure!(found == machine, "{} is not for {}", path.display(), architecture.name());
    let needed = newest_glibc(&bytes);
    if needed > GLIBC {
        let (major, minor) = needed;
        bail!(
            "{} needs glibc {major}.{minor}, and Lambda's provided.al2023 has 2.34; build it with `cargo lambda build`, or on \
             a system with an older C library",
            path.display()
        );
    }
    Ok(())
}

/// The newest version of the C library that a binary names. Its symbols carry it as text: `GLIBC_2.34`.
fn newest_glibc(bytes: &[u8]) -> (u32, u32) {
    let mut newest = (0, 0);
    let mark = b"GLIBC_";
    for start in memmem::find_iter(bytes, mark) {
        let digits = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
        let version: Vec<u8> = bytes[start + mark.len()..].iter().take_while(digits).copied().collect();
        let mut numbers = String::from_utf8_lossy(&version).split('.').map(str::parse).collect::<Vec<_>>().into_iter();
        if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) {
            newest = newest.max((major, minor));
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(machine: u16, text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(18, 0);
        bytes.extend(machine.to_le_bytes());
        bytes.extend(text.bytes());
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn a_program_for_another_processor_or_a_newer_system_is_refused_and_named() {
        let refused = |file: &tempfile::NamedTempFile, architecture| {
            must_run_on_lambda(file.path(), architecture).unwrap_err().to_string()
        };
        assert!(must_run_on_lambda(elf(62, "GLIBC_2.17\0GLIBC_2.34\0").path(), Architecture::X86).is_ok());
        assert!(must_run_on_lambda(elf(183, "GLIBC_2.17\0").path(), Architecture::Arm64).is_ok());
        assert!(refused(&elf(183, ""), Architecture::X86).contains("not for x86_64"));
        assert!(refused(&elf(62, "GLIBC_2.39\0GLIBC_2.4\0"), Architecture::X86).contains("glibc 2.39"));
        let script = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(script.path(), "#!/bin/sh").unwrap();
        assert!(refused(&script, Architecture::X86).contains("not a Linux program"));
    }
}
