//! Registration tokens in memory.

use std::time::Duration;

use async_trait::async_trait;

use super::device::check_new_device;
use super::tenant::Tenant;
use super::{MemoryStorage, State, free, page};
use crate::model::certificate::{Certificate, CertificateState};
use crate::model::device::{CertificateSummary, Device};
use crate::model::id::{DeviceId, OrganizationId, TokenId};
use crate::model::limits::Limits;
use crate::model::page::{Page, PageRequest};
use crate::model::presence::DeviceStatus;
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenFate, TokenState};
use crate::storage::{Effects, Redemption, StorageError, TokenRefused, TokenStore, Unique};

#[async_trait]
impl TokenStore for MemoryStorage {
    async fn register_device(
        &self,
        device: &Device,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.check_effects(effects)?;
        free(find_token(&state, token.id).is_none(), Unique::Id)?;
        let tenant = state.tenant_mut(device.organization_id, "organization")?;
        check_new_device(tenant, device)?;
        tenant.put_device(device.clone());
        tenant.put_open_token(token.clone());
        state.apply_effects(effects);
        Ok(())
    }

    async fn create_token(
        &self,
        token: &RegistrationToken,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        state.check_effects(effects)?;
        let id_free = find_token(&state, token.id).is_none();
        let tenant = state.tenant_mut(token.organization_id, "device")?;
        tenant.require_device(token.device_id)?;
        free(id_free, Unique::Id)?;
        if let Some(older) = tenant.open_token_mut(token.device_id) {
            let at = token.created_at;
            older.fate = match older.state(at) {
                TokenState::Expired => TokenFate::Expired,
                _ => TokenFate::Revoked { at },
            };
        }
        tenant.put_open_token(token.clone());
        state.apply_effects(effects);
        Ok(())
    }

    async fn token(&self, id: TokenId) -> Result<Option<RegistrationToken>, StorageError> {
        Ok(find_token(&self.lock(), id).cloned())
    }

    async fn tokens(
        &self,
        organization: OrganizationId,
        states: &[TokenState],
        now: Timestamp,
        page: PageRequest<TokenId>,
    ) -> Result<Page<RegistrationToken>, StorageError> {
        let state = self.lock();
        Ok(state
            .tenant(organization)
            .map_or_else(page::empty, |tenant| {
                page::ascending(&tenant.tokens, &page, |token| {
                    states.contains(&token.state(now))
                })
            }))
    }

    async fn revoke_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        now: Timestamp,
    ) -> Result<TokenState, StorageError> {
        let mut state = self.lock();
        let tenant = state.tenant_mut(organization, "token")?;
        let token = tenant
            .tokens
            .get_mut(&id)
            .ok_or(StorageError::NotFound { what: "token" })?;
        let found = token.state(now);
        if found == TokenState::Pending {
            token.fate = TokenFate::Revoked { at: now };
            let device = token.device_id;
            tenant.close_token(device);
        }
        Ok(found)
    }

    async fn consume_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
        certificate: &Certificate,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Redemption, StorageError> {
        let mut state = self.lock();
        let device = match check_redemption(&state, organization, id, certificate, limits, now) {
            Ok(device) => device,
            Err(refused) => return Ok(Redemption::Refused(refused)),
        };
        let serial_number = &certificate.serial_number;
        let certificates = &state.certificates;
        let issued = certificates.contains(certificate.issuer_key_id, serial_number);
        let mut of_device = certificates.of_device(organization, device, 0);
        let held = of_device.any(|other| other.serial_number == *serial_number);
        drop(of_device);
        free(!issued && !held, Unique::CertificateSerial)?;

        let tenant = state.tenant_mut(organization, "device")?;
        use_token(tenant, id, certificate, now)?;
        let issued = state.certificates.of_device(organization, device, 0);
        let newest = issued.map(|certificate| certificate.issue_sequence).max();
        let recorded = Certificate {
            issue_sequence: newest.unwrap_or(0) + 1,
            ..certificate.clone()
        };
        state.certificates.supersede_waiting(organization, device);
        state.certificates.record(recorded.clone());
        Ok(Redemption::Recorded(recorded))
    }
}

/// Whether a token may be used; for which device.
fn check_redemption(
    state: &State,
    organization: OrganizationId,
    id: TokenId,
    certificate: &Certificate,
    limits: &Limits,
    now: Timestamp,
) -> Result<DeviceId, TokenRefused> {
    let tenant = state.tenant(organization).ok_or(TokenRefused::Unknown)?;
    let token = tenant.tokens.get(&id).ok_or(TokenRefused::Unknown)?;
    let owner = (token.organization_id, token.device_id);
    if (certificate.organization_id, certificate.device_id) != owner {
        return Err(TokenRefused::Unknown);
    }
    let device = tenant.devices.get(&token.device_id);
    let device = device.ok_or(TokenRefused::Unknown)?;
    match token.state(now) {
        TokenState::Pending => {}
        TokenState::Expired => return Err(TokenRefused::Expired),
        TokenState::Revoked => return Err(TokenRefused::Revoked),
        TokenState::Used => return Err(TokenRefused::Used),
    }
    if device.presence.status() == DeviceStatus::Inactive {
        return Err(TokenRefused::DeviceInactive);
    }
    check_public_key(state, device.id, certificate, now)?;
    check_certificate_limit(state, device, limits, now)?;
    Ok(device.id)
}

fn check_public_key(
    state: &State,
    device: DeviceId,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<(), TokenRefused> {
    let holders = || {
        let public_key = certificate.public_key_sha256;
        state.certificates.with_public_key(public_key)
    };
    let in_use = |other: &Certificate| {
        other.device_id != device && other.state(now) == CertificateState::Active
    };
    if holders().any(in_use) {
        return Err(TokenRefused::KeyInUse);
    }
    let public_key = certificate.public_key_sha256;
    if state.certificates.is_known_compromised(public_key) {
        return Err(TokenRefused::KeyCompromised);
    }
    Ok(())
}

fn check_certificate_limit(
    state: &State,
    device: &Device,
    limits: &Limits,
    now: Timestamp,
) -> Result<(), TokenRefused> {
    let issued = state
        .certificates
        .of_device(device.organization_id, device.id, 0);
    let ends: Vec<_> = issued
        .map(|certificate| certificate.issued_at.plus(DAY))
        .filter(|day_old| *day_old > now)
        .collect();
    match ends.iter().min() {
        Some(retry_at) if ends.len() >= limits.certificates_per_day => {
            Err(TokenRefused::CertificateLimit {
                retry_at: *retry_at,
            })
        }
        _ => Ok(()),
    }
}

/// Notes in the token and in the device what was issued.
fn use_token(
    tenant: &mut Tenant,
    id: TokenId,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<(), StorageError> {
    let token = tenant
        .tokens
        .get_mut(&id)
        .ok_or(StorageError::NotFound { what: "token" })?;
    token.fate = TokenFate::Used {
        at: now,
        serial_number: certificate.serial_number.clone(),
    };
    let device = token.device_id;
    tenant.close_token(device);
    tenant.device_mut(device)?.certificate = Some(CertificateSummary {
        serial_number: certificate.serial_number.clone(),
        not_after: certificate.not_after,
    });
    Ok(())
}

fn find_token(state: &State, id: TokenId) -> Option<&RegistrationToken> {
    let mut tenants = state.tenants.values();
    tenants.find_map(|tenant| tenant.tokens.get(&id))
}

const DAY: Duration = Duration::from_secs(24 * 3600);
