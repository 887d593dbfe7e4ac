//! Clauses for storages that outlive their process: what was answered with `Ok` is there after a
//! reopen.

use super::deletion::{furnish, furnished};
use super::world::{
    SERVER, bring_online, connect, issue, limits, new_device, new_organization, new_token, pump,
    readings_of, report, sensors_of, set_status, snapshot, stored, try_redeem,
};
use crate::model::api_key::KeyOwner;
use crate::model::certificate::CertificateFate;
use crate::model::presence::{DeviceStatus, NodeId};
use crate::model::reading::Value;
use crate::model::tag::TagSelector;
use crate::storage::{Effects, Redemption, StorageError, TokenRefused, Unique};
use crate::testing::fixtures::{
    after, api_key, certificate, component, device, double, group, issuer, issuer_key_id, noon,
    reading, request, site, token,
};
use crate::testing::storage::StorageFixture;

/// Everything of an organization is there again, in every answer.
pub async fn every_answer_is_the_same<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = furnished(&storage).await;
    let id = pump.organization_id;
    let owner = KeyOwner::Organization(id);
    let (key, site) = (api_key(owner), site(id));
    let group = group(id, TagSelector::default());
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    let manual = component(&pump, "manual");
    let created = storage
        .create_component(&manual, &limits(), &Effects::NONE)
        .await;
    created.unwrap();
    let fan = new_device(&storage, id, "fan-1").await;
    furnish(&storage, &fan).await;
    set_status(&storage, &fan, DeviceStatus::Inactive).await;
    let token = new_token(&storage, &fan).await;
    let before = snapshot(&storage, id).await;
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert_eq!(snapshot(&storage, id).await, before);
    let found = storage.token(token.id).await.unwrap().unwrap();
    assert_eq!(found.secret_hash.as_bytes(), token.secret_hash.as_bytes());
    let found = storage.api_key_by_prefix(key.prefix).await.unwrap();
    let found = found.unwrap();
    assert_eq!(found.secret_hash.as_bytes(), key.secret_hash.as_bytes());
}

/// What has to be unique stays so, also what only a deleted device has left.
pub async fn the_unique_stays_taken<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = pump(&storage).await;
    let id = pump.organization_id;
    let gone = new_device(&storage, id, "gone").await;
    let ceased = issue(&storage, &gone).await;
    let deleted = storage.delete_device(id, gone.id, None, noon()).await;
    deleted.unwrap();
    let effects = Effects {
        idempotency: Some(request(KeyOwner::Organization(id), "once")),
    };
    let fan = device(id, "fan-1");
    storage.create_device(&fan, &effects).await.unwrap();
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    let namesake = device(id, "pump-7");
    let answer = storage.create_device(&namesake, &Effects::NONE).await;
    assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    let answer = storage.create_device(&device(id, "again"), &effects).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    let record = effects.idempotency.unwrap();
    let found = storage.idempotency_record(record.owner, &record.key).await;
    assert_eq!(found.unwrap(), Some(record));
    let token = new_token(&storage, &pump).await;
    let mut copy = certificate(&pump);
    copy.serial_number = ceased.serial_number;
    let answer = storage
        .consume_token(id, token.id, &copy, &limits(), noon())
        .await;
    assert_refused!(answer, StorageError::Taken(Unique::CertificateSerial));
    new_device(&storage, id, "gone").await;
}

/// A used token stays used, with its certificate; an open one still works, once.
pub async fn redemptions_stay<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = pump(&storage).await;
    let fan = new_device(&storage, pump.organization_id, "fan-1").await;
    let used = new_token(&storage, &pump).await;
    let recorded = match try_redeem(&storage, &used, &certificate(&pump)).await {
        Redemption::Recorded(recorded) => recorded,
        Redemption::Refused(refused) => panic!("{refused:?}"),
    };
    let open = new_token(&storage, &fan).await;
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    let answer = try_redeem(&storage, &used, &certificate(&pump)).await;
    assert_eq!(answer, Redemption::Refused(TokenRefused::Used));
    let found = storage
        .certificate(pump.organization_id, pump.id, &recorded.serial_number)
        .await;
    assert_eq!(found.unwrap(), Some(recorded));
    let answer = try_redeem(&storage, &open, &certificate(&fan)).await;
    assert!(matches!(answer, Redemption::Recorded(_)), "{answer:?}");
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    let answer = try_redeem(&storage, &open, &certificate(&fan)).await;
    assert_eq!(answer, Redemption::Refused(TokenRefused::Used));
    let next = issue(&storage, &pump).await;
    assert_eq!(next.issue_sequence, 2);
}

