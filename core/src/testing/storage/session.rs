//! Clauses of [`SessionStore`](crate::storage::SessionStore): opening and closing.

use std::time::Duration;

use super::world::{
    bring_online, connect, issue, new_device, new_organization, new_token, pump, redeem,
    set_status, snapshot, stored,
};
use crate::model::certificate::{Certificate, CertificateFate, CertificateState, RevocationReason};
use crate::model::device::Device;
use crate::model::presence::{DeviceStatus, NodeId, Session, SessionEpoch};
use crate::model::timestamp::Timestamp;
use crate::storage::{OpenedSession, SessionRefused};
use crate::testing::fixtures::{after, before, certificate, device, noon, parse};
use crate::testing::storage::Handle;

/// The first session makes a PENDING device ACTIVE and online, and notes when.
pub async fn the_first_session_makes_it_active(storage: &Handle) {
    let pump = pump(storage).await;
    let certificate = issue(storage, &pump).await;
    let mut expected = stored(storage, &pump).await;

    let opened = open(storage, &certificate, "node-1", after(5))
        .await
        .unwrap();

    let session = OpenedSession {
        epoch: SessionEpoch::from_u64(1),
        displaced: None,
        not_after: certificate.not_after,
    };
    assert_eq!(opened, session);
    expected.presence.session_opened(after(5)).unwrap();
    expected.session_epoch = opened.epoch;
    expected.session = Some(Session {
        epoch: opened.epoch,
        node: parse("node-1"),
        serial_number: certificate.serial_number,
    });
    assert_eq!(expected.presence.status(), DeviceStatus::Active);
    assert_eq!(stored(storage, &pump).await, expected);
}

/// The end of the newest session makes the device OFFLINE; the next one makes it ACTIVE again,
/// and the first stays the first.
pub async fn sessions_come_and_go(storage: &Handle) {
    let pump = pump(storage).await;
    let certificate = issue(storage, &pump).await;
    for number in 0..3 {
        let opened = connect(storage, &certificate, after(10 * number)).await;
        assert_eq!(opened.epoch.as_u64(), number + 1);
        assert_eq!(opened.displaced, None);
        let device = stored(storage, &pump).await;
        assert_eq!(device.presence.status(), DeviceStatus::Active);
        assert_eq!(device.presence.first_session_at(), Some(noon()));

        assert!(close(storage, &pump, opened.epoch, after(10 * number + 5)).await);
        let device = stored(storage, &pump).await;
        let presence = &device.presence;
        assert_eq!(
            (presence.status(), presence.online()),
            (DeviceStatus::Offline, false)
        );
        assert_eq!(presence.last_seen_at(), Some(after(10 * number)));
        assert_eq!(presence.status_changed_at(), after(10 * number + 5));
        assert_eq!(device.session, None);
        assert_eq!(device.session_epoch, opened.epoch);
        assert_eq!(device.revision, pump.revision);
    }
}

/// A takeover never shows the device offline where the old session's end comes last.
pub async fn a_takeover_with_the_old_end_last(storage: &Handle) {
    let pump = pump(storage).await;
    let certificate = issue(storage, &pump).await;
    let old = open(storage, &certificate, "node-1", noon()).await.unwrap();

    let new = open(storage, &certificate, "node-2", after(1))
        .await
        .unwrap();
    assert!(new.epoch > old.epoch);
    let displaced = new.displaced.unwrap();
    assert_eq!(
        (displaced.epoch, displaced.node),
        (old.epoch, parse("node-1"))
    );
    let before = stored(storage, &pump).await;
    assert!(!close(storage, &pump, old.epoch, after(2)).await);

    assert_eq!(stored(storage, &pump).await, before);
    assert!(before.presence.online());
    assert_eq!(before.session.unwrap().epoch, new.epoch);
    assert!(close(storage, &pump, new.epoch, after(3)).await);
    assert!(!stored(storage, &pump).await.presence.online());
}

/// Where the old session's end comes first, the new one is simply the next.
pub async fn a_takeover_with_the_old_end_first(storage: &Handle) {
    let pump = pump(storage).await;
    let certificate = issue(storage, &pump).await;
    let old = open(storage, &certificate, "node-1", noon()).await.unwrap();

    assert!(close(storage, &pump, old.epoch, after(1)).await);
    let new = open(storage, &certificate, "node-2", after(2))
        .await
        .unwrap();

    assert_eq!(new.displaced, None);
    assert!(new.epoch > old.epoch);
    assert!(!close(storage, &pump, old.epoch, after(3)).await);
    let device = stored(storage, &pump).await;
    assert_eq!(device.presence.status(), DeviceStatus::Active);
    assert_eq!(device.session.unwrap().epoch, new.epoch);
}

