//! Clauses of [`MaintenanceStore`](crate::storage::MaintenanceStore).

use std::time::Duration;

use super::deletion::{furnish, furnished};
use super::world::{
    SERVER, issue, limits, new_device, new_token, only_sensor, pump, readings_of, redeem, report,
    sensors_of, snapshot, stored, try_redeem,
};
use crate::model::api_key::KeyOwner;
use crate::model::quarantine::QuarantineFilter;
use crate::model::reading::{TimeRange, Value};
use crate::model::timestamp::Timestamp;
use crate::model::token::TokenState;
use crate::storage::Redemption::Refused;
use crate::storage::TokenRefused::Expired;
use crate::storage::{Effects, PurgePolicy};
use crate::testing::fixtures::{
    after, certificate, health, issuer_key_id, noon, parse, quarantined, reading, request, site,
    token,
};
use crate::testing::storage::Handle;

/// A purge that finds nothing old changes no answer.
pub async fn nothing_old_nothing_removed(storage: &Handle) {
    let pump = furnished(storage).await;
    new_token(storage, &pump).await;
    let everything = snapshot(storage, pump.organization_id).await;

    assert_eq!(purge(storage, &keep_all(noon()), 3).await, 0);

    assert_eq!(snapshot(storage, pump.organization_id).await, everything);
}

/// What deleted devices, components and sensors left behind is removed in small steps, and no
/// answer changes.
pub async fn remains_are_removed_and_no_answer_changes(storage: &Handle) {
    let pump = furnished(storage).await;
    let id = pump.organization_id;
    let readings = (0..60).map(|secs| reading("gone/n", after(secs), Value::BigInt(1)));
    report(storage, &pump, readings.collect::<Vec<_>>()).await;
    report(
        storage,
        &pump,
        [reading("kept/n", noon(), Value::BigInt(1))],
    )
    .await;
    for sensor in sensors_of(storage, &pump).await {
        match sensor.latest.as_ref().unwrap().timestamp {
            at if at == after(59) => {
                storage
                    .delete_component(id, sensor.component_id, None)
                    .await
                    .unwrap();
            }
            at if at == after(1) => storage.delete_sensor(id, sensor.id, None).await.unwrap(),
            _ => {}
        }
    }
    let gone = new_device(storage, id, "gone").await;
    furnish(storage, &gone).await;
    let deleted = storage.delete_device(id, gone.id, None, noon()).await;
    deleted.unwrap();
    let issuer = issuer_key_id(1);
    let answers = snapshot(storage, id).await;

    purge(storage, &keep_all(noon()), 7).await;

    assert_eq!(snapshot(storage, id).await, answers);
    let revoked = all_pages!(
        9,
        |page| storage.revoked_certificates(issuer, noon(), page),
        |it| it.serial_number.clone()
    );
    assert_eq!(revoked.len(), 1);
    assert_eq!(purge(storage, &keep_all(noon()), 7).await, 0);
}

/// What was made again under the keys and names of what is gone is spared.
pub async fn what_was_made_again_is_spared(storage: &Handle) {
    let pump = furnished(storage).await;
    let id = pump.organization_id;
    let component = only_sensor(storage, &pump).await.component_id;
    storage.delete_component(id, component, None).await.unwrap();
    report(
        storage,
        &pump,
        [reading("bme280/temperature", noon(), Value::BigInt(5))],
    )
    .await;
    let sensor = only_sensor(storage, &pump).await.id;
    storage.delete_sensor(id, sensor, None).await.unwrap();
    report(
        storage,
        &pump,
        [reading("bme280/temperature", noon(), Value::BigInt(6))],
    )
    .await;
    let gone = new_device(storage, id, "again").await;
    furnish(storage, &gone).await;
    let deleted = storage.delete_device(id, gone.id, None, noon()).await;
    deleted.unwrap();
    let again = new_device(storage, id, "again").await;
    furnish(storage, &again).await;
    let answers = snapshot(storage, id).await;

    purge(storage, &keep_all(noon()), 2).await;

    assert_eq!(snapshot(storage, id).await, answers);
    let sensor = only_sensor(storage, &pump).await;
    let readings = readings_of(storage, &sensor).await;
    assert_eq!(readings, [(noon(), Value::BigInt(6))]);
}

