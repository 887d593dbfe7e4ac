//! Sites in sled.

use async_trait::async_trait;
use fieldgate_core::model::id::{OrganizationId, SiteId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::site::{Site, SiteSettings};
use fieldgate_core::storage::{Effects, Occupied, SiteStore, StorageError, Unique};

use crate::SledStorage;
use crate::change::{Source, check_revision};
use crate::error::Error;
use crate::keys::{self, Range};
use crate::record::Record as _;
use crate::scan::Order;
use crate::writer::Kind;

#[async_trait]
impl SiteStore for SledStorage {
    async fn create_site(&self, site: &Site, effects: &Effects) -> Result<(), StorageError> {
        let (site, effects) = (site.clone(), effects.clone());
        self.change(move |change| {
            change.effects(&effects)?;
            let organization = keys::organization(site.organization_id);
            change.require(&organization, "organization")?;
            let key = keys::site(site.organization_id, site.id);
            change.require_free(&key, Unique::Id)?;
            change.put_record(key, &site)
        })
        .await
    }

    async fn site(
        &self,
        organization: OrganizationId,
        id: SiteId,
    ) -> Result<Option<Site>, StorageError> {
        self.read(move |reader| reader.look(|view| view.record(&keys::site(organization, id))))
            .await
    }

    async fn sites(
        &self,
        organization: OrganizationId,
        page: PageRequest<SiteId>,
    ) -> Result<Page<Site>, StorageError> {
        let after = page.after.map(|id| keys::site(organization, id));
        let range = Range::of(keys::sites(organization)).after(after);
        self.read(move |reader| {
            reader.page(range, Order::Ascending, page.limit, |_, _, octets| {
                Site::decode(octets).map(Some)
            })
        })
        .await
    }

    async fn update_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
        settings: &SiteSettings,
    ) -> Result<Site, StorageError> {
        let settings = settings.clone();
        self.change(move |change| {
            let key = keys::site(organization, id);
            let mut site: Site = change.record(&key)?.ok_or(Error::not_found("site"))?;
            check_revision(site.revision, expected, "site")?;
            site.settings = settings;
            site.revision = site.revision.next();
            change.put_record(key, &site)?;
            Ok(site)
        })
        .await
    }

    async fn delete_site(
        &self,
        organization: OrganizationId,
        id: SiteId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let key = keys::site(organization, id);
            let site: Site = change.record(&key)?.ok_or(Error::not_found("site"))?;
            check_revision(site.revision, expected, "site")?;
            if change.any(Range::of(keys::devices_at_site(organization, id)))? {
                return Err(StorageError::InUse(Occupied::Site).into());
            }
            change.remove(key);
            Ok(())
        })
        .await
    }
}
