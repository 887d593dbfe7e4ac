//! Clauses of [`SiteStore`](crate::storage::SiteStore).

use super::world::{new_organization, snapshot, stored};
use crate::model::device::DeviceUpdate;
use crate::model::id::OrganizationId;
use crate::model::location::Location;
use crate::model::revision::Revision;
use crate::model::site::{Site, SiteSettings};
use crate::storage::{Effects, StorageError, Unique};
use crate::testing::fixtures::{device, noon, parse, site};
use crate::testing::storage::Handle;

/// A created site can be read back, unchanged, with all that it can say or only its name.
pub async fn create_then_read(storage: &Handle) {
    let organization = new_organization(storage).await;
    let plain = created(storage, organization).await;
    let full = Site {
        settings: full_settings(),
        ..site(organization)
    };
    storage.create_site(&full, &Effects::NONE).await.unwrap();

    for site in [plain, full] {
        let found = storage.site(organization, site.id).await.unwrap();
        assert_eq!(found, Some(site));
    }
}

/// A taken id is refused.
pub async fn create_refuses_a_taken_id(storage: &Handle) {
    let organization = new_organization(storage).await;
    let first = created(storage, organization).await;
    let second = Site {
        settings: full_settings(),
        ..first.clone()
    };

    let answer = storage.create_site(&second, &Effects::NONE).await;

    assert_refused!(answer, StorageError::Taken(Unique::Id));
    let found = storage.site(organization, first.id).await.unwrap();
    assert_eq!(found, Some(first));
}

/// An update changes the settings and raises the revision by one.
pub async fn update_changes_the_settings(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut site = created(storage, organization).await;

    for settings in [full_settings(), site.settings.clone()] {
        let updated = storage
            .update_site(organization, site.id, Some(site.revision), &settings)
            .await
            .unwrap();
        site.settings = settings;
        site.revision = site.revision.next();
        assert_eq!(updated, site);
        let found = storage.site(organization, site.id).await.unwrap();
        assert_eq!(found, Some(updated));
    }
}

/// A change from another revision than the stored one is refused, be it an update or a deletion.
pub async fn changes_check_the_revision(storage: &Handle) {
    let organization = new_organization(storage).await;
    let site = created(storage, organization).await;
    let wrong = Some(Revision::FIRST.next());

    let answer = storage
        .update_site(organization, site.id, wrong, &full_settings())
        .await;

    assert_refused!(answer, StorageError::StaleRevision { .. });
    let answer = storage.delete_site(organization, site.id, wrong).await;
    assert_refused!(answer, StorageError::StaleRevision { .. });
    let found = storage.site(organization, site.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&site));
    let right = Some(site.revision);
    storage
        .delete_site(organization, site.id, right)
        .await
        .unwrap();
}

/// Updating or deleting what is not there is an error.
pub async fn changes_need_a_record(storage: &Handle) {
    let organization = new_organization(storage).await;
    let unknown = site(organization);

    let answer = storage
        .update_site(organization, unknown.id, None, &unknown.settings)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_site(organization, unknown.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let found = storage.site(organization, unknown.id).await.unwrap();
    assert_eq!(found, None);
}

/// A deleted site is gone.
pub async fn delete_removes(storage: &Handle) {
    let organization = new_organization(storage).await;
    let site = created(storage, organization).await;

    storage
        .delete_site(organization, site.id, None)
        .await
        .unwrap();

    let found = storage.site(organization, site.id).await.unwrap();
    assert_eq!(found, None);
    let left = all_pages!(5, |page| storage.sites(organization, page), |site| site.id);
    assert!(left.is_empty(), "{left:?}");
    let answer = storage.delete_site(organization, site.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
}

/// A site stays while a device belongs to it, and may go when that has moved or is deleted.
pub async fn delete_spares_a_site_with_devices(storage: &Handle) {
    let organization = new_organization(storage).await;
    let site = created(storage, organization).await;
    let mut devices = Vec::new();
    for name in ["pump-7", "pump-8"] {
        let mut device = device(organization, name);
        device.settings.site_id = Some(site.id);
        let created = storage.create_device(&device, &Effects::NONE).await;
        created.unwrap();
        devices.push(device);
    }
    let before = snapshot(storage, organization).await;
    let answer = storage.delete_site(organization, site.id, None).await;
    assert_refused!(answer, StorageError::InUse { .. });
    assert_eq!(snapshot(storage, organization).await, before);

    let mut update = DeviceUpdate {
        settings: stored(storage, &devices[0]).await.settings,
        status: None,
    };
    update.settings.site_id = None;
    let moved = storage
        .update_device(organization, devices[0].id, None, &update, noon())
        .await;
    moved.unwrap();
    let answer = storage.delete_site(organization, site.id, None).await;
    assert_refused!(answer, StorageError::InUse { .. });
    let deleted = storage
        .delete_device(organization, devices[1].id, None, noon())
        .await;
    deleted.unwrap();

    storage
        .delete_site(organization, site.id, None)
        .await
        .unwrap();
    let found = storage.site(organization, site.id).await.unwrap();
    assert_eq!(found, None);
}

/// A device that moves to a site keeps the site from being deleted.
pub async fn delete_sees_a_device_that_has_moved_in(storage: &Handle) {
    let organization = new_organization(storage).await;
    let site = created(storage, organization).await;
    let device = device(organization, "pump-7");
    let made = storage.create_device(&device, &Effects::NONE).await;
    made.unwrap();
    let mut update = DeviceUpdate {
        settings: device.settings,
        status: None,
    };
    update.settings.site_id = Some(site.id);
    let moved = storage
        .update_device(organization, device.id, None, &update, noon())
        .await;
    moved.unwrap();

    let answer = storage.delete_site(organization, site.id, None).await;

    assert_refused!(answer, StorageError::InUse { .. });
}

/// The list holds an organization's sites by id, in pages of any size.
pub async fn the_list_is_by_id(storage: &Handle) {
    let organization = new_organization(storage).await;
    let other = new_organization(storage).await;
    let mut expected = Vec::new();
    for _ in 0..6 {
        expected.push(created(storage, organization).await);
        created(storage, other).await;
    }
    expected.sort_by_key(|site| site.id);

    for limit in [1, 3, 5, 500] {
        let sites = all_pages!(limit, |page| storage.sites(organization, page), |site| site
            .id);
        assert_eq!(sites, expected);
    }
}

async fn created(storage: &Handle, organization: OrganizationId) -> Site {
    let site = site(organization);
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    site
}

fn full_settings() -> SiteSettings {
    let label = Some(parse("Gate 4 <b>north</b>"));
    SiteSettings {
        name: parse("Werk Süd"),
        description: Some(parse("where the \"pumps\" are; it's wet")),
        location: Some(Location::new(47.376_887_1, -8.541_694_25, Some(-408.125), label).unwrap()),
        time_zone: Some(parse("Europe/Zurich")),
    }
}
