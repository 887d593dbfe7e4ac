//! Registration tokens in sled, and what happens when one is redeemed.

use std::time::Duration;

use async_trait::async_trait;
use fieldgate_core::model::certificate::Certificate;
use fieldgate_core::model::device::{CertificateSummary, Device};
use fieldgate_core::model::id::{DeviceId, OrganizationId, TokenId};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::model::token::{RegistrationToken, TokenFate, TokenState};
use fieldgate_core::storage::{
    Effects, Redemption, StorageError, TokenRefused, TokenStore, Unique,
};

use crate::SledStorage;
use crate::certificate;
use crate::change::{Change, Source};
use crate::device;
use crate::error::Error;
use crate::keys::{self, KeyReader, Range};
use crate::record::Record as _;
use crate::scan::Order;
use crate::writer::Kind;

#[async_trait]
impl TokenStore for SledStorage {
    async fn register_device(
        &self,
        device: &Device,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (device, token, effects) = (device.clone(), token.clone(), effects.clone());
        self.change(move |change| {
            change.effects(&effects)?;
            change.require_free(&keys::token_owner(token.id), Unique::Id)?;
            device::create(change, &device)?;
            put_new(change, &token)
        })
        .await
    }

    async fn create_token(
        &self,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (token, effects) = (token.clone(), effects.clone());
        self.change(move |change| {
            change.effects(&effects)?;
            let (organization, device) = (token.organization_id, token.device_id);
            change.require_device(organization, device)?;
            change.require_free(&keys::token_owner(token.id), Unique::Id)?;
            revoke_open(change, organization, device, token.created_at)?;
            put_new(change, &token)
        })
        .await
    }

    async fn token(&self, id: TokenId) -> Result<Option<RegistrationToken>, StorageError> {
        self.read(move |reader| {
            reader.look(|view| {
                let Some(owner) = view.octets(&keys::token_owner(id))? else {
                    return Ok(None);
                };
                let organization = OrganizationId::from_uuid(KeyReader::value(&owner).uuid()?);
                living(&view, organization, id)
            })
        })
        .await
    }

    async fn tokens(
        &self,
        organization: OrganizationId,
        states: &[TokenState],
        now: Timestamp,
        page: PageRequest<TokenId>,
    ) -> Result<Page<RegistrationToken>, StorageError> {
        let states = states.to_vec();
        let after = page.after.map(|id| keys::token(organization, id));
        let range = Range::of(keys::tokens(organization)).after(after);
        self.read(move |reader| {
            reader.page(range, Order::Ascending, page.limit, |view, _, octets| {
                let token = RegistrationToken::decode(octets)?;
                let listed = states.contains(&token.state(now))
                    && view.has(&keys::device(organization, token.device_id))?;
                Ok(listed.then_some(token))
            })
        })
        .await
    }

    async fn revoke_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        now: Timestamp,
    ) -> Result<TokenState, StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let token = living(change, organization, id)?.ok_or(Error::not_found("token"))?;
            let found = token.state(now);
            if found == TokenState::Pending {
                finish(change, &token, TokenFate::Revoked { at: now })?;
            }
            Ok(found)
        })
        .await
    }

    async fn consume_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        certificate: &Certificate,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Redemption, StorageError> {
        let (certificate, per_day) = (certificate.clone(), limits.certificates_per_day);
        self.change(move |change| {
            let (token, device) = match check(change, organization, id, &certificate, per_day, now)?
            {
                Ok(found) => found,
                Err(refused) => return Ok(Redemption::Refused(refused)),
            };
            certificate::supersede(change, organization, device.id, |good| {
                good.first_used_at.is_none()
            })?;
            let recorded = certificate::add(change, certificate)?;
            let used = TokenFate::Used {
                at: now,
                serial_number: recorded.serial_number.clone(),
            };
            finish(change, &token, used)?;
            let newest = Device {
                certificate: Some(CertificateSummary {
                    serial_number: recorded.serial_number.clone(),
                    not_after: recorded.not_after,
                }),
                ..device.clone()
            };
            device::replace(change, &device, &newest)?;
            Ok(Redemption::Recorded(recorded))
        })
        .await
    }
}

/// A token of a living device.
fn living(
    source: &impl Source,
    organization: OrganizationId,
    id: TokenId,
) -> Result<Option<RegistrationToken>, Error> {
    let token: Option<RegistrationToken> = source.record(&keys::token(organization, id))?;
    let Some(token) = token else {
        return Ok(None);
    };
    let lives = source.has(&keys::device(organization, token.device_id))?;
    Ok(lives.then_some(token))
}

/// Ends the open token of a device, if it has one.
pub(crate) fn revoke_open(
    change: &mut Change<'_>,
    organization: OrganizationId,
    device: DeviceId,
    at: Timestamp,
) -> Result<(), Error> {
    let Some(id) = change.octets(&keys::open_token(organization, device))? else {
        return Ok(());
    };
    let id = TokenId::from_uuid(KeyReader::value(&id).uuid()?);
    let open: RegistrationToken = change.linked(&keys::token(organization, id))?;
    let fate = match open.state(at) {
        TokenState::Expired => TokenFate::Expired,
        TokenState::Pending | TokenState::Revoked | TokenState::Used => TokenFate::Revoked { at },
    };
    finish(change, &open, fate)
}

