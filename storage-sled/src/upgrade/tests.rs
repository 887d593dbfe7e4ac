//! What an earlier version has left is brought to the format of this one, also at the second attempt.

use std::path::Path;

use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Value;
use fieldgate_core::model::tag::TagSelector;
use fieldgate_core::storage::{
    ArchiveStore as _, DeviceStore as _, Effects, GroupStore as _, MaintenanceStore as _,
    OrganizationStore as _, PurgePolicy, ReportStore as _, SensorStore as _, ServerProof,
};
use fieldgate_core::testing::fixtures::{batch, device, group, noon, organization, reading, tags};

use crate::SledStorage;
use crate::keys;
use crate::space::Space;

#[tokio::test]
async fn numbers_are_there_after_an_upgrade() {
    let directory = tempfile::tempdir().unwrap();
    let storage = SledStorage::open(directory.path()).unwrap();
    let id = furnished(&storage).await;
    let expected = numbers(&storage, id).await;
    storage.close().await;
    drop(storage);

    // With what an upgrade that was cut off has left behind.
    put_back(
        directory.path(),
        &[keys::tally(id, 1, b"ACTIVE"), keys::tally(id, 9, b"x")],
    );

    let storage = SledStorage::open(directory.path()).unwrap();
    assert_eq!(numbers(&storage, id).await, expected);
    let policy = PurgePolicy {
        now: noon(),
        readings_before: None,
        health_before: None,
        quarantined_before: noon(),
        idempotency_before: noon(),
    };
    let proof = ServerProof::vouch();
    while storage.purge(proof, &policy, 100).await.unwrap().more {}
    assert_eq!(numbers(&storage, id).await, expected);
    assert_eq!(storage.verify(ServerProof::vouch()).await.unwrap(), []);
}

async fn furnished(storage: &SledStorage) -> OrganizationId {
    let organization = organization();
    let id = organization.id;
    let created =
        storage.create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE);
    created.await.unwrap();
    let selector = TagSelector {
        any: tags(&["north", "roof"]),
        ..TagSelector::default()
    };
    let group = group(id, selector);
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    for number in 0..600 {
        let mut device = device(id, &format!("device-{number}"));
        device.settings.tags = tags([&["north"][..], &["south"], &["north", "roof"]][number % 3]);
        let created = storage.create_device(&device, &Effects::NONE).await;
        created.unwrap();
        if number < 3 {
            let readings = batch([reading("tank/level", noon(), Value::BigInt(1))]);
            let limits = Limits::default();
            let stored = storage.store_readings(id, device.id, &readings, &limits);
            stored.await.unwrap();
        }
        if number == 0 {
            let deleted = storage.delete_device(id, device.id, None, noon()).await;
            deleted.unwrap();
        }
    }
    id
}

/// Takes a database back to format 1.
fn put_back(directory: &Path, left: &[Vec<u8>]) {
    let db = sled::Config::new()
        .path(directory.join("db"))
        .segment_size(4 * 1024 * 1024);
    let db = db.open().unwrap();
    for space in [Space::Tally, Space::GroupByTag, Space::UncountedGroup] {
        for key in db.scan_prefix([space as u8]).keys() {
            db.remove(key.unwrap()).unwrap();
        }
    }
    for key in left {
        db.insert(key, &7_u64.to_be_bytes()).unwrap();
    }
    db.insert(keys::meta("format"), &1_u32.to_be_bytes())
        .unwrap();
    db.flush().unwrap();
}

async fn numbers(storage: &SledStorage, id: OrganizationId) -> String {
    let page = fieldgate_core::model::page::PageRequest::first(Default::default());
    let groups = storage.groups(id, page).await.unwrap().items;
    let groups: Vec<_> = groups.into_iter().map(|group| group.id).collect();
    let sizes = storage.group_sizes(id, &groups).await.unwrap();
    let devices = storage.device_summary(id).await.unwrap();
    let sensors = storage.sensor_summary(id).await.unwrap();
    format!("{devices:?} {sensors:?} {sizes:?}")
}
