//! Clauses of the numbers that are kept: they are those of what is there, whatever has changed.

use tokio::task::JoinSet;

use super::archive_world::{carry, everything, memory};
use super::world::{
    SERVER, all_devices, bring_online, new_device, new_organization, report, sensors_of, set_status,
};
use crate::model::device::{Device, DeviceSummary, DeviceUpdate};
use crate::model::group::{DeviceGroup, GroupSettings};
use crate::model::id::{OrganizationId, SiteId};
use crate::model::presence::DeviceStatus;
use crate::model::reading::Value;
use crate::model::sensor::{SensorFilter, SensorSummary, SensorUpdate};
use crate::model::tag::TagSelector;
use crate::storage::Effects;
use crate::testing::fixtures::{after, device, double, group, noon, parse, reading, site, tags};
use crate::testing::storage::Handle;

/// The summary of devices and the sizes of groups follow each change of a device.
pub async fn devices_are_counted_as_they_change(storage: &Handle) {
    let id = new_organization(storage).await;
    let site = site(id);
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    furnish_groups(storage, id).await;
    for (number, texts) in TAGS.into_iter().enumerate() {
        let mut device = device(id, &format!("device-{number}"));
        device.settings.tags = tags(texts);
        let created = storage.create_device(&device, &Effects::NONE).await;
        created.unwrap();
        bring_online(storage, &device).await;
        assert_counted(storage, id).await;
        let mut update = DeviceUpdate {
            settings: device.settings.clone(),
            status: None,
        };
        update.settings.tags = tags(TAGS[(number + 1) % TAGS.len()]);
        update.settings.site_id = Some(site.id);
        update.settings.profile = Some(parse("pump@1.0"));
        let updated = storage.update_device(id, device.id, None, &update, noon());
        updated.await.unwrap();
        assert_counted(storage, id).await;
        update.settings.site_id = None;
        update.settings.profile = None;
        let updated = storage.update_device(id, device.id, None, &update, noon());
        updated.await.unwrap();
        set_status(storage, &device, DeviceStatus::Inactive).await;
        assert_counted(storage, id).await;
    }
    for device in all_devices(storage, id).await {
        let deleted = storage.delete_device(id, device.id, None, noon());
        deleted.await.unwrap();
        assert_counted(storage, id).await;
    }
}

/// The size of a group follows its selector, and so it does where the devices were there first.
pub async fn groups_are_counted_as_they_change(storage: &Handle) {
    let id = new_organization(storage).await;
    for (number, texts) in TAGS.into_iter().enumerate() {
        let mut device = device(id, &format!("device-{number}"));
        device.settings.tags = tags(texts);
        let created = storage.create_device(&device, &Effects::NONE).await;
        created.unwrap();
    }
    let groups = furnish_groups(storage, id).await;
    assert_counted(storage, id).await;
    for (index, group) in groups.iter().enumerate() {
        let next = &groups[(index + 1) % groups.len()].settings;
        let renamed = GroupSettings {
            name: parse("renamed"),
            ..group.settings.clone()
        };
        for settings in [&renamed, next] {
            let updated = storage.update_group(id, group.id, None, settings).await;
            updated.unwrap();
            assert_counted(storage, id).await;
        }
    }
    let deleted = storage.delete_group(id, groups[0].id, None).await;
    deleted.unwrap();
    new_device(storage, id, "last").await;
    assert_counted(storage, id).await;
    let gone = storage.group_sizes(id, &[groups[0].id]).await;
    assert_eq!(gone.unwrap(), [0]);
}

/// The summary of sensors follows what devices report, what operators change and what is deleted.
pub async fn sensors_are_counted_as_they_change(storage: &Handle) {
    let id = new_organization(storage).await;
    let pump = new_device(storage, id, "pump-7").await;
    let fan = new_device(storage, id, "fan-1").await;
    for device in [&pump, &fan] {
        let readings = [
            reading("a/x", noon(), Value::BigInt(1)),
            reading("a/y", noon(), Value::Boolean(true)),
            reading("b/x", noon(), Value::BigInt(1)),
            reading("b/y", noon(), double(1.5)),
        ];
        report(storage, device, readings).await;
        assert_counted(storage, id).await;
    }
    // It widens, and gets a new reading.
    for second in 1..3 {
        report(storage, &pump, [reading("a/x", after(second), double(0.5))]).await;
        assert_counted(storage, id).await;
    }
    let sensors = sensors_of(storage, &pump).await;
    let update = SensorUpdate {
        name: sensors[0].settings.name.clone(),
        unit: None,
        tags: tags(&["hot"]),
        value_type: None,
    };
    let updated = storage.update_sensor(id, sensors[0].id, None, &update);
    updated.await.unwrap();
    assert_counted(storage, id).await;
    let deleted = storage.delete_sensor(id, sensors[0].id, None).await;
    deleted.unwrap();
    assert_counted(storage, id).await;
    let last = sensors.last().unwrap();
    let deleted = storage.delete_component(id, last.component_id, None).await;
    deleted.unwrap();
    assert_counted(storage, id).await;
    for device in [&pump, &fan] {
        let deleted = storage.delete_device(id, device.id, None, noon()).await;
        deleted.unwrap();
        assert_counted(storage, id).await;
    }
    let summary = storage.sensor_summary(id).await.unwrap();
    assert_eq!(summary.total, 0);
}

