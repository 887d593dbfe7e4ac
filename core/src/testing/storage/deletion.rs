//! Clauses of the deletion of a device: gone is gone at once, and takes along what it had.

use super::world::{
    ALL_TOKEN_STATES, SERVER, bring_online, components_of, connect, issue, limits, new_device,
    new_token, only_sensor, pump, quarantine_of, readings_of, report, sensors_of, set_status,
    snapshot, stored, try_redeem,
};
use crate::model::certificate::RevocationReason;
use crate::model::component::ComponentFilter;
use crate::model::device::{Device, DeviceFilter, DeviceUpdate};
use crate::model::ingestion::SensorAddress;
use crate::model::presence::{DeviceStatus, NodeId};
use crate::model::quarantine::QuarantineFilter;
use crate::model::reading::{TimeRange, Value};
use crate::model::revision::Revision;
use crate::model::sensor::SensorFilter;
use crate::model::tag::TagSelector;
use crate::storage::{
    Effects, Redemption, RetainedTopic, Seen, SessionRefused, StorageError, TokenRefused,
};
use crate::testing::fixtures::{
    after, batch, certificate, component, device, group, health, issuer_key_id, noon, quarantined,
    reading, token,
};
use crate::testing::storage::Handle;
use crate::testing::storage::announcement::announcing;

/// A deleted device is in no answer any more, and neither are its tokens and certificates.
pub async fn it_is_gone_from_every_answer(storage: &Handle) {
    let pump = furnished(storage).await;
    let id = pump.organization_id;
    let token = new_token(storage, &pump).await;
    let certificate = stored(storage, &pump).await.certificate.unwrap();
    let everything = group(id, TagSelector::default());
    let created = storage.create_group(&everything, &Effects::NONE).await;
    created.unwrap();

    delete(storage, &pump).await;

    assert_eq!(storage.device(id, pump.id).await.unwrap(), None);
    let filter = DeviceFilter::default();
    let devices = all_pages!(9, |page| storage.devices(id, &filter, page), |it| it.id);
    assert!(devices.is_empty());
    assert_eq!(storage.device_summary(id).await.unwrap().total, 0);
    let sizes = storage.group_sizes(id, &[everything.id]).await;
    assert_eq!(sizes.unwrap(), [0]);
    assert_eq!(storage.sensor_summary(id).await.unwrap().total, 0);
    assert!(storage.token(token.id).await.unwrap().is_none());
    let tokens = all_pages!(
        9,
        |page| storage.tokens(id, &ALL_TOKEN_STATES, noon(), page),
        |it| it.id
    );
    assert!(tokens.is_empty(), "{tokens:?}");
    let found = storage
        .certificate(id, pump.id, &certificate.serial_number)
        .await;
    assert_eq!(found.unwrap(), None);
    let found = all_pages!(9, |page| storage.certificates(id, pump.id, page), |it| it
        .issue_sequence);
    assert!(found.is_empty());
}

/// Nothing that a deleted device was made of or had reported is in an answer any more.
pub async fn what_it_had_is_gone(storage: &Handle) {
    let pump = furnished(storage).await;
    let id = pump.organization_id;
    let sensor = only_sensor(storage, &pump).await;
    let item = quarantined(&pump);
    let kept = storage.store_quarantined(&item, &limits()).await;
    kept.unwrap();

    delete(storage, &pump).await;

    let component = storage.component(id, sensor.component_id).await;
    assert_eq!(component.unwrap(), None);
    assert_eq!(storage.sensor(id, sensor.id).await.unwrap(), None);
    assert!(components_of(storage, &pump).await.is_empty());
    assert!(sensors_of(storage, &pump).await.is_empty());
    assert!(quarantine_of(storage, &pump).await.is_empty());
    let filter = ComponentFilter::default();
    let found = all_pages!(9, |page| storage.components(id, &filter, page), |it| it.id);
    assert!(found.is_empty());
    let filter = SensorFilter::default();
    let found = all_pages!(9, |page| storage.sensors(id, &filter, page), |it| it.id);
    assert!(found.is_empty());
    let filter = QuarantineFilter::default();
    let found = all_pages!(9, |page| storage.quarantined(id, &filter, page), |it| it.id);
    assert!(found.is_empty());
    let found = storage.quarantined_item(id, item.id).await.unwrap();
    assert_eq!(found, None);
    assert!(readings_of(storage, &sensor).await.is_empty());
    let found = all_pages!(
        9,
        |page| storage.health(id, pump.id, TimeRange::ALL, page),
        |it| it.timestamp
    );
    assert!(found.is_empty());
    assert_eq!(storage.latest_health(id, pump.id).await.unwrap(), None);
}

