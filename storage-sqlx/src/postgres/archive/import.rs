//! Puts the records of an archive as they are.

use std::collections::BTreeMap;

use fieldgate_core::model::certificate::{Certificate, IssuerKeyId};
use fieldgate_core::model::id::{OrganizationId, SensorId};
use fieldgate_core::model::reading::Reading;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{ArchiveRecord, StorageError};
use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use crate::error::Error;
use crate::postgres::archive::tables::table;
use crate::postgres::row::stored;
use crate::postgres::{
    api_key, certificate, component, device, device_write, group, health, idempotency,
    organization, quarantine, reading, retained, sensor, sensor_write, site, token,
};

/// Puts records, each unless there is one with its key.
pub(super) async fn import(tx: &mut PgConnection, records: &[ArchiveRecord]) -> Result<(), Error> {
    let mut readings = Readings::default();
    for record in records {
        match record {
            ArchiveRecord::Reading(organization, reading) => {
                readings.add(tx, *organization, reading).await?;
            }
            record => put(tx, record).await?,
        }
    }
    readings.write(tx).await
}

async fn put(tx: &mut PgConnection, record: &ArchiveRecord) -> Result<(), Error> {
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
            sqlx::query("INSERT INTO compromised_key (public_key_sha256) VALUES ($1)")
                .bind(digest.as_bytes().as_slice())
                .execute(tx)
                .await?;
            Ok(())
        }
        ArchiveRecord::Site(it) => site::insert(tx, it).await,
        ArchiveRecord::Group(it) => group::insert(tx, it).await,
        ArchiveRecord::Device(it) => device_write::insert(tx, it).await,
        ArchiveRecord::Token(it) => {
            device::lock(tx, it.organization_id, it.device_id).await?;
            token::insert(tx, it).await
        }
        ArchiveRecord::Certificate(it) => put_certificate(tx, it).await,
        ArchiveRecord::Component(it) => {
            device::lock(tx, it.organization_id, it.device_id).await?;
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
            device::lock(tx, *organization, it.device_id).await?;
            health::insert(tx, *organization, it).await.map(drop)
        }
        ArchiveRecord::Quarantined(it) => {
            device::lock(tx, it.organization_id, it.device_id).await?;
            quarantine::insert(tx, it).await
        }
        ArchiveRecord::Retained {
            organization_id,
            device_id,
            topic,
            payload,
        } => {
            device::lock(tx, *organization_id, *device_id).await?;
            // No answer says when it arrived, so that archives do not either.
            let at = Timestamp::UNIX_EPOCH;
            retained::store(tx, *organization_id, *device_id, *topic, payload, at).await
        }
        ArchiveRecord::Idempotency(it) => idempotency::insert(tx, it).await,
    }
}

async fn put_counts(
    tx: &mut PgConnection,
    issuer: &IssuerKeyId,
    revocations: u64,
    crl_number: u64,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO issuer_count (key_id, revocations, crl_number) VALUES ($1, $2, $3)")
        .bind(issuer.as_bytes().as_slice())
        .bind(stored(revocations))
        .bind(stored(crl_number))
        .execute(tx)
        .await?;
    Ok(())
}

async fn is_there(tx: &mut PgConnection, record: &ArchiveRecord) -> Result<bool, Error> {
    let key = record.bookmark().key;
    let found = table(record.kind())
        .has(&key)
        .optional(tx, |row| Ok(row.try_get(0)?));
    Ok(found.await?.unwrap_or(false))
}

/// Puts a certificate with its issue sequence, without counting it once more.
async fn put_certificate(tx: &mut PgConnection, it: &Certificate) -> Result<(), Error> {
    let device = device::lock(tx, it.organization_id, it.device_id).await;
    certificate::insert_as_it_is(tx, it).await?;
    match device {
        Err(Error::Refused(StorageError::NotFound { .. })) => {}
        locked => return locked,
    }
    // One of a device that is not there is what a deleted one has left.
    sqlx::query(
        "INSERT INTO device_identity AS i (organization_id, id, deleted, emptied, next_expiry) \
         VALUES ($1, $2, true, true, $3) ON CONFLICT (id) DO UPDATE \
         SET next_expiry = least(i.next_expiry, excluded.next_expiry)",
    )
    .bind(it.organization_id.as_uuid())
    .bind(it.device_id.as_uuid())
    .bind(it.not_after.unix_millis())
    .execute(tx)
    .await?;
    Ok(())
}

/// Readings that are written together, with the numbers of their sensors.
#[derive(Default)]
struct Readings<'r> {
    sensor: Option<(SensorId, i64)>,
    by_organization: BTreeMap<OrganizationId, Vec<(i64, &'r Reading)>>,
}

impl<'r> Readings<'r> {
    async fn add(
        &mut self,
        tx: &mut PgConnection,
        organization: OrganizationId,
        reading: &'r Reading,
    ) -> Result<(), Error> {
        let id = reading.sensor_id;
        let number = match self.sensor {
            Some((sensor, number)) if sensor == id => number,
            _ => sensor::number(tx, organization, id).await?,
        };
        self.sensor = Some((id, number));
        let readings = self.by_organization.entry(organization).or_default();
        readings.push((number, reading));
        Ok(())
    }

    async fn write(&self, tx: &mut PgConnection) -> Result<(), Error> {
        for (organization, numbered) in &self.by_organization {
            reading::insert(tx, *organization, numbered).await?;
        }
        Ok(())
    }
}
