//! Fills a store once, by the way in which archives come in.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fieldgate_core::storage::{ArchiveRecord, IMPORT_WEIGHT, ServerProof, Storage};
use tokio::task::JoinSet;

use crate::storage::fleet::Fleet;

/// Puts all of a fleet into a storage, and tells how far it has come.
pub(crate) async fn fill(storage: &Arc<dyn Storage>, fleet: Fleet, name: &str) {
    import(&**storage, &fleet.places()).await;
    let mut progress = Progress::begin(name, fleet.devices);
    let (next, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (storage, next, done) = (Arc::clone(storage), Arc::clone(&next), Arc::clone(&done));
        writers.spawn(async move {
            loop {
                let first = next.fetch_add(BLOCK, Ordering::Relaxed);
                if first >= fleet.devices {
                    return;
                }
                let last = (first + BLOCK).min(fleet.devices);
                put(&*storage, fleet, first..last).await;
                done.fetch_add(last - first, Ordering::Relaxed);
            }
        });
    }
    while !writers.is_empty() {
        let ended = tokio::time::timeout(SHOWN_EVERY, writers.join_next()).await;
        if let Ok(Some(writer)) = ended {
            writer.expect("the store takes it all");
        }
        progress.reach(done.load(Ordering::Relaxed));
    }
    progress.end();
}

/// Puts some devices with all that they have.
async fn put(storage: &dyn Storage, fleet: Fleet, numbers: std::ops::Range<usize>) {
    let (mut records, mut weight) = (Vec::new(), 0);
    for record in numbers.flat_map(|number| fleet.records(number)) {
        weight += record.weight();
        records.push(record);
        if weight > IMPORT_WEIGHT - ROOM {
            import(storage, &records).await;
            records.clear();
            weight = 0;
        }
    }
    import(storage, &records).await;
}

async fn import(storage: &dyn Storage, records: &[ArchiveRecord]) {
    let imported = storage.import(ServerProof::vouch(), records).await;
    imported.expect("the store takes it");
}

/// Shows how far it is and how long it will take, on standard error.
struct Progress {
    name: String,
    total: usize,
    begun: Instant,
    /// The last share that was shown, in percent.
    shown: usize,
}

impl Progress {
    fn begin(name: &str, total: usize) -> Self {
        Self {
            name: name.to_owned(),
            total,
            begun: Instant::now(),
            shown: 0,
        }
    }

    fn reach(&mut self, done: usize) {
        let percent = done * 100 / self.total;
        let is_terminal = std::io::stderr().is_terminal();
        // In a file each line stays.
        if done == 0 || (!is_terminal && percent < self.shown + 10) {
            return;
        }
        self.shown = percent;
        let left = self.begun.elapsed().as_secs() as usize * (self.total - done) / done;
        let line = format!(
            "filling {}: {done} of {} devices ({percent} %), {left} s left",
            self.name, self.total
        );
        let mut stderr = std::io::stderr().lock();
        // Who does not see it misses nothing.
        let _ = if is_terminal {
            write!(stderr, "\r{line}   ")
        } else {
            writeln!(stderr, "{line}")
        };
    }

    fn end(&self) {
        let begin = if std::io::stderr().is_terminal() {
            "\r"
        } else {
            ""
        };
        let seconds = self.begun.elapsed().as_secs();
        let mut stderr = std::io::stderr().lock();
        let _ = writeln!(
            stderr,
            "{begin}filled {} in {seconds} s{:40}",
            self.name, ""
        );
    }
}

/// How many imports are under way at a time.
const WRITERS: usize = 4;

/// How many devices a writer takes at a time.
const BLOCK: usize = 1000;

/// More than the weight of a record.
const ROOM: usize = 4096;

const SHOWN_EVERY: Duration = Duration::from_millis(500);
