//! The use-cases around the quarantine.

use crate::error::Result;
use crate::model::id::{OrganizationId, QuarantineId};
use crate::model::page::{Page, PageRequest};
use crate::model::quarantine::{QuarantineFilter, QuarantinedItem};
use crate::service::service;

service! {
    /// The use-cases around the quarantine.
    Quarantine
}

impl Quarantine {
    /// Lists the items that match, newest first.
    ///
    /// # Errors
    ///
    /// As [`Error`](crate::Error) says in general.
    pub async fn list(
        &self,
        organization: OrganizationId,
        filter: &QuarantineFilter,
        page: PageRequest<QuarantineId>,
    ) -> Result<Page<QuarantinedItem>> {
        let storage = &self.parts.storage;
        Ok(storage.quarantined(organization, filter, page).await?)
    }

    /// Discards an item.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub async fn discard(&self, organization: OrganizationId, id: QuarantineId) -> Result<()> {
        let storage = &self.parts.storage;
        Ok(storage.discard_quarantined(organization, id).await?)
    }
}
