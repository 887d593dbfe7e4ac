//! Clauses of times: each is kept to the millisecond, from the first of 1970 to the last of 9999.

use super::world::{SERVER, connect, limits, new_device, new_organization, pump, stored};
use crate::model::api_key::KeyOwner;
use crate::model::certificate::CertificateFate;
use crate::model::device::DeviceUpdate;
use crate::model::limits::Limits;
use crate::model::page::{PageLimit, PageRequest};
use crate::model::presence::{DeviceStatus, Presence};
use crate::model::reading::{TimeRange, Value};
use crate::model::tag::TagSelector;
use crate::model::timestamp::Timestamp;
use crate::model::token::TokenFate;
use crate::storage::{Effects, Seen};
use crate::testing::fixtures::{
    api_key, batch, certificate, device, group, health, issuer, noon, organization, parse,
    quarantined, reading, request, site, token,
};
use crate::testing::storage::Handle;

/// Those of organizations, keys, sites, groups and remembered requests.
pub async fn of_what_operators_make(storage: &Handle) {
    for at in instants() {
        let mut works = organization();
        works.created_at = at;
        let none = &Effects::NONE;
        let made = storage.create_organization(SERVER, &works, None, none);
        made.await.unwrap();
        let found = storage.organization(works.id).await.unwrap();
        assert_eq!(found.unwrap().created_at, at);

        let owner = KeyOwner::Organization(works.id);
        let mut key = api_key(owner);
        (key.created_at, key.expires_at) = (at, Some(at));
        storage.create_api_key(&key, none).await.unwrap();
        storage.touch_api_key(owner, key.id, at).await.unwrap();
        let found = storage.api_key(owner, key.id).await.unwrap().unwrap();
        let times = (found.created_at, found.expires_at, found.last_used_at);
        assert_eq!(times, (at, Some(at), Some(at)));

        let (mut site, mut group) = (site(works.id), group(works.id, TagSelector::default()));
        (site.created_at, group.created_at) = (at, at);
        let mut record = request(owner, "once");
        record.created_at = at;
        let effects = Effects {
            idempotency: Some(record.clone()),
        };
        storage.create_site(&site, &effects).await.unwrap();
        storage.create_group(&group, none).await.unwrap();
        let found = storage.site(works.id, site.id).await.unwrap();
        assert_eq!(found.unwrap().created_at, at);
        let found = storage.group(works.id, group.id).await.unwrap();
        assert_eq!(found.unwrap().created_at, at);
        let found = storage.idempotency_record(owner, &parse("once")).await;
        assert_eq!(found.unwrap(), Some(record));
    }
}

/// Those of devices: of the record, of a change, and of what is seen of them.
pub async fn of_devices(storage: &Handle) {
    let id = new_organization(storage).await;
    for (number, at) in instants().into_iter().enumerate() {
        let mut device = device(id, &format!("device-{number}"));
        let status = DeviceStatus::Offline;
        let seen = Presence::from_parts(status, false, Some(at), Some(at), at).unwrap();
        (device.created_at, device.updated_at, device.presence) = (at, at, seen);
        let created = storage.create_device(&device, &Effects::NONE);
        created.await.unwrap();
        assert_eq!(stored(storage, &device).await, device);

        let update = DeviceUpdate {
            settings: device.settings.clone(),
            status: Some(DeviceStatus::Maintenance),
        };
        let changed = storage
            .update_device(id, device.id, None, &update, at)
            .await;
        let changed = changed.unwrap().device;
        assert_eq!(
            (changed.updated_at, changed.presence.status_changed_at()),
            (at, at)
        );
        let touched = new_device(storage, id, &format!("touched-{number}")).await;
        let seen = [Seen {
            organization_id: id,
            device_id: touched.id,
            at,
        }];
        storage.touch_devices(SERVER, &seen).await.unwrap();
        let found = stored(storage, &touched).await.presence.last_seen_at();
        assert_eq!(found, Some(at));
    }
}

/// Those of tokens, from being minted to being revoked or used.
pub async fn of_tokens(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    for at in instants() {
        let mut minted = token(&pump);
        (minted.created_at, minted.expires_at) = (at, Timestamp::MAX);
        storage.create_token(&minted, &Effects::NONE).await.unwrap();
        let found = storage.token(minted.id).await.unwrap().unwrap();
        assert_eq!((found.created_at, found.expires_at), (at, Timestamp::MAX));
        if at == Timestamp::MAX {
            // It has expired then.
            continue;
        }
        storage.revoke_token(id, minted.id, at).await.unwrap();
        let found = storage.token(minted.id).await.unwrap().unwrap();
        assert_eq!(found.fate, TokenFate::Revoked { at });

        let mut used = token(&pump);
        used.expires_at = Timestamp::MAX;
        storage.create_token(&used, &Effects::NONE).await.unwrap();
        let signed = certificate(&pump);
        let many = Limits {
            certificates_per_day: 100,
            ..limits()
        };
        let consumed = storage.consume_token(id, used.id, &signed, &many, at);
        consumed.await.unwrap();
        let found = storage.token(used.id).await.unwrap().unwrap();
        let serial_number = signed.serial_number;
        assert_eq!(found.fate, TokenFate::Used { at, serial_number });
    }
}

