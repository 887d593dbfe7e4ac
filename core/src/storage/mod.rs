//! The storage port: what a backend keeps, and what it promises.
//!
//! One small trait per noun; [`Storage`] is all of them. A backend implements each, and proves it
//! by the contract suite (`storage_contract!`, feature `testing`).
//!
//! # Contract
//!
//! These hold for every method of every trait; each trait's docs add their own.
//!
//! * **Atomic**: a call happens as a whole or not at all, also when the process is killed in the
//!   middle of it, and also its [`Effects`].
//! * **Durable**: what a changing call has answered with `Ok` survives the loss of power. (The
//!   in-memory storage survives nothing, and says so.)
//! * **Read your writes**: what a call has written, every later call sees.
//! * **Organization first**: a method that takes an [`OrganizationId`] sees and changes nothing of
//!   another organization. What belongs to another one is not there: `None`, `NotFound`.
//! * **`create` never overwrites**: a taken id, key or name is [`StorageError::Taken`], and nothing
//!   has changed.
//! * **`update` never creates**: a missing record is [`StorageError::NotFound`]. Else the revision
//!   rises by one.
//! * **Nothing stale is changed**: an `update` or a `delete` with an expected revision that is not
//!   the stored one is [`StorageError::StaleRevision`], and nothing has changed.
//! * **Gone is gone at once**: a deleted device is in no answer any more, and no later write of it
//!   has an effect; what it leaves behind is removed by [`MaintenanceStore::purge`].
//! * **Lists** come in the order that the method names, each record once; a record that is there
//!   from the first page to the last is on one of them, whatever else is added or removed
//!   meanwhile.
//! * A clone, or an `Arc`, is another handle to the same records.
//! * No method has a default body: a default that is right for one backend is a silent race in
//!   another.

mod api_key;
mod archive;
mod certificate;
mod component;
mod device;
mod error;
mod group;
mod health;
mod idempotency;
mod maintenance;
mod memory;
mod organization;
mod quarantine;
mod reading;
mod report;
mod sensor;
mod session;
mod site;
mod token;

pub use api_key::ApiKeyStore;
pub use archive::{
    Archive, ArchiveRecord, ArchiveStore, Bookmark, FINDINGS_MAX, Finding, IMPORT_WEIGHT,
    RecordKind,
};
pub use certificate::CertificateStore;
pub use component::ComponentStore;
pub use device::{DeletedDevice, DeviceChange, DeviceStore};
pub use error::{Occupied, StorageError, Unique};
pub use group::GroupStore;
pub use health::HealthStore;
pub use idempotency::{Effects, IdempotencyStore};
pub use maintenance::{MaintenanceStore, PurgePolicy, Purged};
pub use memory::MemoryStorage;
pub use organization::OrganizationStore;
pub use quarantine::QuarantineStore;
pub use reading::ReadingStore;
pub use report::{ReportStore, RetainedTopic};
pub use sensor::SensorStore;
pub use session::{OpenedSession, Seen, SessionRefused, SessionStore};
pub use site::SiteStore;
pub use token::{Redemption, TokenRefused, TokenStore};

#[cfg(doc)]
use crate::model::id::OrganizationId;

/// Everything that a backend keeps.
pub trait Storage:
    ApiKeyStore
    + ArchiveStore
    + CertificateStore
    + ComponentStore
    + DeviceStore
    + GroupStore
    + HealthStore
    + IdempotencyStore
    + MaintenanceStore
    + OrganizationStore
    + QuarantineStore
    + ReadingStore
    + ReportStore
    + SensorStore
    + SessionStore
    + SiteStore
    + TokenStore
{
}

impl<T> Storage for T where
    T: ApiKeyStore
        + ArchiveStore
        + CertificateStore
        + ComponentStore
        + DeviceStore
        + GroupStore
        + HealthStore
        + IdempotencyStore
        + MaintenanceStore
        + OrganizationStore
        + QuarantineStore
        + ReadingStore
        + ReportStore
        + SensorStore
        + SessionStore
        + SiteStore
        + TokenStore
{
}

/// Says that the caller is the server itself and may see across organizations.
///
/// Whoever makes one vouches for it: a request of an organization's key never leads to it.
#[derive(Clone, Copy, Debug)]
pub struct ServerProof(());

impl ServerProof {
    /// Vouches that the caller is the server itself.
    #[must_use]
    pub const fn vouch() -> Self {
        Self(())
    }
}
