//! The disk is waited for when it has to be, and no more often: seen from outside, by `strace`.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure has to name its line"
)]

mod child;
mod trace;

use std::path::Path;

use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::storage::{
    DeviceStore as _, Effects, MaintenanceStore as _, OrganizationStore as _, Seen, ServerProof,
    SessionStore as _, StorageError,
};
use fieldgate_core::testing::fixtures::{after, device, organization};
use fieldgate_storage_sled::{Durability, SledStorage};

const SERVER: ServerProof = ServerProof::vouch();

/// It is the child of the other tests too: with a task it does that.
#[tokio::test]
async fn a_child_does_its_task() {
    if let Some((dir, task)) = child::role() {
        return perform(&dir, &task).await;
    }
    for (task, answers) in [
        ("lone disk", LONE),
        ("lone process", LONE),
        ("together disk", 0),
        ("watched disk", 0),
        ("seen disk", 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let run = child::command(&[], CHILD, dir.path(), task).output();
        let run = run.unwrap();
        assert!(run.status.success(), "{task}: {run:?}");
        let output = String::from_utf8(run.stdout).unwrap();
        let said: Vec<_> = output.lines().filter_map(child::said).collect();
        assert_eq!(said.first(), Some(&"begin"), "{task}");
        assert_eq!(said.last(), Some(&"end"), "{task}");
        let answered = said.iter().filter(|said| said.starts_with("answered"));
        assert_eq!(answered.count(), answers, "{task}");
    }
}

#[test]
fn each_lone_write_is_on_the_disk_before_it_is_answered() {
    let trace = trace("lone disk", None);
    let mut answers = 0;
    let mut synced = false;
    for line in &trace {
        if is_sync_of_log(line) {
            synced = true;
        } else if child::said(line).is_some_and(|said| said.starts_with("answered")) {
            assert!(synced, "answer {answers} came before its synchronization");
            answers += 1;
            synced = false;
        }
    }
    assert_eq!(answers, LONE);
}

#[test]
fn each_new_directory_is_on_the_disk() {
    let outermost = tempfile::tempdir().unwrap();
    let dir = outermost.path().join("a/b/c");
    let trace = trace_in(&dir, "seen process", None);
    let begin = trace
        .iter()
        .position(|line| child::said(line) == Some("begin"));
    let opening = &trace[..begin.unwrap()];
    // What was made last lies in the storage's own.
    for holder in ["", "/a", "/a/b", "/a/b/c"] {
        let holder = format!("<{}{holder}>", outermost.path().display());
        let synced = |line: &&String| {
            line.contains("fsync(") && line.contains(&holder) && line.ends_with("= 0")
        };
        assert_eq!(opening.iter().filter(synced).count(), 1, "{holder}");
    }
}

#[test]
fn concurrent_writes_share_a_synchronization() {
    let trace = trace("together disk", None);
    let work = work(&trace);
    let count = work.iter().filter(|line| is_sync_of_log(line)).count();
    assert!(count >= 1);
    assert!(count <= TOGETHER / 4, "{count} for {TOGETHER} writes");
}

#[test]
fn a_process_that_need_not_wait_for_the_disk_does_not() {
    let trace = trace("lone process", None);
    let answers = trace.iter().filter_map(|line| child::said(line));
    assert_eq!(
        answers.filter(|said| said.starts_with("answered")).count(),
        LONE
    );
    // sled synchronizes too: its cleaner on a thread of its own, and all of it when it is closed.
    let writer = trace
        .iter()
        .find(|line| line.contains("\"fieldgate-sled\""));
    let writer = writer
        .and_then(|line| line.split_whitespace().next())
        .unwrap();
    let own = work(&trace)
        .iter()
        .filter(|line| line.split_whitespace().next() == Some(writer));
    let syncs: Vec<_> = own.filter(|line| line.contains("sync(")).collect();
    assert!(syncs.is_empty(), "{syncs:#?}");
}

#[test]
fn last_seen_waits_for_no_disk() {
    let trace = trace("seen disk", None);
    let work = work(&trace);
    let syncs: Vec<_> = work
        .iter()
        .filter(|line| line.contains("fdatasync("))
        .collect();
    assert!(syncs.is_empty(), "{syncs:#?}");
}

#[test]
fn nobody_sees_what_is_not_on_the_disk_yet() {
    // Slow enough for a reader that does not wait to come first.
    let trace = trace("watched disk", Some("--inject=fdatasync:delay_enter=50000"));
    let mut seen = 0;
    let mut synced = false;
    for line in work(&trace) {
        if is_sync_of_log(line) {
            synced = true;
        } else if child::said(line) == Some("seen") {
            assert!(synced, "number {seen} was seen before its synchronization");
            seen += 1;
            synced = false;
        }
    }
    assert_eq!(seen, WATCHED);
}

#[tokio::test]
async fn a_failed_write_is_told_to_all_from_then_on() {
    // Counted for each of the threads on which sled writes. There are seven: opening takes three
    // writes, on whichever of them, and so many devices enough to come to the eighth on one.
    for nth in [4, 8] {
        let dir = tempfile::tempdir().unwrap();
        let inject = format!("--inject=pwrite64:error=ENOSPC:when={nth}+");
        let trace = trace_in(dir.path(), "lone disk", Some(&inject));
        let said = work(&trace).iter().filter_map(|line| child::said(line));
        let said: Vec<_> = said
            .skip_while(|said| !said.starts_with("unavailable"))
            .collect();
        assert!(said.contains(&"reads unavailable"), "{said:#?}");
        assert!(
            said.iter().all(|said| !said.starts_with("answered")),
            "{said:#?}"
        );
        check(dir.path(), &trace).await;
    }
}

#[tokio::test]
async fn an_answered_write_survives_a_kill_at_any_step() {
    for call in ["pwrite64", "fdatasync"] {
        for nth in 2..12 {
            let dir = tempfile::tempdir().unwrap();
            let inject = format!("--inject={call}:signal=KILL:when={nth}");
            let trace = trace_in(dir.path(), "lone disk", Some(&inject));
            check(dir.path(), &trace).await;
        }
    }
}

#[tokio::test]
async fn a_failed_synchronization_is_told_to_all_from_then_on() {
    let dir = tempfile::tempdir().unwrap();
    // Of the log alone: nothing but our writer calls fdatasync.
    let inject = format!("--inject=fdatasync:error=EIO:when={FAILS_AT}");
    let trace = trace_in(dir.path(), "lone disk", Some(&inject));
    let said: Vec<_> = work(&trace)
        .iter()
        .filter_map(|line| child::said(line))
        .collect();
    let answered = said
        .iter()
        .filter(|said| said.starts_with("answered"))
        .count();
    // The first one was the organization.
    assert_eq!(answered, FAILS_AT - 2, "{said:#?}");
    let refused = said
        .iter()
        .filter(|said| said.starts_with("unavailable"))
        .count();
    assert_eq!(answered + refused, LONE, "{said:#?}");
    assert!(said.contains(&"reads unavailable"), "{said:#?}");

    check(dir.path(), &trace).await;
}

/// Opens a storage again; what was answered has to be there.
async fn check(dir: &Path, trace: &[String]) {
    let storage = SledStorage::open(dir).unwrap();
    let said = trace.iter().filter_map(|line| child::said(line));
    for receipt in said.filter_map(|said| said.strip_prefix("answered ")) {
        let (organization, device) = receipt.split_once(' ').unwrap();
        let organization: OrganizationId = organization.parse().unwrap();
        let found = storage.device(organization, device.parse().unwrap()).await;
        assert!(found.unwrap().is_some(), "lost: {device}");
    }
    storage.probe(SERVER).await.unwrap();
    storage.close().await;
}

fn trace(task: &str, inject: Option<&str>) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    trace_in(dir.path(), task, inject)
}

