//! Carries all records out of memory and in.

use async_trait::async_trait;

use super::tenant::Tenant;
use super::{MemoryStorage, State, free};
use crate::model::api_key::KeyOwner;
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::token::TokenFate;
use crate::storage::{
    Archive, ArchiveRecord, ArchiveStore, Bookmark, Finding, ServerProof, StorageError, Unique,
};

#[async_trait]
impl ArchiveStore for MemoryStorage {
    async fn archive(
        &self,
        _server: ServerProof,
        after: Option<&Bookmark>,
    ) -> Result<Box<dyn Archive>, StorageError> {
        let mut records = records(&self.lock());
        records.sort_by_cached_key(ArchiveRecord::bookmark);
        if let Some(after) = after {
            records.retain(|record| record.bookmark() > *after);
        }
        Ok(Box::new(Copied(records.into_iter())))
    }

    async fn import(
        &self,
        _server: ServerProof,
        records: &[ArchiveRecord],
    ) -> Result<(), StorageError> {
        let mut state = self.lock();
        // A record may belong to one before it, so that the checks cannot all come first.
        let mut next = state.clone();
        for record in records {
            put(&mut next, record)?;
        }
        *state = next;
        Ok(())
    }

    /// There is nothing that could be unsound without the process being so.
    async fn verify(&self, _server: ServerProof) -> Result<Vec<Finding>, StorageError> {
        Ok(Vec::new())
    }
}

/// A copy of all records.
#[derive(Debug)]
struct Copied(std::vec::IntoIter<ArchiveRecord>);

#[async_trait]
impl Archive for Copied {
    async fn next(&mut self, limit: usize) -> Result<Vec<ArchiveRecord>, StorageError> {
        Ok(self.0.by_ref().take(limit).collect())
    }
}

fn records(state: &State) -> Vec<ArchiveRecord> {
    let mut all = Vec::new();
    all.extend(state.api_keys.values().cloned().map(ArchiveRecord::ApiKey));
    all.extend(state.issuers.values().cloned().map(ArchiveRecord::Issuer));
    let counted = state.certificates.revocations().map(|(id, _)| id);
    let counted = counted.chain(state.crl_numbers.keys().copied());
    let mut issuers: Vec<_> = counted.chain(state.issuers.keys().copied()).collect();
    issuers.sort_unstable();
    issuers.dedup();
    all.extend(
        issuers
            .into_iter()
            .map(|key_id| ArchiveRecord::IssuerCount {
                key_id,
                revocations: state.certificates.revocations_of(key_id),
                crl_number: state.crl_numbers.get(&key_id).copied().unwrap_or(0),
            }),
    );
    let compromised = state.certificates.compromised().into_iter();
    all.extend(compromised.map(ArchiveRecord::CompromisedKey));
    for (_, certificate) in state.certificates.iter() {
        all.push(ArchiveRecord::Certificate(Box::new(certificate.clone())));
    }
    let requests = state.idempotency.values().cloned();
    all.extend(requests.map(ArchiveRecord::Idempotency));
    for (id, tenant) in &state.tenants {
        all.push(ArchiveRecord::Organization(tenant.organization.clone()));
        add_tenant(&mut all, *id, tenant);
    }
    all
}

fn add_tenant(all: &mut Vec<ArchiveRecord>, id: OrganizationId, tenant: &Tenant) {
    all.extend(tenant.sites.values().cloned().map(ArchiveRecord::Site));
    all.extend(tenant.groups.values().cloned().map(ArchiveRecord::Group));
    let devices = tenant.devices.values().cloned().map(Box::new);
    all.extend(devices.map(ArchiveRecord::Device));
    all.extend(tenant.tokens.values().cloned().map(ArchiveRecord::Token));
    let components = tenant.components.values().cloned().map(Box::new);
    all.extend(components.map(ArchiveRecord::Component));
    let sensors = tenant.sensors.values().cloned().map(Box::new);
    all.extend(sensors.map(ArchiveRecord::Sensor));
    for (sensor, readings) in &tenant.readings {
        let Some(sensor) = tenant.sensors.get(sensor) else {
            continue;
        };
        for reading in readings.values() {
            let mut reading = reading.clone();
            reading.value = reading.value.as_type(sensor.settings.value_type);
            all.push(ArchiveRecord::Reading(id, reading));
        }
    }
    let reports = tenant.health.values().flat_map(|reports| reports.values());
    all.extend(reports.map(|report| ArchiveRecord::Health(id, Box::new(report.clone()))));
    let items = tenant.quarantine.values().cloned();
    all.extend(items.map(ArchiveRecord::Quarantined));
    for ((device_id, topic), payload) in &tenant.retained {
        all.push(ArchiveRecord::Retained {
            organization_id: id,
            device_id: *device_id,
            topic: *topic,
            payload: payload.clone(),
        });
    }
}

