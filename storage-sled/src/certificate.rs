//! Certificates and issuers in sled.

use async_trait::async_trait;
use fieldgate_core::model::certificate::{
    Certificate, CertificateFate, Issuer, IssuerKeyId, RevocationReason, RevokedCertificate,
};
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{CertificateStore, ServerProof, StorageError, Unique};

use crate::SledStorage;
use crate::change::{Change, Source};
use crate::error::Error;
use crate::keys::{self, KeyReader, Range};
use crate::record::Record as _;
use crate::scan::Order;

#[async_trait]
impl CertificateStore for SledStorage {
    async fn certificate(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
    ) -> Result<Option<Certificate>, StorageError> {
        let serial_number = serial_number.clone();
        self.read(move |reader| {
            reader.look(|view| {
                if !view.has(&keys::device(organization, device))? {
                    return Ok(None);
                }
                by_serial(&view, organization, device, &serial_number)
            })
        })
        .await
    }

    async fn certificates(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        page: PageRequest<u64>,
    ) -> Result<Page<Certificate>, StorageError> {
        let after = page.after;
        let after = after.map(|sequence| keys::certificate(organization, device, sequence));
        let range = Range::of(keys::certificates(organization, device)).after(after);
        self.read(move |reader| {
            reader.page(range, Order::Ascending, page.limit, |view, _, octets| {
                if !view.has(&keys::device(organization, device))? {
                    return Ok(None);
                }
                Certificate::decode(octets).map(Some)
            })
        })
        .await
    }

    async fn revoked_certificates(
        &self,
        issuer: IssuerKeyId,
        now: Timestamp,
        page: PageRequest<SerialNumber>,
    ) -> Result<Page<RevokedCertificate>, StorageError> {
        let after = page.after;
        let after = after.map(|serial| keys::revoked_certificate(issuer, &serial));
        let range = Range::of(keys::revoked_certificates(issuer)).after(after);
        self.read(move |reader| {
            reader.page(range, Order::Ascending, page.limit, |_, _, octets| {
                let revoked = RevokedCertificate::decode(octets)?;
                Ok((now <= revoked.not_after).then_some(revoked))
            })
        })
        .await
    }

    async fn revocation_count(&self, issuer: IssuerKeyId) -> Result<u64, StorageError> {
        self.read(move |reader| reader.look(|view| number(&view, &keys::revocation_count(issuer))))
            .await
    }

    async fn next_crl_number(&self, issuer: IssuerKeyId) -> Result<u64, StorageError> {
        self.change(move |change| count_up(change, keys::crl_number(issuer)))
            .await
    }

    async fn issuers(&self) -> Result<Vec<Issuer>, StorageError> {
        self.read(move |reader| {
            reader.look(|view| {
                let mut issuers = Vec::new();
                for entry in view.entries(Range::of(keys::issuers())) {
                    let (_, octets) = entry?;
                    issuers.push(Issuer::decode(&octets)?);
                }
                issuers.sort_by_key(|issuer| issuer.created_at);
                Ok(issuers)
            })
        })
        .await
    }

    async fn create_issuer(
        &self,
        _server: ServerProof,
        issuer: &Issuer,
    ) -> Result<(), StorageError> {
        let issuer = issuer.clone();
        self.change(move |change| {
            let key = keys::issuer(issuer.key_id);
            change.require_free(&key, Unique::Id)?;
            change.put_record(key, &issuer)
        })
        .await
    }
}

/// A certificate of a device, whether it lives or not.
pub(crate) fn by_serial(
    source: &impl Source,
    organization: OrganizationId,
    device: DeviceId,
    serial_number: &SerialNumber,
) -> Result<Option<Certificate>, Error> {
    let link = keys::serial_of_device(organization, device, serial_number);
    let Some(sequence) = source.octets(&link)? else {
        return Ok(None);
    };
    let sequence = KeyReader::value(&sequence).u64()?;
    let key = keys::certificate(organization, device, sequence);
    source.linked(&key).map(Some)
}

/// Adds a certificate as the newest of its device, with the next issue sequence.
pub(crate) fn add(change: &mut Change<'_>, certificate: Certificate) -> Result<Certificate, Error> {
    let (organization, device) = (certificate.organization_id, certificate.device_id);
    let serial = &certificate.serial_number;
    let by_serial = keys::certificate_by_serial(certificate.issuer_key_id, serial);
    let of_device = keys::serial_of_device(organization, device, serial);
    change.require_free(&by_serial, Unique::CertificateSerial)?;
    change.require_free(&of_device, Unique::CertificateSerial)?;
    let recorded = Certificate {
        issue_sequence: newest(change, organization, device)? + 1,
        ..certificate
    };
    let sequence = recorded.issue_sequence;
    let at = recorded.issued_at;
    change.mark(by_serial);
    change.put(of_device, sequence.to_be_bytes());
    change.mark(keys::certificate_by_issue(
        organization,
        device,
        at,
        sequence,
    ));
    put(change, &recorded)?;
    Ok(recorded)
}

/// Replaces a certificate, with all keys that say what has become of it.
pub(crate) fn replace(
    change: &mut Change<'_>,
    before: &Certificate,
    after: &Certificate,
) -> Result<(), Error> {
    let (organization, device) = (before.organization_id, before.device_id);
    let sequence = before.issue_sequence;
    let public_key = before.public_key_sha256;
    if before.fate != after.fate {
        change.remove(keys::good_certificate(organization, device, sequence));
        change.remove(keys::key_holder(public_key, organization, device, sequence));
        put(change, after)
    } else {
        let key = keys::certificate(organization, device, sequence);
        change.put_record(key, after)
    }
}

