//! Why a use-case could not be carried out.

use std::time::Duration;

use crate::ca::IssueError;
use crate::model::Invalid;
use crate::random::RandomFailed;
use crate::storage::{Occupied, StorageError, Unique};

/// A specialized `Result` for the use-cases of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a use-case could not be carried out.
///
/// One variant per reaction of the caller. Where there is a `code`, it is stable and in
/// lower_snake_case; `detail` is for people. Neither holds a secret.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is asked for contradicts what is there.
    #[error("{detail}")]
    Conflict {
        /// What kind of conflict.
        code: &'static str,
        /// What to do about it.
        detail: String,
    },

    /// The caller may not do this.
    #[error("{detail}")]
    Forbidden {
        /// What is missing.
        detail: String,
    },

    /// What is asked for was there, and its time is over.
    #[error("{detail}")]
    Gone {
        /// What has become of it.
        code: &'static str,
        /// What to do about it.
        detail: String,
    },

    /// The system failed; the caller can do nothing about it.
    #[error("the request could not be served")]
    Internal {
        /// For the log, not for the caller.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// What the caller sent is wrong.
    #[error("{detail}")]
    Invalid {
        /// What kind of mistake.
        code: &'static str,
        /// What is wrong in general.
        detail: String,
        /// What is wrong where.
        fields: Vec<InvalidField>,
    },

    /// The caller has had as much as it may have for now.
    #[error("{detail}")]
    LimitReached {
        /// Which limit.
        code: &'static str,
        /// What to do about it.
        detail: String,
        /// When to try again.
        retry_after: Duration,
    },

    /// There is no such thing, or it is another organization's.
    #[error("there is no such {what}")]
    NotFound {
        /// The kind of thing, for example `device`: for people, nothing is decided by it.
        what: &'static str,
    },

    /// Somebody else changed the record first: read it again and retry.
    #[error("the {what} was changed by somebody else: read it again and retry")]
    StaleRevision {
        /// The kind of record.
        what: &'static str,
    },

    /// Who is asking is not known.
    #[error("{detail}")]
    Unauthorized {
        /// What kind of credential.
        code: &'static str,
        /// What to do about it.
        detail: String,
    },

    /// The system cannot do it now; it can be tried again.
    #[error("the request cannot be served at the moment: try again")]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// For the log, not for the caller.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What is wrong with one field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidField {
    /// Which field: a JSON pointer (RFC 6901) into what the caller sent, for example `/siteId`.
    pub pointer: String,
    /// What is wrong, and what would be accepted.
    pub detail: String,
}

impl Error {
    /// One field is wrong.
    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Invalid {
            code: "validation_failed",
            detail: detail.clone(),
            fields: vec![InvalidField {
                pointer: pointer.into(),
                detail,
            }],
        }
    }

    /// One field does not parse.
    pub fn unparsable(pointer: impl Into<String>, invalid: &Invalid) -> Self {
        Self::invalid_field(pointer, invalid.to_string())
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::LimitReached { .. } | Self::Unavailable { .. })
    }

    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            detail: detail.into(),
        }
    }

    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal {
            source: source.into(),
        }
    }
}

impl From<RandomFailed> for Error {
    fn from(failed: RandomFailed) -> Self {
        Self::Unavailable {
            retry_after: RETRY_AFTER,
            source: Box::new(failed),
        }
    }
}

impl From<IssueError> for Error {
    fn from(error: IssueError) -> Self {
        match error {
            // A signer out of reach, or a machine that has only just started.
            IssueError::Random(_) | IssueError::Signer(_) => Self::Unavailable {
                retry_after: RETRY_AFTER,
                source: Box::new(error),
            },
            IssueError::ClockBehind { .. }
            | IssueError::Encoding { .. }
            | IssueError::Expired { .. }
            | IssueError::InvalidName { .. }
            | IssueError::SelfCheck { .. } => Self::internal(error),
        }
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Backend { .. } => Self::internal(error),
            StorageError::InUse(what) => Self::Conflict {
                code: match what {
                    Occupied::Organization => "organization_in_use",
                    Occupied::Site => "site_in_use",
                },
                detail: format!("the {what} still has devices: move or delete them first"),
            },
            StorageError::LimitReached { what, limit } => {
                Self::conflict("limit_reached", format!("there are at most {limit} {what}"))
            }
            StorageError::NotFound { what } => Self::NotFound { what },
            StorageError::StaleRevision { what } => Self::StaleRevision { what },
            StorageError::StatusRefused(refused) => refused.into(),
            StorageError::Taken(unique) => taken(unique),
            StorageError::TypeMismatch(mismatch) => Self::conflict(
                "value_type_contradicted",
                format!("a stored reading contradicts the type: {mismatch}"),
            ),
            StorageError::Unavailable { .. } => Self::Unavailable {
                retry_after: RETRY_AFTER,
                source: Box::new(error),
            },
            // A site is named in the body of a request about a device.
            StorageError::UnknownSite => Self::invalid_field("/siteId", "there is no such site"),
        }
    }
}

impl From<crate::model::presence::StatusRefused> for Error {
    fn from(refused: crate::model::presence::StatusRefused) -> Self {
        use crate::model::presence::StatusRefused::{NeverConnected, NotSettable};
        match refused {
            NeverConnected => Self::conflict("device_never_connected", refused.to_string()),
            NotSettable(_) => Self::invalid_field("/status", refused.to_string()),
        }
    }
}

fn taken(unique: Unique) -> Error {
    let code = match unique {
        Unique::ComponentKey => "component_key_taken",
        Unique::DeviceName => "device_name_taken",
        Unique::OrganizationSlug => "slug_taken",
        Unique::IdempotencyKey => "idempotency_conflict",
        Unique::ApiKeyPrefix | Unique::CertificateSerial | Unique::Id => {
            // Chosen at random by ourselves: a clash is a fault of the random source.
            return Error::internal(StorageError::Taken(unique));
        }
    };
    Error::conflict(code, format!("the {unique} is taken: choose another one"))
}

const RETRY_AFTER: Duration = Duration::from_secs(5);
