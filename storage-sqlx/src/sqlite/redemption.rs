//! Redeems registration tokens: the checks of a redemption, and what it writes.

use std::time::Duration;

use fieldgate_core::model::certificate::{Certificate, RevocationReason};
use fieldgate_core::model::id::{DeviceId, OrganizationId, TokenId};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::model::token::{TokenFate, TokenState};
use fieldgate_core::storage::{Redemption, TokenRefused};
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::row::Columns;
use crate::sqlite::select::counted;
use crate::sqlite::{certificate, device, device_write, token};

/// Uses a token for a certificate, or says why not. One writer at a time makes it one step.
pub(super) async fn redeem(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    id: TokenId,
    certificate: Certificate,
    limits: &Limits,
    now: Timestamp,
) -> Result<Redemption, Error> {
    let refused = |reason| Ok(Redemption::Refused(reason));
    let Some(mut used) = token::find(tx, organization, id).await? else {
        return refused(TokenRefused::Unknown);
    };
    let owner = (used.organization_id, used.device_id);
    if (certificate.organization_id, certificate.device_id) != owner {
        return refused(TokenRefused::Unknown);
    }
    match used.state(now) {
        TokenState::Pending => {}
        TokenState::Expired => return refused(TokenRefused::Expired),
        TokenState::Revoked => return refused(TokenRefused::Revoked),
        TokenState::Used => return refused(TokenRefused::Used),
    }
    let device = used.device_id;
    if status(tx, organization, device).await? == DeviceStatus::Inactive {
        return refused(TokenRefused::DeviceInactive);
    }
    if let Some(reason) = check_public_key(tx, device, &certificate, now).await? {
        return refused(reason);
    }
    if let Some(reason) = check_limit(tx, organization, device, limits, now).await? {
        return refused(reason);
    }
    used.fate = TokenFate::Used {
        at: now,
        serial_number: certificate.serial_number.clone(),
    };
    token::set_fate(tx, &used).await?;
    certificate::supersede_waiting(tx, organization, device).await?;
    let recorded = certificate::insert(tx, certificate).await?;
    let serial_number = recorded.serial_number.as_be_bytes();
    device_write::set_certificate(tx, organization, device, serial_number, recorded.not_after)
        .await?;
    Ok(Redemption::Recorded(recorded))
}

async fn status(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
) -> Result<DeviceStatus, Error> {
    let found = device::find(tx, organization, device).await?;
    let found = found.ok_or(Error::not_found(device::WHAT))?;
    Ok(found.presence.status())
}

/// Whether the key belongs to another device, or may be known to somebody else.
async fn check_public_key(
    tx: &mut SqliteConnection,
    device: DeviceId,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<Option<TokenRefused>, Error> {
    let row = sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM certificate WHERE public_key_sha256 = ?1 \
         AND device_id <> ?2 AND fate = 'GOOD' AND not_after >= ?3), \
         EXISTS (SELECT 1 FROM certificate WHERE public_key_sha256 = ?1 \
         AND revocation_reason = ?4) \
         OR EXISTS (SELECT 1 FROM compromised_key WHERE public_key_sha256 = ?1)",
    )
    .bind(certificate.public_key_sha256.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .bind(now.unix_millis())
    .bind(RevocationReason::KeyCompromise.as_str())
    .fetch_one(tx)
    .await?;
    let mut columns = Columns::of(&row, "certificate");
    if columns.plain()? {
        return Ok(Some(TokenRefused::KeyInUse));
    }
    if columns.plain()? {
        return Ok(Some(TokenRefused::KeyCompromised));
    }
    Ok(None)
}

async fn check_limit(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    limits: &Limits,
    now: Timestamp,
) -> Result<Option<TokenRefused>, Error> {
    // One that is issued a day before `now`, to the millisecond, is out of it.
    let row = sqlx::query(
        "SELECT count(*), min(issued_at) FROM certificate \
         WHERE organization_id = ? AND device_id = ? AND issued_at + ? > ?",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .bind(i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX))
    .bind(now.unix_millis())
    .fetch_one(tx)
    .await?;
    let mut columns = Columns::of(&row, "certificate");
    let issued = counted(columns.plain()?);
    let oldest = columns.timestamp_optional()?;
    Ok(oldest
        .filter(|_| issued >= limits.certificates_per_day)
        .map(|oldest| TokenRefused::CertificateLimit {
            retry_at: oldest.plus(DAY),
        }))
}

const DAY: Duration = Duration::from_secs(24 * 3600);
