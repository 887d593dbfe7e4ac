//! What can go wrong in the CA.

use crate::ca::key_store::{KeyName, KeyStoreError};
use crate::ca::signer::SignerError;
use crate::model::certificate::IssuerKeyId;
use crate::model::timestamp::Timestamp;
use crate::random::RandomFailed;

/// Why the CA could not be opened. Nothing was issued, and nothing that was there has changed.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum OpenCaError {
    /// The clock is far behind, and a CA made now would be of no use.
    #[error("the clock says {now}, which is past: set the clock of the machine, then start again")]
    ClockWrong {
        /// What it says.
        now: Timestamp,
    },

    /// The key material is damaged.
    #[error(
        "the key material `{name}` is damaged: {reason}; restore it from the backup (a CA that has \
         issued certificates is never replaced by a new one)"
    )]
    Damaged {
        /// Whose material.
        name: KeyName,
        /// What is wrong with it.
        reason: String,
    },

    /// The policy cannot be kept.
    #[error("{reason}")]
    InvalidPolicy {
        /// What is wrong with it.
        reason: &'static str,
    },

    /// The keys could not be loaded or written.
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),

    /// The root and the issuing CA could not be made.
    #[error("the CA could not be made")]
    Making(#[from] IssueError),

    /// The key material is that of another CA than the one on record.
    #[error(
        "the key material is that of the CA {found}, but the storage has certificates of {recorded}: \
         bring key material and storage of the same installation together, from the backup"
    )]
    Mismatch {
        /// The issuing CA in the key store.
        found: IssuerKeyId,
        /// The newest one on record.
        recorded: IssuerKeyId,
    },

    /// There is no key material, but a CA on record.
    #[error(
        "the key store is empty, but the storage has certificates of the CA {recorded}: restore the \
         key material `issuing` from the backup (without it every device has to be provisioned \
         anew, with a new storage)"
    )]
    Missing {
        /// The newest one on record.
        recorded: IssuerKeyId,
    },

    /// The record of an issuer in the storage is damaged.
    #[error("the record of the CA {key_id} in the storage is damaged: restore it from the backup")]
    Record {
        /// Whose record.
        key_id: IssuerKeyId,
    },

    /// The CA's certificates and its signer do not belong together.
    #[error("the CA's certificates cannot be used: {reason}")]
    UnusableChain {
        /// What is wrong with them.
        reason: String,
    },
}

/// Why the CA did not sign.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The clock is behind the beginning of the CA.
    #[error("the clock says {now}, but the CA began at {not_before}: set the clock of the machine")]
    ClockBehind {
        /// What the clock says.
        now: Timestamp,
        /// The beginning of the CA.
        not_before: Timestamp,
    },

    /// What was to be signed could not be written.
    #[error("a certificate or CRL could not be written: {reason}")]
    Encoding {
        /// Why.
        reason: String,
    },

    /// The span of the CA is over.
    #[error("the CA ended at {not_after}: a new one is needed")]
    Expired {
        /// Its end.
        not_after: Timestamp,
    },

    /// A name is neither a DNS name nor an IP address, or there are none or too many.
    #[error("`{name}` cannot stand in a server's certificate: {reason}")]
    InvalidName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// No random octets.
    #[error(transparent)]
    Random(#[from] RandomFailed),

    /// What was signed is not what should have been; it was thrown away.
    #[error("what the CA signed did not pass its own check and was thrown away: {reason}")]
    SelfCheck {
        /// What was found.
        reason: String,
    },

    /// The CA's key did not sign.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

impl From<rcgen::Error> for IssueError {
    fn from(error: rcgen::Error) -> Self {
        match error {
            rcgen::Error::RemoteKeyError => {
                Self::Signer(SignerError::new("its signer failed, see the log"))
            }
            error => Self::Encoding {
                reason: error.to_string(),
            },
        }
    }
}
