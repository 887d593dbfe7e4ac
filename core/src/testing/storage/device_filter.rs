//! Clauses of the filters of devices: each alone and combined, held against
//! [`DeviceFilter::matches`] over a population of devices of all kinds.

use super::world::{all_devices, bring_online, new_organization, set_status};
use crate::model::device::{DeviceFilter, DeviceUpdate};
use crate::model::id::{OrganizationId, SiteId};
use crate::model::presence::DeviceStatus;
use crate::model::tag::TagSelector;
use crate::storage::Effects;
use crate::testing::fixtures::{after, device, noon, parse, site, tags};
use crate::testing::storage::Handle;

/// Each filter alone lists exactly what matches.
pub async fn each_alone(storage: &Handle) {
    let (organization, sites) = populate(storage).await;
    for filter in single_filters(&sites) {
        assert_lists(storage, organization, &filter).await;
    }
}

/// Each two filters together list exactly what matches both.
pub async fn each_two_together(storage: &Handle) {
    let (organization, sites) = populate(storage).await;
    let filters = single_filters(&sites);
    for (index, first) in filters.iter().enumerate().step_by(2) {
        for second in filters[index + 1..].iter().step_by(3) {
            assert_lists(storage, organization, &both(first, second)).await;
        }
    }
}

/// All filters together list exactly what matches all.
pub async fn all_together(storage: &Handle) {
    let (organization, sites) = populate(storage).await;
    let devices = all_devices(storage, organization).await;
    // What one device is like, asked for in full: at least that device is in the list.
    for device in devices.iter().step_by(7) {
        let settings = &device.settings;
        let filter = DeviceFilter {
            statuses: vec![device.presence.status(), DeviceStatus::Inactive],
            online: Some(device.presence.online()),
            tags: settings.tags.iter().cloned().collect(),
            site_id: settings.site_id,
            selector: Some(TagSelector {
                all: settings.tags.clone(),
                any: settings.tags.clone(),
                none: tags(&["never"]),
            }),
            profile: settings.profile.clone(),
            word_prefix: Some(settings.name.to_string()),
        };
        assert!(filter.matches(device), "{filter:?}");
        assert_lists(storage, organization, &filter).await;
    }
    assert_eq!(sites.len(), 2);
}

/// A list follows each change of a device at once.
pub async fn lists_follow_changes(storage: &Handle) {
    let (organization, sites) = populate(storage).await;
    let devices = all_devices(storage, organization).await;
    for (number, device) in devices.iter().enumerate().step_by(3) {
        let mut settings = device.settings.clone();
        settings.name = parse(&format!("Moved {number}"));
        settings.tags = tags(&["moved", "north"]);
        settings.site_id = Some(sites[number % 2]);
        settings.profile = Some(parse("moved@1.0"));
        let update = DeviceUpdate {
            settings,
            status: None,
        };
        let changed = storage
            .update_device(organization, device.id, None, &update, after(9))
            .await;
        changed.unwrap();
    }
    for device in devices.iter().step_by(5) {
        let deleted = storage
            .delete_device(organization, device.id, None, after(9))
            .await;
        deleted.unwrap();
    }
    let mut filters = single_filters(&sites);
    filters.push(DeviceFilter {
        profile: Some(parse("moved@1.0")),
        ..DeviceFilter::default()
    });
    filters.push(words("moved 1"));
    filters.push(DeviceFilter {
        tags: vec![parse("moved")],
        ..DeviceFilter::default()
    });
    for filter in filters {
        assert_lists(storage, organization, &filter).await;
    }
}

async fn assert_lists(storage: &Handle, organization: OrganizationId, filter: &DeviceFilter) {
    let all = all_devices(storage, organization).await;
    let matching = all.iter().filter(|device| filter.matches(device));
    let expected: Vec<_> = matching
        .map(|device| device.settings.name.as_str())
        .collect();
    for limit in [4, 500] {
        let found = all_pages!(
            limit,
            |page| storage.devices(organization, filter, page),
            |device| device.id
        );
        let found: Vec<_> = found
            .iter()
            .map(|device| device.settings.name.as_str())
            .collect();
        assert_eq!(found, expected, "{filter:?} by {limit}");
    }
}

