//! Keeps certificates and issuers.

use async_trait::async_trait;
use fieldgate_core::model::certificate::{
    Certificate, CertificateFate, Issuer, IssuerKeyId, RevocationReason, RevokedCertificate,
    Sha256Digest,
};
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::serial::SerialNumber;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{CertificateStore, ServerProof, StorageError, Unique};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::sqlite::checksum::{CERTIFICATE, ISSUER, ISSUER_COUNT, sound};
use crate::sqlite::row::{Columns, stored};
use crate::sqlite::select::Select;
use crate::sqlite::{SqliteStorage, refuse};

#[async_trait]
impl CertificateStore for SqliteStorage {
    async fn certificate(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        serial_number: &SerialNumber,
    ) -> Result<Option<Certificate>, StorageError> {
        let mut select = of_living_device(organization, device);
        select.sql(" AND c.serial_number = ");
        select.bind(serial_number.as_be_bytes()).sql(" LIMIT 1");
        let mut reader = self.reader().await?;
        let found = select
            .optional(&mut reader, sound(&CERTIFICATE, decode))
            .await;
        found.map_err(refuse)
    }

    async fn certificates(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        page: PageRequest<u64>,
    ) -> Result<Page<Certificate>, StorageError> {
        let mut select = of_living_device(organization, device);
        if let Some(after) = page.after {
            // What SQLite cannot hold comes behind all that it does.
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            select.sql(" AND c.issue_sequence > ").bind(after);
        }
        select.sql(" ORDER BY c.issue_sequence");
        let mut reader = self.reader().await?;
        let page = select.page(&mut reader, page.limit, decode).await;
        page.map_err(refuse)
    }

    async fn revoked_certificates(
        &self,
        issuer: IssuerKeyId,
        now: Timestamp,
        page: PageRequest<SerialNumber>,
    ) -> Result<Page<RevokedCertificate>, StorageError> {
        let mut select = Select::new(
            "SELECT serial_number, revoked_at, revocation_reason, not_after FROM certificate \
             INDEXED BY certificate_revoked WHERE fate = 'REVOKED' AND issuer_key_id = ",
        );
        select.bind(issuer.as_bytes().as_slice());
        select.sql(" AND not_after >= ").bind(now.unix_millis());
        if let Some(after) = &page.after {
            select
                .sql(" AND serial_number > ")
                .bind(after.as_be_bytes());
        }
        select.sql(" ORDER BY serial_number");
        let mut reader = self.reader().await?;
        let page = select.page(&mut reader, page.limit, decode_revoked).await;
        page.map_err(refuse)
    }

    async fn revocation_count(&self, issuer: IssuerKeyId) -> Result<u64, StorageError> {
        let mut select = Select::new(
            "SELECT revocations, key_id, crl_number, checksum FROM issuer_count WHERE key_id = ",
        );
        select.bind(issuer.as_bytes().as_slice());
        let mut reader = self.reader().await?;
        let decode = |row: &SqliteRow| Columns::of(row, "issuer_count").number();
        let count = select.optional(&mut reader, sound(&ISSUER_COUNT, decode));
        Ok(count.await.map_err(refuse)?.unwrap_or(0))
    }

    async fn next_crl_number(&self, issuer: IssuerKeyId) -> Result<u64, StorageError> {
        self.write(move |tx| {
            Box::pin(async move {
                let row = sqlx::query(
                    "INSERT INTO issuer_count (key_id, revocations, crl_number) VALUES (?, 0, 1) \
                     ON CONFLICT DO UPDATE SET crl_number = crl_number + 1 RETURNING crl_number",
                )
                .bind(issuer.as_bytes().as_slice())
                .fetch_one(tx)
                .await?;
                Columns::of(&row, "issuer_count").number()
            })
        })
        .await
    }

    async fn issuers(&self) -> Result<Vec<Issuer>, StorageError> {
        let mut reader = self.reader().await?;
        issuers(&mut reader).await.map_err(refuse)
    }

    async fn create_issuer(
        &self,
        _server: ServerProof,
        issuer: &Issuer,
    ) -> Result<(), StorageError> {
        let issuer = issuer.clone();
        self.write(move |tx| Box::pin(async move { insert_issuer(tx, &issuer).await }))
            .await
    }
}

/// Adds an issuer.
pub(super) async fn insert_issuer(tx: &mut SqliteConnection, issuer: &Issuer) -> Result<(), Error> {
    let inserted = sqlx::query(
        "INSERT INTO issuer (key_id, certificate_pem, root_pem, created_at) \
         VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(issuer.key_id.as_bytes().as_slice())
    .bind(&issuer.certificate_pem)
    .bind(&issuer.root_pem)
    .bind(issuer.created_at.unix_millis())
    .execute(tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::taken(Unique::Id));
    }
    Ok(())
}