/// What a child does on `dir`, as far as it concerns these tests, one call of the system per line.
fn trace_in(dir: &Path, task: &str, inject: Option<&str>) -> Vec<String> {
    let mut options = vec![
        "--string-limit=200",
        "--trace=fsync,fdatasync,prctl,pwrite64,write",
    ];
    options.extend(inject);
    let trace = trace::trace(CHILD, &options, dir, task);
    trace.lines().map(str::to_owned).collect()
}

/// The part of a trace between the child's `begin` and `end`.
fn work(trace: &[String]) -> &[String] {
    let place = |word| {
        trace
            .iter()
            .position(|line| child::said(line) == Some(word))
    };
    &trace[place("begin").unwrap()..place("end").unwrap()]
}

/// Whether a line is the end of a synchronization of sled's log that has succeeded.
fn is_sync_of_log(line: &str) -> bool {
    let whole = line.contains("fdatasync(") && line.contains("/db/db>");
    let end = line.contains("<... fdatasync resumed>");
    (whole || end) && line.trim_end_matches(" (DELAYED)").ends_with("= 0")
}

/// The child: does what the task says.
async fn perform(dir: &Path, task: &str) {
    let (work, durability) = task.split_once(' ').unwrap();
    let durability = match durability {
        "disk" => Durability::Disk,
        _ => Durability::Process,
    };
    let storage = SledStorage::builder(dir)
        .durability(durability)
        .open()
        .unwrap();
    let organization = organization();
    storage
        .create_organization(SERVER, &organization, None, &Effects::NONE)
        .await
        .unwrap();
    match work {
        "lone" => lone(&storage, organization.id).await,
        "together" => together(&storage, organization.id).await,
        "watched" => watched(&storage, organization.id).await,
        "seen" => seen(&storage, organization.id).await,
        other => panic!("not a task: {other}"),
    }
    storage.close().await;
}

