//! Clauses of calls that race: what only one may win, one wins.

use std::collections::BTreeSet;

use tokio::task::JoinSet;

use super::world::{
    all_devices, connect, issue, limits, new_device, new_organization, new_token, only_sensor,
    pump, readings_of, report, sensors_of, stored, try_redeem,
};
use crate::model::api_key::KeyOwner;
use crate::model::device::DeviceUpdate;
use crate::model::limits::Limits;
use crate::model::reading::Value;
use crate::model::revision::Revision;
use crate::model::token::{TokenFate, TokenState};
use crate::storage::{Effects, Redemption, StorageError, TokenRefused, Unique};
use crate::testing::fixtures::{
    after, batch, certificate, component, device, device_settings, noon, reading, request, token,
};
use crate::testing::storage::Handle;

/// Of 64 redemptions of one token one is recorded, with one certificate; 63 find it used.
pub async fn one_redemption_of_a_token_wins(storage: &Handle) {
    let pump = pump(storage).await;
    let token = new_token(storage, &pump).await;
    let mut calls = JoinSet::new();
    for _ in 0..64 {
        let (storage, token, signed) = (storage.clone(), token.clone(), certificate(&pump));
        calls.spawn(async move { try_redeem(&storage, &token, &signed).await });
    }

    let mut recorded = Vec::new();
    for answer in calls.join_all().await {
        match answer {
            Redemption::Recorded(certificate) => recorded.push(certificate),
            Redemption::Refused(refused) => assert_eq!(refused, TokenRefused::Used),
        }
    }

    assert_eq!(recorded.len(), 1);
    let on_record = all_pages!(
        500,
        |page| storage.certificates(pump.organization_id, pump.id, page),
        |it| it.issue_sequence
    );
    assert_eq!(on_record, recorded);
    let used = TokenFate::Used {
        at: noon(),
        serial_number: recorded[0].serial_number.clone(),
    };
    assert_eq!(storage.token(token.id).await.unwrap().unwrap().fate, used);
    let newest = stored(storage, &pump).await.certificate.unwrap();
    assert_eq!(newest.serial_number, recorded[0].serial_number);
}

/// Tokens of different devices are redeemed side by side, each once.
pub async fn redemptions_of_many_tokens_do_not_meet(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut calls = JoinSet::new();
    let mut devices = Vec::new();
    for number in 0..8 {
        let device = new_device(storage, organization, &format!("device-{number}")).await;
        let token = new_token(storage, &device).await;
        for _ in 0..8 {
            let (storage, token, signed) = (storage.clone(), token.clone(), certificate(&device));
            calls.spawn(async move { try_redeem(&storage, &token, &signed).await });
        }
        devices.push(device);
    }

    let answers = calls.join_all().await;

    let recorded = answers
        .iter()
        .filter(|answer| matches!(answer, Redemption::Recorded(_)));
    assert_eq!(recorded.count(), 8);
    for device in &devices {
        let on_record = all_pages!(
            500,
            |page| storage.certificates(organization, device.id, page),
            |it| it.issue_sequence
        );
        assert_eq!(on_record.len(), 1);
    }
}

/// Of 64 devices of one name one is created.
pub async fn one_device_of_a_name_is_created(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut calls = JoinSet::new();
    for _ in 0..64 {
        let (storage, device) = (storage.clone(), device(organization, "pump-7"));
        calls.spawn(async move { storage.create_device(&device, &Effects::NONE).await });
    }

    assert_one_wins(calls.join_all().await, |error| {
        matches!(error, StorageError::Taken(Unique::DeviceName))
    });
    assert_eq!(all_devices(storage, organization).await.len(), 1);
}

