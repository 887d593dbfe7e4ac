//! Organizations in sled.

use async_trait::async_trait;
use fieldgate_core::model::api_key::{ApiKey, KeyOwner};
use fieldgate_core::model::id::OrganizationId;
use fieldgate_core::model::idempotency::IdempotencyRecord;
use fieldgate_core::model::organization::{Organization, Slug};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::revision::Revision;
use fieldgate_core::model::text::Name;
use fieldgate_core::storage::{
    Effects, Occupied, OrganizationStore, ServerProof, StorageError, Unique,
};

use crate::SledStorage;
use crate::api_key;
use crate::change::{Source, check_revision};
use crate::error::Error;
use crate::keys::{self, KeyReader, Range};
use crate::record::Record as _;
use crate::scan::Order;
use crate::writer::Kind;

#[async_trait]
impl OrganizationStore for SledStorage {
    async fn create_organization(
        &self,
        _server: ServerProof,
        organization: &Organization,
        first_key: Option<&ApiKey>,
        effects: &Effects,
    ) -> Result<(), StorageError> {
        let (organization, effects) = (organization.clone(), effects.clone());
        let first_key = first_key.cloned();
        self.change(move |change| {
            change.effects(&effects)?;
            let key = keys::organization(organization.id);
            let slug = keys::slug(&organization.slug);
            change.require_free(&key, Unique::Id)?;
            change.require_free(&slug, Unique::OrganizationSlug)?;
            change.put(slug, *organization.id.as_bytes());
            change.put_record(key, &organization)?;
            match &first_key {
                Some(key) => api_key::add(change, key),
                None => Ok(()),
            }
        })
        .await
    }

    async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, StorageError> {
        self.read(move |reader| reader.look(|view| view.record(&keys::organization(id))))
            .await
    }

    async fn organization_by_slug(
        &self,
        slug: &Slug,
    ) -> Result<Option<Organization>, StorageError> {
        let key = keys::slug(slug);
        self.read(move |reader| {
            reader.look(|view| {
                let Some(id) = view.octets(&key)? else {
                    return Ok(None);
                };
                let id = OrganizationId::from_uuid(KeyReader::value(&id).uuid()?);
                view.linked(&keys::organization(id)).map(Some)
            })
        })
        .await
    }

    async fn organizations(
        &self,
        _server: ServerProof,
        page: PageRequest<OrganizationId>,
    ) -> Result<Page<Organization>, StorageError> {
        let range = Range::of(keys::organizations()).after(page.after.map(keys::organization));
        self.read(move |reader| {
            reader.page(range, Order::Ascending, page.limit, |_, _, octets| {
                Organization::decode(octets).map(Some)
            })
        })
        .await
    }

    async fn update_organization(
        &self,
        _server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
        slug: &Slug,
        name: &Name,
    ) -> Result<Organization, StorageError> {
        let (slug, name) = (slug.clone(), name.clone());
        self.change(move |change| {
            let key = keys::organization(id);
            let stored = change.record(&key)?;
            let mut organization: Organization = stored.ok_or(Error::not_found("organization"))?;
            check_revision(organization.revision, expected, "organization")?;
            if slug != organization.slug {
                let taken = keys::slug(&slug);
                change.require_free(&taken, Unique::OrganizationSlug)?;
                change.remove(keys::slug(&organization.slug));
                change.put(taken, *id.as_bytes());
            }
            organization.slug = slug;
            organization.name = name;
            organization.revision = organization.revision.next();
            change.put_record(key, &organization)?;
            Ok(organization)
        })
        .await
    }

    async fn delete_organization(
        &self,
        _server: ServerProof,
        id: OrganizationId,
        expected: Option<Revision>,
    ) -> Result<(), StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let key = keys::organization(id);
            let stored = change.record(&key)?;
            let organization: Organization = stored.ok_or(Error::not_found("organization"))?;
            check_revision(organization.revision, expected, "organization")?;
            if change.any(Range::of(keys::devices(id)))? {
                return Err(StorageError::InUse(Occupied::Organization).into());
            }
            let owner = KeyOwner::Organization(id);
            for entry in change.entries(Range::of(keys::api_keys(owner))) {
                let (_, octets) = entry?;
                api_key::remove(change, &ApiKey::decode(&octets)?);
            }
            for entry in change.entries(Range::of(keys::all_idempotency_of(owner))) {
                let (key, octets) = entry?;
                let record = IdempotencyRecord::decode(&octets)?;
                let (at, request) = (record.created_at, &record.key);
                change.remove(keys::idempotency_by_time(at, owner, request));
                change.remove(key.to_vec());
            }
            change.remove_all(Range::of(keys::sites(id)))?;
            change.remove_all(Range::of(keys::groups(id)))?;
            change.remove(keys::slug(&organization.slug));
            change.remove(key);
            Ok(())
        })
        .await
    }
}