/// Notes an open token as expired, if it still is one.
pub(crate) fn note_expired(
    change: &mut Change<'_>,
    organization: OrganizationId,
    id: TokenId,
    now: Timestamp,
) -> Result<(), Error> {
    let token: Option<RegistrationToken> = change.record(&keys::token(organization, id))?;
    match token {
        Some(token) if token.fate == TokenFate::Open && token.state(now) == TokenState::Expired => {
            finish(change, &token, TokenFate::Expired)
        }
        _ => Ok(()),
    }
}

/// All keys of a token.
pub(crate) fn all_keys(token: &RegistrationToken) -> Vec<Vec<u8>> {
    let (organization, device) = (token.organization_id, token.device_id);
    vec![
        keys::token(organization, token.id),
        keys::token_owner(token.id),
        keys::token_of_device(organization, device, token.id),
        keys::open_token_by_end(token.expires_at, organization, token.id),
    ]
}

fn put_new(change: &mut Change<'_>, token: &RegistrationToken) -> Result<(), Error> {
    let (organization, device, id) = (token.organization_id, token.device_id, token.id);
    change.put(keys::token_owner(id), *organization.as_bytes());
    change.mark(keys::token_of_device(organization, device, id));
    if token.fate == TokenFate::Open {
        change.put(keys::open_token(organization, device), *id.as_bytes());
        change.mark(keys::open_token_by_end(token.expires_at, organization, id));
    }
    change.put_record(keys::token(organization, id), token)
}

/// Records what has become of an open token.
fn finish(change: &mut Change<'_>, open: &RegistrationToken, fate: TokenFate) -> Result<(), Error> {
    let (organization, device, id) = (open.organization_id, open.device_id, open.id);
    change.remove(keys::open_token(organization, device));
    change.remove(keys::open_token_by_end(open.expires_at, organization, id));
    let finished = RegistrationToken {
        fate,
        ..open.clone()
    };
    change.put_record(keys::token(organization, id), &finished)
}

/// Whether a token may be used; with its device.
fn check(
    change: &Change<'_>,
    organization: OrganizationId,
    id: TokenId,
    certificate: &Certificate,
    per_day: usize,
    now: Timestamp,
) -> Result<Result<(RegistrationToken, Device), TokenRefused>, Error> {
    let token: Option<RegistrationToken> = change.record(&keys::token(organization, id))?;
    let Some(token) = token else {
        return Ok(Err(TokenRefused::Unknown));
    };
    let owner = (token.organization_id, token.device_id);
    if (certificate.organization_id, certificate.device_id) != owner {
        return Ok(Err(TokenRefused::Unknown));
    }
    let device: Option<Device> = change.record(&keys::device(organization, token.device_id))?;
    let Some(device) = device else {
        return Ok(Err(TokenRefused::Unknown));
    };
    match token.state(now) {
        TokenState::Pending => {}
        TokenState::Expired => return Ok(Err(TokenRefused::Expired)),
        TokenState::Revoked => return Ok(Err(TokenRefused::Revoked)),
        TokenState::Used => return Ok(Err(TokenRefused::Used)),
    }
    if device.presence.status() == DeviceStatus::Inactive {
        return Ok(Err(TokenRefused::DeviceInactive));
    }
    if held_by_another(change, certificate, organization, device.id, now)? {
        return Ok(Err(TokenRefused::KeyInUse));
    }
    if change.has(&keys::compromised_key(certificate.public_key_sha256))? {
        return Ok(Err(TokenRefused::KeyCompromised));
    }
    if let Some(retry_at) = limited_until(change, organization, device.id, per_day, now)? {
        return Ok(Err(TokenRefused::CertificateLimit { retry_at }));
    }
    Ok(Ok((token, device)))
}

fn held_by_another(
    change: &Change<'_>,
    certificate: &Certificate,
    organization: OrganizationId,
    device: DeviceId,
    now: Timestamp,
) -> Result<bool, Error> {
    for entry in change.entries(Range::of(keys::key_holders(certificate.public_key_sha256))) {
        let (key, end) = entry?;
        let mut key = KeyReader::new(&key);
        let _public_key: [u8; 32] = key.array()?;
        let holder = (key.uuid()?, key.uuid()?);
        let other = holder != (*organization.as_uuid(), *device.as_uuid());
        if other && now <= KeyReader::value(&end).timestamp()? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Until when a device has had as many certificates as it may have in a day.
fn limited_until(
    change: &Change<'_>,
    organization: OrganizationId,
    device: DeviceId,
    per_day: usize,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let mut oldest = None;
    let mut count = 0;
    let all = Range::of(keys::certificates_by_issue(organization, device));
    for entry in change.entries(all).rev() {
        let (key, _) = entry?;
        let mut key = KeyReader::new(&key);
        let (_, _) = (key.uuid()?, key.uuid()?);
        let day_old = key.timestamp()?.plus(DAY);
        if day_old <= now {
            break;
        }
        oldest = Some(day_old);
        count += 1;
    }
    Ok(oldest.filter(|_| count >= per_day))
}

const DAY: Duration = Duration::from_secs(24 * 3600);
