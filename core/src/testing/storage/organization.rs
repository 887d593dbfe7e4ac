//! Clauses of [`OrganizationStore`](crate::storage::OrganizationStore).

use super::world::{SERVER, new_device, new_organization, snapshot};
use crate::model::api_key::KeyOwner;
use crate::model::organization::Organization;
use crate::model::revision::Revision;
use crate::model::tag::TagSelector;
use crate::storage::{Effects, StorageError, Unique};
use crate::testing::fixtures::{
    api_key, device, group, noon, organization, parse, request, site, token,
};
use crate::testing::storage::Handle;

/// A created organization can be read back by its id and by its slug.
pub async fn create_then_read(storage: &Handle) {
    let organization = created(storage).await;

    let by_id = storage.organization(organization.id).await.unwrap();
    assert_eq!(by_id.as_ref(), Some(&organization));
    let by_slug = storage.organization_by_slug(&organization.slug).await;
    assert_eq!(by_slug.unwrap(), Some(organization));
}

/// An organization comes with its first key, or not at all.
pub async fn create_brings_the_first_key(storage: &Handle) {
    let (works, twin) = (organization(), organization());
    let key = api_key(KeyOwner::Organization(works.id));
    storage
        .create_organization(SERVER, &works, Some(&key), &Effects::NONE)
        .await
        .unwrap();
    let found = storage.api_key_by_prefix(key.prefix).await.unwrap();
    assert_eq!(found.map(|found| found.id), Some(key.id));

    let mut taken = api_key(KeyOwner::Organization(twin.id));
    taken.prefix = key.prefix;
    let refused = storage
        .create_organization(SERVER, &twin, Some(&taken), &Effects::NONE)
        .await;
    assert!(
        matches!(refused, Err(StorageError::Taken(Unique::ApiKeyPrefix))),
        "{refused:?}"
    );
    assert_eq!(storage.organization(twin.id).await.unwrap(), None);
    let mut taken = api_key(KeyOwner::Organization(twin.id));
    taken.id = key.id;
    let refused = storage
        .create_organization(SERVER, &twin, Some(&taken), &Effects::NONE)
        .await;
    assert_refused!(refused, StorageError::Taken(Unique::Id));
    assert_eq!(storage.organization(twin.id).await.unwrap(), None);
    let by_slug = storage.organization_by_slug(&twin.slug).await;
    assert_eq!(by_slug.unwrap(), None);
}

/// The list holds all organizations, by id, in pages of any size.
pub async fn the_list_is_by_id(storage: &Handle) {
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(created(storage).await);
    }
    expected.sort_by_key(|organization| organization.id);

    for limit in [1, 3, 7, 500] {
        let found = all_pages!(limit, |page| storage.organizations(SERVER, page), |it| it
            .id);
        assert_eq!(found, expected, "by {limit}");
    }
}

/// What is not there is `None`, by id and by slug.
pub async fn the_unknown_is_none(storage: &Handle) {
    let unknown = organization();

    assert_eq!(storage.organization(unknown.id).await.unwrap(), None);
    let by_slug = storage.organization_by_slug(&unknown.slug).await;
    assert_eq!(by_slug.unwrap(), None);
}

/// A taken id is refused, and its holder stays as it is.
pub async fn create_refuses_a_taken_id(storage: &Handle) {
    let first = created(storage).await;
    let second = Organization {
        id: first.id,
        ..organization()
    };

    let answer = storage
        .create_organization(SERVER, &second, None, &Effects::NONE)
        .await;

    assert_refused!(answer, StorageError::Taken(Unique::Id));
    let stored = storage.organization(first.id).await.unwrap();
    assert_eq!(stored, Some(first));
    let by_slug = storage.organization_by_slug(&second.slug).await;
    assert_eq!(by_slug.unwrap(), None);
}

/// A taken slug is refused.
pub async fn create_refuses_a_taken_slug(storage: &Handle) {
    let first = created(storage).await;
    let second = Organization {
        slug: first.slug.clone(),
        ..organization()
    };

    let answer = storage
        .create_organization(SERVER, &second, None, &Effects::NONE)
        .await;

    assert_refused!(answer, StorageError::Taken(Unique::OrganizationSlug));
    assert_eq!(storage.organization(second.id).await.unwrap(), None);
    let by_slug = storage.organization_by_slug(&first.slug).await;
    assert_eq!(by_slug.unwrap(), Some(first));
}

