//! Clauses of pages of every list: what is there from the first page to the last is on one of
//! them, once, whatever is added and removed between two pages, and while they are read.

use std::collections::BTreeSet;

use super::world::{
    ALL_TOKEN_STATES, SERVER, issue, limits, new_device, new_organization, new_token, pump, report,
    sensors_of,
};
use crate::model::api_key::KeyOwner;
use crate::model::device::{Device, DeviceFilter};
use crate::model::page::{PageLimit, PageRequest};
use crate::model::reading::{TimeRange, Value};
use crate::model::sensor::SensorFilter;
use crate::model::tag::TagSelector;
use crate::storage::Effects;
use crate::testing::fixtures::{
    after, api_key, device, group, health, issuer_key_id, noon, quarantined, reading, site,
};
use crate::testing::storage::Handle;

/// Reads a list by twos, and meddles with it between two pages: every second record of those that
/// were there at the beginning goes, and new ones come. The others have to be seen, once, in order.
macro_rules! assert_pages_hold {
    (
        $order:ident,
        staying: $staying:expr,
        |$page:ident| $fetch:expr,
        $position:expr,
        |$round:ident| $meddle:expr
    ) => {{
        let limit = PageLimit::new(2).unwrap();
        let mut seen = Vec::new();
        for $round in 0..60_usize {
            let $page = PageRequest {
                after: seen.last().cloned(),
                limit,
            };
            let found = $fetch.await.unwrap();
            seen.extend(found.items.iter().map($position));
            if !found.more {
                break;
            }
            $meddle;
        }
        assert!(seen.is_sorted_by(|one, next| one.$order(next)), "{seen:?}");
        let missed: Vec<_> = $staying.iter().filter(|it| !seen.contains(it)).collect();
        assert!(missed.is_empty(), "missed: {missed:?}");
    }};
}

/// Organizations, by id.
pub async fn organizations(storage: &Handle) {
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(new_organization(storage).await);
    }
    let (staying, mut leaving) = halves(&ids);
    assert_pages_hold!(
        lt,
        staying: staying,
        |page| storage.organizations(SERVER, page),
        |it| it.id,
        |_round| {
            new_organization(storage).await;
            if let Some(gone) = leaving.pop() {
                let deleted = storage.delete_organization(SERVER, gone, None);
                deleted.await.unwrap();
            }
        }
    );
}

