//! Puts the records of an archive as they are.

use fieldgate_core::model::certificate::{Certificate, IssuerKeyId};
use fieldgate_core::model::id::{OrganizationId, SensorId};
use fieldgate_core::model::reading::Reading;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ArchiveRecord, Effects};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::sqlite::archive::tables::table;
use crate::sqlite::row::stored;
use crate::sqlite::{
    api_key, certificate, component, device, device_write, group, health, idempotency,
    organization, quarantine, reading, retained, sensor, sensor_write, site, token,
};

/// Puts records, each unless there is one with its key.
pub(super) async fn import(
    tx: &mut SqliteConnection,
    records: &[ArchiveRecord],
) -> Result<(), Error> {
    let mut readings = Readings::default();
    for record in records {
        match record {
            ArchiveRecord::Reading(organization, reading) => {
                readings.add(tx, *organization, reading).await?;
            }
            record => put(tx, record).await?,
        }
    }
    reading::insert(tx, &readings.numbered).await?;
    Ok(())
}

async fn put(tx: &mut SqliteConnection, record: &ArchiveRecord) -> Result<(), Error> {
    if is_there(tx, record).await? {
        return Ok(());
    }
    match record {
        ArchiveRecord::Organization(it) => organization::insert(tx, it).await,
        ArchiveRecord::ApiKey(it) => api_key::insert(tx, it).await,
        ArchiveRecord::Issuer(it) => certificate::insert_issuer(tx, it).await,
        ArchiveRecord::IssuerCount {
            key_id,
            revocations,
            crl_number,
        } => put_counts(tx, key_id, *revocations, *crl_number).await,
        ArchiveRecord::CompromisedKey(digest) => {
            sqlx::query("INSERT INTO compromised_key (public_key_sha256) VALUES (?)")
                .bind(digest.as_bytes().as_slice())
                .execute(tx)
                .await?;
            Ok(())
        }
        ArchiveRecord::Site(it) => site::insert(tx, it).await,
        ArchiveRecord::Group(it) => group::insert(tx, it).await,
        ArchiveRecord::Device(it) => device_write::insert(tx, it).await,
        ArchiveRecord::Token(it) => {
            device::check(tx, it.organization_id, it.device_id).await?;
            token::insert(tx, it).await
        }
        ArchiveRecord::Certificate(it) => put_certificate(tx, it).await,
        ArchiveRecord::Component(it) => {
            device::check(tx, it.organization_id, it.device_id).await?;
            component::check_unique(tx, it).await?;
            component::insert(tx, it).await
        }
        ArchiveRecord::Sensor(it) => {
            component::check(tx, it.organization_id, it.component_id).await?;
            sensor_write::insert(tx, it).await.map(drop)
        }
        // They are put together, behind all others.
        ArchiveRecord::Reading(..) => Ok(()),
        ArchiveRecord::Health(organization, it) => {
            device::check(tx, *organization, it.device_id).await?;
            health::insert(tx, *organization, it).await.map(drop)
        }
        ArchiveRecord::Quarantined(it) => {
            device::check(tx, it.organization_id, it.device_id).await?;
            quarantine::insert(tx, it).await
        }
        ArchiveRecord::Retained {
            organization_id,
            device_id,
            topic,
            payload,
        } => {
            device::check(tx, *organization_id, *device_id).await?;
            // No answer says when it arrived, so that archives do not either.
            let at = Timestamp::UNIX_EPOCH;
            retained::store(tx, *organization_id, *device_id, *topic, payload, at).await
        }
        ArchiveRecord::Idempotency(it) => {
            let effects = Effects {
                idempotency: Some(it.clone()),
            };
            idempotency::record(tx, &effects).await
        }
    }
}

async fn put_counts(
    tx: &mut SqliteConnection,
    issuer: &IssuerKeyId,
    revocations: u64,
    crl_number: u64,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO issuer_count (key_id, revocations, crl_number) VALUES (?, ?, ?)")
        .bind(issuer.as_bytes().as_slice())
        .bind(stored(revocations))
        .bind(stored(crl_number))
        .execute(tx)
        .await?;
    Ok(())
}

async fn is_there(tx: &mut SqliteConnection, record: &ArchiveRecord) -> Result<bool, Error> {
    let key = record.bookmark().key;
    let found = table(record.kind())
        .has(&key)
        .optional(tx, |row| Ok(row.try_get(0)?));
    Ok(found.await?.unwrap_or(false))
}

/// Puts a certificate with its issue sequence, without counting it once more.
async fn put_certificate(tx: &mut SqliteConnection, it: &Certificate) -> Result<(), Error> {
    certificate::insert_as_it_is(tx, it).await?;
    // One of a device that is not there is what a deleted one has left.
    sqlx::query(
        "INSERT INTO deleted_device (organization_id, id, emptied, next_expiry) \
         SELECT ?1, ?2, 1, ?3 WHERE NOT EXISTS (SELECT 1 FROM device \
         WHERE organization_id = ?1 AND id = ?2) \
         ON CONFLICT DO UPDATE SET next_expiry = min(next_expiry, excluded.next_expiry)",
    )
    .bind(it.organization_id.as_bytes().as_slice())
    .bind(it.device_id.as_bytes().as_slice())
    .bind(it.not_after.unix_millis())
    .execute(tx)
    .await?;
    Ok(())
}

/// Readings that are written together, with the numbers of their sensors.
#[derive(Default)]
struct Readings<'r> {
    sensor: Option<(SensorId, i64)>,
    numbered: Vec<(i64, &'r Reading)>,
}

impl<'r> Readings<'r> {
    async fn add(
        &mut self,
        tx: &mut SqliteConnection,
        organization: OrganizationId,
        reading: &'r Reading,
    ) -> Result<(), Error> {
        let id = reading.sensor_id;
        let number = match self.sensor {
            Some((sensor, number)) if sensor == id => number,
            _ => sensor::number(tx, organization, id).await?,
        };
        self.sensor = Some((id, number));
        self.numbered.push((number, reading));
        Ok(())
    }
}
