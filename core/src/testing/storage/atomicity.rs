//! Clauses of calls that happen as a whole or not at all: what others see of them meanwhile, and
//! what is left of one whose caller goes away.

use std::collections::BTreeSet;

use super::world::{
    ALL_TOKEN_STATES, all_devices, limits, new_device, new_organization, new_token, only_sensor,
    pump, redeem, report, sensors_of,
};
use crate::model::api_key::KeyOwner;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{PageLimit, PageRequest};
use crate::model::reading::{TimeRange, Value};
use crate::model::token::{TokenFate, TokenState};
use crate::storage::Effects;
use crate::testing::fixtures::{
    after, batch, certificate, device, noon, parse, reading, request, token,
};
use crate::testing::storage::Handle;

/// Who looks while a batch is stored sees all of its readings or none, and the latest value with
/// them.
pub async fn a_batch_is_seen_as_a_whole(storage: &Handle) {
    let pump = pump(storage).await;
    report(storage, &pump, [reading("m/n", noon(), Value::BigInt(0))]).await;
    let sensor = only_sensor(storage, &pump).await;
    let writer = tokio::spawn({
        let (storage, pump) = (storage.clone(), pump.clone());
        async move {
            // No further than a reading may be ahead.
            for round in 0..36 {
                let times = (1..=8).map(|number| after(8 * round + number));
                let readings = times.map(|at| reading("m/n", at, Value::BigInt(1)));
                report(&storage, &pump, readings.collect::<Vec<_>>()).await;
            }
        }
    });
    let mut done = false;
    while !done {
        done = writer.is_finished();
        let latest = only_sensor(storage, &pump).await.latest.unwrap();
        let everything = PageRequest::first(PageLimit::MAX);
        let page = storage.readings(pump.organization_id, sensor.id, TimeRange::ALL, everything);
        let page = page.await.unwrap();
        assert_eq!(page.items.len() % 8, 1, "a part of a batch");
        assert!(page.items[0].timestamp >= latest.timestamp);
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

/// Who sees a registered device sees its token, too.
pub async fn a_registration_is_seen_as_a_whole(storage: &Handle) {
    let id = new_organization(storage).await;
    let writer = tokio::spawn({
        let storage = storage.clone();
        async move {
            for number in 0..40 {
                let device = device(id, &format!("device-{number}"));
                let token = token(&device);
                let registered = storage.register_device(&device, &token, &Effects::NONE);
                registered.await.unwrap();
            }
        }
    });
    let mut done = false;
    while !done {
        done = writer.is_finished();
        let devices = all_devices(storage, id).await;
        let with_token = devices_with_token(storage, id).await;
        for device in devices {
            assert!(
                with_token.contains(&device.id),
                "a device without its token"
            );
        }
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

/// Who sees a token used sees its certificate, on record and as the device's newest.
pub async fn a_redemption_is_seen_as_a_whole(storage: &Handle) {
    let id = new_organization(storage).await;
    let writer = tokio::spawn({
        let storage = storage.clone();
        async move {
            for number in 0..20 {
                let device = new_device(&storage, id, &format!("device-{number}")).await;
                let token = new_token(&storage, &device).await;
                redeem(&storage, &token, &certificate(&device)).await;
            }
        }
    });
    let mut done = false;
    while !done {
        done = writer.is_finished();
        let used = all_pages!(
            500,
            |page| storage.tokens(id, &[TokenState::Used], noon(), page),
            |token| token.id
        );
        for token in used {
            let TokenFate::Used { serial_number, .. } = token.fate else {
                panic!("{token:?}");
            };
            let recorded = storage.certificate(id, token.device_id, &serial_number);
            assert!(
                recorded.await.unwrap().is_some(),
                "a token without its certificate"
            );
            let device = storage.device(id, token.device_id).await.unwrap().unwrap();
            assert_eq!(device.certificate.unwrap().serial_number, serial_number);
        }
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

/// Who sees that a device is deleted sees nothing of what it had.
pub async fn a_deletion_is_seen_as_a_whole(storage: &Handle) {
    let id = new_organization(storage).await;
    let mut devices = Vec::new();
    for number in 0..12 {
        let device = new_device(storage, id, &format!("device-{number}")).await;
        report(storage, &device, [reading("m/n", noon(), Value::BigInt(1))]).await;
        devices.push(device);
    }
    let writer = tokio::spawn({
        let (storage, devices) = (storage.clone(), devices.clone());
        async move {
            for device in devices {
                let deleted = storage.delete_device(id, device.id, None, noon());
                deleted.await.unwrap();
            }
        }
    });
    let mut done = false;
    while !done {
        done = writer.is_finished();
        for device in &devices {
            if storage.device(id, device.id).await.unwrap().is_none() {
                assert!(
                    sensors_of(storage, device).await.is_empty(),
                    "sensors of nobody"
                );
            }
        }
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

/// A call whose caller goes away happens as a whole or not at all, at whatever point that is, and
/// the storage goes on.
pub async fn a_dropped_call_is_whole_or_nothing(storage: &Handle) {
    let id = new_organization(storage).await;
    let owner = KeyOwner::Organization(id);
    let reporting = new_device(storage, id, "reporting").await;
    let first = token(&reporting);
    storage.create_token(&first, &Effects::NONE).await.unwrap();
    for steps in 0..48 {
        let device = device(id, &format!("device-{steps}"));
        let effects = Effects {
            idempotency: Some(request(owner, device.settings.name.as_str())),
        };
        let call = tokio::spawn({
            let (storage, reporting) = (storage.clone(), reporting.clone());
            async move {
                let token = token(&device);
                let registered = storage.register_device(&device, &token, &effects).await;
                let pair = ["m/n", "m/o"].map(|it| reading(it, after(steps), Value::BigInt(1)));
                let stored = storage
                    .store_readings(id, reporting.id, &batch(pair), &limits())
                    .await;
                (registered.is_ok(), stored.is_ok())
            }
        });
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        call.abort();
        drop(call.await);
    }
    new_token(storage, &new_device(storage, id, "last").await).await;

    let devices = all_devices(storage, id).await;
    let with_token = devices_with_token(storage, id).await;
    for device in &devices {
        let name = device.settings.name.as_str();
        assert!(with_token.contains(&device.id), "{name} without its token");
        if name.starts_with("device-") {
            let remembered = storage.idempotency_record(owner, &parse(name)).await;
            assert!(remembered.unwrap().is_some(), "{name} without its effects");
        }
    }
    let mut counts = BTreeSet::new();
    for sensor in sensors_of(storage, &reporting).await {
        let everything = PageRequest::first(PageLimit::MAX);
        let readings = storage.readings(id, sensor.id, TimeRange::ALL, everything);
        counts.insert(readings.await.unwrap().items.len());
    }
    assert!(counts.len() <= 1, "a part of a batch: {counts:?}");
}

async fn devices_with_token(storage: &Handle, id: OrganizationId) -> BTreeSet<DeviceId> {
    let tokens = all_pages!(
        500,
        |page| storage.tokens(id, &ALL_TOKEN_STATES, noon(), page),
        |token| token.id
    );
    tokens.iter().map(|token| token.device_id).collect()
}