/// Readings and health reports older than the policy says are removed, in small steps; one that
/// is just as old stays, and so does the latest value.
pub async fn retention_removes_what_is_older(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    for secs in 0..20 {
        report(
            storage,
            &pump,
            [reading("m/n", after(secs), Value::BigInt(1))],
        )
        .await;
        let taken = storage
            .store_health(id, &health(pump.id, after(secs)))
            .await;
        assert!(taken.unwrap());
    }
    let sensor = only_sensor(storage, &pump).await;
    let policy = PurgePolicy {
        readings_before: Some(after(12)),
        health_before: Some(after(5)),
        ..keep_all(after(60))
    };

    assert_eq!(purge(storage, &policy, 4).await, 17);

    let readings = readings_of(storage, &sensor).await;
    let left: Vec<_> = readings.into_iter().map(|(at, _)| at).collect();
    assert_eq!(left, (12..20).rev().map(after).collect::<Vec<_>>());
    let reports = all_pages!(
        50,
        |page| storage.health(id, pump.id, TimeRange::ALL, page),
        |it| it.timestamp
    );
    let left: Vec<_> = reports.iter().map(|it| it.timestamp).collect();
    assert_eq!(left, (5..20).rev().map(after).collect::<Vec<_>>());
    assert_eq!(only_sensor(storage, &pump).await, sensor);
    let latest = storage.latest_health(id, pump.id).await.unwrap();
    assert_eq!(latest.unwrap().timestamp, after(19));

    let everything = PurgePolicy {
        readings_before: Some(Timestamp::MAX),
        health_before: Some(Timestamp::MAX),
        ..keep_all(after(60))
    };
    assert_eq!(purge(storage, &everything, 100).await, 23);
    assert!(readings_of(storage, &sensor).await.is_empty());
    let latest = storage.latest_health(id, pump.id).await.unwrap();
    assert_eq!(latest, None);
    report(
        storage,
        &pump,
        [reading("m/n", after(19), Value::BigInt(1))],
    )
    .await;
    assert_eq!(readings_of(storage, &sensor).await.len(), 1);
}

/// Quarantined items are removed by when they arrived, and leave room.
pub async fn old_quarantined_items_go(storage: &Handle) {
    let pump = pump(storage).await;
    let mut kept = Vec::new();
    for secs in 0..9 {
        let mut item = quarantined(&pump);
        // The youngest have the lowest ids.
        item.received_at = after(9 - secs);
        let stored = storage.store_quarantined(&item, &limits()).await;
        stored.unwrap();
        if item.received_at >= after(4) {
            kept.push(item.id);
        }
    }
    let policy = PurgePolicy {
        quarantined_before: after(4),
        ..keep_all(after(60))
    };

    assert_eq!(purge(storage, &policy, 2).await, 3);

    kept.reverse();
    let filter = QuarantineFilter::default();
    let left = all_pages!(
        2,
        |page| storage.quarantined(pump.organization_id, &filter, page),
        |it| it.id
    );
    assert_eq!(left.iter().map(|it| it.id).collect::<Vec<_>>(), kept);
    let mut small = limits();
    small.quarantined_per_device = kept.len() + 1;
    let item = quarantined(&pump);
    storage.store_quarantined(&item, &small).await.unwrap();
    let oldest = *kept.last().unwrap();
    let found = storage.quarantined_item(pump.organization_id, oldest).await;
    assert!(found.unwrap().is_some());
}

/// What is remembered of requests is forgotten when it is older than the policy says; then its
/// key is free.
pub async fn old_requests_are_forgotten(storage: &Handle) {
    let pump = pump(storage).await;
    let owner = KeyOwner::Organization(pump.organization_id);
    for secs in 0..6 {
        let mut record = request(owner, &format!("key-{secs}"));
        record.created_at = after(secs);
        let effects = Effects {
            idempotency: Some(record),
        };
        let created = storage
            .create_site(&site(pump.organization_id), &effects)
            .await;
        created.unwrap();
    }
    let policy = PurgePolicy {
        idempotency_before: after(3),
        ..keep_all(after(60))
    };

    assert_eq!(purge(storage, &policy, 2).await, 3);

    for secs in 0..6 {
        let key = parse(&format!("key-{secs}"));
        let found = storage.idempotency_record(owner, &key).await.unwrap();
        assert_eq!(found.is_some(), secs >= 3, "{secs}");
    }
    let effects = Effects {
        idempotency: Some(request(owner, "key-0")),
    };
    let created = storage
        .create_site(&site(pump.organization_id), &effects)
        .await;
    created.unwrap();
}

