//! Clauses for storages that outlive their process, over every kind of record and of change.

use super::archive_world::{archived, carry, everything, memory, octets};
use super::deletion::furnished;
use super::maintenance::{keep_all, purge};
use super::world::{
    SERVER, connect, issue, limits, new_device, new_organization, new_token, only_sensor, pump,
    quarantine_of, report, snapshot, stored, try_redeem,
};
use crate::model::api_key::{ApiKeySettings, KeyOwner};
use crate::model::certificate::{CertificateFate, RevocationReason};
use crate::model::device::DeviceUpdate;
use crate::model::limits::Limits;
use crate::model::reading::Value;
use crate::model::sensor::SensorUpdate;
use crate::model::tag::TagSelector;
use crate::model::token::TokenState;
use crate::storage::{Effects, PurgePolicy, Redemption, RetainedTopic, StorageError, TokenRefused};
use crate::testing::fixtures::{
    after, api_key, batch, certificate, component, group, health, noon, parse, quarantined,
    reading, request, site,
};
use crate::testing::storage::StorageFixture;

/// Every record of every kind is there again, to the octet, and the storage finds itself sound.
pub async fn every_record_is_the_same<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    everything(&storage).await;
    let before = octets(&archived(&storage, None).await);
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert_eq!(octets(&archived(&storage, None).await), before);
    assert_eq!(storage.verify(SERVER).await.unwrap(), []);
}

/// What an import has put is there again.
pub async fn imports_stay<F: StorageFixture>(fixture: F) {
    let other = memory();
    everything(&other).await;
    carry(&other, &fixture.storage()).await;

    let fixture = fixture.reopen().await;

    let found = octets(&archived(&fixture.storage(), None).await);
    assert_eq!(found, octets(&archived(&other, None).await));
}

/// Updates of every kind of record stay, with their revisions.
pub async fn updates_stay<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = furnished(&storage).await;
    let id = pump.organization_id;
    let owner = KeyOwner::Organization(id);
    let (key, site) = (api_key(owner), site(id));
    let group = group(id, TagSelector::default());
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    let changed = parse("Changed");
    let slug = parse("changed");
    let updated = storage.update_organization(SERVER, id, None, &slug, &changed);
    updated.await.unwrap();
    let settings = ApiKeySettings {
        name: changed.clone(),
        scopes: key.scopes.clone(),
        expires_at: None,
    };
    let updated = storage.update_api_key(owner, key.id, None, &settings);
    updated.await.unwrap();
    let mut settings = site.settings.clone();
    settings.name = changed.clone();
    let updated = storage.update_site(id, site.id, None, &settings).await;
    updated.unwrap();
    let mut settings = group.settings.clone();
    settings.name = changed.clone();
    let updated = storage.update_group(id, group.id, None, &settings).await;
    updated.unwrap();
    let sensor = only_sensor(&storage, &pump).await;
    let mut update = SensorUpdate::from(sensor.settings);
    update.name = changed.clone();
    let updated = storage.update_sensor(id, sensor.id, None, &update).await;
    updated.unwrap();
    let part = storage.component(id, sensor.component_id).await.unwrap();
    let mut settings = part.unwrap().settings;
    settings.name = changed.clone();
    let updated = storage.update_component(id, sensor.component_id, None, &settings);
    updated.await.unwrap();
    let mut update = DeviceUpdate {
        settings: pump.settings.clone(),
        status: None,
    };
    update.settings.name = changed;
    let updated = storage.update_device(id, pump.id, None, &update, after(9));
    updated.await.unwrap();
    let before = snapshot(&storage, id).await;
    let changes = before.iter().filter(|line| line.contains("Revision(2)"));
    assert_eq!(changes.count(), 7);
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert_eq!(snapshot(&storage, id).await, before);
    let found = storage.organization_by_slug(&slug).await.unwrap();
    assert_eq!(found.unwrap().id, id);
}

/// Deletions of every kind of record stay: keys, sites, groups, sensors, components, quarantined
/// items, retained messages, revoked tokens.
pub async fn removals_stay<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = furnished(&storage).await;
    let id = pump.organization_id;
    let owner = KeyOwner::Organization(id);
    let (key, site) = (api_key(owner), site(id));
    let group = group(id, TagSelector::default());
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    let later = [reading("other/n", noon(), Value::BigInt(1))];
    let sensor = only_sensor(&storage, &pump).await;
    report(&storage, &pump, later).await;
    let open = new_token(&storage, &pump).await;
    let item = quarantine_of(&storage, &pump).await.remove(0);

    storage.delete_api_key(owner, key.id, None).await.unwrap();
    storage.delete_site(id, site.id, None).await.unwrap();
    storage.delete_group(id, group.id, None).await.unwrap();
    storage.delete_sensor(id, sensor.id, None).await.unwrap();
    let deleted = storage.delete_component(id, sensor.component_id, None);
    deleted.await.unwrap();
    storage.discard_quarantined(id, item.id).await.unwrap();
    let topic = RetainedTopic::Status;
    let removed = storage
        .store_retained(id, pump.id, topic, b"", noon())
        .await;
    removed.unwrap();
    storage.revoke_token(id, open.id, after(5)).await.unwrap();
    let before = snapshot(&storage, id).await;
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert_eq!(snapshot(&storage, id).await, before);
    assert!(
        storage
            .api_key_by_prefix(key.prefix)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(storage.site(id, site.id).await.unwrap(), None);
    assert_eq!(storage.group(id, group.id).await.unwrap(), None);
    assert_eq!(storage.sensor(id, sensor.id).await.unwrap(), None);
    let component = storage.component(id, sensor.component_id).await;
    assert_eq!(component.unwrap(), None);
    let found = storage.quarantined_item(id, item.id).await.unwrap();
    assert_eq!(found, None);
    assert_eq!(storage.retained(id, pump.id, topic).await.unwrap(), None);
    let found = storage.revoke_token(id, open.id, noon()).await.unwrap();
    assert_eq!(found, TokenState::Revoked);
}

