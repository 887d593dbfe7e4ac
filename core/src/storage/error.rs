//! Why a storage did not do what it was asked.

use std::error::Error;
use std::fmt;

use crate::model::presence::StatusRefused;
use crate::model::sensor::TypeMismatch;

/// Why a storage did not do what it was asked. Nothing has changed then, but for
/// [`StorageError::Unavailable`], where it is not known.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The backend failed, or a record does not decode.
    #[error("the storage backend `{backend}` failed")]
    Backend {
        /// The backend's own name, for example `sqlite`.
        backend: &'static str,
        /// What the backend reported.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },

    /// Devices still belong to the record.
    #[error("the {0} is still in use")]
    InUse(Occupied),

    /// There would be more of something than there may be.
    #[error("there are at most {limit} {what}")]
    LimitReached {
        /// What there would be more of, for example `components per device`.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },

    /// The record is not there, or is another organization's.
    #[error("there is no such {what}")]
    NotFound {
        /// The kind of record, for example `device`: for people, nothing is decided by it.
        what: &'static str,
    },

    /// Somebody else changed the record first.
    #[error("the {what} was changed by somebody else")]
    StaleRevision {
        /// The kind of record.
        what: &'static str,
    },

    /// The status cannot be set.
    #[error(transparent)]
    StatusRefused(#[from] StatusRefused),

    /// What has to be unique is taken.
    #[error("the {0} is taken")]
    Taken(Unique),

    /// A stored reading contradicts the new type.
    #[error(transparent)]
    TypeMismatch(#[from] TypeMismatch),

    /// The backend cannot work now: its disk is full, its connection is lost, it is locked.
    #[error("the storage backend `{backend}` is not available")]
    Unavailable {
        /// The backend's own name.
        backend: &'static str,
        /// What the backend reported.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },

    /// The site that a device is to belong to is not there, or is another organization's.
    #[error("there is no such site for the device")]
    UnknownSite,
}

/// What cannot be removed while it has devices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Occupied {
    /// An organization.
    Organization,
    /// A site.
    Site,
}

impl fmt::Display for Occupied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Organization => "organization",
            Self::Site => "site",
        })
    }
}

/// What is unique, and within what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unique {
    /// The prefix of an API key, among all.
    ApiKeyPrefix,
    /// The serial number of a certificate, among those of its issuer and those of its device.
    CertificateSerial,
    /// The key of a component, in its device.
    ComponentKey,
    /// The name of a device, in its organization.
    DeviceName,
    /// An id.
    Id,
    /// The idempotency key of a request, among those of its owner.
    IdempotencyKey,
    /// The slug of an organization, among all.
    OrganizationSlug,
}

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKeyPrefix => "prefix of the API key",
            Self::CertificateSerial => "serial number of the certificate",
            Self::ComponentKey => "key of the component",
            Self::DeviceName => "name of the device",
            Self::Id => "id",
            Self::IdempotencyKey => "idempotency key",
            Self::OrganizationSlug => "slug of the organization",
        })
    }
}