/// Certificate records of living devices stay for ever, those of deleted ones until they have
/// expired; what was counted stays counted.
pub async fn certificates_outlive_their_devices(storage: &Handle) {
    let living = pump(storage).await;
    let id = living.organization_id;
    let gone = new_device(storage, id, "gone").await;
    let issuer = issuer_key_id(1);
    let mut short = certificate(&living);
    short.not_after = after(60).whole_seconds();
    let of_living = redeem(storage, &new_token(storage, &living).await, &short).await;
    let mut short = certificate(&gone);
    short.not_after = after(60).whole_seconds();
    let of_gone = redeem(storage, &new_token(storage, &gone).await, &short).await;
    let deleted = storage.delete_device(id, gone.id, None, after(1)).await;
    deleted.unwrap();
    let listed = async |now: Timestamp| {
        let revoked = all_pages!(
            9,
            |page| storage.revoked_certificates(issuer, now, page),
            |it| it.serial_number.clone()
        );
        revoked
            .into_iter()
            .map(|it| it.serial_number)
            .collect::<Vec<_>>()
    };

    purge(storage, &keep_all(of_gone.not_after), 2).await;
    assert_eq!(listed(of_gone.not_after).await, [of_gone.serial_number]);

    let later = of_gone.not_after.plus(Duration::from_millis(1));
    purge(storage, &keep_all(later), 2).await;
    assert!(listed(later).await.is_empty());
    assert_eq!(storage.revocation_count(issuer).await.unwrap(), 1);
    let found = storage
        .certificate(id, living.id, &of_living.serial_number)
        .await;
    assert_eq!(found.unwrap(), Some(of_living));
    let next = issue(storage, &living).await;
    assert_eq!(next.issue_sequence, 2);
}

/// Open tokens that have expired are noted as such: they stay so when the clock runs backwards.
pub async fn expired_tokens_are_noted(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let mut short = token(&pump);
    short.expires_at = after(60);
    storage.create_token(&short, &Effects::NONE).await.unwrap();
    let long = new_token(storage, &fan).await;
    let just_before = after(60).minus(Duration::from_millis(1));

    purge(storage, &keep_all(just_before), 5).await;
    let found = storage.token(short.id).await.unwrap().unwrap();
    assert_eq!(found.state(noon()), TokenState::Pending);

    purge(storage, &keep_all(after(60)), 5).await;
    let found = storage.token(short.id).await.unwrap().unwrap();
    assert_eq!(found.state(noon()), TokenState::Expired);
    let found = storage.token(long.id).await.unwrap().unwrap();
    assert_eq!(found.state(noon()), TokenState::Pending);
    let refused = try_redeem(storage, &short, &certificate(&pump)).await;
    let expired = Expired;
    assert_eq!(refused, Refused(expired));
    let answer = storage
        .revoke_token(pump.organization_id, short.id, noon())
        .await;
    assert_eq!(answer.unwrap(), TokenState::Expired);
    redeem(
        storage,
        &new_token(storage, &pump).await,
        &certificate(&pump),
    )
    .await;
    assert_eq!(stored(storage, &fan).await.certificate, None);
}

/// A purge that keeps for ever removes no reading and no report.
pub async fn none_keeps_for_ever(storage: &Handle) {
    let pump = pump(storage).await;
    let at = Timestamp::UNIX_EPOCH;
    report(storage, &pump, [reading("m/n", at, Value::BigInt(1))]).await;
    let taken = storage
        .store_health(pump.organization_id, &health(pump.id, at))
        .await;
    assert!(taken.unwrap());

    assert_eq!(purge(storage, &keep_all(Timestamp::MAX), 5).await, 0);

    let sensor = only_sensor(storage, &pump).await;
    assert_eq!(readings_of(storage, &sensor).await.len(), 1);
}

/// The probe finds a storage that works, again and again, and leaves nothing to see.
pub async fn the_probe_answers(storage: &Handle) {
    let pump = furnished(storage).await;
    let everything = snapshot(storage, pump.organization_id).await;

    for _ in 0..3 {
        storage.probe(SERVER).await.unwrap();
    }

    assert_eq!(snapshot(storage, pump.organization_id).await, everything);
}

/// Keeps all that is not expired or gone.
pub(super) const fn keep_all(now: Timestamp) -> PurgePolicy {
    PurgePolicy {
        now,
        readings_before: None,
        health_before: None,
        quarantined_before: Timestamp::UNIX_EPOCH,
        idempotency_before: Timestamp::UNIX_EPOCH,
    }
}

/// Purges to the end; how many records were removed.
pub(super) async fn purge(storage: &Handle, policy: &PurgePolicy, limit: usize) -> usize {
    let mut removed = 0;
    for _ in 0..1000 {
        let step = storage.purge(SERVER, policy, limit).await.unwrap();
        // "At most about": twice as many is no longer about.
        assert!(step.removed <= 2 * limit, "{step:?} with {limit}");
        removed += step.removed;
        if !step.more {
            return removed;
        }
    }
    panic!("a purge without an end");
}