/// Of 64 registrations under one idempotency key one is carried out, with its token.
pub async fn one_request_of_a_key_is_carried_out(storage: &Handle) {
    let organization = new_organization(storage).await;
    let effects = Effects {
        idempotency: Some(request(KeyOwner::Organization(organization), "once")),
    };
    let mut calls = JoinSet::new();
    for number in 0..64 {
        let (storage, effects) = (storage.clone(), effects.clone());
        let device = device(organization, &format!("device-{number}"));
        calls.spawn(async move {
            let token = token(&device);
            storage.register_device(&device, &token, &effects).await
        });
    }

    assert_one_wins(calls.join_all().await, |error| {
        matches!(error, StorageError::Taken(Unique::IdempotencyKey))
    });
    assert_eq!(all_devices(storage, organization).await.len(), 1);
}

/// Of 64 updates from one revision one is carried out.
pub async fn one_update_of_a_revision_wins(storage: &Handle) {
    let pump = pump(storage).await;
    let mut calls = JoinSet::new();
    for number in 0..64 {
        let (storage, pump) = (storage.clone(), pump.clone());
        calls.spawn(async move {
            let update = DeviceUpdate {
                settings: device_settings(&format!("renamed-{number}")),
                status: None,
            };
            let expected = Some(Revision::FIRST);
            storage
                .update_device(pump.organization_id, pump.id, expected, &update, noon())
                .await
                .map(|change| change.device.settings)
        });
    }

    let won = assert_one_wins(calls.join_all().await, |error| {
        matches!(error, StorageError::StaleRevision { .. })
    });
    let device = stored(storage, &pump).await;
    assert_eq!(device.settings, won);
    assert_eq!(device.revision, Revision::FIRST.next());
}

/// Updates that name no revision are all carried out, one after the other.
pub async fn updates_without_a_revision_all_count(storage: &Handle) {
    let pump = pump(storage).await;
    let mut calls = JoinSet::new();
    for number in 0..64 {
        let (storage, pump) = (storage.clone(), pump.clone());
        calls.spawn(async move {
            let update = DeviceUpdate {
                settings: device_settings(&format!("renamed-{number}")),
                status: None,
            };
            let change = storage
                .update_device(pump.organization_id, pump.id, None, &update, noon())
                .await;
            change.unwrap().device.revision.as_u64()
        });
    }

    let revisions: BTreeSet<_> = calls.join_all().await.into_iter().collect();
    assert_eq!(revisions, (2..=65).collect());
    assert_eq!(
        stored(storage, &pump).await.revision,
        Revision::from_u64(65)
    );
}

/// Sessions of one device that open at once each get a number of their own, and each but the
/// first displaces the one before.
pub async fn sessions_get_numbers_of_their_own(storage: &Handle) {
    let pump = pump(storage).await;
    let certificate = issue(storage, &pump).await;
    let mut calls = JoinSet::new();
    for _ in 0..16 {
        let (storage, certificate) = (storage.clone(), certificate.clone());
        calls.spawn(async move { connect(&storage, &certificate, noon()).await });
    }

    let mut opened = calls.join_all().await;

    opened.sort_by_key(|session| session.epoch);
    let epochs: Vec<_> = opened
        .iter()
        .map(|session| session.epoch.as_u64())
        .collect();
    assert_eq!(epochs, (1..=16).collect::<Vec<_>>());
    let displaced = opened.iter().map(|session| session.displaced.as_ref());
    let displaced: Vec<_> = displaced
        .map(|it| it.map_or(0, |it| it.epoch.as_u64()))
        .collect();
    assert_eq!(displaced, (0..16).collect::<Vec<_>>());
    let device = stored(storage, &pump).await;
    assert_eq!(device.session.unwrap().epoch.as_u64(), 16);
    assert!(device.presence.online());
}

