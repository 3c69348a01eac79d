//! Files that hold personal data, or that decide what a run does.

use crate::terminal::Refused;
use anyhow::{Context, Result};
use fs4::{FileExt, TryLockError};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind::NotFound;
#[cfg(unix)]
use std::io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
use std::io::{self, Read, Write};
use std::path::Path;
use tempfile::{NamedTempFile, PersistError};

/// Opens a file to read and write. If there is none, creates one that nobody else may read. An existing file keeps
/// its mode until [`tighten`], because it may not be the file that the caller looks for.
///
/// # Errors
///
/// Fails if the file cannot be written, or if somebody else may have put it there: see [`open`].
pub(crate) fn private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    opened(path, options, "written")
}

/// Opens a file to read.
///
/// # Errors
///
/// Fails if the file cannot be read. On Unix, returns [`Refused`] if it is not a regular file, or if it is a symbolic
/// link or belongs to another user, because somebody else may have put it there. Group and others lose their rights
/// to it.
pub(crate) fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    let file = opened(path, options, "read")?;
    tighten(path, &file)?;
    Ok(file)
}

/// The content of a file, opened with [`open`]; `None` if there is no file.
///
/// # Errors
///
/// Fails if the file cannot be read, or if somebody else may have put it there: see [`open`].
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let mut file = match open(path) {
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|why| why.kind() == NotFound) => return Ok(None),
        opened => opened?,
    };
    let mut content = Vec::new();
    file.read_to_end(&mut content).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Some(content))
}

#[cfg(unix)]
fn opened(path: &Path, mut options: OpenOptions, what: &str) -> Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::MetadataExt;
    let refuse = |why: &str| Refused(format!("{}: {why}, so somebody else may have put it there", path.display()));
    // Without NONBLOCK, opening a pipe would wait. It makes no difference for a regular file.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, i32::try_from(flags)?);
    let file = match options.open(path) {
        Err(_) if path.is_symlink() => return Err(refuse("it is a symbolic link").into()),
        opened => opened.with_context(|| format!("{} cannot be {what}", path.display()))?,
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(refuse("it is not a regular file").into());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(refuse("it belongs to another user").into());
    }
    Ok(file)
}

/// Other systems go by the folder's rights.
#[cfg(not(unix))]
fn opened(path: &Path, options: OpenOptions, what: &str) -> Result<File> {
    options.open(path).with_context(|| format!("{} cannot be {what}", path.display()))
}

/// Opens a file as [`private`] does, and locks it for this process until the file is closed or the process ends.
///
/// # Errors
///
/// Returns [`Refused`] with the text of `busy` if another process has locked it. Also fails if it cannot be written or
/// locked.
pub(crate) fn locked(path: &Path, busy: impl FnOnce() -> String) -> Result<File> {
    let file = private(path)?;
    match FileExt::try_lock(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => refuse!("{}", busy()),
        Err(TryLockError::Error(why)) => Err(why).with_context(|| format!("{} cannot be locked", path.display())),
    }
}

/// Removes everybody else's right to read an existing file.
///
/// # Errors
///
/// Fails if this user may not change it.
#[cfg(unix)]
pub(crate) fn tighten(path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let can_be_read = || format!("others can read {}, and that cannot be changed", path.display());
    let mode = file.metadata().with_context(can_be_read)?.permissions().mode();
    if mode & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(mode & 0o700)).with_context(can_be_read)?;
        // Some file systems accept the call and keep the rights.
        if file.metadata().with_context(can_be_read)?.permissions().mode() & 0o077 != 0 {
            refuse!("{}", can_be_read());
        }
    }
    Ok(())
}

/// Other systems go by the folder's rights.
#[cfg(not(unix))]
pub(crate) fn tighten(_: &Path, _: &File) -> Result<()> {
    Ok(())
}

/// A file in the folder of `path` that nobody else may read. When it is complete, it replaces `path`.
///
/// # Errors
///
/// Fails if the folder cannot be written to.
pub(crate) fn draft_of(path: &Path) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    // Whoever reads the error does not know the draft's name.
    NamedTempFile::with_prefix_in(".cognito-triggers-", folder).map_err(|why| {
        io::Error::new(why.kind(), format!("the folder {} takes no new file ({})", folder.display(), why.kind()))
    })
}

/// Writes a new file that nobody else may read, whole or not at all. On return it is on the disk, and so is its name.
///
/// # Errors
///
/// Fails if the file exists already, or cannot be written.
pub(crate) fn write_new(path: &Path, content: &str) -> Result<()> {
    write(path, content, |draft| draft.persist_noclobber(path))
}

/// Like [`write_new`], but replaces an existing file.
///
/// # Errors
///
/// Fails if the file cannot be written.
pub(crate) fn replace(path: &Path, content: &str) -> Result<()> {
    write(path, content, |draft| draft.persist(path))
}

fn write(path: &Path, content: &str, persist: impl FnOnce(NamedTempFile) -> Result<File, PersistError>) -> Result<()> {
    let written = || {
        let mut draft = draft_of(path)?;
        draft.write_all(content.as_bytes())?;
        draft.write_all(b"\n")?;
        draft.as_file().sync_all()?;
        persist(draft)?;
        sync_folder_of(path)
    };
    written().with_context(|| format!("{} cannot be written", path.display()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits until the names in a file's folder are on the disk, where the file system can tell.
#[cfg(unix)]
pub(crate) fn sync_folder_of(file: &Path) -> io::Result<()> {
    match File::open(folder_of(file)).and_then(|folder| folder.sync_all()) {
        // Some file systems cannot do this for folders, and this user may be allowed to write to a folder but not to
        // read it.
        Err(error) if matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported) => Ok(()),
        outcome => outcome,
    }
}

/// Other systems write the name with the file.
#[cfg(not(unix))]
pub(crate) fn sync_folder_of(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_that_somebody_else_may_have_put_there_is_refused_and_one_of_ours_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("state"), folder.path().join("link"));
        std::fs::write(&path, "ours").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for refused in [open(&link).unwrap_err(), private(&link).unwrap_err(), read(&link).unwrap_err()] {
            assert!(refused.is::<Refused>() && refused.to_string().contains("symbolic link"), "{refused:#}");
        }
        for refused in [open(folder.path()).unwrap_err(), open(Path::new("/dev/null")).unwrap_err()] {
            assert!(refused.to_string().contains("not a regular file"), "{refused:#}");
        }
        // Not where the tests run as root, whose these files are.
        let others = Path::new("/etc/hosts");
        if std::os::unix::fs::MetadataExt::uid(&others.metadata().unwrap()) != rustix::process::geteuid().as_raw() {
            assert!(open(others).unwrap_err().to_string().contains("another user"));
        }
        assert_eq!(read(&path).unwrap().unwrap(), b"ours");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(read(&folder.path().join("none")).unwrap().is_none());
    }

    #[test]
    fn a_new_file_is_its_owners_alone_and_replaces_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        write_new(&path, "{}").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n");
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        let error = write_new(&path, "other").unwrap_err();
        assert!(format!("{error:#}").contains("record.json"), "{error:#}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n");
    }
}