/// What a purge has removed and noted stays so: retention, forgotten requests, expired tokens.
pub async fn purges_stay<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = furnished(&storage).await;
    let id = pump.organization_id;
    let owner = KeyOwner::Organization(id);
    let effects = Effects {
        idempotency: Some(request(owner, "once")),
    };
    storage.create_site(&site(id), &effects).await.unwrap();
    let open = new_token(&storage, &pump).await;
    let policy = PurgePolicy {
        readings_before: Some(after(1)),
        health_before: Some(after(1)),
        quarantined_before: after(1),
        idempotency_before: after(1),
        ..keep_all(open.expires_at)
    };
    assert_eq!(purge(&storage, &policy, 3).await, 4);
    let before = snapshot(&storage, id).await;
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert_eq!(snapshot(&storage, id).await, before);
    let found = storage.idempotency_record(owner, &parse("once")).await;
    assert_eq!(found.unwrap(), None);
    let found = storage.token(open.id).await.unwrap().unwrap();
    assert_eq!(found.state(noon()), TokenState::Expired);
    assert_eq!(purge(&storage, &policy, 3).await, 0);
}

/// What is counted against a limit is counted again: components, sensors, quarantined items, and
/// the certificates of a day.
pub async fn limits_count_what_was_there<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = pump(&storage).await;
    let id = pump.organization_id;
    let limits = Limits {
        components_per_device: 2,
        sensors_per_device: 1,
        certificates_per_day: 1,
        quarantined_per_device: 2,
        ..limits()
    };
    let manual = component(&pump, "manual");
    let created = storage.create_component(&manual, &limits, &Effects::NONE);
    created.await.unwrap();
    report(&storage, &pump, [reading("m/n", noon(), Value::BigInt(1))]).await;
    let items: Vec<_> = (0..3).map(|_| quarantined(&pump)).collect();
    for item in &items[..2] {
        storage.store_quarantined(item, &limits).await.unwrap();
    }
    issue(&storage, &pump).await;
    let token = new_token(&storage, &pump).await;
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    let third = component(&pump, "third");
    let answer = storage.create_component(&third, &limits, &Effects::NONE);
    assert_refused!(answer.await, StorageError::LimitReached { limit: 2, .. });
    storage.store_quarantined(&items[2], &limits).await.unwrap();
    let left = quarantine_of(&storage, &pump).await;
    let left: Vec<_> = left.iter().map(|item| item.id).collect();
    assert_eq!(left, [items[2].id, items[1].id]);
    let more = batch([reading("m/o", noon(), Value::BigInt(1))]);
    let stored = storage.store_readings(id, pump.id, &more, &limits).await;
    assert_eq!(stored.unwrap().stored, 0);
    let signed = certificate(&pump);
    let consumed = storage.consume_token(id, token.id, &signed, &limits, noon());
    let refused = consumed.await.unwrap();
    let retry_at = after(24 * 3600);
    let limit = TokenRefused::CertificateLimit { retry_at };
    assert_eq!(refused, Redemption::Refused(limit));
}

/// A key that was compromised stays refused, and a health report of a known timestamp is known.
pub async fn what_was_seen_is_known<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = pump(&storage).await;
    let id = pump.organization_id;
    let report = health(pump.id, noon());
    assert!(storage.store_health(id, &report).await.unwrap());
    let mut compromised = certificate(&pump);
    compromised.fate = CertificateFate::Revoked {
        at: noon(),
        reason: RevocationReason::KeyCompromise,
    };
    let token = new_token(&storage, &pump).await;
    let answer = try_redeem(&storage, &token, &compromised).await;
    assert!(matches!(answer, Redemption::Recorded(_)), "{answer:?}");
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert!(!storage.store_health(id, &report).await.unwrap());
    let token = new_token(&storage, &pump).await;
    let mut copy = certificate(&pump);
    copy.public_key_sha256 = compromised.public_key_sha256;
    let answer = try_redeem(&storage, &token, &copy).await;
    let refused = Redemption::Refused(TokenRefused::KeyCompromised);
    assert_eq!(answer, refused);
}

/// Another handle is one to the same records: each sees at once what was written by the other.
pub async fn handles_are_to_the_same_records<F: StorageFixture>(fixture: F) {
    let (one, other) = (fixture.storage(), fixture.storage());
    let id = new_organization(&one).await;
    for number in 0..8 {
        let (writer, reader) = match number % 2 {
            0 => (&one, &other),
            _ => (&other, &one),
        };
        let device = new_device(writer, id, &format!("device-{number}")).await;
        assert_eq!(stored(reader, &device).await, device);
        let signed = issue(reader, &device).await;
        connect(writer, &signed, noon()).await;
        assert!(stored(reader, &device).await.presence.online());
        report(reader, &device, [reading("m/n", noon(), Value::BigInt(1))]).await;
        let sensor = only_sensor(writer, &device).await;
        assert!(sensor.latest.is_some());
        assert_eq!(snapshot(writer, id).await, snapshot(reader, id).await);
    }
}
