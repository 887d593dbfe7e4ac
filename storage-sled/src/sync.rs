//! Makes what sled has written survive the loss of power.
//!
//! On Linux sled's flush is `sync_file_range`: it hands the octets to the disk, but neither the
//! file's new length nor the disk's own cache. Only `fsync` and `fdatasync` do.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The files of an open sled directory, as far as they change while it is open.
#[derive(Debug)]
pub(crate) struct Syncer {
    /// The log, which holds all records. sled never replaces it.
    log: File,
    blob_dir: PathBuf,
    /// The number of the newest blob that is on the disk; sled counts them up.
    newest_blob: Option<i64>,
}

impl Syncer {
    /// Synchronizes everything that is there and keeps the log open.
    ///
    /// The log is opened before sled writes to it again, so that no error of the disk is reported
    /// to somebody else only.
    pub(crate) fn new(dir: &Path) -> io::Result<Self> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                File::open(entry.path())?.sync_all()?;
            }
        }
        let blob_dir = dir.join("blobs");
        let mut syncer = Self {
            log: File::open(dir.join("db"))?,
            blob_dir,
            newest_blob: None,
        };
        syncer.sync_blobs()?;
        File::open(&syncer.blob_dir)?.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(syncer)
    }

    /// Waits until all that sled has written is on the disk.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        // A blob has to be there before the log that refers to it.
        self.sync_blobs()?;
        self.log.sync_data()
    }

    /// Records are too small to become blobs, so that there should be none; but that is sled's to
    /// decide.
    fn sync_blobs(&mut self) -> io::Result<()> {
        let mut newest = self.newest_blob;
        for entry in fs::read_dir(&self.blob_dir)? {
            let path = entry?.path();
            let number = path.file_name().and_then(OsStr::to_str);
            let Some(number) = number.and_then(|name| name.parse::<i64>().ok()) else {
                continue;
            };
            if Some(number) <= self.newest_blob {
                continue;
            }
            match File::open(&path) {
                Ok(file) => file.sync_all()?,
                // sled has removed it since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            newest = newest.max(Some(number));
        }
        if newest != self.newest_blob {
            File::open(&self.blob_dir)?.sync_all()?;
            self.newest_blob = newest;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_blobs_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("blobs")).unwrap();
        fs::write(dir.path().join("db"), b"log").unwrap();
        fs::write(dir.path().join("blobs/7"), b"old").unwrap();
        let mut syncer = Syncer::new(dir.path()).unwrap();
        assert_eq!(syncer.newest_blob, Some(7));
        fs::write(dir.path().join("blobs/19"), b"new").unwrap();
        fs::write(dir.path().join("blobs/other"), b"not a blob").unwrap();
        syncer.sync().unwrap();
        assert_eq!(syncer.newest_blob, Some(19));
    }
}
