//! Clauses of lists: each record once, and all that stay, while others are added and removed.

use std::collections::BTreeSet;

use super::world::{limits, new_device, new_organization, pump};
use crate::model::component::ComponentFilter;
use crate::model::device::DeviceFilter;
use crate::model::id::DeviceId;
use crate::model::page::{PageLimit, PageRequest};
use crate::model::quarantine::QuarantineFilter;
use crate::storage::Effects;
use crate::testing::fixtures::{component, noon, quarantined};
use crate::testing::storage::Handle;

/// A device that is there from the first page to the last is on one of them, once, whatever is
/// added, removed and renamed meanwhile.
pub async fn pages_hold_while_devices_come_and_go(storage: &Handle) {
    for limit in [1, 2, 3, 7] {
        let organization = new_organization(storage).await;
        let mut staying = BTreeSet::new();
        let mut leaving = Vec::new();
        for number in 0..12 {
            let device = new_device(storage, organization, &format!("device-{number}")).await;
            if number % 3 == 1 {
                leaving.push(device.id);
            } else {
                staying.insert(device.id);
            }
        }
        let filter = DeviceFilter::default();
        let mut request = PageRequest::first(PageLimit::new(limit).unwrap());
        let mut seen: Vec<DeviceId> = Vec::new();
        for round in 0..40 {
            let page = storage
                .devices(organization, &filter, request)
                .await
                .unwrap();
            seen.extend(page.items.iter().map(|device| device.id));
            request.after = seen.last().copied();
            if !page.more {
                break;
            }
            // The position itself may go, too.
            let gone = if round % 2 == 0 { leaving.pop() } else { None };
            let position = request
                .after
                .filter(|id| round == 3 && !staying.contains(id));
            for id in gone.into_iter().chain(position) {
                let deleted = storage.delete_device(organization, id, None, noon()).await;
                drop(deleted);
            }
            if round < 9 {
                new_device(storage, organization, &format!("new-{round}")).await;
            }
        }

        assert!(
            seen.is_sorted_by(|one, next| one < next),
            "by {limit}: {seen:?}"
        );
        let seen: BTreeSet<_> = seen.into_iter().collect();
        let missed: Vec<_> = staying.difference(&seen).collect();
        assert!(missed.is_empty(), "by {limit}: {missed:?}");
    }
}

/// A position whose record has been deleted is still a position.
pub async fn a_position_outlives_its_record(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(
            new_device(storage, organization, &format!("device-{number}"))
                .await
                .id,
        );
    }
    ids.sort();
    let deleted = storage
        .delete_device(organization, ids[2], None, noon())
        .await;
    deleted.unwrap();

    let page = PageRequest {
        after: Some(ids[2]),
        limit: PageLimit::MAX,
    };
    let found = storage
        .devices(organization, &DeviceFilter::default(), page)
        .await;

    let found = found.unwrap();
    let found_ids: Vec<_> = found.items.iter().map(|device| device.id).collect();
    assert_eq!((found_ids, found.more), (ids[3..].to_vec(), false));
}

/// A page says whether there are more behind it, also where it ends with the list, and for a
/// position behind all.
pub async fn a_page_knows_whether_there_are_more(storage: &Handle) {
    let organization = new_organization(storage).await;
    let filter = DeviceFilter::default();
    let page_of = async |limit: u16, after: Option<DeviceId>| {
        let limit = PageLimit::new(limit).unwrap();
        let page = storage.devices(organization, &filter, PageRequest { after, limit });
        let page = page.await.unwrap();
        (page.items.len(), page.more)
    };
    assert_eq!(page_of(1, None).await, (0, false));
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(
            new_device(storage, organization, &format!("device-{number}"))
                .await
                .id,
        );
    }
    ids.sort();

    assert_eq!(page_of(3, None).await, (3, true));
    assert_eq!(page_of(4, None).await, (4, false));
    assert_eq!(page_of(5, None).await, (4, false));
    assert_eq!(page_of(2, Some(ids[1])).await, (2, false));
    assert_eq!(page_of(1, Some(ids[1])).await, (1, true));
    assert_eq!(page_of(2, Some(ids[3])).await, (0, false));
}

/// The quarantine's pages hold while items arrive and are discarded.
pub async fn pages_hold_while_items_come_and_go(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let limits = limits();
    let mut staying = Vec::new();
    let mut leaving = Vec::new();
    for number in 0..9 {
        let item = quarantined(&pump);
        storage.store_quarantined(&item, &limits).await.unwrap();
        if number % 3 == 0 {
            leaving.push(item.id);
        } else {
            staying.push(item.id);
        }
    }
    staying.sort();
    staying.reverse();
    let filter = QuarantineFilter::default();
    let mut request = PageRequest::first(PageLimit::new(2).unwrap());
    let mut seen = Vec::new();
    for _ in 0..20 {
        let page = storage.quarantined(id, &filter, request).await.unwrap();
        seen.extend(page.items.iter().map(|item| item.id));
        request.after = seen.last().copied();
        if !page.more {
            break;
        }
        let item = quarantined(&pump);
        storage.store_quarantined(&item, &limits).await.unwrap();
        if let Some(gone) = leaving.pop() {
            storage.discard_quarantined(id, gone).await.unwrap();
        }
    }

    assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
    seen.retain(|id| staying.contains(id));
    assert_eq!(seen, staying);
}

/// The pages of a filtered list hold while records begin and cease to match.
pub async fn pages_hold_while_components_come_and_go(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let limits = limits();
    let add = async |key: String| {
        let component = component(&pump, &key);
        let created = storage
            .create_component(&component, &limits, &Effects::NONE)
            .await;
        created.unwrap();
        component.id
    };
    let mut staying = Vec::new();
    let mut leaving = Vec::new();
    for number in 0..10 {
        staying.push(add(format!("stays-{number}")).await);
        leaving.push(add(format!("leaves-{number}")).await);
    }
    let filter = ComponentFilter {
        device_id: Some(pump.id),
        ..ComponentFilter::default()
    };
    let mut request = PageRequest::first(PageLimit::new(3).unwrap());
    let mut seen = Vec::new();
    for round in 0..20 {
        let page = storage.components(id, &filter, request).await.unwrap();
        seen.extend(page.items.iter().map(|component| component.id));
        request.after = seen.last().copied();
        if !page.more {
            break;
        }
        add(format!("new-{round}")).await;
        if let Some(gone) = leaving.pop() {
            storage.delete_component(id, gone, None).await.unwrap();
        }
    }

    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    seen.retain(|id| staying.contains(id));
    staying.sort();
    assert_eq!(seen, staying);
}
