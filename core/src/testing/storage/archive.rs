//! Clauses of [`ArchiveStore`](crate::storage::ArchiveStore).

use std::collections::BTreeSet;

use super::archive_world::{
    archived, assert_equal, batch_of_one, carry, everything, first, memory, octets,
};
use super::deletion::{furnish, furnished};
use super::world::{
    SERVER, connect, issue, limits, new_device, new_organization, new_token, pump, redeem, report,
    sensors_of, set_status, snapshot, try_redeem,
};
use crate::model::api_key::KeyOwner;
use crate::model::certificate::RevocationReason;
use crate::model::device::DeviceFilter;
use crate::model::presence::DeviceStatus;
use crate::storage::{
    ArchiveRecord, Effects, PurgePolicy, RecordKind, Redemption, StorageError, TokenRefused, Unique,
};
use crate::testing::fixtures::{
    after, certificate, component, device, double, issuer_key_id, noon, quarantined, reading,
    request, tags, token,
};
use crate::testing::storage::Handle;

/// An archive has every kind of record, each once, in the order of their bookmarks.
pub async fn it_has_everything_in_order(storage: &Handle) {
    everything(storage).await;
    let records = archived(storage, None).await;
    let bookmarks: Vec<_> = records.iter().map(ArchiveRecord::bookmark).collect();
    assert!(bookmarks.is_sorted_by(|one, next| one < next));
    let kinds: BTreeSet<_> = records.iter().map(ArchiveRecord::kind).collect();
    assert!(kinds.iter().eq(RecordKind::ALL.iter()), "{kinds:?}");
}

/// What comes out of a storage comes out of every other one into which it is put.
pub async fn an_archive_goes_into_another_storage(storage: &Handle) {
    everything(storage).await;
    let other = memory();
    carry(storage, &other).await;
    assert_equal(&other, storage).await;
}

/// What comes from every other storage comes out as it was.
pub async fn an_archive_comes_from_another_storage(storage: &Handle) {
    let other = memory();
    everything(&other).await;
    carry(&other, storage).await;
    assert_equal(storage, &other).await;
}

/// Every answer is the same after the move.
pub async fn every_answer_moves_along(storage: &Handle) {
    let other = memory();
    let pump = everything(&other).await;
    let id = pump.organization_id;
    carry(&other, storage).await;
    assert_eq!(snapshot(storage, id).await, snapshot(&other, id).await);
    let issuers = storage.issuers().await.unwrap();
    assert_eq!(issuers, other.issuers().await.unwrap());
    for filter in [
        DeviceFilter {
            tags: tags(&["north"]).iter().cloned().collect(),
            ..DeviceFilter::default()
        },
        DeviceFilter {
            word_prefix: Some("tag".to_owned()),
            ..DeviceFilter::default()
        },
        DeviceFilter {
            online: Some(true),
            ..DeviceFilter::default()
        },
    ] {
        let found = storage.devices(id, &filter, first()).await.unwrap();
        let expected = other.devices(id, &filter, first()).await.unwrap();
        assert!(!expected.items.is_empty(), "{filter:?}");
        assert_eq!(found.items, expected.items);
    }
    let groups = storage.groups(id, first()).await.unwrap().items;
    let groups: Vec<_> = groups.into_iter().map(|group| group.id).collect();
    let sizes = storage.group_sizes(id, &groups).await.unwrap();
    assert_eq!(sizes, other.group_sizes(id, &groups).await.unwrap());
}

/// What has to be unique is taken after the move.
pub async fn the_unique_moves_along(storage: &Handle) {
    let other = memory();
    let pump = everything(&other).await;
    let id = pump.organization_id;
    carry(&other, storage).await;

    let namesake = device(id, pump.settings.name.as_str());
    let answer = storage.create_device(&namesake, &Effects::NONE).await;
    assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    let twin = component(&pump, "bme280");
    let answer = storage
        .create_component(&twin, &limits(), &Effects::NONE)
        .await;
    assert_refused!(answer, StorageError::Taken(Unique::ComponentKey));
    let effects = Effects {
        idempotency: Some(request(KeyOwner::Organization(id), "once")),
    };
    let answer = storage.create_device(&device(id, "new"), &effects).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    let again = batch_of_one();
    let taken = storage
        .store_readings(id, pump.id, &again, &limits())
        .await
        .unwrap();
    assert_eq!(taken.stored, 0, "a reading was stored twice");
}

/// Tokens are worth after the move what they were before it.
pub async fn tokens_move_along(storage: &Handle) {
    let other = memory();
    let pump = pump(&other).await;
    let used = new_token(&other, &pump).await;
    redeem(&other, &used, &certificate(&pump)).await;
    let revoked = new_token(&other, &pump).await;
    let open = new_token(&other, &pump).await;
    carry(&other, storage).await;

    for (token, reason) in [
        (&used, TokenRefused::Used),
        (&revoked, TokenRefused::Revoked),
    ] {
        let answer = try_redeem(storage, token, &certificate(&pump)).await;
        assert!(
            matches!(&answer, Redemption::Refused(found) if *found == reason),
            "{answer:?}"
        );
    }
    let second = redeem(storage, &open, &certificate(&pump)).await;
    assert_eq!(second.issue_sequence, 2);
    connect(storage, &second, after(60)).await;
}

