//! The child that is traced: it leads the lives that it is given, and says how far it has come.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{Effects, PurgePolicy, ServerProof, Storage};
use fieldgate_core::testing::fixtures::noon;
use tokio::task::JoinSet;

use crate::backend::Backend;
use crate::life::{Life, organization};

/// The work of the proof. The lives of a part are led at once, the parts one after another, with
/// the storage closed and opened between them.
pub(crate) fn all() -> Vec<Life> {
    let mut lives = few();
    lives.extend((4..12).map(|number| Life::short(1, number)));
    // Enough to fill SQLite's log, so that it begins it anew, and some segments of sled's.
    lives.push(Life::long(2, 12));
    lives.extend((13..15).map(|number| Life::short(3, number)));
    lives
}

pub(crate) fn few() -> Vec<Life> {
    (0..4).map(|number| Life::short(0, number)).collect()
}

pub(crate) fn answers(lives: &[Life]) -> usize {
    lives.iter().map(|life| life.steps().len()).sum()
}

/// A command that does the work in a process of its own, under another program.
pub(crate) fn child(under: &[String], backend: Backend, work: &[Life], dir: &Path) -> Command {
    let mut command = Command::new(&under[0]);
    command
        .args(&under[1..])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "work::in_a_process_of_its_own", "--nocapture"])
        .env(BACKEND, format!("{backend:?}"))
        .env(WORK, (work.len() == few().len()).to_string())
        .env(DIR, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// What the child has said, if it is in this line of a trace.
pub(crate) fn said(line: &str) -> Option<&str> {
    let (_, said) = line.split_once(MARK)?;
    let (said, _) = said.split_once("\\n\"")?;
    Some(said)
}

/// No test, but the child; without its variables it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_process_of_its_own() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else {
        return;
    };
    let backend = Backend::parse(&std::env::var(BACKEND).unwrap());
    let work = match &*std::env::var(WORK).unwrap() {
        "true" => few(),
        _ => all(),
    };
    let last = work.iter().map(|life| life.part).max().unwrap();
    for part in 0..=last {
        let opened = backend.open(&dir).await.unwrap();
        let storage = opened.storage();
        if part == 0 {
            let organization = organization();
            let server = ServerProof::vouch();
            let created = storage.create_organization(server, &organization, None, &Effects::NONE);
            created.await.unwrap();
        }
        let lives = work.iter().filter(|life| life.part == part).cloned();
        let lives: JoinSet<()> = lives.map(|life| lead(Arc::clone(&storage), life)).collect();
        lives.join_all().await;
        purge(&*storage).await;
        opened.close().await;
    }
}

async fn lead(storage: Arc<dyn Storage>, life: Life) {
    for step in life.steps() {
        say(&format!("begin {}", life.number));
        life.take(&*storage, step).await;
        say(&format!("done {}", life.number));
    }
}

/// Removes what deleted devices have left, which changes no answer.
async fn purge(storage: &dyn Storage) {
    let policy = PurgePolicy {
        now: noon(),
        readings_before: None,
        health_before: None,
        quarantined_before: Timestamp::UNIX_EPOCH,
        idempotency_before: Timestamp::UNIX_EPOCH,
    };
    let server = ServerProof::vouch();
    while storage.purge(server, &policy, 500).await.unwrap().more {}
}

/// Tells the parent something, in one line and one write.
fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    let line = format!("{MARK}{line}\n");
    stdout.write_all(line.as_bytes()).unwrap();
    stdout.flush().unwrap();
}

const MARK: &str = "child: ";
const BACKEND: &str = "FIELDGATE_TEST_POWER_BACKEND";
const DIR: &str = "FIELDGATE_TEST_POWER_DIR";
const WORK: &str = "FIELDGATE_TEST_POWER_FEW";