/// What 64 callers change at once is counted as it is in the end, also of groups that are made
/// and changed meanwhile.
pub async fn counts_hold_in_a_race(storage: &Handle) {
    let id = new_organization(storage).await;
    let site = site(id);
    storage.create_site(&site, &Effects::NONE).await.unwrap();
    let mut calls = JoinSet::new();
    for number in 0..64 {
        let (storage, site) = (storage.clone(), (number % 2 == 0).then_some(site.id));
        calls.spawn(async move {
            live(&storage, id, site, number).await;
            if number % 8 == 0 {
                let group = group(id, selectors()[number / 8 % 6].clone());
                let created = storage.create_group(&group, &Effects::NONE).await;
                created.unwrap();
                let settings = &GroupSettings {
                    selector: selectors()[(number / 8 + 1) % 6].clone(),
                    ..group.settings
                };
                let updated = storage.update_group(id, group.id, None, settings).await;
                updated.unwrap();
            }
        });
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
    assert_counted(storage, id).await;
}

/// What is carried into a storage is counted there, and what has changed since.
pub async fn counts_move_along(storage: &Handle) {
    let other = memory();
    let pump = everything(&other).await;
    let id = pump.organization_id;
    furnish_groups(&other, id).await;
    carry(&other, storage).await;
    assert_counted(storage, id).await;
    carry(&other, storage).await;
    assert_counted(storage, id).await;
    new_device(storage, id, "new").await;
    let deleted = storage.delete_device(id, pump.id, None, noon()).await;
    deleted.unwrap();
    assert_counted(storage, id).await;
}

/// Comes, goes online, reports, is moved, and may go.
async fn live(storage: &Handle, id: OrganizationId, site: Option<SiteId>, number: usize) {
    let mut device = device(id, &format!("device-{number}"));
    device.settings.tags = tags(TAGS[number % TAGS.len()]);
    let created = storage.create_device(&device, &Effects::NONE).await;
    created.unwrap();
    bring_online(storage, &device).await;
    let readings = [
        reading("a/x", noon(), Value::BigInt(1)),
        reading("a/y", noon(), double(1.5)),
    ];
    report(storage, &device, readings).await;
    let mut update = DeviceUpdate {
        settings: device.settings.clone(),
        status: number.is_multiple_of(3).then_some(DeviceStatus::Inactive),
    };
    update.settings.tags = tags(TAGS[(number + 3) % TAGS.len()]);
    update.settings.site_id = site;
    let updated = storage.update_device(id, device.id, None, &update, noon());
    updated.await.unwrap();
    if number.is_multiple_of(4) {
        let deleted = storage.delete_device(id, device.id, None, noon()).await;
        deleted.unwrap();
    }
}

async fn furnish_groups(storage: &Handle, id: OrganizationId) -> Vec<DeviceGroup> {
    let mut groups = Vec::new();
    for selector in selectors() {
        let group = group(id, selector);
        storage.create_group(&group, &Effects::NONE).await.unwrap();
        groups.push(group);
    }
    groups
}

fn selectors() -> [TagSelector; 6] {
    let selector = |all: &[&str], any: &[&str], none: &[&str]| TagSelector {
        all: tags(all),
        any: tags(any),
        none: tags(none),
    };
    [
        selector(&[], &[], &[]),
        selector(&["north"], &[], &[]),
        selector(&["north", "roof"], &[], &["old"]),
        selector(&[], &["roof", "ä \"b\""], &[]),
        selector(&[], &[], &["old"]),
        selector(&["north"], &["north", "roof"], &[]),
    ]
}

/// All that is kept is what the lists hold, and nothing is found wrong.
async fn assert_counted(storage: &Handle, id: OrganizationId) {
    let devices = all_devices(storage, id).await;
    let summary = storage.device_summary(id).await.unwrap();
    assert_eq!(summary, summarized(&devices));
    let groups = all_pages!(500, |page| storage.groups(id, page), |group| group.id);
    let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
    let sizes = storage.group_sizes(id, &ids).await.unwrap();
    for (group, size) in groups.iter().zip(sizes) {
        let selector = &group.settings.selector;
        let chosen = devices.iter();
        let chosen = chosen.filter(|device| selector.matches(&device.settings.tags));
        assert_eq!(size, chosen.count() as u64, "{selector:?}");
    }
    let filter = SensorFilter::default();
    let sensors = all_pages!(500, |page| storage.sensors(id, &filter, page), |it| it.id);
    let mut expected = SensorSummary::default();
    for sensor in &sensors {
        expected.add(sensor.settings.value_type, 1);
    }
    assert_eq!(storage.sensor_summary(id).await.unwrap(), expected);
    assert_eq!(storage.verify(SERVER).await.unwrap(), []);
}

fn summarized(devices: &[Device]) -> DeviceSummary {
    let mut summary = DeviceSummary::default();
    for device in devices {
        let (presence, settings) = (&device.presence, &device.settings);
        summary.total += 1;
        summary.online += u64::from(presence.online());
        *summary.by_status.entry(presence.status()).or_default() += 1;
        *summary.by_site.entry(settings.site_id).or_default() += 1;
        let profile = settings.profile.clone();
        *summary.by_profile.entry(profile).or_default() += 1;
    }
    summary
}

/// Tags of devices, some of them such that a careless comparison would take them for others.
const TAGS: [&[&str]; 6] = [
    &[],
    &["north"],
    &["North", "roof"],
    &["north", "roof"],
    &["north", "old", "roof"],
    &["ä \"b\"", "old"],
];