/// An update changes slug and name, and raises the revision by one; the old slug is free.
pub async fn update_changes_slug_and_name(storage: &Handle) {
    let before = created(storage).await;
    let expected = Organization {
        slug: parse("renamed"),
        name: parse("Renamed Works"),
        revision: before.revision.next(),
        ..before.clone()
    };

    let updated = storage
        .update_organization(
            SERVER,
            before.id,
            Some(before.revision),
            &expected.slug,
            &expected.name,
        )
        .await
        .unwrap();

    assert_eq!(updated, expected);
    let by_id = storage.organization(before.id).await.unwrap();
    assert_eq!(by_id.as_ref(), Some(&expected));
    let by_slug = storage.organization_by_slug(&expected.slug).await;
    assert_eq!(by_slug.unwrap(), Some(expected));
    let by_old_slug = storage.organization_by_slug(&before.slug).await;
    assert_eq!(by_old_slug.unwrap(), None);
    let heir = Organization {
        slug: before.slug,
        ..organization()
    };
    let inherited = storage
        .create_organization(SERVER, &heir, None, &Effects::NONE)
        .await;
    inherited.unwrap();
}

/// An update may keep the slug.
pub async fn update_keeps_its_own_slug(storage: &Handle) {
    let before = created(storage).await;

    let updated = storage
        .update_organization(SERVER, before.id, None, &before.slug, &parse("Other"))
        .await
        .unwrap();

    assert_eq!(updated.slug, before.slug);
    let by_slug = storage.organization_by_slug(&before.slug).await;
    assert_eq!(by_slug.unwrap(), Some(updated));
}

/// An update to another's slug is refused.
pub async fn update_refuses_a_taken_slug(storage: &Handle) {
    let first = created(storage).await;
    let second = created(storage).await;

    let answer = storage
        .update_organization(SERVER, second.id, None, &first.slug, &parse("Other"))
        .await;

    assert_refused!(answer, StorageError::Taken(Unique::OrganizationSlug));
    let stored = storage.organization(second.id).await.unwrap();
    assert_eq!(stored, Some(second));
}

/// A change from another revision than the stored one is refused, be it an update or a deletion.
pub async fn changes_check_the_revision(storage: &Handle) {
    let before = created(storage).await;

    for wrong in [Revision::FIRST.next(), Revision::from_u64(99)] {
        let answer = storage
            .update_organization(
                SERVER,
                before.id,
                Some(wrong),
                &before.slug,
                &parse("Other"),
            )
            .await;
        assert_refused!(answer, StorageError::StaleRevision { .. });
        let answer = storage
            .delete_organization(SERVER, before.id, Some(wrong))
            .await;
        assert_refused!(answer, StorageError::StaleRevision { .. });
    }

    let stored = storage.organization(before.id).await.unwrap();
    assert_eq!(stored.as_ref(), Some(&before));
    let deleted = storage.delete_organization(SERVER, before.id, Some(before.revision));
    deleted.await.unwrap();
}

/// Updating what is not there is an error, not a creation.
pub async fn update_needs_a_record(storage: &Handle) {
    let unknown = organization();

    for expected in [None, Some(unknown.revision)] {
        let answer = storage
            .update_organization(SERVER, unknown.id, expected, &unknown.slug, &unknown.name)
            .await;
        assert_refused!(answer, StorageError::NotFound { .. });
    }

    assert_eq!(storage.organization(unknown.id).await.unwrap(), None);
    let by_slug = storage.organization_by_slug(&unknown.slug).await;
    assert_eq!(by_slug.unwrap(), None);
}

