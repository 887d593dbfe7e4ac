//! Certificates and issuers in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use async_trait::async_trait;

use super::{MemoryStorage, free};
use crate::model::certificate::{
    Certificate, CertificateFate, Issuer, IssuerKeyId, RevocationReason, RevokedCertificate,
    Sha256Digest,
};
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;
use crate::storage::{CertificateStore, ServerProof, StorageError, Unique};

#[async_trait]
impl CertificateStore for MemoryStorage {
    async fn certificate(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
    ) -> Result<Option<Certificate>, StorageError> {
        let state = self.lock();
        let lives = state
            .tenant(organization)
            .is_some_and(|tenant| tenant.devices.contains_key(&device));
        let mut all = state.certificates.of_device(organization, device, 0);
        let found = all.find(|certificate| certificate.serial_number == *serial_number);
        Ok(found.filter(|_| lives).cloned())
    }

    async fn certificates(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        page: PageRequest<u64>,
    ) -> Result<Page<Certificate>, StorageError> {
        let state = self.lock();
        let lives = state
            .tenant(organization)
            .is_some_and(|tenant| tenant.devices.contains_key(&device));
        let after = page.after.unwrap_or(0);
        let all = state.certificates.of_device(organization, device, after);
        let found = all
            .filter(|_| lives)
            .take(page.limit.as_usize() + 1)
            .cloned()
            .collect();
        Ok(Page::cut(found, page.limit))
    }

    async fn revoked_certificates(
        &self,
        issuer: IssuerKeyId,
        now: Timestamp,
        page: PageRequest<SerialNumber>,
    ) -> Result<Page<RevokedCertificate>, StorageError> {
        let state = self.lock();
        let of_issuer = state
            .certificates
            .records
            .values()
            .filter(|certificate| certificate.issuer_key_id == issuer);
        let found = of_issuer
            .filter(|certificate| now <= certificate.not_after)
            .filter(|certificate| {
                let after = page.after.as_ref();
                after.is_none_or(|after| certificate.serial_number > *after)
            })
            .filter_map(revoked)
            .take(page.limit.as_usize() + 1)
            .collect();
        Ok(Page::cut(found, page.limit))
    }

    async fn revocation_count(&self, issuer: IssuerKeyId) -> Result<u64, StorageError> {
        let state = self.lock();
        let count = state.certificates.revocations.get(&issuer);
        Ok(count.copied().unwrap_or(0))
    }

    async fn next_crl_number(&self, issuer: IssuerKeyId) -> Result<u64, StorageError> {
        let mut state = self.lock();
        let number = state.crl_numbers.entry(issuer).or_default();
        *number += 1;
        Ok(*number)
    }

    async fn issuers(&self) -> Result<Vec<Issuer>, StorageError> {
        let mut issuers: Vec<_> = self.lock().issuers.values().cloned().collect();
        issuers.sort_by_key(|issuer| issuer.created_at);
        Ok(issuers)
    }

    async fn create_issuer(
        &self,
        _server: ServerProof,
        issuer: &Issuer,
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        free(!state.issuers.contains_key(&issuer.key_id), Unique::Id)?;
        state.issuers.insert(issuer.key_id, issuer.clone());
        Ok(())
    }
}

/// All certificates on record, and how they are found.
#[derive(Clone, Default)]
pub(super) struct Certificates {
    records: BTreeMap<CertificateKey, Certificate>,
    by_device: BTreeMap<(OrganizationId, DeviceId, u64), CertificateKey>,
    by_public_key: BTreeMap<Sha256Digest, BTreeSet<CertificateKey>>,
    revocations: BTreeMap<IssuerKeyId, u64>,
    /// Keys whose records are gone and that are refused all the same.
    compromised: BTreeSet<Sha256Digest>,
}

/// What is unique of a certificate.
pub(super) type CertificateKey = (IssuerKeyId, SerialNumber);

impl Certificates {
    /// Whether a serial number of an issuer is in use.
    pub(super) fn contains(&self, issuer: IssuerKeyId, serial_number: &SerialNumber) -> bool {
        let key = (issuer, serial_number.clone());
        self.records.contains_key(&key)
    }

    /// Those of a device whose issue sequence is above `after`, oldest first.
    pub(super) fn of_device(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        after: u64,
    ) -> impl Iterator<Item = &Certificate> {
        let first = Bound::Excluded((organization, device, after));
        let last = Bound::Included((organization, device, u64::MAX));
        self.by_device
            .range((first, last))
            .filter_map(|(_, key)| self.records.get(key))
    }

    /// The one of a device with this serial number.
    pub(super) fn of_device_mut(
        &mut self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
    ) -> Option<&mut Certificate> {
        let key = self
            .of_device(organization, device, 0)
            .find(|certificate| certificate.serial_number == *serial_number)
            .map(key_of)?;
        self.records.get_mut(&key)
    }

    /// Whether a key was revoked because others may know it.
    pub(super) fn is_known_compromised(&self, public_key: Sha256Digest) -> bool {
        self.compromised.contains(&public_key)
            || self.with_public_key(public_key).any(is_compromised)
    }

    /// Those with this public key, of whatever device.
    pub(super) fn with_public_key(
        &self,
        public_key: Sha256Digest,
    ) -> impl Iterator<Item = &Certificate> {
        let keys = self.by_public_key.get(&public_key).into_iter().flatten();
        keys.filter_map(|key| self.records.get(key))
    }