/// Turns those good certificates of a device superseded that are chosen.
pub(crate) fn supersede(
    change: &mut Change<'_>,
    organization: OrganizationId,
    device: DeviceId,
    chosen: impl Fn(&Certificate) -> bool,
) -> Result<(), Error> {
    // They are few: each new one supersedes those before it.
    for entry in change.entries(Range::of(keys::good_certificates(organization, device))) {
        let (key, _) = entry?;
        let mut key = KeyReader::new(&key);
        let (_, _) = (key.uuid()?, key.uuid()?);
        let key = keys::certificate(organization, device, key.u64()?);
        let good: Certificate = change.linked(&key)?;
        if chosen(&good) {
            let superseded = Certificate {
                fate: CertificateFate::Superseded,
                ..good.clone()
            };
            replace(change, &good, &superseded)?;
        }
    }
    Ok(())
}

/// Revokes what a deleted device has that is not expired, and lines all up for the purge.
pub(crate) fn orphan(
    change: &mut Change<'_>,
    organization: OrganizationId,
    device: DeviceId,
    now: Timestamp,
) -> Result<(), Error> {
    for entry in change.entries(Range::of(keys::certificates(organization, device))) {
        let (_, octets) = entry?;
        let before = Certificate::decode(&octets)?;
        let (end, sequence) = (before.not_after, before.issue_sequence);
        change.mark(keys::orphan_by_end(end, organization, device, sequence));
        let revoked = matches!(before.fate, CertificateFate::Revoked { .. });
        if !revoked && now <= end {
            let after = Certificate {
                fate: CertificateFate::Revoked {
                    at: now,
                    reason: RevocationReason::CessationOfOperation,
                },
                ..before.clone()
            };
            replace(change, &before, &after)?;
        }
    }
    Ok(())
}

/// All keys of a certificate, but for what has to be known of its public key for good.
pub(crate) fn all_keys(certificate: &Certificate) -> Vec<Vec<u8>> {
    let (organization, device) = (certificate.organization_id, certificate.device_id);
    let sequence = certificate.issue_sequence;
    let (at, end) = (certificate.issued_at, certificate.not_after);
    let (issuer, serial) = (certificate.issuer_key_id, &certificate.serial_number);
    let public_key = certificate.public_key_sha256;
    vec![
        keys::certificate(organization, device, sequence),
        keys::certificate_by_serial(issuer, serial),
        keys::serial_of_device(organization, device, serial),
        keys::certificate_by_issue(organization, device, at, sequence),
        keys::good_certificate(organization, device, sequence),
        keys::key_holder(public_key, organization, device, sequence),
        keys::revoked_certificate(issuer, serial),
        keys::orphan_by_end(end, organization, device, sequence),
    ]
}

/// Writes a certificate, and the keys that its fate asks for.
fn put(change: &mut Change<'_>, certificate: &Certificate) -> Result<(), Error> {
    let (organization, device) = (certificate.organization_id, certificate.device_id);
    let sequence = certificate.issue_sequence;
    let public_key = certificate.public_key_sha256;
    match certificate.fate {
        CertificateFate::Good => {
            change.mark(keys::good_certificate(organization, device, sequence));
            let holder = keys::key_holder(public_key, organization, device, sequence);
            let end = certificate.not_after.unix_millis();
            change.put(holder, end.to_be_bytes());
        }
        CertificateFate::Revoked { at, reason } => {
            if reason == RevocationReason::KeyCompromise {
                change.mark(keys::compromised_key(public_key));
            }
            let issuer = certificate.issuer_key_id;
            let revoked = RevokedCertificate {
                serial_number: certificate.serial_number.clone(),
                revoked_at: at,
                reason,
                not_after: certificate.not_after,
            };
            let key = keys::revoked_certificate(issuer, &revoked.serial_number);
            if !change.has(&key)? {
                count_up(change, keys::revocation_count(issuer))?;
            }
            change.put_record(key, &revoked)?;
        }
        CertificateFate::Superseded => {}
    }
    change.put_record(
        keys::certificate(organization, device, sequence),
        certificate,
    )
}

/// The issue sequence of a device's newest certificate; zero where it has none.
fn newest(
    change: &Change<'_>,
    organization: OrganizationId,
    device: DeviceId,
) -> Result<u64, Error> {
    let mut entries = change.entries(Range::of(keys::certificates(organization, device)));
    let Some(newest) = entries.next_back().transpose()? else {
        return Ok(0);
    };
    let mut key = KeyReader::new(&newest.0);
    let (_, _) = (key.uuid()?, key.uuid()?);
    key.u64()
}

fn number(source: &impl Source, key: &[u8]) -> Result<u64, Error> {
    let octets = source.octets(key)?;
    octets.map_or(Ok(0), |octets| KeyReader::value(&octets).u64())
}

fn count_up(change: &mut Change<'_>, key: Vec<u8>) -> Result<u64, Error> {
    let next = number(change, &key)? + 1;
    change.put(key, next.to_be_bytes());
    Ok(next)
}