/// A deleted organization is gone with its keys, sites, groups and remembered requests, and its
/// slug is free.
pub async fn delete_takes_keys_sites_and_groups_along(storage: &Handle) {
    let other = new_organization(storage).await;
    let gone = created(storage).await;
    let owner = KeyOwner::Organization(gone.id);
    let (key, site, group) = (
        api_key(owner),
        site(gone.id),
        group(gone.id, TagSelector::default()),
    );
    storage.create_api_key(&key, &Effects::NONE).await.unwrap();
    let remembered = request(owner, "site");
    let effects = Effects {
        idempotency: Some(remembered.clone()),
    };
    storage.create_site(&site, &effects).await.unwrap();
    let of_server = Effects {
        idempotency: Some(request(KeyOwner::Server, "site")),
    };
    let by_server = self::group(other, TagSelector::default());
    storage.create_group(&by_server, &of_server).await.unwrap();
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    let of_other = snapshot(storage, other).await;

    storage
        .delete_organization(SERVER, gone.id, None)
        .await
        .unwrap();

    assert_eq!(storage.organization(gone.id).await.unwrap(), None);
    let by_slug = storage.organization_by_slug(&gone.slug).await;
    assert_eq!(by_slug.unwrap(), None);
    assert!(storage.api_key(owner, key.id).await.unwrap().is_none());
    let by_prefix = storage.api_key_by_prefix(key.prefix).await.unwrap();
    assert!(by_prefix.is_none());
    assert_eq!(storage.site(gone.id, site.id).await.unwrap(), None);
    assert_eq!(storage.group(gone.id, group.id).await.unwrap(), None);
    let found = storage.idempotency_record(owner, &remembered.key).await;
    assert_eq!(found.unwrap(), None);
    let found = storage.idempotency_record(KeyOwner::Server, &remembered.key);
    assert_eq!(found.await.unwrap(), of_server.idempotency);
    assert_eq!(snapshot(storage, other).await, of_other);
    let heir = Organization {
        slug: gone.slug,
        ..organization()
    };
    let inherited = storage
        .create_organization(SERVER, &heir, None, &Effects::NONE)
        .await;
    inherited.unwrap();
}

/// An organization with a device stays; once the device is deleted it may go.
pub async fn delete_spares_an_organization_with_devices(storage: &Handle) {
    let organization = created(storage).await;
    let device = new_device(storage, organization.id, "pump-7").await;
    let before = snapshot(storage, organization.id).await;

    let answer = storage
        .delete_organization(SERVER, organization.id, None)
        .await;

    assert_refused!(answer, StorageError::InUse { .. });
    assert_eq!(snapshot(storage, organization.id).await, before);
    let deleted = storage
        .delete_device(organization.id, device.id, None, noon())
        .await;
    deleted.unwrap();
    let answer = storage
        .delete_organization(SERVER, organization.id, None)
        .await;
    answer.unwrap();
    let stored = storage.organization(organization.id).await.unwrap();
    assert_eq!(stored, None);
}

/// Deleting what is not there, or no more, is an error.
pub async fn delete_needs_a_record(storage: &Handle) {
    let organization = created(storage).await;
    let deleted = storage
        .delete_organization(SERVER, organization.id, None)
        .await;
    deleted.unwrap();

    let answer = storage
        .delete_organization(SERVER, organization.id, None)
        .await;

    assert_refused!(answer, StorageError::NotFound { .. });
}

/// Nothing can be added to an organization that is not there.
pub async fn the_unknown_takes_nothing(storage: &Handle) {
    let unknown = organization().id;
    let (device, site) = (device(unknown, "pump-7"), site(unknown));
    let (token, key) = (token(&device), api_key(KeyOwner::Organization(unknown)));
    let group = group(unknown, TagSelector::default());
    let none = &Effects::NONE;

    assert_refused!(
        storage.create_device(&device, none).await,
        StorageError::NotFound { .. }
    );
    assert_refused!(
        storage.register_device(&device, &token, none).await,
        StorageError::NotFound { .. }
    );
    assert_refused!(
        storage.create_site(&site, none).await,
        StorageError::NotFound { .. }
    );
    assert_refused!(
        storage.create_group(&group, none).await,
        StorageError::NotFound { .. }
    );
    assert_refused!(
        storage.create_api_key(&key, none).await,
        StorageError::NotFound { .. }
    );
    assert_eq!(storage.device(unknown, device.id).await.unwrap(), None);
    assert!(storage.token(token.id).await.unwrap().is_none());
    let by_prefix = storage.api_key_by_prefix(key.prefix).await.unwrap();
    assert!(by_prefix.is_none());
}

async fn created(storage: &Handle) -> Organization {
    let organization = organization();
    storage
        .create_organization(SERVER, &organization, None, &Effects::NONE)
        .await
        .unwrap();
    organization
}