/// One of a device, whether it lives or not.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    serial_number: &SerialNumber,
) -> Result<Option<Certificate>, Error> {
    let mut select = of_device(organization, device);
    select.sql(" AND c.serial_number = ");
    select.bind(serial_number.as_be_bytes()).sql(" LIMIT 1");
    select
        .optional(connection, sound(&CERTIFICATE, decode))
        .await
}

/// Puts one on record, as the newest of its device.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    mut certificate: Certificate,
) -> Result<Certificate, Error> {
    let newest: Option<i64> = sqlx::query_scalar(
        "SELECT max(issue_sequence) FROM certificate WHERE organization_id = ? AND device_id = ?",
    )
    .bind(certificate.organization_id.as_bytes().as_slice())
    .bind(certificate.device_id.as_bytes().as_slice())
    .fetch_one(&mut *tx)
    .await?;
    certificate.issue_sequence = newest.map_or(0, i64::cast_unsigned) + 1;
    let (organization, device) = (certificate.organization_id, certificate.device_id);
    // Of another issuer; that of the same one is a conflict below.
    let twin = find(tx, organization, device, &certificate.serial_number).await?;
    if twin.is_some() {
        return Err(Error::taken(Unique::CertificateSerial));
    }
    insert_as_it_is(tx, &certificate).await?;
    if let CertificateFate::Revoked { .. } = certificate.fate {
        count_revocations(tx, certificate.issuer_key_id.as_bytes(), 1).await?;
    }
    Ok(certificate)
}

/// Puts one on record with its issue sequence, and counts no revocation.
pub(super) async fn insert_as_it_is(
    tx: &mut SqliteConnection,
    certificate: &Certificate,
) -> Result<(), Error> {
    let (fate, revoked) = match certificate.fate {
        CertificateFate::Good => ("GOOD", None),
        CertificateFate::Revoked { at, reason } => ("REVOKED", Some((at, reason))),
        CertificateFate::Superseded => ("SUPERSEDED", None),
    };
    let inserted = sqlx::query(
        "INSERT INTO certificate (organization_id, device_id, issuer_key_id, serial_number, \
         subject, fingerprint_sha256, public_key_sha256, not_before, not_after, issued_at, \
         issue_sequence, first_used_at, fate, revoked_at, revocation_reason, pem) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (issuer_key_id, serial_number) DO NOTHING",
    )
    .bind(certificate.organization_id.as_bytes().as_slice())
    .bind(certificate.device_id.as_bytes().as_slice())
    .bind(certificate.issuer_key_id.as_bytes().as_slice())
    .bind(certificate.serial_number.as_be_bytes())
    .bind(&certificate.subject)
    .bind(certificate.fingerprint_sha256.as_bytes().as_slice())
    .bind(certificate.public_key_sha256.as_bytes().as_slice())
    .bind(certificate.not_before.unix_millis())
    .bind(certificate.not_after.unix_millis())
    .bind(certificate.issued_at.unix_millis())
    .bind(stored(certificate.issue_sequence))
    .bind(certificate.first_used_at.map(Timestamp::unix_millis))
    .bind(fate)
    .bind(revoked.map(|(at, _)| at.unix_millis()))
    .bind(revoked.map(|(_, reason)| reason.as_str()))
    .bind(&certificate.pem)
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(Error::taken(Unique::CertificateSerial));
    }
    Ok(())
}

/// Turns the good certificates of a device superseded that were never used.
pub(super) async fn supersede_waiting(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE certificate SET fate = 'SUPERSEDED' WHERE organization_id = ? AND device_id = ? \
         AND fate = 'GOOD' AND first_used_at IS NULL",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes the first use of a certificate, which supersedes the good ones before it.
pub(super) async fn note_first_use(
    tx: &mut SqliteConnection,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE certificate SET first_used_at = ?3 WHERE issuer_key_id = ?1 \
         AND serial_number = ?2",
    )
    .bind(certificate.issuer_key_id.as_bytes().as_slice())
    .bind(certificate.serial_number.as_be_bytes())
    .bind(now.unix_millis())
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE certificate SET fate = 'SUPERSEDED' WHERE organization_id = ? AND device_id = ? \
         AND issue_sequence < ? AND fate = 'GOOD'",
    )
    .bind(certificate.organization_id.as_bytes().as_slice())
    .bind(certificate.device_id.as_bytes().as_slice())
    .bind(stored(certificate.issue_sequence))
    .execute(tx)
    .await?;
    Ok(())
}

/// Revokes what a deleted device has and is not expired.
pub(super) async fn cease(
    tx: &mut SqliteConnection,
    organization: OrganizationId,
    device: DeviceId,
    now: Timestamp,
) -> Result<(), Error> {
    let rows = sqlx::query(
        "UPDATE certificate SET fate = 'REVOKED', revoked_at = ?3, revocation_reason = ?4 \
         WHERE organization_id = ?1 AND device_id = ?2 AND fate <> 'REVOKED' \
         AND not_after >= ?3 RETURNING issuer_key_id",
    )
    .bind(organization.as_bytes().as_slice())
    .bind(device.as_bytes().as_slice())
    .bind(now.unix_millis())
    .bind(RevocationReason::CessationOfOperation.as_str())
    .fetch_all(&mut *tx)
    .await?;
    for row in &rows {
        let issuer = Columns::of(row, "certificate").octets()?;
        count_revocations(tx, &issuer, 1).await?;
    }
    Ok(())
}

