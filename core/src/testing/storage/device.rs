//! Clauses of [`DeviceStore`](crate::storage::DeviceStore), but for filters and deletion.

use std::collections::BTreeMap;

use super::world::{
    SERVER, bring_online, new_device, new_organization, pump, set_status, snapshot, stored,
};
use crate::model::device::{Device, DeviceFilter, DeviceSettings, DeviceSummary, DeviceUpdate};
use crate::model::id::{OrganizationId, SiteId};
use crate::model::location::Location;
use crate::model::presence::{DeviceStatus, Presence};
use crate::storage::{Effects, StorageError, Unique};
use crate::testing::fixtures::{
    after, device, device_settings, metadata, noon, organization, parse, site, tags,
};
use crate::testing::storage::Handle;

/// A created device can be read back, unchanged, with all that it can say or only its name.
pub async fn create_then_read(storage: &Handle) {
    let organization = new_organization(storage).await;
    let site = site(organization);
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    let plain = new_device(storage, organization, "plain").await;
    let mut full = device(organization, "full");
    full.settings = full_settings("full", Some(site.id));
    full.firmware_version = Some(parse("2.7.1-rc.1+build.5 \"x\""));
    storage.create_device(&full, &Effects::NONE).await.unwrap();

    for device in [plain, full] {
        assert_eq!(stored(storage, &device).await, device);
    }
}

/// A device that is not there is `None`.
pub async fn the_unknown_is_none(storage: &Handle) {
    let known = pump(storage).await;
    let unknown = device(known.organization_id, "unknown");

    let found = storage.device(known.organization_id, unknown.id).await;
    assert_eq!(found.unwrap(), None);
    let found = storage.device(organization().id, known.id).await.unwrap();
    assert_eq!(found, None);
}

/// A taken id is refused, and its holder stays as it is.
pub async fn create_refuses_a_taken_id(storage: &Handle) {
    let first = pump(storage).await;
    let second = Device {
        settings: device_settings("other"),
        ..first.clone()
    };

    let answer = storage.create_device(&second, &Effects::NONE).await;

    assert_refused!(answer, StorageError::Taken(Unique::Id));
    assert_eq!(stored(storage, &first).await, first);
    // The name of the refused one is not taken.
    new_device(storage, first.organization_id, "other").await;
}

/// A taken name is refused.
pub async fn create_refuses_a_taken_name(storage: &Handle) {
    let first = pump(storage).await;
    let second = device(first.organization_id, "pump-7");

    let answer = storage.create_device(&second, &Effects::NONE).await;

    assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    let found = storage.device(first.organization_id, second.id).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!(stored(storage, &first).await, first);
}

/// Names are told apart to the letter, and only within their organization.
pub async fn names_are_exact(storage: &Handle) {
    let organization = new_organization(storage).await;
    // The fourth and fifth look alike: one letter, and two code points.
    let names = [
        "pump",
        "Pump",
        "PUMP",
        "p\u{fc}mp",
        "pu\u{308}mp",
        "pump%",
        "pum_",
        "pump 1",
    ];
    let mut devices = Vec::new();
    for name in names {
        devices.push(new_device(storage, organization, name).await);
        let namesake = device(organization, name);
        let answer = storage.create_device(&namesake, &Effects::NONE).await;
        assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    }
    for device in devices {
        assert_eq!(stored(storage, &device).await, device);
    }
    let other = new_organization(storage).await;
    new_device(storage, other, "pump").await;
}

/// A device cannot belong to a site that is not there, or is another organization's.
pub async fn a_site_has_to_be_its_own(storage: &Handle) {
    let pump = pump(storage).await;
    let foreign = site(new_organization(storage).await);
    storage.create_site(&foreign, &Effects::NONE).await.unwrap();
    let before = snapshot(storage, pump.organization_id).await;

    for wrong in [site(pump.organization_id).id, foreign.id] {
        let mut fan = device(pump.organization_id, "fan-1");
        fan.settings.site_id = Some(wrong);
        let answer = storage.create_device(&fan, &Effects::NONE).await;
        assert_refused!(answer, StorageError::UnknownSite);
        let mut update = renaming("moved");
        update.settings.site_id = Some(wrong);
        let answer = storage
            .update_device(pump.organization_id, pump.id, None, &update, noon())
            .await;
        assert_refused!(answer, StorageError::UnknownSite);
    }

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
    new_device(storage, pump.organization_id, "fan-1").await;
    new_device(storage, pump.organization_id, "moved").await;
}

