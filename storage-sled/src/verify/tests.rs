//! Each kind of damage is found, and named without what is kept there.

use fieldgate_core::model::device::Device;
use fieldgate_core::model::id::{ComponentId, SensorId};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::reading::Value;
use fieldgate_core::storage::{
    ArchiveRecord, ArchiveStore as _, Effects, Finding, OrganizationStore as _, ReportStore as _,
    ServerProof, TokenStore as _,
};
use fieldgate_core::testing::fixtures::{
    batch, device, noon, organization, quarantined, reading, token,
};
use tempfile::TempDir;

use crate::SledStorage;
use crate::keys;

#[tokio::test]
async fn a_link_that_is_missing_is_found() {
    let (storage, device, _directory) = furnished().await;
    let id = device.organization_id;
    assert_eq!(findings(&storage).await, []);
    let (component, sensor) = parts(&storage).await;
    for (link, space, place) in [
        (
            keys::device_name(id, &device.settings.name),
            "DeviceName",
            "device ",
        ),
        (keys::open_token(id, device.id), "OpenToken", "token "),
        (
            keys::component_of_device(id, device.id, component),
            "ComponentOfDevice",
            "component ",
        ),
        (
            keys::sensor_of_component(id, component, sensor),
            "SensorOfComponent",
            "sensor ",
        ),
    ] {
        let before = storage.read({
            let link = link.clone();
            move |reader| reader.look(|view| crate::change::Source::octets(&view, &link))
        });
        let before = before.await.unwrap().unwrap();
        set(&storage, &link, None).await;
        let found = findings(&storage).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].place.starts_with(place), "{found:?}");
        assert!(found[0].problem.contains(space), "{found:?}");
        set(&storage, &link, Some(&before)).await;
        assert_eq!(findings(&storage).await, []);
    }
}

#[tokio::test]
async fn a_link_that_leads_nowhere_is_found() {
    let (storage, device, _directory) = furnished().await;
    let id = device.organization_id;
    let name = "nobody".parse().unwrap();
    set(&storage, &keys::device_name(id, &name), Some(b"x")).await;
    let found = findings(&storage).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].place.starts_with("DeviceName "), "{found:?}");
    assert!(found[0].problem.contains("no record"), "{found:?}");
}

#[tokio::test]
async fn a_number_that_is_wrong_is_found() {
    let (storage, device, _directory) = furnished().await;
    let status = b"PENDING";
    let kept = keys::tally(device.organization_id, 1, status);
    for wrong in [None, Some(&[0, 0, 0, 0, 0, 0, 0, 2][..])] {
        set(&storage, &kept, wrong).await;
        let found = findings(&storage).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].place.starts_with("Tally "), "{found:?}");
    }
}

#[tokio::test]
async fn a_record_that_does_not_read_is_found_and_the_rest_still_reads() {
    let (storage, device, _directory) = furnished().await;
    let sensor = parts(&storage).await.1;
    let key = keys::reading(device.organization_id, sensor, noon());
    set(&storage, &key, Some(b"\x01secret")).await;
    let found = findings(&storage).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].place.starts_with("reading "), "{found:?}");
    assert!(!found[0].to_string().contains("secret"), "{found:?}");
}

#[tokio::test]
async fn a_record_that_belongs_to_nothing_is_found() {
    let (storage, device, _directory) = furnished().await;
    let key = keys::component(device.organization_id, parts(&storage).await.0);
    set(&storage, &key, None).await;
    let found = findings(&storage).await;
    let orphans = found
        .iter()
        .filter(|it| it.problem == "its component is not there");
    assert_eq!(orphans.count(), 1, "{found:?}");
}

async fn furnished() -> (SledStorage, Device, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let storage = SledStorage::open(directory.path()).unwrap();
    let organization = organization();
    let created =
        storage.create_organization(ServerProof::vouch(), &organization, None, &Effects::NONE);
    created.await.unwrap();
    let device = device(organization.id, "pump-7");
    let token = token(&device);
    let registered = storage.register_device(&device, &token, &Effects::NONE);
    registered.await.unwrap();
    let readings = batch([reading("tank/level", noon(), Value::BigInt(1))]);
    let limits = Limits::default();
    let stored = storage.store_readings(organization.id, device.id, &readings, &limits);
    stored.await.unwrap();
    let item = quarantined(&device);
    storage.store_quarantined(&item, &limits).await.unwrap();
    (storage, device, directory)
}

/// The only component and the only sensor.
async fn parts(storage: &SledStorage) -> (ComponentId, SensorId) {
    let mut archive = storage.archive(ServerProof::vouch(), None).await.unwrap();
    loop {
        for record in archive.next(100).await.unwrap() {
            if let ArchiveRecord::Sensor(it) = record {
                return (it.component_id, it.id);
            }
        }
    }
}

async fn set(storage: &SledStorage, key: &[u8], value: Option<&[u8]>) {
    let (key, value) = (key.to_vec(), value.map(<[u8]>::to_vec));
    let changed = storage.change(move |change| {
        match value {
            Some(value) => change.put(key, value),
            None => change.remove(key),
        }
        Ok(())
    });
    changed.await.unwrap();
}

async fn findings(storage: &SledStorage) -> Vec<Finding> {
    storage.verify(ServerProof::vouch()).await.unwrap()
}
