//! The file: entries that are only ever appended, each with its length and its sum.
//!
//! An entry is what one call has changed: it counts as a whole or not at all, and so does the call.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use fieldgate_core::storage::Bookmark;

use crate::OpenError;
use crate::entry::{self, Change};

/// The records as the file has them, by their places in an archive.
pub(crate) type Records = BTreeMap<Bookmark, Vec<u8>>;

/// A journal that nobody else has open.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Why nothing can be written any more.
    broken: Option<String>,
    /// Holds the lock until it is dropped.
    lock: File,
}

impl Journal {
    /// Opens the file, which is made where it is missing, and reads what it has.
    pub(crate) fn open(path: &Path) -> Result<(Self, Records), OpenError> {
        let io = |source| OpenError::Io {
            path: path.to_owned(),
            source,
        };
        let lock = lock(path)?;
        let mut file = create_or_open(path).map_err(io)?;
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).map_err(io)?;
        let damaged = |at| OpenError::Damaged {
            path: path.to_owned(),
            at,
        };
        let (changes, end) = entry::read_all(&octets).map_err(damaged)?;
        if end < octets.len() {
            // The power went while it was written, and nobody has had an answer.
            tracing::warn!(path = %path.display(), "the last entry is cut off, and left out");
            file.set_len(end as u64).map_err(io)?;
            file.sync_all().map_err(io)?;
        }
        let written = changes.len();
        let records = applied(changes);
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            broken: None,
            lock,
        };
        if written > 2 * records.len() + MANY {
            journal.rewrite(&records).map_err(io)?;
        }
        Ok((journal, records))
    }

    /// Appends an entry, and returns when it is on the disk.
    ///
    /// After an error nobody knows what is there: the file may have the entry or not, and another
    /// attempt to sync would not tell either. So nothing is written any more; opening the file again
    /// finds out.
    pub(crate) fn append(&mut self, changes: &[Change]) -> Result<(), String> {
        if let Some(reason) = &self.broken {
            return Err(reason.clone());
        }
        let written = self.file.write_all(&entry::octets(changes));
        let synced = written.and_then(|()| self.file.sync_data());
        synced.map_err(|error| {
            let reason = format!("{}: {error}", self.path.display());
            self.broken = Some(reason.clone());
            reason
        })
    }

    /// Why nothing can be written any more, if so.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Writes and reads something on the same disk, beside the records.
    pub(crate) fn probe(&mut self) -> io::Result<()> {
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        self.lock.write_all(b"probe\n")?;
        self.lock.sync_data()?;
        self.file.metadata().map(drop)
    }

    /// What the file has now, read anew.
    pub(crate) fn read(&self) -> Result<Records, String> {
        let octets = fs::read(&self.path).map_err(|error| error.to_string())?;
        let damaged = |at| format!("the entry at octet {at} does not read");
        let (changes, end) = entry::read_all(&octets).map_err(damaged)?;
        if end < octets.len() {
            return Err(damaged(end));
        }
        Ok(applied(changes))
    }

    /// Replaces the file by one that has nothing but the records as they are: as a whole, by a
    /// rename. Before it the new file has to be on the disk, and behind it the directory.
    fn rewrite(&mut self, records: &Records) -> io::Result<()> {
        let new_path = beside(&self.path, "new");
        let mut new = owners().truncate(true).open(&new_path)?;
        let all = records.iter().map(|(place, octets)| Change {
            place: place.clone(),
            octets: Some(octets.clone()),
        });
        for some in all.collect::<Vec<_>>().chunks(MANY) {
            new.write_all(&entry::octets(some))?;
        }
        new.sync_all()?;
        fs::rename(&new_path, &self.path)?;
        sync_directory(&self.path)?;
        self.file = new;
        Ok(())
    }
}

/// Brings records up to date.
pub(crate) fn apply(records: &mut Records, changes: Vec<Change>) {
    for Change { place, octets } in changes {
        match octets {
            Some(octets) => records.insert(place, octets),
            None => records.remove(&place),
        };
    }
}

fn applied(changes: Vec<Change>) -> Records {
    let mut records = Records::new();
    apply(&mut records, changes);
    records
}

/// The lock is a file of its own: the journal itself is replaced when it is written anew.
fn lock(path: &Path) -> Result<File, OpenError> {
    let path = beside(path, "lock");
    let io = |source| OpenError::Io {
        path: path.clone(),
        source,
    };
    let file = owners().read(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

fn create_or_open(path: &Path) -> io::Result<File> {
    let is_new = !path.try_exists()?;
    let file = owners().read(true).open(path)?;
    if is_new {
        file.sync_all()?;
        sync_directory(path)?;
    }
    Ok(file)
}

/// What is made is its owner's alone: it has the hashes of secrets.
fn owners() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// The name of a file lies in its directory, which has to reach the disk too.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// How many changes an entry has at most when the file is written anew, and how many old ones the file
/// may have before that is worth it.
const MANY: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_written_any_more_once_a_write_has_failed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let (mut journal, _) = Journal::open(&path).unwrap();
        journal.append(&[]).unwrap();
        let before = fs::read(&path).unwrap();

        // One that cannot be written to.
        let whole = std::mem::replace(&mut journal.file, File::open(&path).unwrap());
        journal.append(&[]).unwrap_err();
        journal.file = whole;
        journal.append(&[]).unwrap_err();

        assert!(journal.broken().is_some());
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}
