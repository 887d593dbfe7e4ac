//! The data directory: where things lie in it, and that one process at a time uses it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::failure::Failure;
use crate::private_file;
use crate::settings::DATABASE_FILE;

/// The data directory, held by this process until dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// What came of the attempt to hold a data directory.
#[derive(Debug)]
pub(crate) enum Held {
    /// By this process.
    Here(DataDir),
    /// By another process, most likely the server.
    Elsewhere,
}

impl DataDir {
    /// Makes the directory where it is missing, and holds it.
    ///
    /// # Errors
    ///
    /// [`Failure`] where it cannot be made or is not safe.
    pub(crate) fn hold(path: &Path) -> Result<Held, Failure> {
        make(path).map_err(|error| {
            Failure::runtime(format!("the data directory {}: {error}", path.display()))
        })?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .with_context(|| format!("{} cannot be opened", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Held::Elsewhere),
            Err(TryLockError::Error(error)) => {
                let at = lock_path.display();
                return Err(Failure::runtime(format!("{at} cannot be locked: {error}")));
            }
        }
        let this = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        // What a process that was killed has left must mislead nobody.
        private_file::remove(&address_file(path)).context("an old server.json is in the way")?;
        private_file::remove_unfinished(path).context("the data directory cannot be read")?;
        Ok(Held::Here(this))
    }

    /// Holds a directory that is there.
    ///
    /// # Errors
    ///
    /// [`Failure`] where it is not, and as [`DataDir::hold`] has.
    pub(crate) fn hold_present(path: &Path) -> Result<Held, Failure> {
        if !path.is_dir() {
            return Err(Failure::configuration(format!(
                "there is no data directory {}: name the right one by --data-dir",
                path.display()
            )));
        }
        Self::hold(path)
    }

    /// Where the CA's keys lie.
    pub(crate) fn ca(&self) -> PathBuf {
        ca(&self.path)
    }

    /// Where the key of the organization `default` lies.
    pub(crate) fn admin_key(&self) -> PathBuf {
        admin_key(&self.path)
    }

    /// Where the server's own key lies.
    pub(crate) fn server_key(&self) -> PathBuf {
        server_key(&self.path)
    }

    /// Where everything else lies, unless `--storage` says otherwise.
    pub(crate) fn database_file(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// Is there while the first start is under way.
    pub(crate) fn first_start_marker(&self) -> PathBuf {
        self.path.join("first-start")
    }

    /// Says where the running server is reached.
    pub(crate) fn address_file(&self) -> PathBuf {
        address_file(&self.path)
    }

    /// Says by which URL devices reached the server when it was last ready.
    pub(crate) fn device_url(&self) -> PathBuf {
        self.path.join("device-url")
    }
}

/// Where the CA's keys lie.
pub(crate) fn ca(data_dir: &Path) -> PathBuf {
    data_dir.join("ca")
}

/// Where the key of the organization `default` lies.
pub(crate) fn admin_key(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.key")
}

/// Where the server's own key lies.
pub(crate) fn server_key(data_dir: &Path) -> PathBuf {
    data_dir.join("server.key")
}

/// Says where the running server is reached.
pub(crate) fn address_file(data_dir: &Path) -> PathBuf {
    data_dir.join("server.json")
}

/// An operator may have made the directory before, open to others as `mkdir` does it: what is
/// secret in it has modes of its own. But where others can write, they can put files of theirs in
/// the place of ours.
fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mode = path.metadata()?.permissions().mode();
    if mode & 0o022 == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!(
            "others may write to it (mode {:04o}): chmod 0700 it",
            mode & 0o7777
        ),
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn one_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data/deeper");
        let Held::Here(first) = DataDir::hold(&path).unwrap() else {
            panic!("it is held already");
        };
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        assert!(matches!(DataDir::hold(&path).unwrap(), Held::Elsewhere));
        drop(first);
        assert!(matches!(DataDir::hold(&path).unwrap(), Held::Here(_)));
    }

    #[test]
    fn what_others_can_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(directory.path(), open).unwrap();
        let refused = DataDir::hold(directory.path()).unwrap_err();
        assert!(refused.line().contains("chmod 0700"), "{}", refused.line());
    }

    #[test]
    fn an_old_address_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(address_file(directory.path()), "{}").unwrap();
        let _held = DataDir::hold(directory.path()).unwrap();
        assert!(!address_file(directory.path()).exists());
    }
}