/// Closing what is closed, was never opened, or is another device's changes nothing.
pub async fn closing_needs_the_newest_session(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let opened = bring_online(storage, &pump).await;
    let snapshot_before = snapshot(storage, pump.organization_id).await;
    let unknown = device(pump.organization_id, "unknown");
    for (device, epoch) in [
        (&pump, SessionEpoch::from_u64(0)),
        (&pump, opened.epoch.next()),
        (&fan, opened.epoch),
        (&fan, SessionEpoch::from_u64(0)),
        (&unknown, opened.epoch),
    ] {
        assert!(!close(storage, device, epoch, after(9)).await);
    }
    let other = new_organization(storage).await;
    let foreign = storage
        .close_session(other, pump.id, opened.epoch, after(9))
        .await;
    assert!(!foreign.unwrap());
    assert_eq!(
        snapshot(storage, pump.organization_id).await,
        snapshot_before
    );

    assert!(close(storage, &pump, opened.epoch, after(9)).await);
    let closed = stored(storage, &pump).await;
    assert!(!close(storage, &pump, opened.epoch, after(10)).await);
    assert_eq!(stored(storage, &pump).await, closed);
}

/// The session that INACTIVE has ended stays ended, also when its end is told later.
pub async fn an_ended_session_is_not_closed_again(storage: &Handle) {
    let pump = pump(storage).await;
    let opened = bring_online(storage, &pump).await;
    set_status(storage, &pump, DeviceStatus::Inactive).await;
    let inactive = stored(storage, &pump).await;

    close(storage, &pump, opened.epoch, after(9)).await;
    assert_eq!(stored(storage, &pump).await, inactive);

    let device = set_status(storage, &pump, DeviceStatus::Active).await;
    assert_eq!(device.presence.status(), DeviceStatus::Offline);
    close(storage, &pump, opened.epoch, after(10)).await;
    assert_eq!(stored(storage, &pump).await, device);
}

/// An INACTIVE device is refused, and nothing changes.
pub async fn an_inactive_device_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let certificate = issue(storage, &pump).await;
    set_status(storage, &pump, DeviceStatus::Inactive).await;

    assert_refusal(
        storage,
        &certificate,
        noon(),
        SessionRefused::DeviceInactive,
    )
    .await;

    set_status(storage, &pump, DeviceStatus::Active).await;
    connect(storage, &certificate, noon()).await;
}

/// In MAINTENANCE sessions go on: online follows them, the status stays.
pub async fn maintenance_lets_sessions_in(storage: &Handle) {
    let pump = pump(storage).await;
    let first = bring_online(storage, &pump).await;
    set_status(storage, &pump, DeviceStatus::Maintenance).await;

    assert!(close(storage, &pump, first.epoch, after(1)).await);
    let device = stored(storage, &pump).await;
    let presence = &device.presence;
    assert_eq!(
        (presence.status(), presence.online()),
        (DeviceStatus::Maintenance, false)
    );
    let serial_number = device.certificate.unwrap().serial_number;
    let opened = storage
        .open_session(
            pump.organization_id,
            pump.id,
            &serial_number,
            &NodeId::main(),
            after(2),
        )
        .await;
    opened.unwrap().unwrap();
    let presence = stored(storage, &pump).await.presence;
    assert_eq!(
        (presence.status(), presence.online()),
        (DeviceStatus::Maintenance, true)
    );
    let device = set_status(storage, &pump, DeviceStatus::Active).await;
    assert_eq!(device.presence.status(), DeviceStatus::Active);
}

/// A certificate that is not on record for this device opens nothing.
pub async fn an_unknown_certificate_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    issue(storage, &pump).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let mut of_fan = issue(storage, &fan).await;
    of_fan.device_id = pump.id;

    for wrong in [certificate(&pump), of_fan] {
        assert_refusal(storage, &wrong, noon(), SessionRefused::CertificateNotGood).await;
    }
}

/// A device that is not there, or is another organization's, opens nothing.
pub async fn an_unknown_device_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let mut known = issue(storage, &pump).await;
    let unknown = certificate(&device(pump.organization_id, "unknown"));
    assert_refusal(storage, &unknown, noon(), SessionRefused::UnknownDevice).await;

    known.organization_id = new_organization(storage).await;
    assert_refusal(storage, &known, noon(), SessionRefused::UnknownDevice).await;
    assert_eq!(stored(storage, &pump).await.session, None);
}