/// Puts a record, unless there is one with its key.
fn put(state: &mut State, record: &ArchiveRecord) -> Result<(), StorageError> {
    match record.clone() {
        ArchiveRecord::Organization(it) => {
            if !state.tenants.contains_key(&it.id) {
                let mut others = state.tenants.values();
                let taken = others.any(|other| other.organization.slug == it.slug);
                free(!taken, Unique::OrganizationSlug)?;
                state.tenants.insert(it.id, Tenant::new(it));
            }
        }
        ArchiveRecord::ApiKey(it) => {
            if let KeyOwner::Organization(id) = it.owner {
                state.tenant_mut(id, "organization")?;
            }
            let key = (it.owner, it.id);
            if !state.api_keys.contains_key(&key) {
                let taken = state.api_keys.values().any(|key| key.prefix == it.prefix);
                free(!taken, Unique::ApiKeyPrefix)?;
                state.api_keys.insert(key, it);
            }
        }
        ArchiveRecord::Issuer(it) => {
            state.issuers.entry(it.key_id).or_insert(it);
        }
        ArchiveRecord::IssuerCount {
            key_id,
            revocations,
            crl_number,
        } => {
            state.certificates.set_revocations(key_id, revocations);
            state.crl_numbers.entry(key_id).or_insert(crl_number);
        }
        ArchiveRecord::CompromisedKey(digest) => state.certificates.refuse_for_good(digest),
        ArchiveRecord::Certificate(it) => {
            if !state.certificates.has_place_of(&it) {
                let taken = state
                    .certificates
                    .contains(it.issuer_key_id, &it.serial_number);
                free(!taken, Unique::CertificateSerial)?;
                state.certificates.insert(*it);
            }
        }
        ArchiveRecord::Idempotency(it) => {
            let key = (it.owner, it.key.clone());
            state.idempotency.entry(key).or_insert(it);
        }
        of_tenant => put_in_tenant(state, of_tenant)?,
    }
    Ok(())
}

fn put_in_tenant(state: &mut State, record: ArchiveRecord) -> Result<(), StorageError> {
    match record {
        ArchiveRecord::Site(it) => {
            of(state, it.organization_id)?
                .sites
                .entry(it.id)
                .or_insert(it);
        }
        ArchiveRecord::Group(it) => {
            let groups = &mut of(state, it.organization_id)?.groups;
            groups.entry(it.id).or_insert(it);
        }
        ArchiveRecord::Device(it) => {
            let tenant = of(state, it.organization_id)?;
            if !tenant.devices.contains_key(&it.id) {
                let taken = tenant.device_named(&it.settings.name).is_some();
                free(!taken, Unique::DeviceName)?;
                tenant.put_device(*it);
            }
        }
        ArchiveRecord::Token(it) => {
            let tenant = with_device(of(state, it.organization_id)?, it.device_id)?;
            if it.fate == TokenFate::Open && !tenant.tokens.contains_key(&it.id) {
                tenant.put_open_token(it);
            } else {
                tenant.tokens.entry(it.id).or_insert(it);
            }
        }
        of_device => put_part(state, of_device)?,
    }
    Ok(())
}

fn put_part(state: &mut State, record: ArchiveRecord) -> Result<(), StorageError> {
    match record {
        ArchiveRecord::Component(it) => {
            let tenant = with_device(of(state, it.organization_id)?, it.device_id)?;
            if !tenant.components.contains_key(&it.id) {
                let taken = tenant.component_of(it.device_id, &it.key).is_some();
                free(!taken, Unique::ComponentKey)?;
                tenant.add_component(*it);
            }
        }
        ArchiveRecord::Sensor(it) => {
            let tenant = of(state, it.organization_id)?;
            if !tenant.components.contains_key(&it.component_id) {
                return Err(StorageError::NotFound { what: "component" });
            }
            if !tenant.sensors.contains_key(&it.id) {
                let taken = tenant.sensor_of(it.component_id, &it.key).is_some();
                free(!taken, Unique::Id)?;
                tenant.add_sensor(*it);
            }
        }
        ArchiveRecord::Reading(id, it) => {
            let tenant = of(state, id)?;
            if !tenant.sensors.contains_key(&it.sensor_id) {
                return Err(StorageError::NotFound { what: "sensor" });
            }
            let readings = tenant.readings.entry(it.sensor_id).or_default();
            readings.entry(it.timestamp).or_insert(it);
        }
        ArchiveRecord::Health(id, it) => {
            let tenant = with_device(of(state, id)?, it.device_id)?;
            let reports = tenant.health.entry(it.device_id).or_default();
            reports.entry(it.timestamp).or_insert(*it);
        }
        ArchiveRecord::Quarantined(it) => {
            let tenant = with_device(of(state, it.organization_id)?, it.device_id)?;
            if !tenant.quarantine.contains_key(&it.id) {
                tenant.add_quarantined(it, usize::MAX);
            }
        }
        ArchiveRecord::Retained {
            organization_id,
            device_id,
            topic,
            payload,
        } => {
            let tenant = with_device(of(state, organization_id)?, device_id)?;
            let key = (device_id, topic);
            tenant.retained.entry(key).or_insert(payload);
        }
        // The callers have put all others.
        _ => {}
    }
    Ok(())
}

fn of(state: &mut State, id: OrganizationId) -> Result<&mut Tenant, StorageError> {
    state.tenant_mut(id, "organization")
}

fn with_device(tenant: &mut Tenant, device: DeviceId) -> Result<&mut Tenant, StorageError> {
    tenant.require_device(device)?;
    Ok(tenant)
}