/// A presence can be read back, unchanged, with each status that a device can be created with.
pub async fn every_presence_is_kept(storage: &Handle) {
    let organization = new_organization(storage).await;
    let (first, last, changed) = (Some(after(1)), Some(after(3)), after(2));
    let presences = [
        Presence::pending(after(4)),
        Presence::from_parts(DeviceStatus::Offline, false, first, last, changed).unwrap(),
        Presence::from_parts(DeviceStatus::Inactive, false, None, None, changed).unwrap(),
        Presence::from_parts(DeviceStatus::Inactive, false, first, last, changed).unwrap(),
        Presence::from_parts(DeviceStatus::Maintenance, false, first, last, changed).unwrap(),
    ];
    for (number, presence) in presences.into_iter().enumerate() {
        let mut device = device(organization, &format!("device-{number}"));
        device.presence = presence;
        let created = storage.create_device(&device, &Effects::NONE).await;
        created.unwrap();
        assert_eq!(stored(storage, &device).await, device);
    }
}

/// The list holds an organization's devices by id, in pages of any size.
pub async fn the_list_is_by_id(storage: &Handle) {
    let organization = new_organization(storage).await;
    let other = new_organization(storage).await;
    let mut expected = Vec::new();
    for number in 0..12 {
        expected.push(new_device(storage, organization, &format!("device-{number}")).await);
        new_device(storage, other, &format!("device-{number}")).await;
    }
    expected.sort_by_key(|device| device.id);
    let filter = DeviceFilter::default();

    for limit in [1, 5, 6, 12, 500] {
        let devices = all_pages!(
            limit,
            |page| storage.devices(organization, &filter, page),
            |device| device.id
        );
        assert_eq!(devices, expected, "by {limit}");
    }
}

/// The summary counts what is there now.
pub async fn the_summary_counts(storage: &Handle) {
    let organization = new_organization(storage).await;
    assert_eq!(
        summary(storage, organization).await,
        DeviceSummary::default()
    );
    let site = site(organization);
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    let mut devices = Vec::new();
    for number in 0..6 {
        let mut device = device(organization, &format!("device-{number}"));
        device.settings.site_id = (number % 2 == 0).then_some(site.id);
        device.settings.profile = (number % 3 == 0).then(|| parse("environment@1.0"));
        let created = storage.create_device(&device, &Effects::NONE).await;
        created.unwrap();
        devices.push(device);
    }
    for device in &devices[..3] {
        bring_online(storage, device).await;
    }
    set_status(storage, &devices[1], DeviceStatus::Maintenance).await;
    set_status(storage, &devices[2], DeviceStatus::Inactive).await;
    let deleted = storage
        .delete_device(organization, devices[5].id, None, noon())
        .await;
    deleted.unwrap();
    let elsewhere = new_organization(storage).await;
    new_device(storage, elsewhere, "device-0").await;

    let expected = DeviceSummary {
        total: 5,
        online: 2,
        by_status: BTreeMap::from([
            (DeviceStatus::Active, 1),
            (DeviceStatus::Inactive, 1),
            (DeviceStatus::Maintenance, 1),
            (DeviceStatus::Pending, 2),
        ]),
        by_site: BTreeMap::from([(None, 2), (Some(site.id), 3)]),
        by_profile: BTreeMap::from([(None, 3), (Some(parse("environment@1.0")), 2)]),
    };
    assert_eq!(summary(storage, organization).await, expected);
    let unknown = storage.device_summary(self::organization().id).await;
    assert_eq!(unknown.unwrap().total, 0);
    let answer = storage
        .delete_organization(SERVER, organization, None)
        .await;
    assert_refused!(answer, StorageError::InUse { .. });
}

/// The summary without what counts nothing.
async fn summary(storage: &Handle, organization: OrganizationId) -> DeviceSummary {
    let mut summary = storage.device_summary(organization).await.unwrap();
    summary.by_status.retain(|_, count| *count > 0);
    summary.by_site.retain(|_, count| *count > 0);
    summary.by_profile.retain(|_, count| *count > 0);
    summary
}

pub(super) fn renaming(name: &str) -> DeviceUpdate {
    DeviceUpdate {
        settings: device_settings(name),
        status: None,
    }
}

pub(super) fn full_settings(name: &str, site_id: Option<SiteId>) -> DeviceSettings {
    let label = Some(parse("roof, 2nd floor <br>"));
    DeviceSettings {
        name: parse(name),
        location: Some(Location::new(-90.0, 179.999_999_999, Some(0.1), label).unwrap()),
        tags: tags(&["pump", "Pump", "süd", "a b", "it's", "\"", "%"]),
        metadata: metadata(),
        site_id,
        profile: Some(parse("environment@12.65535")),
    }
}
