//! Clauses of [`ArchiveStore`](crate::storage::ArchiveStore): what an archive sees while others write,
//! and what a check finds.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::archive_world::{archived, carry, disturb, everything, memory, octets, put};
use super::world::{SERVER, new_organization, report};
use crate::storage::{ArchiveRecord, Effects};
use crate::testing::fixtures::{device, double, noon, reading, text, token};
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