/// Sessions that were open are still on record, to be settled; the next one has a higher number.
pub async fn sessions_wait_to_be_settled<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = pump(&storage).await;
    let first = issue(&storage, &pump).await;
    connect(&storage, &first, noon()).await;
    let second = issue(&storage, &pump).await;
    let opened = connect(&storage, &second, after(1)).await;
    let before = stored(&storage, &pump).await;
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert_eq!(stored(&storage, &pump).await, before);
    let settled = storage
        .settle_sessions(SERVER, &NodeId::main(), after(9), 10)
        .await;
    assert_eq!(settled.unwrap(), 1);
    let presence = stored(&storage, &pump).await.presence;
    assert_eq!(
        (presence.status(), presence.online()),
        (DeviceStatus::Offline, false)
    );
    let found = storage
        .certificate(pump.organization_id, pump.id, &first.serial_number)
        .await;
    assert_eq!(found.unwrap().unwrap().fate, CertificateFate::Superseded);
    let next = connect(&storage, &second, after(10)).await;
    assert!(next.epoch > opened.epoch);
    assert_eq!(next.displaced, None);
}

/// Readings, types and latest values are there again, and duplicates are still known.
pub async fn readings_stay<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = pump(&storage).await;
    let first = reading("m/n", noon(), Value::BigInt(i64::MAX));
    let fraction = reading("m/n", after(1), double(-0.5));
    report(&storage, &pump, [first.clone()]).await;
    report(&storage, &pump, [fraction.clone()]).await;
    let sensors = sensors_of(&storage, &pump).await;
    let readings = readings_of(&storage, &sensors[0]).await;
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert_eq!(sensors_of(&storage, &pump).await, sensors);
    let outcome = report(&storage, &pump, [fraction, first]).await;
    assert_eq!((outcome.stored, outcome.quarantined), (0, 0));
    assert_eq!(readings_of(&storage, &sensors[0]).await, readings);
    assert_eq!(sensors_of(&storage, &pump).await, sensors);
}

/// CRL numbers go on where they were, issuers and revocations are on record.
pub async fn the_ca_goes_on<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = pump(&storage).await;
    let ceased = issue(&storage, &pump).await;
    let deleted = storage
        .delete_device(pump.organization_id, pump.id, None, noon())
        .await;
    deleted.unwrap();
    storage.create_issuer(SERVER, &issuer(1)).await.unwrap();
    storage.create_issuer(SERVER, &issuer(2)).await.unwrap();
    let key = issuer_key_id(1);
    for expected in 1..=3 {
        assert_eq!(storage.next_crl_number(key).await.unwrap(), expected);
    }
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert_eq!(storage.next_crl_number(key).await.unwrap(), 4);
    assert_eq!(storage.revocation_count(key).await.unwrap(), 1);
    assert_eq!(storage.issuers().await.unwrap(), [issuer(1), issuer(2)]);
    let revoked = all_pages!(
        9,
        |page| storage.revoked_certificates(key, noon(), page),
        |it| it.serial_number.clone()
    );
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].serial_number, ceased.serial_number);
}

/// What was deleted stays so.
pub async fn deletions_stay<F: StorageFixture>(fixture: F) {
    let storage = fixture.storage();
    let pump = furnished(&storage).await;
    let id = pump.organization_id;
    let open = token(&pump);
    storage.create_token(&open, &Effects::NONE).await.unwrap();
    let fan = new_device(&storage, id, "fan-1").await;
    bring_online(&storage, &fan).await;
    let deleted = storage.delete_device(id, pump.id, None, noon()).await;
    deleted.unwrap();
    let empty = new_organization(&storage).await;
    let deleted = storage.delete_organization(SERVER, empty, None).await;
    deleted.unwrap();
    let before = snapshot(&storage, id).await;
    drop(storage);

    let fixture = fixture.reopen().await;

    let storage = fixture.storage();
    assert_eq!(snapshot(&storage, id).await, before);
    assert_eq!(storage.device(id, pump.id).await.unwrap(), None);
    assert!(storage.token(open.id).await.unwrap().is_none());
    assert_eq!(storage.organization(empty).await.unwrap(), None);
}

/// Several reopens without a change change nothing.
pub async fn reopening_changes_nothing<F: StorageFixture>(fixture: F) {
    let mut fixture = fixture;
    let pump = furnished(&fixture.storage()).await;
    let id = pump.organization_id;
    let before = snapshot(&fixture.storage(), id).await;
    for _ in 0..3 {
        fixture = fixture.reopen().await;
        assert_eq!(snapshot(&fixture.storage(), id).await, before);
    }
}