fn single_filters(sites: &[SiteId]) -> Vec<DeviceFilter> {
    let mut filters = vec![DeviceFilter::default()];
    for statuses in [
        vec![DeviceStatus::Active],
        vec![DeviceStatus::Inactive],
        vec![DeviceStatus::Maintenance],
        vec![DeviceStatus::Offline, DeviceStatus::Pending],
        DeviceStatus::ALL.to_vec(),
    ] {
        filters.push(DeviceFilter {
            statuses,
            ..DeviceFilter::default()
        });
    }
    for online in [true, false] {
        filters.push(DeviceFilter {
            online: Some(online),
            ..DeviceFilter::default()
        });
    }
    for wanted in [
        &["pump"][..],
        &["pump", "north"],
        &["Pump"],
        &["pum"],
        &["100%"],
    ] {
        filters.push(DeviceFilter {
            tags: wanted.iter().map(|tag| parse(tag)).collect(),
            ..DeviceFilter::default()
        });
    }
    for site in sites {
        filters.push(DeviceFilter {
            site_id: Some(*site),
            ..DeviceFilter::default()
        });
    }
    for (all, any, none) in [
        (&[][..], &[][..], &["pump"][..]),
        (&["north"], &["fan", "pump"], &["100%"]),
        (&[], &["old", "pump"], &[]),
        (&["pump", "old"], &[], &[]),
        (&[], &[], &[]),
    ] {
        let (all, any, none) = (tags(all), tags(any), tags(none));
        filters.push(DeviceFilter {
            selector: Some(TagSelector { all, any, none }),
            ..DeviceFilter::default()
        });
    }
    for profile in ["environment@1.0", "environment@1.1", "unknown@1.0"] {
        filters.push(DeviceFilter {
            profile: Some(parse(profile)),
            ..DeviceFilter::default()
        });
    }
    filters.extend(WORDS.iter().map(|prefix| words(prefix)));
    filters
}

fn words(prefix: &str) -> DeviceFilter {
    DeviceFilter {
        word_prefix: Some(prefix.to_owned()),
        ..DeviceFilter::default()
    }
}

/// What matches the one and the other, as far as one filter can say so.
fn both(first: &DeviceFilter, second: &DeviceFilter) -> DeviceFilter {
    let statuses = [first, second]
        .into_iter()
        .flat_map(|filter| filter.statuses.clone());
    let tags = [first, second]
        .into_iter()
        .flat_map(|filter| filter.tags.clone());
    DeviceFilter {
        statuses: statuses.collect(),
        online: first.online.or(second.online),
        tags: tags.collect(),
        site_id: first.site_id.or(second.site_id),
        selector: first.selector.clone().or_else(|| second.selector.clone()),
        profile: first.profile.clone().or_else(|| second.profile.clone()),
        word_prefix: first
            .word_prefix
            .clone()
            .or_else(|| second.word_prefix.clone()),
    }
}

/// Devices of all kinds: two sites, some profiles, tags, names, and each status.
async fn populate(storage: &Handle) -> (OrganizationId, Vec<SiteId>) {
    let organization = new_organization(storage).await;
    let mut sites = Vec::new();
    for _ in 0..2 {
        let site = site(organization);
        storage.create_site(&site, &Effects::NONE).await.unwrap();
        sites.push(site.id);
    }
    for (number, name) in NAMES.iter().enumerate() {
        let mut device = device(organization, name);
        device.settings.site_id = [None, Some(sites[0]), Some(sites[1])][number % 3];
        device.settings.tags = tags(TAGS[number % TAGS.len()]);
        let profile = [None, Some("environment@1.0"), Some("environment@1.1"), None];
        device.settings.profile = profile[number % 4].map(parse);
        let created = storage.create_device(&device, &Effects::NONE).await;
        created.unwrap();
        let status = number % 6;
        if status > 1 {
            let session = bring_online(storage, &device).await;
            match status {
                2 => drop(set_status(storage, &device, DeviceStatus::Inactive).await),
                3 => drop(set_status(storage, &device, DeviceStatus::Maintenance).await),
                4 => {
                    let closed =
                        storage.close_session(organization, device.id, session.epoch, noon());
                    assert!(closed.await.unwrap());
                }
                _ => {}
            }
        }
    }
    (organization, sites)
}

const NAMES: [&str; 30] = [
    "Pump North 1",
    "pump-north-2",
    "PUMP_SOUTH",
    "pumpe süd",
    "Süd-Pumpe",
    "SÜDPUMPE",
    "Straße 7",
    "STRASSE 7",
    "İstanbul",
    "istanbul",
    "100% wet",
    "100 wet",
    "a'b\"c",
    "a\\b",
    "under_score",
    "underXscore",
    "<b>bold</b>",
    "漢字 pump",
    "🚜 tractor",
    "7",
    "77",
    "x-7",
    "(pump)",
    "--pump",
    "north",
    "Northern light",
    "e\u{301}toile",
    "étoile",
    "ΣΊΣΥΦΟΣ",
    "z",
];

const TAGS: [&[&str]; 5] = [
    &[],
    &["pump", "north"],
    &["pump", "old"],
    &["fan", "north", "100%"],
    &["Pump"],
];

const WORDS: [&str; 30] = [
    "pump", "PUMP", "pumpe", "nor", "North", "north 1", "north-2", "sü", "SÜD", "su", "strasse",
    "straße", "STRASSE", "i", "İ", "i̇s", "%", "100%", "_", "under_", "'", "b\"", "\\", "b\\",
    "<b>", "bold", "漢", "7", "σί", "🚜",
];
