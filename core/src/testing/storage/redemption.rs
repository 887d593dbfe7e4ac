//! Clauses of the redemption of a token: the certificate is recorded and the token used, both or
//! neither.

use std::time::Duration;

use super::maintenance::{keep_all, purge};
use super::world::{
    connect, issue, limits, new_device, new_organization, new_token, pump, redeem, set_status,
    snapshot, stored, try_redeem,
};
use crate::model::certificate::{Certificate, CertificateFate, CertificateState, RevocationReason};
use crate::model::device::{CertificateSummary, Device};
use crate::model::limits::Limits;
use crate::model::presence::DeviceStatus;
use crate::model::token::{RegistrationToken, TokenFate};
use crate::storage::{Effects, Redemption, StorageError, TokenRefused, Unique};
use crate::testing::fixtures::{after, certificate, noon, token};
use crate::testing::storage::Handle;

/// A redemption uses the token, records the certificate, and makes it the device's newest.
pub async fn it_records_all_of_it(storage: &Handle) {
    let pump = pump(storage).await;
    let token = new_token(storage, &pump).await;
    let mut signed = certificate(&pump);
    signed.issued_at = after(60);
    // Whatever sequence the signer says, the storage sets it.
    signed.issue_sequence = 77;

    let recorded = redeem(storage, &token, &signed).await;

    let expected = Certificate {
        issue_sequence: 1,
        ..signed.clone()
    };
    assert_eq!(recorded, expected);
    let found = storage
        .certificate(pump.organization_id, pump.id, &signed.serial_number)
        .await;
    assert_eq!(found.unwrap(), Some(expected));
    let stored_token = storage.token(token.id).await.unwrap().unwrap();
    let used = TokenFate::Used {
        at: after(60),
        serial_number: signed.serial_number.clone(),
    };
    assert_eq!(stored_token.fate, used);
    let device = stored(storage, &pump).await;
    let summary = CertificateSummary {
        serial_number: signed.serial_number,
        not_after: signed.not_after,
    };
    assert_eq!(device.certificate, Some(summary));
    // It is no change by an operator, and no sign of life.
    let unchanged = Device {
        certificate: None,
        ..device
    };
    assert_eq!(unchanged, pump);
}

/// A used token never works again.
pub async fn a_used_token_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let token = new_token(storage, &pump).await;
    redeem(storage, &token, &certificate(&pump)).await;

    assert_refusal(storage, &token, &certificate(&pump), TokenRefused::Used).await;
}

/// A token that nobody made is unknown, and so is one that another organization made.
pub async fn an_unknown_token_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    assert_refusal(
        storage,
        &token(&pump),
        &certificate(&pump),
        TokenRefused::Unknown,
    )
    .await;

    let token = new_token(storage, &pump).await;
    let other = new_organization(storage).await;
    let answer = storage
        .consume_token(other, token.id, &certificate(&pump), &limits(), noon())
        .await
        .unwrap();
    assert_eq!(answer, Redemption::Refused(TokenRefused::Unknown));
    redeem(storage, &token, &certificate(&pump)).await;
}

/// A certificate that names another device or organization than the token is refused.
pub async fn a_certificate_of_another_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let token = new_token(storage, &pump).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let foreign = new_device(storage, new_organization(storage).await, "pump-7").await;
    let of_no_device = Certificate {
        organization_id: foreign.organization_id,
        ..certificate(&pump)
    };
    for signed in [certificate(&fan), certificate(&foreign), of_no_device] {
        let others = snapshot(storage, foreign.organization_id).await;
        assert_refusal(storage, &token, &signed, TokenRefused::Unknown).await;
        assert_eq!(snapshot(storage, foreign.organization_id).await, others);
    }
    redeem(storage, &token, &certificate(&pump)).await;
}

/// A token works until a millisecond before its end, and no longer.
pub async fn an_expired_token_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let token = new_token(storage, &pump).await;
    let mut late = certificate(&pump);
    late.issued_at = token.expires_at;
    assert_refusal(storage, &token, &late, TokenRefused::Expired).await;

    late.issued_at = token.expires_at.minus(Duration::from_millis(1));
    redeem(storage, &token, &late).await;
}

