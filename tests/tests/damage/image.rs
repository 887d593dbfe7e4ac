//! What a server has left on the disk, to be damaged and put back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use fieldgate_core::storage::{ServerProof, Storage};
use fieldgate_storage_sled::SledStorage;
use fieldgate_storage_sqlx::SqliteStorage;
use fieldgate_tests::commands::{complaint, run, storage_of};
use fieldgate_tests::{Server, StorageKind};

/// The files of a storage, as they were.
#[derive(Debug)]
pub(crate) struct Image {
    /// Where they lie: a file, or a directory.
    place: PathBuf,
    kept: PathBuf,
    /// The one with the records in it, beneath both.
    log: &'static str,
    sound: Vec<u8>,
}

impl Image {
    pub(crate) fn take(server: &Server, storage: StorageKind) -> Self {
        let place = storage_of(&server.data_dir(), storage);
        let kept = server.scratch().join("kept");
        put(&place, &kept);
        let log = if storage == StorageKind::Sled {
            "db/db"
        } else {
            ""
        };
        let sound = fs::read(beneath(&kept, log)).unwrap();
        Self {
            place,
            kept,
            log,
            sound,
        }
    }

    /// Where a text is stored.
    pub(crate) fn find(&self, text: &[u8]) -> Vec<usize> {
        let windows = self.sound.windows(text.len()).enumerate();
        let found = windows.filter(|(_, window)| *window == text);
        found.map(|(at, _)| at).collect()
    }

    /// So many octets that are not zero, and a bit of each, always the same ones.
    pub(crate) fn some_octets(&self, count: usize) -> Vec<(usize, u8)> {
        let full: Vec<usize> = (0..self.sound.len())
            .filter(|at| self.sound[*at] != 0)
            .collect();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap()
        };
        (0..count)
            .map(|_| (full[next() % full.len()], 1 << (next() % 8)))
            .collect()
    }

    /// Puts the files back as they were, but for some bits of one octet.
    pub(crate) fn put_back_with(&self, octet: usize, bits: u8) {
        put(&self.kept, &self.place);
        let mut damaged = self.sound.clone();
        damaged[octet] ^= bits;
        fs::write(beneath(&self.place, self.log), damaged).unwrap();
    }

    /// What there is now, in another place.
    pub(crate) fn copy(&self) -> PathBuf {
        let copy = self.kept.with_file_name("copy");
        put(&self.place, &copy);
        copy
    }
}

/// Puts a file or a directory in the place of another.
fn put(from: &Path, to: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mut old = to.as_os_str().to_owned();
        old.push(suffix);
        let old = PathBuf::from(old);
        if old.is_dir() {
            fs::remove_dir_all(old).unwrap();
        } else if old.exists() {
            fs::remove_file(old).unwrap();
        }
    }
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            put(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

fn beneath(place: &Path, log: &str) -> PathBuf {
    if log.is_empty() {
        place.to_owned()
    } else {
        place.join(log)
    }
}

/// What a check has said.
#[derive(Debug)]
pub(crate) struct Checked(Output);

impl Checked {
    /// Checks the storage of a server that has ended.
    pub(crate) fn of(server: &Server) -> Self {
        Self(run(server, &["check"]))
    }

    /// Whether it has found something and said what, or refused to open the storage and said why.
    pub(crate) fn is_found(&self) -> bool {
        let complaint = complaint(&self.0);
        assert!(!complaint.contains("panicked at"), "{complaint}");
        match self.0.status.code() {
            Some(0) => false,
            Some(1) => {
                let said = ["error", "damaged", "are wrong"]
                    .iter()
                    .any(|word| complaint.contains(word));
                assert!(said, "nothing is said: {self:?}");
                true
            }
            _ => panic!("{self:?}"),
        }
    }

    /// Whether it has ended with these words.
    pub(crate) fn complains(&self, words: &str) -> bool {
        complaint(&self.0).contains(words)
    }

    /// Whether a line names this, and that it is damaged.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.says(name, "damaged")
    }

    /// Whether a line names this, and has that to say.
    pub(crate) fn says(&self, name: &str, problem: &str) -> bool {
        let lines = String::from_utf8_lossy(&self.0.stdout);
        let mut lines = lines.lines();
        lines.any(|line| line.starts_with(name) && line.contains(problem))
    }
}

/// All records of a storage.
pub(crate) async fn records(place: PathBuf, storage: StorageKind) -> Result<Vec<Vec<u8>>, String> {
    let opened: Arc<dyn Storage> = if storage == StorageKind::Sled {
        Arc::new(SledStorage::open(&place).map_err(|error| error.to_string())?)
    } else {
        let opened = SqliteStorage::open(&place).await;
        Arc::new(opened.map_err(|error| error.to_string())?)
    };
    let text = |error: fieldgate_core::storage::StorageError| error.to_string();
    let archive = opened.archive(ServerProof::vouch(), None).await;
    let mut archive = archive.map_err(text)?;
    let mut all = Vec::new();
    loop {
        let records = archive.next(1000).await.map_err(text)?;
        if records.is_empty() {
            return Ok(all);
        }
        all.extend(records.iter().map(|record| record.octets()));
    }
}
