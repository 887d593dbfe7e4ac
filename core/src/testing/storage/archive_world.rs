//! What the clauses of archives have in common: records of every kind, and steps with archives.

use std::sync::Arc;

use super::deletion::{furnish, furnished};
use super::world::{
    SERVER, bring_online, issue, limits, new_device, new_token, redeem, report, sensors_of,
    set_status,
};
use crate::model::api_key::KeyOwner;
use crate::model::certificate::{Certificate, CertificateFate, RevocationReason};
use crate::model::device::{Device, DeviceFilter};
use crate::model::ingestion::ReadingBatch;
use crate::model::page::{PageLimit, PageRequest};
use crate::model::presence::DeviceStatus;
use crate::model::reading::Value;
use crate::model::tag::TagSelector;
use crate::storage::{ArchiveRecord, Bookmark, Effects, MemoryStorage, PurgePolicy, Storage};
use crate::testing::fixtures::{
    after, api_key, batch, certificate, device, double, group, issuer, issuer_key_id, noon,
    quarantined, reading, request, site, tags, text,
};
use crate::testing::storage::Handle;

pub(super) fn memory() -> Handle {
    Arc::new(MemoryStorage::default()) as Arc<dyn Storage>
}

pub(super) fn first<P>() -> PageRequest<P> {
    PageRequest::first(PageLimit::MAX)
}

pub(super) fn octets(records: &[ArchiveRecord]) -> Vec<Vec<u8>> {
    records.iter().map(ArchiveRecord::octets).collect()
}

/// Reads an archive to its end, in steps that end within a kind and between two.
pub(super) async fn archived(storage: &Handle, after: Option<&Bookmark>) -> Vec<ArchiveRecord> {
    let mut archive = storage.archive(SERVER, after).await.unwrap();
    let mut all = Vec::new();
    loop {
        let more = archive.next(7).await.unwrap();
        assert!(more.len() <= 7);
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

pub(super) async fn put(storage: &Handle, records: &[ArchiveRecord]) {
    for some in records.chunks(5) {
        storage.import(SERVER, some).await.unwrap();
    }
}

pub(super) async fn carry(from: &Handle, to: &Handle) {
    put(to, &archived(from, None).await).await;
}

pub(super) async fn assert_equal(found: &Handle, expected: &Handle) {
    let (found, expected) = (archived(found, None).await, archived(expected, None).await);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(
            found.octets(),
            expected.octets(),
            "\n{found:?}\n{expected:?}"
        );
    }
    assert_eq!(found.len(), expected.len());
}

pub(super) fn batch_of_one() -> ReadingBatch {
    batch([reading("bme280/temperature", noon(), Value::BigInt(21))])
}

/// Puts at least one record of every kind into a storage, among them a device that is online, one
/// that is shut out, and a deleted one whose key is compromised; gives the device that is online.
pub(super) async fn everything(storage: &Handle) -> Device {
    let pump = furnished(storage).await;
    let id = pump.organization_id;
    for owner in [KeyOwner::Organization(id), KeyOwner::Server] {
        let created = storage
            .create_api_key(&api_key(owner), &Effects::NONE)
            .await;
        created.unwrap();
    }
    if storage.issuers().await.unwrap().is_empty() {
        storage.create_issuer(SERVER, &issuer(1)).await.unwrap();
    }
    storage.next_crl_number(issuer_key_id(1)).await.unwrap();
    let site = site(id);
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    let selector = TagSelector {
        any: tags(&["north", "south"]),
        ..TagSelector::default()
    };
    let group = group(id, selector);
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    let mut tagged = device(id, "Tagged (Süd) 3");
    tagged.settings.tags = tags(&["north", "roof"]);
    tagged.settings.site_id = Some(site.id);
    let effects = Effects {
        idempotency: Some(request(KeyOwner::Organization(id), "once")),
    };
    storage.create_device(&tagged, &effects).await.unwrap();
    let item = quarantined(&tagged);
    storage.store_quarantined(&item, &limits()).await.unwrap();
    set_status(storage, &tagged, DeviceStatus::Inactive).await;
    // Stored as BIGINT, and read as DOUBLE from the second one on.
    let widened = [
        reading("main/level", noon(), Value::BigInt(7)),
        reading("main/level", after(1), double(7.5)),
        reading("main/level", after(2), double(-0.0)),
        reading("main/open", noon(), Value::Boolean(true)),
        reading("main/note", noon(), text("漢字 \u{0}")),
    ];
    report(storage, &tagged, widened).await;
    let lost = new_device(storage, id, "lost").await;
    issue(storage, &lost).await;
    let known = Certificate {
        fate: CertificateFate::Revoked {
            at: noon(),
            reason: RevocationReason::KeyCompromise,
        },
        ..certificate(&lost)
    };
    let token = new_token(storage, &lost).await;
    redeem(storage, &token, &known).await;
    let deleted = storage.delete_device(id, lost.id, None, noon()).await;
    deleted.unwrap();
    new_token(storage, &pump).await;
    bring_online(storage, &pump).await;
    new_token(storage, &pump).await;
    pump
}

/// Changes something of every kind; each step another device.
pub(super) async fn disturb(storage: &Handle, pump: &Device, step: usize) {
    let id = pump.organization_id;
    let name = format!("new {step}");
    let new = new_device(storage, id, &name).await;
    furnish(storage, &new).await;
    bring_online(storage, &new).await;
    let late = [
        reading(
            "bme280/temperature",
            after(60 + step as u64),
            Value::BigInt(3),
        ),
        reading("late/sensor", noon(), text("late")),
    ];
    report(storage, pump, late).await;
    let sensor = sensors_of(storage, pump).await;
    let (first, last) = (sensor.first().unwrap(), sensor.last().unwrap());
    let deleted = storage.delete_sensor(id, first.id, None).await;
    deleted.unwrap();
    if sensor.len() > 1 {
        let deleted = storage.delete_component(id, last.component_id, None);
        deleted.await.unwrap();
    }
    new_token(storage, pump).await;
    let item = quarantined(pump);
    storage.store_quarantined(&item, &limits()).await.unwrap();
    if step % 2 == 1 {
        let filter = DeviceFilter::default();
        let devices = storage.devices(id, &filter, self::first()).await.unwrap();
        let victim = devices.items.iter().find(|it| it.id != pump.id).unwrap();
        let deleted = storage.delete_device(id, victim.id, None, noon()).await;
        deleted.unwrap();
    }
    let policy = PurgePolicy {
        now: after(step as u64),
        readings_before: Some(noon()),
        health_before: Some(after(5)),
        quarantined_before: noon(),
        idempotency_before: after(1),
    };
    storage.purge(SERVER, &policy, 100).await.unwrap();
    let owner = KeyOwner::Organization(id);
    storage
        .create_api_key(&api_key(owner), &Effects::NONE)
        .await
        .unwrap();
    storage.next_crl_number(issuer_key_id(1)).await.unwrap();
}