/// A revoked token is refused.
pub async fn a_revoked_token_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let token = new_token(storage, &pump).await;
    let answer = storage
        .revoke_token(pump.organization_id, token.id, noon())
        .await;
    answer.unwrap();

    assert_refusal(storage, &token, &certificate(&pump), TokenRefused::Revoked).await;
}

/// An INACTIVE device gets no certificate; the token stays open for when it is ACTIVE again.
pub async fn an_inactive_device_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let token = new_token(storage, &pump).await;
    set_status(storage, &pump, DeviceStatus::Inactive).await;

    let signed = certificate(&pump);
    assert_refusal(storage, &token, &signed, TokenRefused::DeviceInactive).await;

    set_status(storage, &pump, DeviceStatus::Active).await;
    redeem(storage, &token, &signed).await;
}

/// A key that another device's good certificate holds is refused, also across organizations; the
/// same device may have it again.
pub async fn a_key_in_use_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let held = issue(storage, &pump).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let foreign = new_device(storage, new_organization(storage).await, "pump-7").await;
    for device in [&fan, &foreign] {
        let token = new_token(storage, device).await;
        let copy = holding_key_of(&held, certificate(device));
        assert_refusal(storage, &token, &copy, TokenRefused::KeyInUse).await;
    }

    let renewed = holding_key_of(&held, certificate(&pump));
    redeem(storage, &new_token(storage, &pump).await, &renewed).await;
}

/// A key is free again once no good, unexpired certificate holds it: superseded, expired, or of a
/// deleted device.
pub async fn a_key_is_free_again(storage: &Handle) {
    let pump = pump(storage).await;
    let heir = new_device(storage, pump.organization_id, "heir").await;
    let superseded = issue(storage, &pump).await;
    let mut short = certificate(&pump);
    short.not_after = after(30).whole_seconds();
    let short = redeem(storage, &new_token(storage, &pump).await, &short).await;
    let copy = holding_key_of(&superseded, certificate(&heir));
    redeem(storage, &new_token(storage, &heir).await, &copy).await;

    let mut copy = holding_key_of(&short, certificate(&heir));
    let token = new_token(storage, &heir).await;
    copy.issued_at = short.not_after;
    assert_refusal(storage, &token, &copy, TokenRefused::KeyInUse).await;
    copy.issued_at = short.not_after.plus(Duration::from_millis(1));
    redeem(storage, &token, &copy).await;

    let last = issue(storage, &pump).await;
    let deleted = storage
        .delete_device(pump.organization_id, pump.id, None, noon())
        .await;
    deleted.unwrap();
    let copy = holding_key_of(&last, certificate(&heir));
    redeem(storage, &new_token(storage, &heir).await, &copy).await;
}

/// A key that was ever revoked for keyCompromise is refused, whoever asks for it.
pub async fn a_compromised_key_is_refused(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let mut compromised = certificate(&pump);
    compromised.fate = CertificateFate::Revoked {
        at: noon(),
        reason: RevocationReason::KeyCompromise,
    };
    let token = new_token(storage, &pump).await;
    let compromised = redeem(storage, &token, &compromised).await;

    for device in [&pump, &fan] {
        let token = new_token(storage, device).await;
        let copy = holding_key_of(&compromised, certificate(device));
        assert_refusal(storage, &token, &copy, TokenRefused::KeyCompromised).await;
    }
}

