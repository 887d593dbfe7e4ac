//! Requests that may be repeated without being carried out twice.

use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::api_key::KeyOwner;
use crate::model::certificate::Sha256Digest;
use crate::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::service::Parts;
use crate::storage::{Effects, StorageError, Unique};

/// A request that its sender may repeat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdempotentRequest {
    /// Who sends it.
    pub owner: KeyOwner,
    /// The sender's key for it.
    pub key: IdempotencyKey,
    /// The SHA-256 of method, path and body.
    pub sha256: Sha256Digest,
}

/// What a request created.
#[derive(Clone, Debug, PartialEq)]
pub struct Created<T> {
    /// What was created; in a replay, as it is now.
    pub value: T,
    /// Whether an earlier request with the same idempotency key had created it.
    pub replayed: bool,
}

impl<T> Created<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            value,
            replayed: false,
        }
    }

    pub(crate) const fn replayed(value: T) -> Self {
        Self {
            value,
            replayed: true,
        }
    }
}

impl Parts {
    /// What an earlier request under the same key created.
    pub(crate) async fn replay(&self, request: Option<&IdempotentRequest>) -> Result<Option<Uuid>> {
        let Some(request) = request else {
            return Ok(None);
        };
        let record = self
            .storage
            .idempotency_record(request.owner, &request.key)
            .await?;
        match record {
            None => Ok(None),
            Some(record) if record.request_sha256 == request.sha256 => Ok(Some(record.resource)),
            Some(_) => Err(Error::Invalid {
                code: "idempotency_key_reused",
                detail: "this Idempotency-Key was used for another request: choose a new one"
                    .to_owned(),
                fields: Vec::new(),
            }),
        }
    }

    /// What is committed with the creation of `resource`.
    pub(crate) fn effects(&self, request: Option<&IdempotentRequest>, resource: &Uuid) -> Effects {
        Effects {
            idempotency: request.map(|request| IdempotencyRecord {
                owner: request.owner,
                key: request.key.clone(),
                request_sha256: request.sha256,
                resource: *resource,
                created_at: self.now(),
            }),
        }
    }
}

/// Whether a twin of this request was faster: then it is a replay.
pub(crate) fn lost_to_twin(error: &StorageError) -> bool {
    matches!(error, StorageError::Taken(Unique::IdempotencyKey))
}

/// The answer to a replay whose resource has been deleted since.
pub(crate) fn resource_gone() -> Error {
    Error::Gone {
        code: "resource_gone",
        detail: "what this request created has been deleted since".to_owned(),
    }
}