async fn lone(storage: &SledStorage, organization: OrganizationId) {
    child::say("begin");
    for number in 0..LONE {
        let device = device(organization, &format!("device-{number}"));
        match storage.create_device(&device, &Effects::NONE).await {
            Ok(()) => child::say(&format!("answered {organization} {}", device.id)),
            Err(StorageError::Unavailable { .. }) => child::say("unavailable"),
            Err(error) => panic!("{error}"),
        }
    }
    match storage.organization(organization).await {
        Ok(found) => assert!(found.is_some()),
        Err(_) => child::say("reads unavailable"),
    }
    child::say("end");
}

async fn together(storage: &SledStorage, organization: OrganizationId) {
    child::say("begin");
    let mut calls = Vec::new();
    for number in 0..TOGETHER {
        let storage = storage.clone();
        let device = device(organization, &format!("device-{number}"));
        calls.push(tokio::spawn(async move {
            storage
                .create_device(&device, &Effects::NONE)
                .await
                .unwrap();
        }));
    }
    for call in calls {
        call.await.unwrap();
    }
    child::say("end");
}

async fn watched(storage: &SledStorage, organization: OrganizationId) {
    child::say("begin");
    for number in 0..WATCHED {
        let device = device(organization, &format!("device-{number}"));
        let writer = {
            let (storage, device) = (storage.clone(), device.clone());
            tokio::spawn(async move { storage.create_device(&device, &Effects::NONE).await })
        };
        while storage
            .device(organization, device.id)
            .await
            .unwrap()
            .is_none()
        {
            tokio::task::yield_now().await;
        }
        child::say("seen");
        writer.await.unwrap().unwrap();
    }
    child::say("end");
}

async fn seen(storage: &SledStorage, organization: OrganizationId) {
    let device = device(organization, "device");
    storage
        .create_device(&device, &Effects::NONE)
        .await
        .unwrap();
    child::say("begin");
    for secs in 0..20 {
        let seen = Seen {
            organization_id: organization,
            device_id: device.id,
            at: after(secs),
        };
        storage.touch_devices(SERVER, &[seen]).await.unwrap();
    }
    let read = storage
        .device(organization, device.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read.presence.last_seen_at(), Some(after(19)));
    child::say("end");
}

const CHILD: &str = "a_child_does_its_task";

const LONE: usize = 60;
const TOGETHER: usize = 256;
const WATCHED: usize = 5;

/// Which of the synchronizations fails.
const FAILS_AT: usize = 6;