/// So it is when nothing else is left of the device that had it.
pub async fn a_compromised_key_is_remembered(storage: &Handle) {
    let lost = pump(storage).await;
    let id = lost.organization_id;
    let mut compromised = certificate(&lost);
    compromised.fate = CertificateFate::Revoked {
        at: noon(),
        reason: RevocationReason::KeyCompromise,
    };
    let token = new_token(storage, &lost).await;
    let compromised = redeem(storage, &token, &compromised).await;
    let deleted = storage.delete_device(id, lost.id, None, noon()).await;
    deleted.unwrap();
    let later = compromised.not_after.plus(Duration::from_secs(1));
    purge(storage, &keep_all(later), 5).await;

    let device = new_device(storage, id, "fan-1").await;
    let token = new_token(storage, &device).await;
    let copy = holding_key_of(&compromised, certificate(&device));
    assert_refusal(storage, &token, &copy, TokenRefused::KeyCompromised).await;
}

/// A device gets only so many certificates in 24 hours; the refusal says when the next one is
/// due, and then it is given.
pub async fn the_certificate_limit_holds(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    issue(storage, &fan).await;
    let limits = Limits {
        certificates_per_day: 2,
        ..limits()
    };
    let mut token = token(&pump);
    token.expires_at = after(10 * 24 * 3600);
    for at in [noon(), after(3600)] {
        token.id = self::token(&pump).id;
        let created = storage.create_token(&token, &Effects::NONE).await;
        created.unwrap();
        let mut signed = certificate(&pump);
        signed.issued_at = at;
        redeem(storage, &token, &signed).await;
    }
    token.id = self::token(&pump).id;
    let created = storage.create_token(&token, &Effects::NONE).await;
    created.unwrap();
    let before = snapshot(storage, pump.organization_id).await;
    let due = after(24 * 3600);
    let just_before = due.minus(Duration::from_millis(1));

    for now in [after(3601), just_before] {
        let mut signed = certificate(&pump);
        signed.issued_at = now;
        let answer = storage
            .consume_token(pump.organization_id, token.id, &signed, &limits, now)
            .await
            .unwrap();
        let refused = TokenRefused::CertificateLimit { retry_at: due };
        assert_eq!(answer, Redemption::Refused(refused));
    }
    assert_eq!(snapshot(storage, pump.organization_id).await, before);
    let mut signed = certificate(&pump);
    signed.issued_at = due;
    let answer = storage
        .consume_token(pump.organization_id, token.id, &signed, &limits, due)
        .await
        .unwrap();
    assert!(matches!(answer, Redemption::Recorded(_)), "{answer:?}");
}

/// The token's state comes before the device's, the device's before the key, and the key before
/// the limit.
pub async fn the_checks_have_their_order(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let held = issue(storage, &fan).await;
    let used = new_token(storage, &pump).await;
    redeem(storage, &used, &certificate(&pump)).await;
    let open = new_token(storage, &pump).await;
    set_status(storage, &pump, DeviceStatus::Inactive).await;
    let copy = holding_key_of(&held, certificate(&pump));
    let none = Limits {
        certificates_per_day: 1,
        ..limits()
    };
    let consume = async |token: &RegistrationToken, copy: &Certificate| {
        storage
            .consume_token(pump.organization_id, token.id, copy, &none, noon())
            .await
            .unwrap()
    };

    let refused = Redemption::Refused;
    assert_eq!(consume(&used, &copy).await, refused(TokenRefused::Used));
    assert_eq!(
        consume(&open, &copy).await,
        refused(TokenRefused::DeviceInactive)
    );
    set_status(storage, &pump, DeviceStatus::Active).await;
    assert_eq!(consume(&open, &copy).await, refused(TokenRefused::KeyInUse));
    let free = certificate(&pump);
    let retry_at = after(24 * 3600);
    let limit = TokenRefused::CertificateLimit { retry_at };
    assert_eq!(consume(&open, &free).await, refused(limit));
}

