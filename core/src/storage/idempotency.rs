//! What is committed together with a change, and remembered of requests.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::api_key::KeyOwner;
use crate::model::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::storage::StorageError;

/// What a change brings with it, committed in the same step: either all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    /// What is remembered of the request. Where its key is taken, the change is refused with
    /// [`StorageError::Taken`] for [`Unique::IdempotencyKey`](crate::storage::Unique), before
    /// anything else is checked.
    pub idempotency: Option<IdempotencyRecord>,
}

impl Effects {
    /// None.
    pub const NONE: Self = Self { idempotency: None };
}

/// Keeps [`IdempotencyRecord`]s, which come with [`Effects`].
#[async_trait]
pub trait IdempotencyStore: Debug + Send + Sync + 'static {
    /// Looks one up.
    async fn idempotency_record(
        &self,
        owner: KeyOwner,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, StorageError>;
}