/// A certificate opens sessions up to its end, and not a millisecond longer.
pub async fn an_expired_certificate_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let certificate = issue(storage, &pump).await;
    let late = certificate.not_after.plus(Duration::from_millis(1));
    assert_refusal(
        storage,
        &certificate,
        late,
        SessionRefused::CertificateNotGood,
    )
    .await;

    connect(storage, &certificate, certificate.not_after).await;
}

/// A superseded certificate is refused, and so is a revoked one.
pub async fn superseded_and_revoked_certificates_are_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let superseded = issue(storage, &pump).await;
    let mut revoked = certificate(&pump);
    revoked.fate = CertificateFate::Revoked {
        at: noon(),
        reason: RevocationReason::PrivilegeWithdrawn,
    };
    let revoked = redeem(storage, &new_token(storage, &pump).await, &revoked).await;

    for refused in [superseded, revoked] {
        let not_good = SessionRefused::CertificateNotGood;
        assert_refusal(storage, &refused, noon(), not_good).await;
    }
}

/// The first use of a certificate is noted, supersedes those before it, and later uses change
/// neither.
pub async fn the_first_use_supersedes_the_older(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let of_fan = issue(storage, &fan).await;
    let old = issue(storage, &pump).await;
    connect(storage, &old, after(1)).await;
    let new = issue(storage, &pump).await;
    assert_eq!(on_record(storage, &new).await.first_used_at, None);
    connect(storage, &old, after(2)).await;
    let record = on_record(storage, &old).await;
    assert_eq!(record.first_used_at, Some(after(1)));
    assert_eq!(record.state(after(2)), CertificateState::Active);

    let opened = connect(storage, &new, after(3)).await;

    assert_eq!(opened.displaced.unwrap().serial_number, old.serial_number);
    assert_eq!(
        on_record(storage, &old).await.fate,
        CertificateFate::Superseded
    );
    assert_eq!(on_record(storage, &new).await.first_used_at, Some(after(3)));
    assert_eq!(
        on_record(storage, &of_fan).await.fate,
        CertificateFate::Good
    );
    assert_refusal(storage, &old, after(4), SessionRefused::CertificateNotGood).await;
    connect(storage, &new, after(4)).await;
    assert_eq!(on_record(storage, &new).await.first_used_at, Some(after(3)));
}

/// A revoked certificate stays revoked when a newer one is first used.
pub async fn the_first_use_spares_the_revoked(storage: &Handle) {
    let pump = pump(storage).await;
    let mut revoked = certificate(&pump);
    revoked.fate = CertificateFate::Revoked {
        at: before(5),
        reason: RevocationReason::KeyCompromise,
    };
    let revoked = redeem(storage, &new_token(storage, &pump).await, &revoked).await;
    let new = issue(storage, &pump).await;

    connect(storage, &new, noon()).await;

    assert_eq!(on_record(storage, &revoked).await.fate, revoked.fate);
}

/// A session end that a clock set back dates before its begin does not turn back the last sign of
/// life.
pub async fn the_last_sign_of_life_does_not_turn_back(storage: &Handle) {
    let pump = pump(storage).await;
    let opened = bring_online(storage, &pump).await;

    assert!(close(storage, &pump, opened.epoch, before(60)).await);

    let presence = stored(storage, &pump).await.presence;
    assert_eq!(presence.last_seen_at(), Some(noon()));
    assert_eq!(presence.status(), DeviceStatus::Offline);
}

async fn open(
    storage: &Handle,
    certificate: &Certificate,
    node: &str,
    now: Timestamp,
) -> Result<OpenedSession, SessionRefused> {
    storage
        .open_session(
            certificate.organization_id,
            certificate.device_id,
            &certificate.serial_number,
            &parse(node),
            now,
        )
        .await
        .unwrap()
}

async fn close(storage: &Handle, device: &Device, epoch: SessionEpoch, now: Timestamp) -> bool {
    storage
        .close_session(device.organization_id, device.id, epoch, now)
        .await
        .unwrap()
}

async fn assert_refusal(
    storage: &Handle,
    certificate: &Certificate,
    now: Timestamp,
    expected: SessionRefused,
) {
    let before = snapshot(storage, certificate.organization_id).await;
    let answer = open(storage, certificate, "main", now).await;
    assert_eq!(answer, Err(expected));
    assert_eq!(snapshot(storage, certificate.organization_id).await, before);
}

async fn on_record(storage: &Handle, certificate: &Certificate) -> Certificate {
    let found = storage
        .certificate(
            certificate.organization_id,
            certificate.device_id,
            &certificate.serial_number,
        )
        .await;
    found.unwrap().unwrap()
}
