//! Removes from memory what is no longer needed.
//!
//! What a deleted device, component or sensor had goes with it at once here; what is left to
//! remove is what has become old.

use async_trait::async_trait;

use super::certificate::CertificateKey;
use super::{MemoryStorage, State};
use crate::model::api_key::KeyOwner;
use crate::model::id::{DeviceId, OrganizationId, QuarantineId, SensorId};
use crate::model::idempotency::IdempotencyKey;
use crate::model::timestamp::Timestamp;
use crate::model::token::{TokenFate, TokenState};
use crate::storage::{MaintenanceStore, PurgePolicy, Purged, ServerProof, StorageError};

#[async_trait]
impl MaintenanceStore for MemoryStorage {
    async fn purge(
        &self,
        _server: ServerProof,
        policy: &PurgePolicy,
        limit: usize,
    ) -> Result<Purged, StorageError> {
        let mut state = self.lock();
        note_expired_tokens(&mut state, policy.now);
        let mut old = old_records(&state, policy, limit.saturating_add(1));
        let more = old.len() > limit;
        old.truncate(limit);
        let removed = old.len();
        for record in old {
            remove(&mut state, record);
        }
        Ok(Purged { removed, more })
    }

    async fn probe(&self, _server: ServerProof) -> Result<(), StorageError> {
        drop(self.lock());
        Ok(())
    }
}

/// Names a record that is old enough to be removed.
enum Old {
    Certificate(CertificateKey),
    Health(OrganizationId, DeviceId, Timestamp),
    Idempotency((KeyOwner, IdempotencyKey)),
    Quarantined(OrganizationId, QuarantineId),
    Reading(OrganizationId, SensorId, Timestamp),
}

fn note_expired_tokens(state: &mut State, now: Timestamp) {
    for tenant in state.tenants.values_mut() {
        let mut expired = Vec::new();
        for token in tenant.tokens.values_mut() {
            if token.fate == TokenFate::Open && token.state(now) == TokenState::Expired {
                token.fate = TokenFate::Expired;
                expired.push(token.device_id);
            }
        }
        for device in expired {
            tenant.close_token(device);
        }
    }
}

fn old_records(state: &State, policy: &PurgePolicy, limit: usize) -> Vec<Old> {
    let mut old = Vec::new();
    for (organization, tenant) in &state.tenants {
        if let Some(before) = policy.readings_before {
            for (sensor, readings) in &tenant.readings {
                let taken = readings.range(..before).map(|(timestamp, _)| *timestamp);
                old.extend(taken.map(|at| Old::Reading(*organization, *sensor, at)));
            }
        }
        if let Some(before) = policy.health_before {
            for (device, reports) in &tenant.health {
                let taken = reports.range(..before).map(|(timestamp, _)| *timestamp);
                old.extend(taken.map(|at| Old::Health(*organization, *device, at)));
            }
        }
        let items = tenant.quarantine.values();
        old.extend(
            items
                .filter(|item| item.received_at < policy.quarantined_before)
                .map(|item| Old::Quarantined(*organization, item.id)),
        );
        if old.len() >= limit {
            break;
        }
    }
    let requests = state.idempotency.iter();
    old.extend(
        requests
            .filter(|(_, record)| record.created_at < policy.idempotency_before)
            .map(|(key, _)| Old::Idempotency(key.clone())),
    );
    let certificates = state.certificates.iter();
    old.extend(
        certificates
            .filter(|(_, certificate)| policy.now > certificate.not_after)
            .filter(|(_, certificate)| {
                let tenant = state.tenant(certificate.organization_id);
                !tenant.is_some_and(|tenant| tenant.devices.contains_key(&certificate.device_id))
            })
            .map(|(key, _)| Old::Certificate(key.clone())),
    );
    old.truncate(limit);
    old
}

fn remove(state: &mut State, record: Old) {
    match record {
        Old::Certificate(key) => state.certificates.remove(&key),
        Old::Idempotency(key) => {
            state.idempotency.remove(&key);
        }
        Old::Health(organization, device, at) => {
            let tenant = state.tenants.get_mut(&organization);
            let reports = tenant.and_then(|tenant| tenant.health.get_mut(&device));
            reports.and_then(|reports| reports.remove(&at));
        }
        Old::Reading(organization, sensor, at) => {
            let Some(tenant) = state.tenants.get_mut(&organization) else {
                return;
            };
            let Some(readings) = tenant.readings.get_mut(&sensor) else {
                return;
            };
            readings.remove(&at);
            if readings.is_empty()
                && let Some(sensor) = tenant.sensors.get_mut(&sensor)
            {
                sensor.latest = None;
            }
        }
        Old::Quarantined(organization, id) => {
            if let Some(tenant) = state.tenants.get_mut(&organization) {
                tenant.remove_quarantined(id);
            }
        }
    }
}