async fn count_revocations(
    tx: &mut SqliteConnection,
    issuer: &[u8; 20],
    count: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO issuer_count (key_id, revocations, crl_number) VALUES (?1, ?2, 0) \
         ON CONFLICT DO UPDATE SET revocations = revocations + ?2",
    )
    .bind(issuer.as_slice())
    .bind(count)
    .execute(tx)
    .await?;
    Ok(())
}

async fn issuers(connection: &mut SqliteConnection) -> Result<Vec<Issuer>, Error> {
    let mut select = Select::new(SELECT_ISSUER);
    select.sql(" ORDER BY created_at, key_id");
    let rows = select.query().fetch_all(connection).await?;
    rows.iter()
        .map(|row| sound(&ISSUER, decode_issuer)(row))
        .collect()
}

fn of_device(organization: OrganizationId, device: DeviceId) -> Select {
    let mut select = Select::new(SELECT);
    select.sql(" WHERE c.organization_id = ");
    select.bind(organization.as_bytes().as_slice());
    select.sql(" AND c.device_id = ");
    select.bind(device.as_bytes().as_slice());
    select
}

fn of_living_device(organization: OrganizationId, device: DeviceId) -> Select {
    let mut select = of_device(organization, device);
    select.sql(
        " AND EXISTS (SELECT 1 FROM device AS d WHERE d.organization_id = c.organization_id \
         AND d.id = c.device_id)",
    );
    select
}

/// Reads a row of [`SELECT`].
pub(super) fn decode(row: &SqliteRow) -> Result<Certificate, Error> {
    let mut columns = Columns::of(row, "certificate");
    let organization_id = columns.id(OrganizationId::from_uuid)?;
    let device_id = columns.id(DeviceId::from_uuid)?;
    let issuer_key_id = IssuerKeyId::from_bytes(columns.octets()?);
    let serial_number = columns.parse_with(SerialNumber::from_be_bytes)?;
    columns.name(&serial_number);
    Ok(Certificate {
        serial_number,
        organization_id,
        device_id,
        subject: columns.plain()?,
        fingerprint_sha256: Sha256Digest::from_bytes(columns.octets()?),
        public_key_sha256: Sha256Digest::from_bytes(columns.octets()?),
        issuer_key_id,
        not_before: columns.timestamp()?,
        not_after: columns.timestamp()?,
        issued_at: columns.timestamp()?,
        issue_sequence: columns.number()?,
        first_used_at: columns.timestamp_optional()?,
        fate: decode_fate(&mut columns)?,
        pem: columns.plain()?,
    })
}

fn decode_fate(columns: &mut Columns<'_>) -> Result<CertificateFate, Error> {
    let fate: &str = columns.plain()?;
    let at = columns.timestamp_optional()?;
    let reason = columns.text_optional()?;
    match (fate, at, reason) {
        ("GOOD", None, None) => Ok(CertificateFate::Good),
        ("SUPERSEDED", None, None) => Ok(CertificateFate::Superseded),
        ("REVOKED", Some(at), Some(reason)) => Ok(CertificateFate::Revoked { at, reason }),
        _ => Err(columns.contradiction("no such fate of a certificate")),
    }
}

fn decode_revoked(row: &SqliteRow) -> Result<RevokedCertificate, Error> {
    let mut columns = Columns::of(row, "certificate");
    let serial_number = columns.parse_with(SerialNumber::from_be_bytes)?;
    columns.name(&serial_number);
    Ok(RevokedCertificate {
        serial_number,
        revoked_at: columns.timestamp()?,
        reason: columns.text()?,
        not_after: columns.timestamp()?,
    })
}

/// Reads a row of [`SELECT_ISSUER`].
pub(super) fn decode_issuer(row: &SqliteRow) -> Result<Issuer, Error> {
    let mut columns = Columns::of(row, "issuer");
    let key_id = IssuerKeyId::from_bytes(columns.octets()?);
    columns.name(key_id);
    Ok(Issuer {
        key_id,
        certificate_pem: columns.plain()?,
        root_pem: columns.plain()?,
        created_at: columns.timestamp()?,
    })
}

pub(super) const SELECT: &str = "SELECT c.organization_id, c.device_id, c.issuer_key_id, \
     c.serial_number, c.subject, c.fingerprint_sha256, c.public_key_sha256, c.not_before, \
     c.not_after, c.issued_at, c.issue_sequence, c.first_used_at, c.fate, c.revoked_at, \
     c.revocation_reason, c.pem, c.checksum FROM certificate AS c";

pub(super) const SELECT_ISSUER: &str =
    "SELECT key_id, certificate_pem, root_pem, created_at, checksum FROM issuer";
