//! Notices when the end of sled's log is gone.
//!
//! sled takes a piece of its log with a wrong checksum for the end of it, as a crash leaves one, and
//! drops all that comes behind in silence. So each batch carries a number, and a file beside the
//! log says which number has been there for certain.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sled::Tree;

use crate::keys::{self, KeyReader};

/// How many batches there have been.
#[derive(Debug)]
pub(crate) struct Extent {
    file: PathBuf,
    /// The number of the last batch that was applied.
    last: AtomicU64,
    /// When the file was written.
    noted: Instant,
}

impl Extent {
    /// Reads how far the log goes; `Err` gives the reason why it is too short.
    pub(crate) fn open(dir: &Path, tree: &Tree) -> Result<Self, String> {
        let file = dir.join(FILE);
        let stored = tree
            .get(keys::meta(KEY))
            .map_err(|error| error.to_string())?;
        let last = stored.map_or(Ok(0), |stored| KeyReader::value(&stored).u64());
        let last = last.map_err(|error| error.to_string())?;
        // A file that the power has cut off says nothing.
        let text = fs::read_to_string(&file).unwrap_or_default();
        let certain = text.trim().parse().unwrap_or(0);
        if last < certain {
            return Err(format!(
                "the newest part of its log does not read: of {certain} changes there are {last}"
            ));
        }
        Ok(Self {
            file,
            last: AtomicU64::new(last),
            noted: Instant::now(),
        })
    }

    /// What the next batch carries.
    pub(crate) fn next(&self) -> (Vec<u8>, [u8; 8]) {
        let next = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        (keys::meta(KEY), next.to_be_bytes())
    }

    /// All batches are durable: notes so now and then, without waiting for the disk.
    pub(crate) fn note(&mut self) {
        if self.noted.elapsed() >= NOTE_EVERY {
            self.noted = Instant::now();
            // An old note is a weaker one, and not a wrong one.
            let _ = self.write(false);
        }
    }

    /// All batches are durable, and there will be no more.
    pub(crate) fn close(&self) {
        if let Err(error) = self.write(true) {
            tracing::warn!(%error, "the extent of the log could not be noted");
        }
    }

    fn write(&self, sync: bool) -> io::Result<()> {
        let new = self.file.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&new)?;
        writeln!(file, "{}", self.last.load(Ordering::Relaxed))?;
        if sync {
            file.sync_all()?;
        }
        fs::rename(&new, &self.file)
    }
}

/// The file, and the key in the tree.
const FILE: &str = "extent";
const KEY: &str = "extent";

const NOTE_EVERY: Duration = Duration::from_secs(10);
