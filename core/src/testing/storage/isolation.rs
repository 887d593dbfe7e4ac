//! Clauses of tenants: a method that takes an organization sees and changes nothing of another
//! one, whose records are not there for it.

use super::announcement::announcing;
use super::deletion::{furnish, furnished};
use super::world::{
    ALL_TOKEN_STATES, SERVER, limits, new_device, new_organization, new_token, only_sensor,
    snapshot, stored,
};
use crate::model::api_key::KeyOwner;
use crate::model::component::ComponentFilter;
use crate::model::device::{Device, DeviceFilter, DeviceUpdate};
use crate::model::id::OrganizationId;
use crate::model::ingestion::SensorAddress;
use crate::model::presence::DeviceStatus::Inactive;
use crate::model::presence::NodeId;
use crate::model::quarantine::QuarantineFilter;
use crate::model::reading::{TimeRange, Value};
use crate::model::sensor::SensorFilter;
use crate::model::tag::TagSelector;
use crate::storage::{
    Effects, Redemption, RetainedTopic, Seen, SessionRefused, StorageError, TokenRefused,
};
use crate::testing::fixtures::{
    after, batch, certificate, component, group, health, noon, quarantined, reading, site, token,
};
use crate::testing::storage::Handle;

/// A device is not there for another organization.
pub async fn devices(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let before = snapshot(storage, pump.organization_id).await;
    let update = DeviceUpdate {
        settings: pump.settings.clone(),
        status: Some(Inactive),
    };

    assert_eq!(storage.device(other, pump.id).await.unwrap(), None);
    let answer = storage
        .update_device(other, pump.id, None, &update, noon())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_device(other, pump.id, None, noon()).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let filter = DeviceFilter::default();
    let found = all_pages!(9, |page| storage.devices(other, &filter, page), |it| it.id);
    assert!(found.is_empty());
    assert_eq!(storage.device_summary(other).await.unwrap().total, 0);
    let everything = group(other, TagSelector::default());
    let created = storage.create_group(&everything, &Effects::NONE).await;
    created.unwrap();
    let sizes = storage.group_sizes(other, &[everything.id]).await;
    assert_eq!(sizes.unwrap(), [0]);
    assert_eq!(storage.sensor_summary(other).await.unwrap().total, 0);

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// A device that another organization makes under a taken id leaves the holder as it is.
pub async fn a_copied_id_changes_nothing(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let before = snapshot(storage, pump.organization_id).await;
    let mut copy = crate::testing::fixtures::device(other, "copy");
    copy.id = pump.id;

    // Whether ids are told apart within an organization or among all is left to the backend.
    let answer = storage.create_device(&copy, &Effects::NONE).await;
    if answer.is_ok() {
        assert_eq!(stored(storage, &copy).await, copy);
        let deleted = storage.delete_device(other, copy.id, None, noon()).await;
        deleted.unwrap();
    }

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// Sites and groups are not there for another organization.
pub async fn sites_and_groups(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let id = pump.organization_id;
    let (site, group) = (site(id), group(id, TagSelector::default()));
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    let before = snapshot(storage, id).await;

    assert_eq!(storage.site(other, site.id).await.unwrap(), None);
    let answer = storage
        .update_site(other, site.id, None, &site.settings)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_site(other, site.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let found = all_pages!(9, |page| storage.sites(other, page), |it| it.id);
    assert!(found.is_empty());
    assert_eq!(storage.group(other, group.id).await.unwrap(), None);
    let answer = storage
        .update_group(other, group.id, None, &group.settings)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_group(other, group.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let found = all_pages!(9, |page| storage.groups(other, page), |it| it.id);
    assert!(found.is_empty());

    assert_eq!(snapshot(storage, id).await, before);
}

/// Tokens are not there for another organization, and cannot be minted for its devices.
pub async fn tokens(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let open = new_token(storage, &pump).await;
    let before = snapshot(storage, pump.organization_id).await;

    let answer = storage.revoke_token(other, open.id, noon()).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let signed = certificate(&pump);
    let answer = storage
        .consume_token(other, open.id, &signed, &limits(), noon())
        .await;
    assert_eq!(answer.unwrap(), Redemption::Refused(TokenRefused::Unknown));
    let mut foreign = token(&pump);
    foreign.organization_id = other;
    let answer = storage.create_token(&foreign, &Effects::NONE).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    assert!(storage.token(foreign.id).await.unwrap().is_none());
    let found = all_pages!(
        9,
        |page| storage.tokens(other, &ALL_TOKEN_STATES, noon(), page),
        |it| it.id
    );
    assert!(found.is_empty());

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// Certificates and sessions are not there for another organization.
pub async fn certificates_and_sessions(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let device = stored(storage, &pump).await;
    let serial_number = device.certificate.unwrap().serial_number;
    let before = snapshot(storage, pump.organization_id).await;

    let found = storage.certificate(other, pump.id, &serial_number).await;
    assert_eq!(found.unwrap(), None);
    let found = all_pages!(9, |page| storage.certificates(other, pump.id, page), |it| {
        it.issue_sequence
    });
    assert!(found.is_empty());
    let node = NodeId::main();
    let answer = storage
        .open_session(other, pump.id, &serial_number, &node, noon())
        .await;
    assert_eq!(answer.unwrap(), Err(SessionRefused::UnknownDevice));
    let closed = storage
        .close_session(other, pump.id, device.session_epoch, noon())
        .await;
    assert!(!closed.unwrap());
    let seen = [Seen {
        organization_id: other,
        device_id: pump.id,
        at: after(60),
    }];
    storage.touch_devices(SERVER, &seen).await.unwrap();

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// Components and sensors, with their readings, are not there for another organization.
pub async fn components_and_sensors(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let sensor = only_sensor(storage, &pump).await;
    let component_id = sensor.component_id;
    let before = snapshot(storage, pump.organization_id).await;

    let found = storage.component(pump.organization_id, component_id).await;
    let settings = found.unwrap().unwrap().settings;
    assert_eq!(storage.component(other, component_id).await.unwrap(), None);
    let answer = storage
        .update_component(other, component_id, None, &settings)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_component(other, component_id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let mut foreign = component(&pump, "foreign");
    foreign.organization_id = other;
    let answer = storage
        .create_component(&foreign, &limits(), &Effects::NONE)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    assert_eq!(storage.sensor(other, sensor.id).await.unwrap(), None);
    let answer = storage
        .update_sensor(other, sensor.id, None, &sensor.settings.clone().into())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_sensor(other, sensor.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let found = all_pages!(
        9,
        |page| storage.readings(other, sensor.id, TimeRange::ALL, page),
        |it| it.timestamp
    );
    assert!(found.is_empty());
    for device_id in [None, Some(pump.id)] {
        let filter = ComponentFilter {
            device_id,
            ..ComponentFilter::default()
        };
        let found = all_pages!(9, |page| storage.components(other, &filter, page), |it| it
            .id);
        assert!(found.is_empty());
        let filter = SensorFilter {
            device_id,
            ..SensorFilter::default()
        };
        let found = all_pages!(9, |page| storage.sensors(other, &filter, page), |it| it.id);
        assert!(found.is_empty());
    }

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// A device reports under its own organization only.
pub async fn reports(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let before = snapshot(storage, pump.organization_id).await;

    let readings = batch([reading("x/y", noon(), Value::BigInt(1))]);
    let answer = storage
        .store_readings(other, pump.id, &readings, &limits())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let announcement = announcing(&[("x", &[])]);
    let answer = storage
        .store_announcement(other, pump.id, &announcement, &limits())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let report = health(pump.id, after(60));
    let answer = storage.store_health(other, &report).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let mut item = quarantined(&pump);
    item.organization_id = other;
    let answer = storage.store_quarantined(&item, &limits()).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let topic = RetainedTopic::Status;
    let answer = storage
        .store_retained(other, pump.id, topic, b"", noon())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.retained(other, pump.id, topic).await;
    assert_refused!(answer, StorageError::NotFound { .. });

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// What devices have reported is not there for another organization, nor for its devices.
pub async fn what_was_reported(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let item = quarantined(&pump);
    storage.store_quarantined(&item, &limits()).await.unwrap();
    let sensor = only_sensor(storage, &pump).await;
    let thief = new_device(storage, other, "thief").await;
    let before = snapshot(storage, pump.organization_id).await;

    let found = all_pages!(
        9,
        |page| storage.health(other, pump.id, TimeRange::ALL, page),
        |it| it.timestamp
    );
    assert!(found.is_empty());
    assert_eq!(storage.latest_health(other, pump.id).await.unwrap(), None);
    let found = storage.quarantined_item(other, item.id).await.unwrap();
    assert_eq!(found, None);
    let answer = storage.discard_quarantined(other, item.id).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    for device_id in [None, Some(pump.id)] {
        let filter = QuarantineFilter {
            device_id,
            reason: None,
        };
        let found = all_pages!(9, |page| storage.quarantined(other, &filter, page), |it| it
            .id);
        assert!(found.is_empty());
    }
    let mut aimed = reading("m/n", after(60), Value::BigInt(1));
    aimed.sensor = SensorAddress::Id(sensor.id);
    let aimed = batch([aimed]);
    let outcome = storage
        .store_readings(other, thief.id, &aimed, &limits())
        .await;
    assert_eq!(outcome.unwrap().quarantined, 1);

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// API keys are not there for another owner, and filters of another's site or device find
/// nothing.
pub async fn filters_by_foreign_ids_find_nothing(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let site = site(pump.organization_id);
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    let fan = new_device(storage, other, "fan-1").await;
    furnish(storage, &fan).await;
    let owner = KeyOwner::Organization(other);
    assert!(all_pages!(9, |page| storage.api_keys(owner, page), |it| it.id).is_empty());

    let filter = DeviceFilter {
        site_id: Some(site.id),
        ..DeviceFilter::default()
    };
    let found = all_pages!(9, |page| storage.devices(other, &filter, page), |it| it.id);
    assert!(found.is_empty());
    let sensor = only_sensor(storage, &pump).await;
    for filter in [
        SensorFilter {
            site_id: Some(site.id),
            ..SensorFilter::default()
        },
        SensorFilter {
            component_id: Some(sensor.component_id),
            ..SensorFilter::default()
        },
    ] {
        let found = all_pages!(9, |page| storage.sensors(other, &filter, page), |it| it.id);
        assert!(found.is_empty());
    }
}

/// Deleting all that one organization has leaves the other's as it is, though it has the same
/// names.
pub async fn deletions_do_not_cross(storage: &Handle) {
    let (pump, other) = world(storage).await;
    let before = snapshot(storage, pump.organization_id).await;
    let twin = new_device(storage, other, "pump-7").await;
    furnish(storage, &twin).await;

    let sensor = only_sensor(storage, &twin).await;
    storage.delete_sensor(other, sensor.id, None).await.unwrap();
    let deleted = storage
        .delete_component(other, sensor.component_id, None)
        .await;
    deleted.unwrap();
    let deleted = storage.delete_device(other, twin.id, None, noon()).await;
    deleted.unwrap();
    storage
        .delete_organization(SERVER, other, None)
        .await
        .unwrap();

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// A device that has something of each kind, and another organization.
async fn world(storage: &Handle) -> (Device, OrganizationId) {
    let pump = furnished(storage).await;
    let other = new_organization(storage).await;
    (pump, other)
}
