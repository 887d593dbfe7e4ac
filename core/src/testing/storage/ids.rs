//! Clauses of ids: the least, the greatest and those in the middle, and copies of another's.

use uuid::Uuid;

use super::deletion::furnished;
use super::world::{
    SERVER, limits, new_device, new_organization, new_token, pump, quarantine_of, snapshot,
};
use crate::model::api_key::KeyOwner;
use crate::model::component::{Component, ComponentFilter};
use crate::model::device::{Device, DeviceFilter};
use crate::model::group::DeviceGroup;
use crate::model::id::{
    ApiKeyId, ComponentId, DeviceId, GroupId, OrganizationId, QuarantineId, SiteId,
};
use crate::model::organization::Organization;
use crate::model::page::{PageLimit, PageRequest};
use crate::model::quarantine::QuarantinedItem;
use crate::model::site::Site;
use crate::model::tag::TagSelector;
use crate::storage::{Effects, StorageError, Unique};
use crate::testing::fixtures::{
    api_key, component, device, group, organization, quarantined, site, token,
};
use crate::testing::storage::Handle;

/// Devices of the least and of the greatest ids are found, listed in their order and counted, and
/// nothing is behind the greatest.
pub async fn devices_of_any_id(storage: &Handle) {
    let id = new_organization(storage).await;
    for (number, uuid) in uuids().into_iter().enumerate().rev() {
        let device = Device {
            id: DeviceId::from_uuid(uuid),
            ..device(id, &format!("device-{number}"))
        };
        let created = storage.create_device(&device, &Effects::NONE).await;
        created.unwrap();
        let found = storage.device(id, device.id).await.unwrap();
        assert_eq!(found, Some(device));
    }
    let filter = DeviceFilter::default();
    for limit in [1, 2, 500] {
        let found = all_pages!(limit, |page| storage.devices(id, &filter, page), |it| it.id);
        let found: Vec<_> = found.iter().map(|it| *it.id.as_uuid()).collect();
        assert_eq!(found, uuids(), "by {limit}");
    }
    let behind = PageRequest {
        after: Some(DeviceId::from_uuid(Uuid::max())),
        limit: PageLimit::MAX,
    };
    let page = storage.devices(id, &filter, behind).await.unwrap();
    assert!(page.items.is_empty() && !page.more);
}

/// Records of all other kinds of such ids are listed in their order, too.
pub async fn records_of_any_id(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let owner = KeyOwner::Organization(id);
    let none = &Effects::NONE;
    for uuid in uuids().into_iter().rev() {
        let mut key = api_key(owner);
        key.id = ApiKeyId::from_uuid(uuid);
        storage.create_api_key(&key, none).await.unwrap();
        let site = Site {
            id: SiteId::from_uuid(uuid),
            ..site(id)
        };
        storage.create_site(&site, none).await.unwrap();
        let group = DeviceGroup {
            id: GroupId::from_uuid(uuid),
            ..group(id, TagSelector::default())
        };
        storage.create_group(&group, none).await.unwrap();
        let component = Component {
            id: ComponentId::from_uuid(uuid),
            ..component(&pump, &uuid.simple().to_string())
        };
        let created = storage.create_component(&component, &limits(), none).await;
        created.unwrap();
        let item = QuarantinedItem {
            id: QuarantineId::from_uuid(uuid),
            ..quarantined(&pump)
        };
        storage.store_quarantined(&item, &limits()).await.unwrap();
        let works = Organization {
            id: OrganizationId::from_uuid(uuid),
            ..organization()
        };
        let created = storage.create_organization(SERVER, &works, None, none);
        created.await.unwrap();
    }

    let keys = all_pages!(2, |page| storage.api_keys(owner, page), |it| it.id);
    assert!(keys.iter().map(|it| *it.id.as_uuid()).eq(uuids()));
    let sites = all_pages!(2, |page| storage.sites(id, page), |it| it.id);
    assert!(sites.iter().map(|it| *it.id.as_uuid()).eq(uuids()));
    let groups = all_pages!(2, |page| storage.groups(id, page), |it| it.id);
    assert!(groups.iter().map(|it| *it.id.as_uuid()).eq(uuids()));
    let filter = ComponentFilter::default();
    let parts = all_pages!(2, |page| storage.components(id, &filter, page), |it| it.id);
    assert!(parts.iter().map(|it| *it.id.as_uuid()).eq(uuids()));
    let items = quarantine_of(storage, &pump).await;
    assert!(items.iter().rev().map(|it| *it.id.as_uuid()).eq(uuids()));
    let works = all_pages!(2, |page| storage.organizations(SERVER, page), |it| it.id);
    let works = works.iter().filter(|it| it.id != id);
    assert!(works.map(|it| *it.id.as_uuid()).eq(uuids()));
}

/// A record that another organization makes under a taken id leaves the holder as it is. (Whether
/// ids are told apart within an organization or among all is left to the backend.)
pub async fn copies_change_nothing(storage: &Handle) {
    let pump = furnished(storage).await;
    let id = pump.organization_id;
    let none = &Effects::NONE;
    let (one_site, one_group) = (site(id), group(id, TagSelector::default()));
    storage.create_site(&one_site, none).await.unwrap();
    storage.create_group(&one_group, none).await.unwrap();
    let manual = component(&pump, "manual");
    let created = storage.create_component(&manual, &limits(), none).await;
    created.unwrap();
    let item = quarantined(&pump);
    storage.store_quarantined(&item, &limits()).await.unwrap();
    let open = new_token(storage, &pump).await;
    let before = snapshot(storage, id).await;

    let other = new_organization(storage).await;
    let thief = new_device(storage, other, "thief").await;
    let mut copy = site(other);
    copy.id = one_site.id;
    drop(storage.create_site(&copy, none).await);
    let mut copy = group(other, TagSelector::default());
    copy.id = one_group.id;
    drop(storage.create_group(&copy, none).await);
    let mut copy = component(&thief, "copy");
    copy.id = manual.id;
    drop(storage.create_component(&copy, &limits(), none).await);
    let mut copy = quarantined(&thief);
    copy.id = item.id;
    drop(storage.store_quarantined(&copy, &limits()).await);
    // A token is looked up by nothing but its id, so that is taken among all.
    let mut copy = token(&thief);
    copy.id = open.id;
    let answer = storage.create_token(&copy, none).await;
    assert_refused!(answer, StorageError::Taken(Unique::Id));

    assert_eq!(snapshot(storage, id).await, before);
    let found = storage.token(open.id).await.unwrap().unwrap();
    assert_eq!(found.organization_id, id);
}

/// In their order, those at whose octets signs and lengths could be mistaken.
fn uuids() -> [Uuid; 6] {
    let of = |octet: u8, last: u8| {
        let mut octets = [octet; 16];
        octets[15] = last;
        Uuid::from_bytes(octets)
    };
    [
        Uuid::nil(),
        of(0, 1),
        of(0x7f, 0xff),
        of(0x80, 0),
        of(0xff, 0xfe),
        Uuid::max(),
    ]
}
