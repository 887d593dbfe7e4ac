//! What the intake promises to messages that the writer takes together.

use fieldgate_core::model::device::Device;
use fieldgate_core::model::ingestion::{IdSeed, IngestOutcome, ReadingBatch, ReportedReading};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::reading::{Finite, TimeRange, Value};
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::storage::{
    DeviceStore as _, Effects, OrganizationStore as _, ReadingStore as _, ReportStore as _,
    SensorStore as _, ServerProof, StorageError,
};
use fieldgate_core::testing::fixtures::{after, batch, device, noon, organization, reading};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{ROWS, lock};
use crate::SqliteStorage;

#[tokio::test]
async fn messages_that_wait_together_are_stored_as_one_after_the_other() {
    let (together, _directory, devices) = fresh().await;
    let (alone, _other_directory, others) = fresh().await;
    let fraction = || Value::Double(Finite::new(0.5).unwrap());
    // New and known sensors, a fraction for a time that has its reading, one that widens a type, a
    // value that does not fit, and a reading that is there already; of two devices in turn.
    let messages = [
        (0, reading("main/a", noon(), Value::BigInt(1))),
        (0, reading("main/a", noon(), fraction())),
        (1, reading("main/a", noon(), Value::BigInt(2))),
        (0, reading("main/a", noon(), Value::BigInt(3))),
        (0, reading("main/b", after(1), Value::Boolean(true))),
        (0, reading("main/a", after(2), fraction())),
        (0, reading("main/b", after(3), Value::BigInt(4))),
        (1, reading("other/a", after(2), Value::BigInt(5))),
        (0, reading("main/a", after(1), Value::BigInt(6))),
    ];
    let held = Held::hold(&together).await;
    let before = together.commits();
    let mut calls = Vec::new();
    for (number, (device, reading)) in (1..).zip(messages.clone()) {
        calls.push(spawn(&together, &devices[device], message(number, reading)));
        held.wait_for(&together, calls.len()).await;
    }
    held.release().await;
    let mut at_once = Vec::new();
    for call in calls {
        at_once.push(call.await.unwrap().unwrap());
    }
    // The job that held the writer is in it too.
    assert_eq!(together.commits() - before, 1);

    let mut in_turn = Vec::new();
    for (number, (device, reading)) in (1..).zip(messages) {
        let batch = message(number, reading);
        let stored = spawn(&alone, &others[device], batch).await.unwrap();
        in_turn.push(stored.unwrap());
    }
    let stored: Vec<_> = in_turn.iter().map(|outcome| outcome.stored).collect();
    assert_eq!(stored, [1, 0, 1, 0, 1, 1, 0, 1, 1]);
    assert_eq!(at_once, in_turn);
    for (device, other) in devices.iter().zip(&others) {
        assert_eq!(
            contents(&together, device).await,
            contents(&alone, other).await
        );
    }
}

#[tokio::test]
async fn one_that_fails_does_not_hurt_those_taken_with_it() {
    let (storage, _directory, devices) = fresh().await;
    let unknown = device(devices[0].organization_id, "unknown");
    let held = Held::hold(&storage).await;
    let mut calls = Vec::new();
    for (number, device) in (1..).zip([&devices[0], &unknown, &devices[1]]) {
        let reading = reading("main/a", noon(), Value::BigInt(1));
        calls.push(spawn(&storage, device, message(number, reading)));
    }
    held.wait_for(&storage, 3).await;
    held.release().await;
    let mut stored = Vec::new();
    for call in calls {
        stored.push(call.await.unwrap().map(|outcome| outcome.stored));
    }
    assert!(matches!(stored[0], Ok(1)), "{stored:?}");
    assert!(
        matches!(stored[1], Err(StorageError::NotFound { .. })),
        "{stored:?}"
    );
    assert!(matches!(stored[2], Ok(1)), "{stored:?}");
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_its_waiting_message_along() {
    let (storage, _directory, devices) = fresh().await;
    let held = Held::hold(&storage).await;
    let of = |number, key| message(number, reading(key, noon(), Value::BigInt(1)));
    let gone = spawn(&storage, &devices[0], of(1, "main/gone"));
    held.wait_for(&storage, 1).await;
    let stays = spawn(&storage, &devices[0], of(2, "main/stays"));
    held.wait_for(&storage, 2).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    held.release().await;
    stays.await.unwrap().unwrap();
    let lines = contents(&storage, &devices[0]).await;
    assert!(!lines.is_empty());
    assert!(lines.iter().all(|line| line.contains("stays")), "{lines:?}");
}

#[tokio::test]
async fn a_job_has_an_end_and_what_is_left_is_the_next_one() {
    let (storage, _directory, devices) = fresh().await;
    let held = Held::hold(&storage).await;
    let mut calls = Vec::new();
    for number in 1..=3 {
        let readings = (0..ROWS as u64).map(|n| {
            let at = after(n * 3 + u64::from(number));
            reading("main/a", at, Value::BigInt(1))
        });
        let message = ReadingBatch {
            received_at: after(10_000),
            seed: seed(number),
            ..batch(readings.collect::<Vec<_>>())
        };
        calls.push(spawn(&storage, &devices[0], message));
    }
    held.wait_for(&storage, 3).await;
    held.release().await;
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().stored, ROWS);
    }
    assert!(lock(&storage.intake.waiting).messages.is_empty());
}