/// Those of certificates, from being issued to being revoked, and of issuers.
pub async fn of_certificates(storage: &Handle) {
    for (number, at) in (1..).zip(instants()) {
        let mut made = issuer(number);
        made.created_at = at;
        storage.create_issuer(SERVER, &made).await.unwrap();
        let found = storage.issuers().await.unwrap();
        assert!(found.contains(&made), "{found:?}");

        let pump = pump(storage).await;
        let id = pump.organization_id;
        let mut minted = token(&pump);
        minted.expires_at = Timestamp::MAX;
        storage.create_token(&minted, &Effects::NONE).await.unwrap();
        let mut signed = certificate(&pump);
        (signed.not_before, signed.issued_at) = (at, at);
        signed.not_after = Timestamp::MAX;
        signed.issuer_key_id = made.key_id;
        let consumed = storage
            .consume_token(id, minted.id, &signed, &limits(), noon())
            .await;
        consumed.unwrap();
        let opened = connect(storage, &signed, at).await;
        assert_eq!(opened.not_after, Timestamp::MAX);
        let found = storage
            .certificate(id, pump.id, &signed.serial_number)
            .await;
        let found = found.unwrap().unwrap();
        assert_eq!((found.not_before, found.issued_at), (at, at));
        assert_eq!(found.not_after, Timestamp::MAX);
        assert_eq!(
            (found.first_used_at, found.fate),
            (Some(at), CertificateFate::Good)
        );
        let presence = stored(storage, &pump).await.presence;
        assert_eq!(presence.first_session_at(), Some(at));

        let deleted = storage.delete_device(id, pump.id, None, at).await;
        deleted.unwrap();
        let first = PageRequest::first(PageLimit::MAX);
        let listed = storage.revoked_certificates(made.key_id, at, first).await;
        let listed = listed.unwrap().items;
        assert_eq!(listed.len(), 1);
        assert_eq!(
            (listed[0].revoked_at, listed[0].not_after),
            (at, Timestamp::MAX)
        );
    }
}

/// Those of what devices report, also where it is late by half a century.
pub async fn of_reports(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let mut limits = limits();
    limits.timestamp_ahead = std::time::Duration::MAX;
    let readings = instants().map(|at| reading("m/n", at, Value::BigInt(at.unix_millis())));
    let readings = batch(readings);
    let stored = storage.store_readings(id, pump.id, &readings, &limits);
    assert_eq!(stored.await.unwrap().stored, instants().len());
    for at in instants() {
        let taken = storage.store_health(id, &health(pump.id, at)).await;
        assert!(taken.unwrap());
        let mut item = quarantined(&pump);
        item.received_at = at;
        storage.store_quarantined(&item, &limits).await.unwrap();
        let found = storage.quarantined_item(id, item.id).await.unwrap();
        assert_eq!(found.unwrap().received_at, at);
    }

    // A range has no end behind the last millisecond: what is there is in no range but as the latest.
    let mut expected: Vec<_> = instants().into();
    expected.sort();
    assert_eq!(expected.pop(), Some(Timestamp::MAX));
    expected.reverse();
    let sensor = super::world::only_sensor(storage, &pump).await;
    assert_eq!(sensor.latest.unwrap().timestamp, Timestamp::MAX);
    for limit in [1, 2, 500] {
        let found = all_pages!(
            limit,
            |page| storage.readings(id, sensor.id, TimeRange::ALL, page),
            |it| it.timestamp
        );
        let found: Vec<_> = found.iter().map(|it| it.timestamp).collect();
        assert_eq!(found, expected);
        let found = all_pages!(
            limit,
            |page| storage.health(id, pump.id, TimeRange::ALL, page),
            |it| it.timestamp
        );
        let found: Vec<_> = found.iter().map(|it| it.timestamp).collect();
        assert_eq!(found, expected);
    }
    let newest = storage.latest_health(id, pump.id).await.unwrap().unwrap();
    assert_eq!(newest.timestamp, Timestamp::MAX);
}

/// The ends of all time, and times with each kind of fraction.
fn instants() -> [Timestamp; 8] {
    [
        Timestamp::UNIX_EPOCH,
        parse("1970-01-01T00:00:00.001Z"),
        parse("2000-02-29T23:59:59.999Z"),
        parse("2026-06-15T12:00:00.120Z"),
        parse("2038-01-19T03:14:08.001Z"),
        parse("2106-02-07T06:28:16.500Z"),
        parse("9999-12-31T23:59:59.998Z"),
        Timestamp::MAX,
    ]
}