/// What is counted goes on where it was.
pub async fn counters_go_on(storage: &Handle) {
    let other = memory();
    let pump = pump(&other).await;
    issue(&other, &pump).await;
    let deleted = other.delete_device(pump.organization_id, pump.id, None, noon());
    deleted.await.unwrap();
    let issuer = issuer_key_id(1);
    for number in 1..=3 {
        assert_eq!(other.next_crl_number(issuer).await.unwrap(), number);
    }
    carry(&other, storage).await;

    assert_eq!(storage.revocation_count(issuer).await.unwrap(), 1);
    assert_eq!(storage.next_crl_number(issuer).await.unwrap(), 4);
}

/// The certificates of a deleted device move along, stay on the CRL, and go when they have expired.
pub async fn certificates_of_deleted_devices_move_along(storage: &Handle) {
    let other = memory();
    let pump = pump(&other).await;
    let id = pump.organization_id;
    let ceased = issue(&other, &pump).await;
    let deleted = other.delete_device(id, pump.id, None, noon()).await;
    deleted.unwrap();
    carry(&other, storage).await;

    let issuer = ceased.issuer_key_id;
    let revoked = storage.revoked_certificates(issuer, noon(), first()).await;
    let revoked = revoked.unwrap().items;
    assert_eq!(revoked.len(), 1);
    assert_eq!(revoked[0].reason, RevocationReason::CessationOfOperation);
    let found = storage.certificate(id, pump.id, &ceased.serial_number);
    assert_eq!(found.await.unwrap(), None);
    let policy = PurgePolicy {
        now: after(400 * 24 * 3600),
        readings_before: None,
        health_before: None,
        quarantined_before: noon(),
        idempotency_before: noon(),
    };
    while storage.purge(SERVER, &policy, 100).await.unwrap().more {}
    let left = archived(storage, None).await;
    let certificates = left
        .iter()
        .filter(|record| record.kind() == RecordKind::Certificate);
    assert_eq!(certificates.count(), 0);
    assert_eq!(storage.verify(SERVER).await.unwrap(), []);
}

/// What deleted devices, components and sensors have left behind is in no archive.
pub async fn what_is_gone_is_not_in_it(storage: &Handle) {
    let pump = furnished(storage).await;
    let id = pump.organization_id;
    let fan = new_device(storage, id, "fan-1").await;
    furnish(storage, &fan).await;
    report(storage, &fan, [reading("other/x", noon(), double(1.5))]).await;
    let deleted = storage.delete_device(id, pump.id, None, noon()).await;
    deleted.unwrap();
    let sensors = sensors_of(storage, &fan).await;
    let deleted = storage.delete_sensor(id, sensors[0].id, None).await;
    deleted.unwrap();
    let deleted = storage.delete_component(id, sensors[1].component_id, None);
    deleted.await.unwrap();

    let records = archived(storage, None).await;
    for record in &records {
        let gone = match record {
            ArchiveRecord::Device(it) => it.id == pump.id,
            ArchiveRecord::Token(it) => it.device_id == pump.id,
            ArchiveRecord::Component(it) => {
                it.device_id == pump.id || it.id == sensors[1].component_id
            }
            ArchiveRecord::Sensor(_) | ArchiveRecord::Reading(..) => true,
            ArchiveRecord::Health(_, it) => it.device_id == pump.id,
            ArchiveRecord::Quarantined(it) => it.device_id == pump.id,
            ArchiveRecord::Retained { device_id, .. } => *device_id == pump.id,
            _ => false,
        };
        assert!(!gone, "{record:?}");
    }
    let other = memory();
    carry(storage, &other).await;
    assert_equal(&other, storage).await;
    assert_eq!(storage.verify(SERVER).await.unwrap(), []);
}

/// The same import again changes nothing, also where the storage has gone on meanwhile.
pub async fn an_import_again_changes_nothing(storage: &Handle) {
    let other = memory();
    let pump = everything(&other).await;
    carry(&other, storage).await;
    let records = archived(storage, None).await;
    storage.import(SERVER, &records).await.unwrap();
    assert_eq!(octets(&archived(storage, None).await), octets(&records));

    set_status(storage, &pump, DeviceStatus::Inactive).await;
    storage.next_crl_number(issuer_key_id(1)).await.unwrap();
    let now = octets(&archived(storage, None).await);
    storage.import(SERVER, &records).await.unwrap();
    assert_eq!(octets(&archived(storage, None).await), now);
}

/// A record needs what it belongs to, and what is unique has to be free; else nothing of the call
/// is put.
pub async fn an_import_is_whole_or_not_at_all(storage: &Handle) {
    let id = new_organization(storage).await;
    let taken = new_device(storage, id, "taken").await;
    let before = octets(&archived(storage, None).await);
    let good = ArchiveRecord::Device(Box::new(device(id, "good")));

    let namesake = ArchiveRecord::Device(Box::new(device(id, "taken")));
    let answer = storage.import(SERVER, &[good.clone(), namesake]).await;
    assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    let nobody = device(id, "nobody");
    for orphan in [
        ArchiveRecord::Token(token(&nobody)),
        ArchiveRecord::Component(Box::new(component(&nobody, "part"))),
        ArchiveRecord::Quarantined(quarantined(&nobody)),
    ] {
        let answer = storage.import(SERVER, &[good.clone(), orphan]).await;
        assert_refused!(answer, StorageError::NotFound { .. });
    }

    assert_eq!(octets(&archived(storage, None).await), before);
    let part = ArchiveRecord::Component(Box::new(component(&taken, "part")));
    storage.import(SERVER, &[good, part]).await.unwrap();
}
