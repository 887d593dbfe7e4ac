//! Files that only the own user may read: how they are written, and when they are refused.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

/// Makes a directory for the own user alone, or checks that one which is there is so.
///
/// # Errors
///
/// What the system reports; `PermissionDenied` with the reason where it is not safe.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => sync_directory(parent(path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_directory(path),
        Err(error) => Err(error),
    }
}

/// Checks that a directory is the own user's and closed to all others.
///
/// # Errors
///
/// As [`make_directory`] does.
pub(crate) fn check_directory(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() {
        return Err(refused("it is no directory"));
    }
    check_owner(&found, rustix::process::geteuid().as_raw())?;
    check_mode(&found, 0o700)
}

/// Writes a file that is not there yet: all of it, or nothing; durable when this returns.
///
/// # Errors
///
/// `AlreadyExists` where there is anything of that name, which stays as it is.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = Unfinished::write(path, content)?;
    // Unlike a rename, a link never takes the place of what is there.
    fs::hard_link(&unfinished.path, path)?;
    drop(unfinished);
    sync_directory(parent(path))
}

/// Writes a file, in the place of one that may be there: at any time one of the two is there as a
/// whole; durable when this returns.
///
/// # Errors
///
/// What the system reports.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = Unfinished::write(path, content)?;
    fs::rename(&unfinished.path, path)?;
    sync_directory(parent(path))
}

/// Reads a file; `None` if there is none.
///
/// # Errors
///
/// `PermissionDenied` with the reason for a symbolic link, for a file of another user, and for
/// one that others may read or write; it is not read then.
pub(crate) fn read(path: &Path) -> io::Result<Option<Zeroizing<String>>> {
    let opened = OpenOptions::new()
        .read(true)
        // Does not follow a link, and does not wait for the other end of a pipe.
        .custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32)
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) if is_link(path) => {
            return Err(refused("it is a symbolic link: put the file itself there"));
        }
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refused("it is no regular file"));
    }
    check_owner(&found, rustix::process::geteuid().as_raw())?;
    check_mode(&found, 0o600)?;
    if found.len() > MAX_LEN {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
    }
    // With all its room from the start, the text is never moved and leaves no copy behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_CAPACITY));
    (&mut file).take(MAX_LEN).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Removes a file if it is there; durable when this returns.
///
/// # Errors
///
/// What the system reports.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_directory(parent(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes what writes that were cut off have left in a directory. Nobody else may be writing
/// there.
///
/// # Errors
///
/// What the system reports.
pub(crate) fn remove_unfinished(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(UNFINISHED) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A name in a directory for a file that is not finished; [`remove_unfinished`] removes it.
pub(crate) fn unfinished(directory: &Path, name: &str) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);

    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    directory.join(format!(
        "{UNFINISHED}{}-{number}-{name}",
        std::process::id()
    ))
}

/// A file that is written under a name of its own first; gone when this is dropped.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    fn write(target: &Path, content: &[u8]) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let path = unfinished(parent(target), &name.to_string_lossy());
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let this = Self { path };
        file.write_all(content)?;
        file.sync_all()?;
        Ok(this)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After a rename there is nothing any more; else the next start removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes the names in a directory durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

fn check_owner(found: &fs::Metadata, user: u32) -> io::Result<()> {
    if found.uid() == user {
        return Ok(());
    }
    Err(refused(
        "it belongs to another user: chown it to the one that the server runs as",
    ))
}

fn check_mode(found: &fs::Metadata, mode: u32) -> io::Result<()> {
    let others = found.mode() & 0o077;
    if others == 0 {
        return Ok(());
    }
    Err(refused(format!(
        "others may use it (mode {:04o}): chmod {mode:04o} it, and if others were on this machine, \
         take what is in it for known",
        found.mode() & 0o7777
    )))
}

fn refused(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason.into())
}

/// How the names of unfinished files begin.
const UNFINISHED: &str = ".unfinished-";

/// The longest file that is read.
const MAX_LEN: u64 = 64 * 1024;
const MAX_CAPACITY: usize = 64 * 1024;

/// Leaves behind what a write leaves whose process was killed.
#[cfg(test)]
pub(crate) fn leave_unfinished(target: &Path, content: &[u8]) {
    if let Ok(unfinished) = Unfinished::write(target, content) {
        std::mem::forget(unfinished);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn create_is_private_and_never_overwrites() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        create(&path, b"first").unwrap();
        assert_eq!(mode(&path), 0o600);
        let again = create(&path, b"second").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(&path).unwrap().unwrap().as_str(), "first");
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    fn create_does_not_follow_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        let path = directory.path().join("link");
        symlink(&target, &path).unwrap();
        assert!(create(&path, b"text").is_err());
        assert!(!target.exists());
    }

    #[test]
    fn replace_is_private_whatever_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "open to all").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        replace(&path, b"closed").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(read(&path).unwrap().unwrap().as_str(), "closed");
        assert_eq!(names(directory.path()), ["file"]);
    }

    #[test]
    fn read_refuses_what_others_can_use() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert!(read(&path).unwrap().is_none());
        create(&path, b"text").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o666, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{mode:o}");
            assert!(error.to_string().contains("chmod 0600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(read(&path).unwrap().is_some());
    }

    #[test]
    fn the_owner_counts() {
        let directory = tempfile::tempdir().unwrap();
        let found = fs::metadata(directory.path()).unwrap();
        assert!(check_owner(&found, found.uid()).is_ok());
        let error = check_owner(&found, found.uid() + 1).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn modes_do_not_hang_on_the_umask() {
        // Wider for all tests of this process, none of which relies on a narrow one.
        rustix::process::umask(rustix::fs::Mode::empty());
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("ca");
        make_directory(&inner).unwrap();
        create(&inner.join("created"), b"text").unwrap();
        replace(&inner.join("replaced"), b"text").unwrap();
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&inner.join("created")), 0o600);
        assert_eq!(mode(&inner.join("replaced")), 0o600);
    }

    #[test]
    fn read_refuses_links_and_directories() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        create(&path, b"text").unwrap();
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        let error = read(&link).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert!(read(directory.path()).is_err());
    }

    #[test]
    fn directories_are_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca");
        make_directory(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        make_directory(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let error = make_directory(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 0700"), "{error}");
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(make_directory(&link).is_err());
    }

    #[test]
    fn leftovers_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(".unfinished-1-2-issuing.pem"), "half").unwrap();
        fs::write(directory.path().join("issuing.pem"), "whole").unwrap();
        remove_unfinished(directory.path()).unwrap();
        assert_eq!(names(directory.path()), ["issuing.pem"]);
    }
}