    /// Whether there is one of its device and issue sequence.
    pub(super) fn has_place_of(&self, certificate: &Certificate) -> bool {
        self.by_device.contains_key(&place_of(certificate))
    }

    /// Every key that is refused for good.
    pub(super) fn compromised(&self) -> BTreeSet<Sha256Digest> {
        let on_record = self.records.values().filter(|it| is_compromised(it));
        let on_record = on_record.map(|it| it.public_key_sha256);
        self.compromised.iter().copied().chain(on_record).collect()
    }

    /// Refuses a key for good.
    pub(super) fn refuse_for_good(&mut self, public_key: Sha256Digest) {
        self.compromised.insert(public_key);
    }

    /// How many have ever been revoked, by issuer.
    pub(super) fn revocations(&self) -> impl Iterator<Item = (IssuerKeyId, u64)> {
        self.revocations.iter().map(|(id, count)| (*id, *count))
    }

    /// How many of an issuer have ever been revoked.
    pub(super) fn revocations_of(&self, issuer: IssuerKeyId) -> u64 {
        self.revocations.get(&issuer).copied().unwrap_or(0)
    }

    /// Takes over how many of an issuer have been revoked, where that is not known yet.
    pub(super) fn set_revocations(&mut self, issuer: IssuerKeyId, count: u64) {
        self.revocations.entry(issuer).or_insert(count);
    }

    /// Puts one on record: adds it, and counts it if it is revoked.
    pub(super) fn record(&mut self, certificate: Certificate) {
        if let CertificateFate::Revoked { .. } = certificate.fate {
            *self
                .revocations
                .entry(certificate.issuer_key_id)
                .or_default() += 1;
        }
        self.insert(certificate);
    }

    /// Adds one; its serial number and issue sequence have to be free.
    pub(super) fn insert(&mut self, certificate: Certificate) {
        let key = key_of(&certificate);
        self.by_device.insert(place_of(&certificate), key.clone());
        self.by_public_key
            .entry(certificate.public_key_sha256)
            .or_default()
            .insert(key.clone());
        self.records.insert(key, certificate);
    }

    /// Removes one for good.
    pub(super) fn remove(&mut self, key: &CertificateKey) {
        if let Some(certificate) = self.records.remove(key) {
            self.by_device.remove(&place_of(&certificate));
            let public_key = certificate.public_key_sha256;
            if let Some(keys) = self.by_public_key.get_mut(&public_key) {
                keys.remove(key);
            }
            if is_compromised(&certificate) {
                self.compromised.insert(public_key);
            }
        }
    }

    /// Turns the good certificates of a device superseded that were never used.
    pub(super) fn supersede_waiting(&mut self, organization: OrganizationId, device: DeviceId) {
        self.change_device(organization, device, |certificate| {
            if certificate.first_used_at.is_none() {
                supersede(certificate);
            }
        });
    }

    /// Turns the good certificates of a device superseded that are older than `sequence`.
    pub(super) fn supersede_below(
        &mut self,
        organization: OrganizationId,
        device: DeviceId,
        sequence: u64,
    ) {
        self.change_device(organization, device, |certificate| {
            if certificate.issue_sequence < sequence {
                supersede(certificate);
            }
        });
    }

    /// Revokes what a deleted device has and is not expired.
    pub(super) fn cease(&mut self, organization: OrganizationId, device: DeviceId, now: Timestamp) {
        let mut issuers = Vec::new();
        self.change_device(organization, device, |certificate| {
            let revoked = matches!(certificate.fate, CertificateFate::Revoked { .. });
            if !revoked && now <= certificate.not_after {
                certificate.fate = CertificateFate::Revoked {
                    at: now,
                    reason: RevocationReason::CessationOfOperation,
                };
                issuers.push(certificate.issuer_key_id);
            }
        });
        for issuer in issuers {
            *self.revocations.entry(issuer).or_default() += 1;
        }
    }

    /// All, with what is unique of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&CertificateKey, &Certificate)> {
        self.records.iter()
    }

    fn change_device(
        &mut self,
        organization: OrganizationId,
        device: DeviceId,
        mut change: impl FnMut(&mut Certificate),
    ) {
        let all = (organization, device, 0)..=(organization, device, u64::MAX);
        for (_, key) in self.by_device.range(all) {
            if let Some(certificate) = self.records.get_mut(key) {
                change(certificate);
            }
        }
    }
}

fn supersede(certificate: &mut Certificate) {
    if certificate.fate == CertificateFate::Good {
        certificate.fate = CertificateFate::Superseded;
    }
}

fn revoked(certificate: &Certificate) -> Option<RevokedCertificate> {
    match certificate.fate {
        CertificateFate::Revoked { at, reason } => Some(RevokedCertificate {
            serial_number: certificate.serial_number.clone(),
            revoked_at: at,
            reason,
            not_after: certificate.not_after,
        }),
        CertificateFate::Good | CertificateFate::Superseded => None,
    }
}

fn key_of(certificate: &Certificate) -> CertificateKey {
    (certificate.issuer_key_id, certificate.serial_number.clone())
}

const fn place_of(certificate: &Certificate) -> (OrganizationId, DeviceId, u64) {
    (
        certificate.organization_id,
        certificate.device_id,
        certificate.issue_sequence,
    )
}

const fn is_compromised(certificate: &Certificate) -> bool {
    matches!(
        certificate.fate,
        CertificateFate::Revoked {
            reason: RevocationReason::KeyCompromise,
            ..
        }
    )
}
