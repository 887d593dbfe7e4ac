//! Clauses of [`ArchiveStore`](crate::storage::ArchiveStore): what an archive sees while others write,
//! and what a check finds.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::archive_world::{archived, carry, disturb, everything, memory, octets, put};
use super::world::{SERVER, new_organization, pump, report};
use crate::storage::{ArchiveRecord, Effects, IMPORT_WEIGHT, RecordKind, RetainedTopic};
use crate::testing::fixtures::{
    after, component, device, double, metadata, noon, reading, text, token,
};
use crate::testing::storage::Handle;

/// Behind a bookmark comes what has not been read yet, also in the archive of another storage.
pub async fn a_bookmark_leads_to_the_rest(storage: &Handle) {
    let other = memory();
    everything(&other).await;
    carry(&other, storage).await;
    let all = octets(&archived(storage, None).await);
    for (index, record) in archived(&other, None).await.iter().enumerate() {
        let rest = archived(storage, Some(&record.bookmark())).await;
        assert_eq!(octets(&rest), all[index + 1..], "{}", record.bookmark());
    }
}

/// Changes after the beginning are not in an archive, wherever it stands.
pub async fn later_changes_are_not_in_it(storage: &Handle) {
    let pump = everything(storage).await;
    let before = octets(&archived(storage, None).await);
    for step in [1, 3, 7, 19] {
        let mut archive = storage.archive(SERVER, None).await.unwrap();
        let mut read = archive.next(step).await.unwrap();
        disturb(storage, &pump, step).await;
        loop {
            let more = archive.next(step).await.unwrap();
            if more.is_empty() {
                break;
            }
            read.extend(more);
        }
        if step == 1 {
            assert_eq!(octets(&read), before);
        }
        let other = memory();
        put(&other, &read).await;
        let found: Vec<_> = archived(&other, None).await;
        assert_eq!(octets(&found), octets(&read), "what refers to nothing");
    }
}

/// While others write, an archive has of each of their calls all or nothing.
pub async fn calls_are_in_it_as_a_whole(storage: &Handle) {
    let id = new_organization(storage).await;
    let writer = {
        let storage = Arc::clone(storage);
        tokio::spawn(async move {
            for number in 0..100 {
                let device = device(id, &format!("device {number}"));
                let token = token(&device);
                let registered = storage.register_device(&device, &token, &Effects::NONE);
                registered.await.unwrap();
                let reports = [
                    reading("a/x", noon(), double(1.0)),
                    reading("b/y", noon(), text("y")),
                ];
                report(&storage, &device, reports).await;
                if number % 3 == 0 {
                    let deleted = storage.delete_device(id, device.id, None, noon());
                    deleted.await.unwrap();
                }
            }
        })
    };
    let mut done = false;
    while !done {
        done = writer.is_finished();
        let records = archived(storage, None).await;
        let mut devices = BTreeSet::new();
        let (mut tokens, mut sensors, mut readings) = (0, 0, 0);
        for record in &records {
            match record {
                ArchiveRecord::Device(it) => {
                    devices.insert(it.id);
                }
                ArchiveRecord::Token(it) => {
                    assert!(devices.contains(&it.device_id));
                    tokens += 1;
                }
                ArchiveRecord::Sensor(_) => sensors += 1,
                ArchiveRecord::Reading(..) => readings += 1,
                _ => {}
            }
        }
        assert_eq!(tokens, devices.len());
        assert_eq!(sensors % 2, 0);
        assert_eq!(readings, sensors);
    }
    writer.await.unwrap();
}

/// An archive that is dropped before its end holds nothing: the storage writes on, and opens the
/// next one.
pub async fn a_dropped_archive_holds_nothing(storage: &Handle) {
    let pump = everything(storage).await;
    for step in 0..32 {
        let mut archive = storage.archive(SERVER, None).await.unwrap();
        let read = archive.next(1 + step % 5).await.unwrap();
        assert!(!read.is_empty());
        let late = [reading("late/x", after(step as u64), double(1.0))];
        report(storage, &pump, late).await;
        drop(archive);
    }
    let whole = octets(&archived(storage, None).await);
    assert_eq!(octets(&archived(storage, None).await), whole);
}

/// At the end nothing follows, however often one asks; and nothing follows the last bookmark.
pub async fn the_end_is_the_end(storage: &Handle) {
    everything(storage).await;
    let mut archive = storage.archive(SERVER, None).await.unwrap();
    let mut last = None;
    loop {
        let more = archive.next(500).await.unwrap();
        let Some(record) = more.last() else { break };
        last = Some(record.bookmark());
    }
    for _ in 0..3 {
        assert!(archive.next(1).await.unwrap().is_empty());
    }
    let mut rest = storage.archive(SERVER, last.as_ref()).await.unwrap();
    assert!(rest.next(1).await.unwrap().is_empty());
}

/// An import takes records of the whole weight that it may have, and a single one that is heavier.
pub async fn an_import_takes_its_weight(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let mut records = Vec::new();
    let mut weight = 0;
    for number in 0.. {
        let mut part = component(&pump, &format!("part-{number}"));
        part.settings.metadata = metadata();
        let record = ArchiveRecord::Component(Box::new(part));
        weight += record.weight();
        if weight > IMPORT_WEIGHT {
            break;
        }
        records.push(record);
    }
    storage.import(SERVER, &records).await.unwrap();
    let heavy = ArchiveRecord::Retained {
        organization_id: id,
        device_id: pump.id,
        topic: RetainedTopic::Status,
        payload: vec![0xff; 2 * IMPORT_WEIGHT],
    };
    assert!(heavy.weight() > IMPORT_WEIGHT);
    let heavy = std::slice::from_ref(&heavy);
    storage.import(SERVER, heavy).await.unwrap();

    let found = archived(storage, None).await;
    let parts = found
        .iter()
        .filter(|record| record.kind() == RecordKind::Component);
    assert_eq!(parts.count(), records.len());
    assert_eq!(found.last().unwrap().octets(), heavy[0].octets());
}

/// A storage that is as it has to be has no findings: new, after an import, and
/// after all that calls can do.
pub async fn a_sound_storage_has_no_findings(storage: &Handle) {
    assert_eq!(storage.verify(SERVER).await.unwrap(), []);
    let other = memory();
    everything(&other).await;
    carry(&other, storage).await;
    assert_eq!(storage.verify(SERVER).await.unwrap(), []);
    let pump = everything(storage).await;
    assert_eq!(storage.verify(SERVER).await.unwrap(), []);
    for step in 0..4 {
        disturb(storage, &pump, step).await;
        assert_eq!(storage.verify(SERVER).await.unwrap(), []);
    }
}
