//! The storage in memory: the reference, for tests and for hosts that need nothing to last.

mod api_key;
mod archive;
mod certificate;
mod component;
mod device;
mod group;
mod health;
mod idempotency;
mod maintenance;
mod organization;
mod page;
mod quarantine;
mod reading;
mod report;
mod sensor;
mod session;
mod site;
mod tenant;
mod token;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::api_key::{ApiKey, KeyOwner};
use crate::model::certificate::{Issuer, IssuerKeyId};
use crate::model::id::{ApiKeyId, OrganizationId};
use crate::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::model::revision::Revision;
use crate::storage::{Effects, StorageError, Unique};
use certificate::Certificates;
use tenant::Tenant;

/// Keeps everything in memory: nothing survives the process, and all else is as the port promises.
///
/// One lock holds all of it, so each call is atomic. Every method first checks and then writes,
/// and nothing that it does between its first write and its last can fail.
///
/// A clone is another handle to the same records.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    state: Arc<Mutex<State>>,
}

impl MemoryStorage {
    /// The records. A thread that panicked while it held them had not begun to write.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All records: what belongs to an organization is in its [`Tenant`].
///
/// Certificates outlive their devices and are unique among all, so they are kept apart.
#[derive(Clone, Default)]
struct State {
    tenants: BTreeMap<OrganizationId, Tenant>,
    api_keys: BTreeMap<(KeyOwner, ApiKeyId), ApiKey>,
    certificates: Certificates,
    idempotency: BTreeMap<(KeyOwner, IdempotencyKey), IdempotencyRecord>,
    issuers: BTreeMap<IssuerKeyId, Issuer>,
    crl_numbers: BTreeMap<IssuerKeyId, u64>,
}

impl State {
    /// What an organization has; nothing where there is none.
    fn tenant(&self, id: OrganizationId) -> Option<&Tenant> {
        self.tenants.get(&id)
    }

    /// What an organization has, to change it; `what` is said to be missing where there is none.
    fn tenant_mut(
        &mut self,
        id: OrganizationId,
        what: &'static str,
    ) -> Result<&mut Tenant, StorageError> {
        self.tenants
            .get_mut(&id)
            .ok_or(StorageError::NotFound { what })
    }

    /// Whether a change may bring these effects; the first check of each change that has any.
    fn check_effects(&self, effects: &Effects) -> Result<(), StorageError> {
        let taken = effects.idempotency.as_ref().is_some_and(|record| {
            let key = (record.owner, record.key.clone());
            self.idempotency.contains_key(&key)
        });
        free(!taken, Unique::IdempotencyKey)
    }

    /// Writes what a change brings with it.
    fn apply_effects(&mut self, effects: &Effects) {
        if let Some(record) = &effects.idempotency {
            let key = (record.owner, record.key.clone());
            self.idempotency.insert(key, record.clone());
        }
    }
}

impl fmt::Debug for State {
    /// Says nothing of the records.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// Refuses a change for what is taken.
const fn free(is_free: bool, unique: Unique) -> Result<(), StorageError> {
    if is_free {
        Ok(())
    } else {
        Err(StorageError::Taken(unique))
    }
}

/// Refuses a change that was made from another revision.
fn check_revision(
    stored: Revision,
    expected: Option<Revision>,
    what: &'static str,
) -> Result<(), StorageError> {
    if expected.is_none_or(|expected| expected == stored) {
        Ok(())
    } else {
        Err(StorageError::StaleRevision { what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_no_records() {
        let storage = MemoryStorage::default();
        assert_eq!(
            format!("{storage:?}").matches("State { .. }").count(),
            1,
            "{storage:?}"
        );
    }
}