/// API keys, sites and groups, by id.
pub async fn keys_sites_and_groups(storage: &Handle) {
    let id = new_organization(storage).await;
    let owner = KeyOwner::Organization(id);
    let none = &Effects::NONE;
    let add_key = async || {
        let key = api_key(owner);
        storage.create_api_key(&key, none).await.unwrap();
        key.id
    };
    let add_site = async || {
        let site = site(id);
        storage.create_site(&site, none).await.unwrap();
        site.id
    };
    let add_group = async || {
        let group = group(id, TagSelector::default());
        storage.create_group(&group, none).await.unwrap();
        group.id
    };
    let (mut keys, mut sites, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..12 {
        keys.push(add_key().await);
        sites.push(add_site().await);
        groups.push(add_group().await);
    }

    let (staying, mut leaving) = halves(&keys);
    assert_pages_hold!(
        lt,
        staying: staying,
        |page| storage.api_keys(owner, page),
        |it| it.id,
        |_round| {
            add_key().await;
            if let Some(gone) = leaving.pop() {
                storage.delete_api_key(owner, gone, None).await.unwrap();
            }
        }
    );
    let (staying, mut leaving) = halves(&sites);
    assert_pages_hold!(
        lt,
        staying: staying,
        |page| storage.sites(id, page),
        |it| it.id,
        |_round| {
            add_site().await;
            if let Some(gone) = leaving.pop() {
                storage.delete_site(id, gone, None).await.unwrap();
            }
        }
    );
    let (staying, mut leaving) = halves(&groups);
    assert_pages_hold!(
        lt,
        staying: staying,
        |page| storage.groups(id, page),
        |it| it.id,
        |_round| {
            add_group().await;
            if let Some(gone) = leaving.pop() {
                storage.delete_group(id, gone, None).await.unwrap();
            }
        }
    );
}

/// Tokens, by id: while devices are deleted with theirs, and others are revoked out of the list.
pub async fn tokens(storage: &Handle) {
    let id = new_organization(storage).await;
    let (mut staying, mut leaving) = (Vec::new(), Vec::new());
    for number in 0..12 {
        let device = new_device(storage, id, &format!("device-{number}")).await;
        let token = new_token(storage, &device).await.id;
        match number % 2 {
            0 => staying.push(token),
            _ => leaving.push((device.id, token)),
        }
    }
    let states = &ALL_TOKEN_STATES[1..2];
    assert_pages_hold!(
        lt,
        staying: staying,
        |page| storage.tokens(id, states, noon(), page),
        |it| it.id,
        |round| {
            let device = new_device(storage, id, &format!("new-{round}")).await;
            new_token(storage, &device).await;
            match leaving.pop() {
                Some((device, _)) if round % 2 == 0 => {
                    let deleted = storage.delete_device(id, device, None, noon());
                    deleted.await.unwrap();
                }
                Some((_, token)) => {
                    storage.revoke_token(id, token, noon()).await.unwrap();
                }
                None => {}
            }
        }
    );
}

/// The certificates of a device while it gets more, and the revoked ones of an issuer while
/// devices are deleted.
pub async fn certificates(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let mut staying = Vec::new();
    for _ in 0..5 {
        staying.push(issue(storage, &pump).await.issue_sequence);
    }
    assert_pages_hold!(
        lt,
        staying: staying,
        |page| storage.certificates(id, pump.id, page),
        |it| it.issue_sequence,
        |round| if round < 4 {
            issue(storage, &pump).await;
        }
    );

    let delete = async |name: String| {
        let device = new_device(storage, id, &name).await;
        let ceased = issue(storage, &device).await;
        let deleted = storage.delete_device(id, device.id, None, noon()).await;
        deleted.unwrap();
        ceased.serial_number
    };
    let mut staying = Vec::new();
    for number in 0..8 {
        staying.push(delete(format!("gone-{number}")).await);
    }
    assert_pages_hold!(
        lt,
        staying: staying,
        |page| storage.revoked_certificates(issuer_key_id(1), noon(), page),
        |it| it.serial_number.clone(),
        |round| if round < 6 {
            delete(format!("later-{round}")).await;
        }
    );
}

/// Sensors, by id, while others come by reports and go with their components.
pub async fn sensors(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let add = async |path: String| {
        report(storage, &pump, [reading(&path, noon(), Value::BigInt(1))]).await;
    };
    for number in 0..12 {
        add(format!("c{number}/s")).await;
    }
    let (mut staying, mut leaving) = (Vec::new(), Vec::new());
    for (number, sensor) in sensors_of(storage, &pump).await.iter().enumerate() {
        match number % 2 {
            0 => staying.push(sensor.id),
            _ => leaving.push((sensor.id, sensor.component_id)),
        }
    }
    let filter = SensorFilter::default();
    assert_pages_hold!(
        lt,
        staying: staying,
        |page| storage.sensors(id, &filter, page),
        |it| it.id,
        |round| {
            add(format!("new{round}/s")).await;
            match leaving.pop() {
                Some((sensor, _)) if round % 2 == 0 => {
                    storage.delete_sensor(id, sensor, None).await.unwrap();
                }
                Some((_, component)) => {
                    let deleted = storage.delete_component(id, component, None);
                    deleted.await.unwrap();
                }
                None => {}
            }
        }
    );
}

/// Health reports, newest first, while newer and older ones arrive.
pub async fn health_reports(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let add = async |secs: u64| {
        let taken = storage
            .store_health(id, &health(pump.id, after(secs)))
            .await;
        taken.unwrap();
    };
    let mut staying = Vec::new();
    for number in 1..=9 {
        add(100 * number).await;
        staying.push(after(100 * number));
    }
    assert_pages_hold!(
        gt,
        staying: staying,
        |page| storage.health(id, pump.id, TimeRange::ALL, page),
        |it| it.timestamp,
        |round| {
            let round = u64::try_from(round).unwrap();
            add(1000 + round).await;
            if round < 5 {
                add(150 + 100 * round).await;
            }
        }
    );
}

/// Devices, while others write without a pause: create, rename and delete.
pub async fn devices_under_load(storage: &Handle) {
    let id = new_organization(storage).await;
    let mut staying = BTreeSet::new();
    for number in 0..30 {
        staying.insert(new_device(storage, id, &format!("stays-{number}")).await.id);
    }
    let writer = tokio::spawn({
        let storage = storage.clone();
        async move {
            for number in 0..60 {
                let device = new_device(&storage, id, &format!("comes-{number}")).await;
                let item = quarantined(&device);
                storage.store_quarantined(&item, &limits()).await.unwrap();
                let deleted = storage.delete_device(id, device.id, None, noon());
                deleted.await.unwrap();
            }
        }
    });
    let filter = DeviceFilter::default();
    let mut done = false;
    while !done {
        done = writer.is_finished();
        let seen = all_pages!(7, |page| storage.devices(id, &filter, page), |it| it.id);
        let seen: Vec<_> = seen.iter().map(|device: &Device| device.id).collect();
        assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
        let found: BTreeSet<_> = seen.into_iter().collect();
        assert!(staying.is_subset(&found), "missed");
    }
    writer.await.unwrap();
    assert_eq!(storage.device_summary(id).await.unwrap().total, 30);
}

/// An organization's pages have nothing of those that others add meanwhile.
pub async fn others_do_not_come_in(storage: &Handle) {
    let id = new_organization(storage).await;
    let other = new_organization(storage).await;
    let mut staying = Vec::new();
    for number in 0..9 {
        staying.push(
            new_device(storage, id, &format!("device-{number}"))
                .await
                .id,
        );
    }
    let filter = DeviceFilter::default();
    let mut seen = 0;
    assert_pages_hold!(
        lt,
        staying: staying,
        |page| storage.devices(id, &filter, page),
        |it| {
            seen += 1;
            assert_eq!(it.organization_id, id);
            it.id
        },
        |round| {
            let foreign = device(other, &format!("device-{round}"));
            let created = storage.create_device(&foreign, &Effects::NONE);
            created.await.unwrap();
        }
    );
    assert_eq!(seen, 9);
}

/// Every second one stays, and every second one leaves.
fn halves<T: Copy>(all: &[T]) -> (Vec<T>, Vec<T>) {
    let every_second = |first| all.iter().skip(first).step_by(2).copied().collect();
    (every_second(0), every_second(1))
}