/// Where a key is another device's and compromised as well, it is told to be in use.
pub async fn a_key_in_use_is_told_first(storage: &Handle) {
    let pump = pump(storage).await;
    let held = issue(storage, &pump).await;
    connect(storage, &held, noon()).await;
    let mut compromised = holding_key_of(&held, certificate(&pump));
    compromised.fate = CertificateFate::Revoked {
        at: noon(),
        reason: RevocationReason::KeyCompromise,
    };
    redeem(storage, &new_token(storage, &pump).await, &compromised).await;

    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let token = new_token(storage, &fan).await;
    let copy = holding_key_of(&held, certificate(&fan));
    assert_refusal(storage, &token, &copy, TokenRefused::KeyInUse).await;
    let token = new_token(storage, &pump).await;
    let copy = holding_key_of(&held, certificate(&pump));
    assert_refusal(storage, &token, &copy, TokenRefused::KeyCompromised).await;
}

/// A serial number that the issuer has given before is taken; another issuer may give it, but to
/// another device.
pub async fn a_taken_serial_number_changes_nothing(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let first = issue(storage, &pump).await;
    let token = new_token(storage, &fan).await;
    let mut twin = certificate(&fan);
    twin.serial_number = first.serial_number;
    let before = snapshot(storage, pump.organization_id).await;

    let answer = storage
        .consume_token(pump.organization_id, token.id, &twin, &limits(), noon())
        .await;

    assert_refused!(answer, StorageError::Taken(Unique::CertificateSerial));
    assert_eq!(snapshot(storage, pump.organization_id).await, before);
    twin.issuer_key_id = crate::testing::fixtures::issuer_key_id(2);
    let mut of_pump = certificate(&pump);
    of_pump.serial_number = twin.serial_number.clone();
    of_pump.issuer_key_id = twin.issuer_key_id;
    let second = new_token(storage, &pump).await;
    let answer = storage
        .consume_token(pump.organization_id, second.id, &of_pump, &limits(), noon())
        .await;
    assert_refused!(answer, StorageError::Taken(Unique::CertificateSerial));
    redeem(storage, &token, &twin).await;
}

/// Certificates are counted per device, from 1 on; the newest is the device's, and one that
/// waited for its first use is superseded by the next.
pub async fn a_waiting_certificate_is_superseded(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let of_fan = issue(storage, &fan).await;
    let first = issue(storage, &pump).await;
    assert_eq!((of_fan.issue_sequence, first.issue_sequence), (1, 1));

    let second = issue(storage, &pump).await;

    assert_eq!(second.issue_sequence, 2);
    assert_eq!(state(storage, &first).await, CertificateState::Superseded);
    assert_eq!(state(storage, &second).await, CertificateState::Active);
    assert_eq!(state(storage, &of_fan).await, CertificateState::Active);
    let newest = stored(storage, &pump).await.certificate.unwrap();
    assert_eq!(newest.serial_number, second.serial_number);
}

/// A certificate that was used stays good until the new one is used.
pub async fn a_used_certificate_stays_good(storage: &Handle) {
    let pump = pump(storage).await;
    let first = issue(storage, &pump).await;
    connect(storage, &first, noon()).await;

    let second = issue(storage, &pump).await;
    let third = issue(storage, &pump).await;

    assert_eq!(state(storage, &first).await, CertificateState::Active);
    assert_eq!(state(storage, &second).await, CertificateState::Superseded);
    assert_eq!(state(storage, &third).await, CertificateState::Active);
    assert_eq!(third.issue_sequence, 3);
}

async fn assert_refusal(
    storage: &Handle,
    token: &RegistrationToken,
    certificate: &Certificate,
    expected: TokenRefused,
) {
    let before = snapshot(storage, token.organization_id).await;
    let answer = try_redeem(storage, token, certificate).await;
    assert_eq!(answer, Redemption::Refused(expected));
    assert_eq!(snapshot(storage, token.organization_id).await, before);
}

fn holding_key_of(holder: &Certificate, certificate: Certificate) -> Certificate {
    Certificate {
        public_key_sha256: holder.public_key_sha256,
        ..certificate
    }
}

async fn state(storage: &Handle, certificate: &Certificate) -> CertificateState {
    let found = storage
        .certificate(
            certificate.organization_id,
            certificate.device_id,
            &certificate.serial_number,
        )
        .await;
    found.unwrap().unwrap().state(noon())
}
