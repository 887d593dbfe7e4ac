//! Clauses of changes of devices in [`DeviceStore`](crate::storage::DeviceStore).

use super::device::{full_settings, renaming};
use super::world::{bring_online, new_device, new_organization, pump, set_status, stored};
use crate::model::device::DeviceUpdate;
use crate::model::presence::{DeviceStatus, StatusRefused};
use crate::model::revision::Revision;
use crate::storage::{Effects, StorageError, Unique};
use crate::testing::fixtures::{after, device, device_settings, noon, site};
use crate::testing::storage::Handle;

/// An update changes all settings and the time, raises the revision by one, and leaves the rest.
pub async fn update_changes_the_settings(storage: &Handle) {
    let mut pump = pump(storage).await;
    let site = site(pump.organization_id);
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    let full = full_settings("pump-8", Some(site.id));

    for (settings, now) in [(full, after(7)), (device_settings("pump-9"), after(8))] {
        let update = DeviceUpdate {
            settings,
            status: None,
        };
        let change = storage
            .update_device(
                pump.organization_id,
                pump.id,
                Some(pump.revision),
                &update,
                now,
            )
            .await
            .unwrap();
        pump.settings = update.settings;
        pump.updated_at = now;
        pump.revision = pump.revision.next();
        assert_eq!((change.device, change.ended), (pump.clone(), None));
        assert_eq!(stored(storage, &pump).await, pump);
    }
}

/// An update from another revision than the stored one is refused; without one it is not.
pub async fn update_checks_the_revision(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let update = renaming("pump-8");

    for wrong in [Revision::FIRST.next(), Revision::from_u64(7)] {
        let answer = storage
            .update_device(id, pump.id, Some(wrong), &update, after(1))
            .await;
        assert_refused!(answer, StorageError::StaleRevision { .. });
    }
    assert_eq!(stored(storage, &pump).await, pump);

    for expected in [None, Some(Revision::FIRST.next()), None] {
        let answer = storage
            .update_device(id, pump.id, expected, &update, after(1))
            .await;
        answer.unwrap();
    }
    let stale = Some(Revision::FIRST);
    let answer = storage
        .update_device(id, pump.id, stale, &update, after(2))
        .await;
    assert_refused!(answer, StorageError::StaleRevision { .. });
    let revision = stored(storage, &pump).await.revision;
    assert_eq!(revision, Revision::from_u64(4));
}

/// Updating what is not there is an error, not a creation.
pub async fn update_needs_a_record(storage: &Handle) {
    let organization = new_organization(storage).await;
    let unknown = device(organization, "unknown");

    for expected in [None, Some(unknown.revision)] {
        let answer = storage
            .update_device(organization, unknown.id, expected, &renaming("x"), noon())
            .await;
        assert_refused!(answer, StorageError::NotFound { .. });
    }

    let found = storage.device(organization, unknown.id).await.unwrap();
    assert_eq!(found, None);
    new_device(storage, organization, "x").await;
}

/// A device may keep its name but not take another's; the name that it gives up is free.
pub async fn renaming_keeps_names_unique(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let fan = new_device(storage, id, "fan-1").await;

    let answer = storage
        .update_device(id, fan.id, None, &renaming("pump-7"), noon())
        .await;
    assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    assert_eq!(stored(storage, &fan).await, fan);

    let update = renaming("pump-7");
    let kept = storage
        .update_device(id, pump.id, None, &update, noon())
        .await;
    assert_eq!(kept.unwrap().device.settings, update.settings);
    let update = renaming("pump-8");
    let renamed = storage
        .update_device(id, pump.id, None, &update, noon())
        .await;
    renamed.unwrap();
    let update = renaming("pump-7");
    let inherited = storage
        .update_device(id, fan.id, None, &update, noon())
        .await;
    inherited.unwrap();
    let namesake = device(id, "pump-8");
    let answer = storage.create_device(&namesake, &Effects::NONE).await;
    assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    new_device(storage, id, "fan-1").await;
}

/// A status that cannot be set is refused, and no setting is changed either.
pub async fn a_refused_status_changes_nothing(storage: &Handle) {
    let pump = pump(storage).await;
    for (status, reason) in [
        (
            DeviceStatus::Offline,
            StatusRefused::NotSettable(DeviceStatus::Offline),
        ),
        (DeviceStatus::Maintenance, StatusRefused::NeverConnected),
    ] {
        let update = DeviceUpdate {
            status: Some(status),
            ..renaming("renamed")
        };
        let answer = storage
            .update_device(pump.organization_id, pump.id, None, &update, after(9))
            .await;
        match answer {
            Err(StorageError::StatusRefused(refused)) => assert_eq!(refused, reason),
            other => panic!("{other:?}"),
        }
        assert_eq!(stored(storage, &pump).await, pump);
    }
    new_device(storage, pump.organization_id, "renamed").await;
}

/// INACTIVE ends the session in the same step, and ACTIVE brings the device back as what it is.
pub async fn inactive_ends_the_session(storage: &Handle) {
    let pump = pump(storage).await;
    bring_online(storage, &pump).await;
    let online = stored(storage, &pump).await;
    let session = online.session.clone();
    assert!(session.is_some() && online.presence.online());
    let mut update = renaming("pump-7");

    update.status = Some(DeviceStatus::Inactive);
    let change = storage
        .update_device(pump.organization_id, pump.id, None, &update, after(5))
        .await
        .unwrap();
    assert_eq!(change.ended, session);
    let mut expected = online.clone();
    expected.update(&update, after(5)).unwrap();
    assert_eq!(stored(storage, &pump).await, expected);
    assert_eq!(change.device, expected);
    assert_eq!(
        (expected.session.as_ref(), expected.presence.online()),
        (None, false)
    );

    update.status = Some(DeviceStatus::Active);
    let change = storage
        .update_device(pump.organization_id, pump.id, None, &update, after(6))
        .await
        .unwrap();
    assert_eq!(change.ended, None);
    expected.update(&update, after(6)).unwrap();
    assert_eq!(stored(storage, &pump).await, expected);
    assert_eq!(expected.presence.status(), DeviceStatus::Offline);
}

/// MAINTENANCE lets the session go on.
pub async fn maintenance_keeps_the_session(storage: &Handle) {
    let pump = pump(storage).await;
    bring_online(storage, &pump).await;
    let session = stored(storage, &pump).await.session;

    let device = set_status(storage, &pump, DeviceStatus::Maintenance).await;

    assert_eq!(device.session, session);
    assert!(device.presence.online());
    assert_eq!(device.presence.status(), DeviceStatus::Maintenance);
    assert_eq!(stored(storage, &pump).await, device);
}