#[tokio::test]
async fn all_that_wait_hear_that_the_storage_is_closed() {
    let (storage, _directory, devices) = fresh().await;
    storage.close().await;
    for number in 1..=2 {
        let reading = reading("main/a", noon(), Value::BigInt(1));
        let refused = spawn(&storage, &devices[0], message(number, reading));
        let refused = refused.await.unwrap();
        assert!(
            matches!(refused, Err(StorageError::Unavailable { .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn of_one_device_the_order_stays_whatever_fails_beside_it() {
    let (storage, _directory, devices) = fresh().await;
    execute(
        &storage,
        "CREATE TRIGGER refuse BEFORE INSERT ON reading WHEN new.value = 13 \
         BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    .await;
    let unknown = device(devices[0].organization_id, "unknown");
    // One that is known to fail before anything is written, and one that fails all at the end.
    for (at, failing, value) in [(1, &unknown, 3), (2, &devices[1], 13)] {
        let held = Held::hold(&storage).await;
        let before = storage.commits();
        let mut calls = Vec::new();
        for (device, value) in [(&devices[0], 1), (failing, value), (&devices[0], 2)] {
            let reading = reading("main/a", after(at), Value::BigInt(value));
            let number = u8::try_from(10 * at).unwrap() + u8::try_from(value).unwrap();
            calls.push(spawn(&storage, device, message(number, reading)));
            held.wait_for(&storage, calls.len()).await;
        }
        held.release().await;
        let mut stored = Vec::new();
        for call in calls {
            stored.push(call.await.unwrap().ok().map(|outcome| outcome.stored));
        }
        assert_eq!(stored, [Some(1), None, Some(0)]);
        assert_eq!(storage.commits() - before, 1);
    }
    let lines = contents(&storage, &devices[0]).await.join("\n");
    assert!(lines.contains("BigInt(1)"), "{lines}");
    assert!(!lines.contains("BigInt(2)"), "{lines}");
}

#[tokio::test]
async fn a_lost_transaction_is_lost_for_all_that_it_held() {
    let (storage, _directory, devices) = fresh().await;
    execute(
        &storage,
        "CREATE TRIGGER lose BEFORE INSERT ON reading WHEN new.value = 13 \
         BEGIN SELECT RAISE(ROLLBACK, 'lost'); END",
    )
    .await;
    let held = Held::hold(&storage).await;
    let mut calls = Vec::new();
    for (number, value) in [(1, 1), (2, 13)] {
        let reading = reading(
            "main/a",
            after(value),
            Value::BigInt(i64::try_from(value).unwrap()),
        );
        calls.push(spawn(&storage, &devices[0], message(number, reading)));
    }
    held.wait_for(&storage, 2).await;
    held.release.send(()).unwrap();
    held.job.await.unwrap().unwrap_err();
    for call in calls {
        let lost = call.await.unwrap();
        assert!(
            matches!(lost, Err(StorageError::Unavailable { .. })),
            "{lost:?}"
        );
    }
    assert!(contents(&storage, &devices[0]).await.is_empty());
}

#[tokio::test]
async fn a_job_that_took_nothing_fails_nothing_that_waits_for_the_next() {
    let (storage, _directory, devices) = fresh().await;
    let held = Held::hold(&storage).await;
    let of = |number| message(number, reading("main/a", noon(), Value::BigInt(1)));
    let gone = spawn(&storage, &devices[0], of(1));
    held.wait_for(&storage, 1).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    // Behind the job that takes nothing, and in its transaction.
    let (entered, has_entered) = oneshot::channel();
    let (lose, losing) = oneshot::channel::<()>();
    let loses = storage.clone();
    let loses = tokio::spawn(async move {
        let job = loses.write(move |tx| {
            Box::pin(async move {
                entered.send(()).unwrap();
                losing.await.unwrap();
                sqlx::query("ROLLBACK").execute(tx).await?;
                Ok(())
            })
        });
        job.await
    });
    tokio::task::yield_now().await;
    held.release.send(()).unwrap();
    has_entered.await.unwrap();
    let stays = spawn(&storage, &devices[0], of(2));
    until_waiting(&storage, 1).await;
    lose.send(()).unwrap();
    loses.await.unwrap().unwrap_err();
    held.job.await.unwrap().unwrap_err();
    assert_eq!(stays.await.unwrap().unwrap().stored, 1);
}

#[tokio::test]
async fn a_message_that_makes_a_job_too_heavy_is_left_for_the_next() {
    let (storage, _directory, devices) = fresh().await;
    let held = Held::hold(&storage).await;
    let mut calls = Vec::new();
    for (number, count) in [(1, ROWS - 1), (2, 2)] {
        let readings = (0..count).map(|n| {
            let at = after(u64::try_from(n).unwrap());
            reading("main/a", at, Value::BigInt(1))
        });
        let message = ReadingBatch {
            received_at: after(10_000),
            seed: seed(number),
            ..batch(readings.collect::<Vec<_>>())
        };
        calls.push(spawn(&storage, &devices[0], message));
        held.wait_for(&storage, calls.len()).await;
    }
    let taken = storage.intake.take();
    assert_eq!(super::weight(&taken), ROWS - 1);
    assert_eq!(lock(&storage.intake.waiting).messages.len(), 1);
    held.release().await;
}

async fn execute(storage: &SqliteStorage, statement: &'static str) {
    let done = storage.write(move |tx| {
        Box::pin(async move {
            sqlx::query(statement).execute(tx).await?;
            Ok(())
        })
    });
    done.await.unwrap();
}

async fn until_waiting(storage: &SqliteStorage, count: usize) {
    while lock(&storage.intake.waiting).messages.len() < count {
        tokio::task::yield_now().await;
    }
}

async fn fresh() -> (SqliteStorage, TempDir, Vec<Device>) {
    let directory = tempfile::tempdir().unwrap();
    let storage = SqliteStorage::open(&directory.path().join("test.db")).await;
    let storage = storage.unwrap();
    let organization = organization();
    let server = ServerProof::vouch();
    let created = storage.create_organization(server, &organization, None, &Effects::NONE);
    created.await.unwrap();
    let mut devices = Vec::new();
    for name in ["pump-7", "fan-1"] {
        let device = device(organization.id, name);
        storage
            .create_device(&device, &Effects::NONE)
            .await
            .unwrap();
        devices.push(device);
    }
    (storage, directory, devices)
}

fn message(number: u8, reading: ReportedReading) -> ReadingBatch {
    ReadingBatch {
        seed: seed(number),
        ..batch([reading])
    }
}

/// The same in each storage, so that the same ids are made.
fn seed(number: u8) -> IdSeed {
    IdSeed::from_random([number; 10])
}

fn spawn(
    storage: &SqliteStorage,
    device: &Device,
    batch: ReadingBatch,
) -> JoinHandle<Result<IngestOutcome, StorageError>> {
    let storage = storage.clone();
    let (organization, device) = (device.organization_id, device.id);
    tokio::spawn(async move {
        let limits = Limits::default();
        storage
            .store_readings(organization, device, &batch, &limits)
            .await
    })
}

/// The sensors of a device and their readings, without the ids that differ between storages.
async fn contents(storage: &SqliteStorage, device: &Device) -> Vec<String> {
    let filter = SensorFilter {
        device_id: Some(device.id),
        ..SensorFilter::default()
    };
    let page = PageRequest::first(PageLimit::MAX);
    let organization = device.organization_id;
    let sensors = storage.sensors(organization, &filter, page).await.unwrap();
    let mut lines = Vec::new();
    for sensor in sensors.items {
        let page = PageRequest::first(PageLimit::MAX);
        let readings = storage
            .readings(organization, sensor.id, TimeRange::ALL, page)
            .await
            .unwrap();
        let (id, key, latest) = (sensor.id, &sensor.key, &sensor.latest);
        let (settings, origin) = (&sensor.settings, sensor.type_origin);
        lines.push(format!("{id} {key} {settings:?} {origin:?} {latest:?}"));
        for reading in readings.items {
            lines.push(format!("{key} {} {:?}", reading.timestamp, reading.value));
        }
    }
    lines
}

/// A job that holds the writer, so that messages have to wait.
struct Held {
    release: oneshot::Sender<()>,
    job: JoinHandle<Result<(), StorageError>>,
}

impl Held {
    async fn hold(storage: &SqliteStorage) -> Self {
        let (entered, has_entered) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let holding = storage.clone();
        let job = tokio::spawn(async move {
            let held = holding.write(move |_| {
                Box::pin(async move {
                    entered.send(()).unwrap();
                    released.await.unwrap();
                    Ok(())
                })
            });
            held.await
        });
        has_entered.await.unwrap();
        Self { release, job }
    }

    /// Waits until so many messages wait.
    async fn wait_for(&self, storage: &SqliteStorage, count: usize) {
        until_waiting(storage, count).await;
    }

    async fn release(self) {
        self.release.send(()).unwrap();
        self.job.await.unwrap().unwrap();
    }
}