/// Of several new tokens of a device one is open in the end.
pub async fn one_token_of_a_device_is_open(storage: &Handle) {
    let pump = pump(storage).await;
    let mut calls = JoinSet::new();
    for _ in 0..16 {
        let (storage, token) = (storage.clone(), token(&pump));
        calls.spawn(async move { storage.create_token(&token, &Effects::NONE).await });
    }
    for answer in calls.join_all().await {
        answer.unwrap();
    }

    for (state, expected) in [(TokenState::Pending, 1), (TokenState::Revoked, 15)] {
        let tokens = all_pages!(
            500,
            |page| storage.tokens(pump.organization_id, &[state], noon(), page),
            |token| token.id
        );
        assert_eq!(tokens.len(), expected, "{state}");
    }
}

/// Batches that name a new sensor at once create it once, and lose no reading.
pub async fn batches_create_a_sensor_once(storage: &Handle) {
    let pump = pump(storage).await;
    let mut calls = JoinSet::new();
    for number in 0..16 {
        let (storage, pump) = (storage.clone(), pump.clone());
        calls.spawn(async move {
            let readings = [
                reading("m/n", after(number), Value::BigInt(1)),
                // The same in each batch: one of them stores it.
                reading("m/n", after(100), Value::BigInt(2)),
            ];
            report(&storage, &pump, readings).await.stored
        });
    }

    let stored: usize = calls.join_all().await.into_iter().sum();

    assert_eq!(stored, 17);
    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(readings_of(storage, &sensor).await.len(), 17);
    assert_eq!(sensor.latest.unwrap().timestamp, after(100));
}

/// Callers that race for the last places under a limit do not pass it.
pub async fn limits_hold_in_a_race(storage: &Handle) {
    let pump = pump(storage).await;
    let limits = Limits {
        components_per_device: 3,
        sensors_per_device: 3,
        ..limits()
    };
    let mut calls = JoinSet::new();
    for number in 0..16 {
        let (storage, pump, limits) = (storage.clone(), pump.clone(), limits.clone());
        calls.spawn(async move {
            let key = format!("c{number}");
            if number % 2 == 0 {
                let component = component(&pump, &key);
                let answer = storage
                    .create_component(&component, &limits, &Effects::NONE)
                    .await;
                return usize::from(answer.is_ok());
            }
            let readings = batch([reading(&format!("{key}/n"), noon(), Value::BigInt(1))]);
            let outcome = storage
                .store_readings(pump.organization_id, pump.id, &readings, &limits)
                .await;
            outcome.unwrap().stored
        });
    }

    assert_eq!(calls.join_all().await.into_iter().sum::<usize>(), 3);
    assert!(sensors_of(storage, &pump).await.len() <= 3);
}

/// The same for the sensors of one component.
pub async fn sensor_limits_hold_in_a_race(storage: &Handle) {
    let pump = pump(storage).await;
    let limits = Limits {
        sensors_per_device: 3,
        ..limits()
    };
    let mut calls = JoinSet::new();
    for number in 0..16 {
        let (storage, pump, limits) = (storage.clone(), pump.clone(), limits.clone());
        calls.spawn(async move {
            let path = format!("m/n{number}");
            let readings = batch([reading(&path, noon(), Value::BigInt(1))]);
            let outcome = storage
                .store_readings(pump.organization_id, pump.id, &readings, &limits)
                .await;
            outcome.unwrap()
        });
    }

    let outcomes = calls.join_all().await;

    assert_eq!(outcomes.iter().map(|it| it.stored).sum::<usize>(), 3);
    assert_eq!(outcomes.iter().map(|it| it.quarantined).sum::<usize>(), 13);
    assert_eq!(sensors_of(storage, &pump).await.len(), 3);
}

/// Asserts that one call was answered with `Ok`, and the others were refused as they should be.
#[track_caller]
pub(super) fn assert_one_wins<T: std::fmt::Debug>(
    answers: Vec<Result<T, StorageError>>,
    expected: impl Fn(&StorageError) -> bool,
) -> T {
    let mut won = None;
    for answer in answers {
        match answer {
            Ok(answer) => assert!(won.replace(answer).is_none(), "two have won"),
            Err(error) => assert!(expected(&error), "{error:?}"),
        }
    }
    won.unwrap()
}
