//! What was acknowledged is there after the power was lost, whenever that is.
//!
//! A child registers, provisions and deletes devices and stores their readings, under `strace`,
//! which notes all that it does to its files. From that, states are made that the disk may be in
//! ([`fieldgate_tests::disk`]) if the power goes right after an answer, or as a synchronization
//! begins. Each is opened by the storage itself, and has to hold all that was answered before, and
//! nothing in part.
//!
//! `FIELDGATE_POWER_STATES=50` tries so many ways to lose power, and at each of these moments.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod backend;
mod life;
mod work;

use std::fs;
use std::path::Path;

use backend::Backend;
use fieldgate_tests::disk::{self, Disk, Loss};
use life::{Known, Life};

#[tokio::test]
async fn sqlite_keeps_what_it_has_acknowledged() {
    keeps_all(Backend::Sqlite).await;
}

#[tokio::test]
async fn sled_keeps_what_it_has_acknowledged() {
    keeps_all(Backend::Sled).await;
}

/// The proof can fail: this is what it says of a database that is never synchronized.
#[tokio::test]
async fn sqlite_would_lose_it_with_synchronous_off() {
    let lost = lose(Backend::Sqlite, |_| true).await;
    // What is missing is something that was answered, not the order in what is there.
    assert!(lost.is_err_and(|lost| lost.contains(" is at 0, not at ")));
}

/// As with `synchronous=NORMAL`, where only a checkpoint waits for the disk.
#[tokio::test]
async fn sqlite_would_lose_it_if_its_log_were_not_synchronized() {
    let lost = lose(Backend::Sqlite, |name| name.ends_with("-wal")).await;
    // What is missing is something that was answered, not the order in what is there.
    assert!(lost.is_err_and(|lost| lost.contains(" is at 0, not at ")));
}

/// As its documentation says; it is for those who fear the end of the process only.
#[tokio::test]
async fn sled_loses_it_where_it_need_not_wait_for_the_disk() {
    let lost = lose(Backend::SledForProcess, |_| false).await;
    // What is missing is something that was answered, not the order in what is there.
    assert!(lost.is_err_and(|lost| lost.contains(" is at 0, not at ")));
}

#[tokio::test]
async fn sled_would_lose_it_if_its_log_were_not_synchronized() {
    let lost = lose(Backend::Sled, |name| name.ends_with("db")).await;
    // What is missing is something that was answered, not the order in what is there.
    assert!(lost.is_err_and(|lost| lost.contains(" is at 0, not at ")));
}

async fn keeps_all(backend: Backend) {
    let mut proof = Proof::new(backend, work::all());
    if let Err(lost) = proof.run(states(), |_| false).await {
        panic!("{lost}");
    }
    assert_eq!(proof.answers, work::answers(&work::all()));
    assert!(proof.losses > 2 * ALWAYS, "{} losses", proof.losses);
}

/// What is lost, or half there, if certain files are not synchronized.
async fn lose(backend: Backend, ignored: fn(&str) -> bool) -> Result<(), String> {
    Proof::new(backend, work::few()).run(0, ignored).await
}

/// A trace, and what has been made of it.
struct Proof {
    backend: Backend,
    trace: String,
    disk: Disk,
    known: Known,
    /// How many answers there were, how many moments, and how often the power was lost.
    answers: usize,
    moments: usize,
    losses: usize,
}

impl Proof {
    /// Has a child do some work, and traces it.
    fn new(backend: Backend, work: Vec<Life>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::holding(dir.path());
        let trace = dir.path().with_extension("trace");
        let run = work::child(&disk::strace(&trace), backend, &work, dir.path()).output();
        let run = run.unwrap_or_else(|error| {
            panic!("{error}: this test needs `strace`, which scripts/test.sh installs")
        });
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success(), "{said}");
        let text = fs::read_to_string(&trace).unwrap();
        fs::remove_file(trace).unwrap();
        Self {
            backend,
            trace: text,
            disk,
            known: Known::new(work),
            answers: 0,
            moments: 0,
            losses: 0,
        }
    }

    /// Loses power after each answer, and at some synchronizations, in two ways and `more`.
    async fn run(&mut self, more: usize, ignored: fn(&str) -> bool) -> Result<(), String> {
        let root = tempfile::tempdir().unwrap();
        let disk = std::mem::replace(&mut self.disk, Disk::holding(root.path()));
        let mut disk = disk.without_syncs_of(ignored);
        for line in std::mem::take(&mut self.trace).lines() {
            // Before it, for after it all is on the disk.
            if line.contains("sync(") && self.is_looked_at() {
                self.lose_power(&disk, more).await?;
            }
            disk.note(line);
            if work::said(line).is_some_and(|said| self.known.hear(said)) {
                self.answers += 1;
                if self.is_looked_at() {
                    self.lose_power(&disk, more).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether the next moment is one of those at which the power is lost: the first ones all are.
    fn is_looked_at(&mut self) -> bool {
        self.moments += 1;
        self.moments <= ALWAYS || self.moments.is_multiple_of(EACH) || states() > FEW
    }

    async fn lose_power(&mut self, disk: &Disk, more: usize) -> Result<(), String> {
        let ways = match disk.uncertain() {
            // However it is lost, it is the same.
            0 => vec![Loss::All],
            _ => Loss::ways(more, self.moments as u64),
        };
        for loss in ways {
            let copy = tempfile::tempdir().unwrap();
            disk.lose_power(loss, copy.path());
            self.losses += 1;
            let kept = self.open(copy.path()).await;
            kept.map_err(|lost| {
                let (answers, uncertain) = (self.answers, disk.uncertain());
                format!("{lost}; answers: {answers}, steps not on the disk: {uncertain}, {loss:?}")
            })?;
        }
        Ok(())
    }

    async fn open(&self, dir: &Path) -> Result<(), String> {
        let storage = self.backend.open_copy(dir).await?;
        let kept = self.known.check(&*storage.storage()).await;
        storage.close().await;
        kept
    }
}

fn states() -> usize {
    let states = std::env::var("FIELDGATE_POWER_STATES");
    states.map_or(FEW, |count| count.parse().unwrap())
}

/// How many ways to lose power are tried, beside the two ends, in CI.
const FEW: usize = 3;

/// At so many moments the power is lost; of the later ones, at each of so many.
const ALWAYS: usize = 150;

const EACH: usize = 8;
