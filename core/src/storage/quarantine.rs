//! Looks quarantined items up, and discards them.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::model::id::{OrganizationId, QuarantineId};
use crate::model::page::{Page, PageRequest};
use crate::model::quarantine::{QuarantineFilter, QuarantinedItem};
use crate::storage::StorageError;

/// Looks [`QuarantinedItem`] records up, and discards them.
#[async_trait]
pub trait QuarantineStore: Debug + Send + Sync + 'static {
    /// Looks one up.
    async fn quarantined_item(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<Option<QuarantinedItem>, StorageError>;

    /// Lists the items of living devices that match, newest first, by id: `after` is the id of the
    /// last one seen, lower ids follow.
    async fn quarantined(
        &self,
        organization: OrganizationId,
        filter: &QuarantineFilter,
        page: PageRequest<QuarantineId>,
    ) -> Result<Page<QuarantinedItem>, StorageError>;

    /// Discards an item.
    ///
    /// # Errors
    ///
    /// [`StorageError::NotFound`].
    async fn discard_quarantined(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<(), StorageError>;
}