/// No later write of a deleted device has an effect.
pub async fn late_writes_find_nothing(storage: &Handle) {
    let pump = furnished(storage).await;
    let id = pump.organization_id;
    let sensor = only_sensor(storage, &pump).await;
    delete(storage, &pump).await;
    let before = snapshot(storage, id).await;

    let late = batch([reading("bme280/temperature", after(60), Value::BigInt(9))]);
    let answer = storage.store_readings(id, pump.id, &late, &limits()).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let mut by_id = reading("bme280/temperature", after(61), Value::BigInt(9));
    by_id.sensor = SensorAddress::Id(sensor.id);
    let answer = storage
        .store_readings(id, pump.id, &batch([by_id]), &limits())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let late = announcing(&[("bme280", &[])]);
    let answer = storage
        .store_announcement(id, pump.id, &late, &limits())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.store_health(id, &health(pump.id, after(60))).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage
        .store_quarantined(&quarantined(&pump), &limits())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let topic = RetainedTopic::Status;
    let answer = storage
        .store_retained(id, pump.id, topic, b"{}", noon())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.retained(id, pump.id, topic).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.create_token(&token(&pump), &Effects::NONE).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let late = component(&pump, "late");
    let answer = storage
        .create_component(&late, &limits(), &Effects::NONE)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage
        .delete_component(id, sensor.component_id, None)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage
        .update_sensor(id, sensor.id, None, &sensor.settings.clone().into())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_sensor(id, sensor.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let update = DeviceUpdate {
        settings: pump.settings.clone(),
        status: None,
    };
    let answer = storage
        .update_device(id, pump.id, None, &update, noon())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_device(id, pump.id, None, noon()).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let seen = [Seen {
        organization_id: id,
        device_id: pump.id,
        at: after(60),
    }];
    storage.touch_devices(SERVER, &seen).await.unwrap();

    assert_eq!(snapshot(storage, id).await, before);
}

/// The name is free: another device takes it, and begins with nothing.
pub async fn the_name_is_free(storage: &Handle) {
    let pump = furnished(storage).await;
    delete(storage, &pump).await;

    let heir = new_device(storage, pump.organization_id, "pump-7").await;

    assert_eq!(stored(storage, &heir).await, heir);
    let answer = storage
        .create_device(&device(pump.organization_id, "pump-7"), &Effects::NONE)
        .await;
    assert_refused!(answer, StorageError::Taken(_));
    report(
        storage,
        &heir,
        [reading("bme280/temperature", noon(), Value::BigInt(1))],
    )
    .await;
    let sensor = only_sensor(storage, &heir).await;
    let readings = readings_of(storage, &sensor).await;
    assert_eq!(readings, [(noon(), Value::BigInt(1))]);
}

/// Its certificates that are not expired are revoked, whatever they were, and stay on the list;
/// so their serial numbers stay taken.
pub async fn certificates_are_revoked(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let first = issue(storage, &pump).await;
    connect(storage, &first, noon()).await;
    let second = issue(storage, &pump).await;
    connect(storage, &second, noon()).await;
    let waiting = issue(storage, &pump).await;
    let mut expired = certificate(&pump);
    expired.not_after = after(30).whole_seconds();
    let answer = try_redeem(storage, &new_token(storage, &pump).await, &expired).await;
    assert!(matches!(answer, Redemption::Recorded(_)), "{answer:?}");
    let fan = new_device(storage, id, "fan-1").await;
    issue(storage, &fan).await;
    let issuer = first.issuer_key_id;
    assert_eq!(storage.revocation_count(issuer).await.unwrap(), 0);

    let deleted = storage.delete_device(id, pump.id, None, after(60)).await;
    deleted.unwrap();

    let revoked = all_pages!(
        2,
        |page| storage.revoked_certificates(issuer, after(60), page),
        |it| it.serial_number.clone()
    );
    let mut expected = [&first, &second, &waiting].map(|it| it.serial_number.clone());
    expected.sort();
    let found: Vec<_> = revoked.iter().map(|it| it.serial_number.clone()).collect();
    assert_eq!(found, expected);
    for certificate in &revoked {
        assert_eq!(certificate.revoked_at, after(60));
        assert_eq!(certificate.reason, RevocationReason::CessationOfOperation);
        assert_eq!(certificate.not_after, first.not_after);
    }
    assert_eq!(storage.revocation_count(issuer).await.unwrap(), 3);
    let other = storage.revocation_count(issuer_key_id(9)).await.unwrap();
    assert_eq!(other, 0);
    let mut copy = certificate(&fan);
    copy.serial_number = first.serial_number;
    let token = new_token(storage, &fan).await;
    let answer = storage
        .consume_token(id, token.id, &copy, &limits(), noon())
        .await;
    assert_refused!(answer, StorageError::Taken(_));
}

/// Its open token is worth nothing any more.
pub async fn its_token_is_unknown(storage: &Handle) {
    let pump = pump(storage).await;
    let token = new_token(storage, &pump).await;
    delete(storage, &pump).await;

    let answer = try_redeem(storage, &token, &certificate(&pump)).await;

    assert_eq!(answer, Redemption::Refused(TokenRefused::Unknown));
    let answer = storage
        .revoke_token(pump.organization_id, token.id, noon())
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let issuer = issuer_key_id(1);
    assert_eq!(storage.revocation_count(issuer).await.unwrap(), 0);
}

/// Its session is gone, and none is opened or closed any more.
pub async fn its_session_is_gone(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let opened = bring_online(storage, &pump).await;
    let device = stored(storage, &pump).await;
    let serial_number = device.certificate.unwrap().serial_number;

    let deleted = storage.delete_device(id, pump.id, None, noon()).await;
    let deleted = deleted.unwrap();

    assert_eq!(deleted.ended, device.session);
    let node = NodeId::main();
    let answer = storage
        .open_session(id, pump.id, &serial_number, &node, noon())
        .await;
    assert_eq!(answer.unwrap(), Err(SessionRefused::UnknownDevice));
    let closed = storage
        .close_session(id, pump.id, opened.epoch, noon())
        .await;
    assert!(!closed.unwrap());
    let settled = storage.settle_sessions(SERVER, &node, noon(), 100).await;
    assert_eq!(settled.unwrap(), 0);
    let quiet = new_device(storage, id, "quiet").await;
    let deleted = storage.delete_device(id, quiet.id, None, noon()).await;
    assert_eq!(deleted.unwrap().ended, None);
}

/// A deletion from another revision than the stored one is refused.
pub async fn it_checks_the_revision(storage: &Handle) {
    let pump = furnished(storage).await;
    let id = pump.organization_id;
    let pump = set_status(storage, &pump, DeviceStatus::Maintenance).await;
    let before = snapshot(storage, id).await;

    let stale = Some(Revision::FIRST);
    let answer = storage.delete_device(id, pump.id, stale, noon()).await;

    assert_refused!(answer, StorageError::StaleRevision { .. });
    assert_eq!(snapshot(storage, id).await, before);
    let deleted = storage
        .delete_device(id, pump.id, Some(pump.revision), noon())
        .await;
    deleted.unwrap();
    assert_eq!(storage.device(id, pump.id).await.unwrap(), None);
}

/// Deleting what is not there is an error.
pub async fn it_needs_a_record(storage: &Handle) {
    let id = pump(storage).await.organization_id;
    let unknown = device(id, "unknown");

    for expected in [None, Some(unknown.revision)] {
        let answer = storage
            .delete_device(id, unknown.id, expected, noon())
            .await;
        assert_refused!(answer, StorageError::NotFound { .. });
    }
}

/// What other devices have stays as it is.
pub async fn others_are_spared(storage: &Handle) {
    let fan = furnished(storage).await;
    let id = fan.organization_id;
    let before = snapshot(storage, id).await;
    let pump = new_device(storage, id, "pump-8").await;
    furnish(storage, &pump).await;

    delete(storage, &pump).await;

    assert_eq!(snapshot(storage, id).await, before);
}

async fn delete(storage: &Handle, device: &Device) {
    storage
        .delete_device(device.organization_id, device.id, None, after(30))
        .await
        .unwrap();
}

/// A device that has something of each kind.
pub(super) async fn furnished(storage: &Handle) -> Device {
    let pump = pump(storage).await;
    furnish(storage, &pump).await;
    pump
}

pub(super) async fn furnish(storage: &Handle, device: &Device) {
    bring_online(storage, device).await;
    report(
        storage,
        device,
        [
            reading("bme280/temperature", noon(), Value::BigInt(21)),
            reading("bme280/temperature", after(1), Value::BigInt(22)),
            reading("bme280/temperature", after(2), Value::Boolean(true)),
        ],
    )
    .await;
    let (organization, id) = (device.organization_id, device.id);
    let stored = storage
        .store_health(organization, &health(id, noon()))
        .await;
    assert!(stored.unwrap());
    for topic in [RetainedTopic::Status, RetainedTopic::ConfigReported] {
        let stored = storage
            .store_retained(organization, id, topic, b"{}", noon())
            .await;
        stored.unwrap();
    }
}
