//! A server that is killed at any moment loses nothing that it has acknowledged.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::ingestion::{IdSeed, ReadingBatch};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::reading::{TimeRange, Value};
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{
    DeviceStore as _, Effects, OrganizationStore as _, ReadingStore as _, ReportStore as _,
    SensorStore as _, ServerProof,
};
use fieldgate_core::testing::fixtures;
use fieldgate_storage_sqlx::{OpenError, SqliteStorage};

/// Kills a writing process again and again, each time a little later, and looks each time whether
/// all is there that it said was stored. That process runs this very test, and is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_kill() {
    if let Some(path) = std::env::var_os(PATH) {
        return write_until_killed(Path::new(&path)).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fieldgate.db");
    let storage = SqliteStorage::open(&path).await.unwrap();
    let organization = fixtures::organization();
    storage
        .create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE)
        .await
        .unwrap();
    let device = fixtures::device(organization.id, "pump-7");
    storage
        .create_device(&device, &Effects::NONE)
        .await
        .unwrap();
    storage.close().await;

    let mut acknowledged = BTreeSet::new();
    for cycle in 0..CYCLES {
        let first = cycle * 1_000_000;
        let place = format!("{} {} {first}", organization.id, device.id);
        kill_after(&path, &place, 1 + 7 * cycle, &mut acknowledged).await;

        let storage = SqliteStorage::open(&path).await.unwrap();
        let stored = stored_readings(&storage, organization.id, device.id).await;
        let lost: Vec<_> = acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "lost after kill {cycle}: {lost:?}");
        storage.close().await;
    }
}

/// Runs [`write_until_killed`] as a process of its own, kills it once it has acknowledged so many
/// readings, and notes all that it has acknowledged.
async fn kill_after(path: &Path, place: &str, count: i64, acknowledged: &mut BTreeSet<i64>) {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(PATH, path)
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let mut seen = 0;
    for line in lines {
        // The last line may be cut off; so only whole ones count.
        let Some(number) = line.unwrap().strip_prefix("stored ").and_then(whole) else {
            continue;
        };
        acknowledged.insert(number);
        seen += 1;
        if seen == count {
            // As long as it runs, nobody else gets the file.
            let refused = SqliteStorage::open(path).await;
            assert!(
                matches!(refused, Err(OpenError::AlreadyOpen { .. })),
                "{refused:?}"
            );
            writer.kill().unwrap();
        }
    }
    let end = writer.wait().unwrap();
    assert!(
        seen >= count,
        "it ended after {seen} of {count} readings: {end}"
    );
    assert_eq!(end.signal(), Some(SIGKILL), "{end}");
}

fn whole(line: &str) -> Option<i64> {
    line.strip_suffix('.')?.parse().ok()
}

/// What the process does that [`kill_after`] kills.
async fn write_until_killed(path: &Path) {
    let place = std::env::var(PLACE).unwrap();
    let [organization, device, first] = place.split(' ').collect::<Vec<_>>()[..] else {
        panic!("not a place: {place}");
    };
    let organization: OrganizationId = organization.parse().unwrap();
    let device: DeviceId = device.parse().unwrap();
    let first: i64 = first.parse().unwrap();
    let storage = SqliteStorage::open(path).await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let storage = storage.clone();
            tokio::spawn(async move {
                for number in (first + writer..).step_by(WRITERS as usize) {
                    write(&storage, organization, device, number).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn write(
    storage: &SqliteStorage,
    organization: OrganizationId,
    device: DeviceId,
    number: i64,
) {
    let at = Timestamp::from_unix_millis(number).unwrap();
    let reading = fixtures::reading("main/count", at, Value::BigInt(number));
    // Ids of its own: the processes count the same octets.
    let batch = ReadingBatch {
        seed: IdSeed::from_random(
            at.unix_millis().to_be_bytes().repeat(2)[6..]
                .try_into()
                .unwrap(),
        ),
        ..fixtures::batch([reading])
    };
    let limits = Limits::default();
    let outcome = storage
        .store_readings(organization, device, &batch, &limits)
        .await
        .unwrap();
    assert_eq!(outcome.stored, 1);
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "stored {number}.").unwrap();
    stdout.flush().unwrap();
}

async fn stored_readings(
    storage: &SqliteStorage,
    organization: OrganizationId,
    device: DeviceId,
) -> BTreeSet<i64> {
    let filter = SensorFilter {
        device_id: Some(device),
        ..SensorFilter::default()
    };
    let sensors = storage
        .sensors(organization, &filter, PageRequest::first(PageLimit::MAX))
        .await
        .unwrap();
    let mut stored = BTreeSet::new();
    for sensor in sensors.items {
        let mut page = PageRequest::first(PageLimit::MAX);
        loop {
            let found = storage
                .readings(organization, sensor.id, TimeRange::ALL, page)
                .await
                .unwrap();
            for reading in &found.items {
                let number = reading.timestamp.unix_millis();
                assert_eq!(reading.value, Value::BigInt(number));
                stored.insert(number);
            }
            page.after = found.items.last().map(|reading| reading.timestamp);
            if !found.more {
                break;
            }
        }
    }
    stored
}

const CYCLES: i64 = 20;

const WRITERS: i64 = 8;

const TEST: &str = "what_was_acknowledged_is_there_after_a_kill";

const SIGKILL: i32 = 9;

const PATH: &str = "FIELDGATE_TEST_CRASH_PATH";

const PLACE: &str = "FIELDGATE_TEST_CRASH_PLACE";
