//! Clauses of [`GroupStore`](crate::storage::GroupStore).

use super::world::{new_organization, snapshot};
use crate::model::device::DeviceFilter;
use crate::model::group::{DeviceGroup, GroupSettings};
use crate::model::id::{DeviceId, GroupId, OrganizationId};
use crate::model::revision::Revision;
use crate::model::tag::{TagSelector, Tags};
use crate::storage::{Effects, StorageError, Unique};
use crate::testing::fixtures::{device, group, noon, parse, tags};
use crate::testing::storage::Handle;

/// A created group can be read back, unchanged, with a full selector or an empty one.
pub async fn create_then_read(storage: &Handle) {
    let organization = new_organization(storage).await;
    let plain = created(storage, organization).await;
    let full = DeviceGroup {
        settings: full_settings(),
        ..group(organization, TagSelector::default())
    };
    storage.create_group(&full, &Effects::NONE).await.unwrap();

    for group in [plain, full] {
        let found = storage.group(organization, group.id).await.unwrap();
        assert_eq!(found, Some(group));
    }
}

/// A taken id is refused.
pub async fn create_refuses_a_taken_id(storage: &Handle) {
    let organization = new_organization(storage).await;
    let first = created(storage, organization).await;
    let second = DeviceGroup {
        settings: full_settings(),
        ..first.clone()
    };

    let answer = storage.create_group(&second, &Effects::NONE).await;

    assert_refused!(answer, StorageError::Taken(Unique::Id));
    let found = storage.group(organization, first.id).await.unwrap();
    assert_eq!(found, Some(first));
}

/// An update changes the settings and raises the revision by one.
pub async fn update_changes_the_settings(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut group = created(storage, organization).await;

    for settings in [full_settings(), group.settings.clone()] {
        let updated = storage
            .update_group(organization, group.id, Some(group.revision), &settings)
            .await
            .unwrap();
        group.settings = settings;
        group.revision = group.revision.next();
        assert_eq!(updated, group);
        let found = storage.group(organization, group.id).await.unwrap();
        assert_eq!(found, Some(updated));
    }
}

/// A change from another revision than the stored one is refused, be it an update or a deletion.
pub async fn changes_check_the_revision(storage: &Handle) {
    let organization = new_organization(storage).await;
    let group = created(storage, organization).await;
    let wrong = Some(Revision::FIRST.next());

    let answer = storage
        .update_group(organization, group.id, wrong, &full_settings())
        .await;

    assert_refused!(answer, StorageError::StaleRevision { .. });
    let answer = storage.delete_group(organization, group.id, wrong).await;
    assert_refused!(answer, StorageError::StaleRevision { .. });
    let found = storage.group(organization, group.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&group));
    let right = Some(group.revision);
    storage
        .delete_group(organization, group.id, right)
        .await
        .unwrap();
}

/// Updating or deleting what is not there is an error.
pub async fn changes_need_a_record(storage: &Handle) {
    let organization = new_organization(storage).await;
    let unknown = group(organization, TagSelector::default());

    let answer = storage
        .update_group(organization, unknown.id, None, &unknown.settings)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let answer = storage.delete_group(organization, unknown.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
    let found = storage.group(organization, unknown.id).await.unwrap();
    assert_eq!(found, None);
}

/// A deleted group is gone, and its devices stay.
pub async fn delete_spares_the_devices(storage: &Handle) {
    let organization = new_organization(storage).await;
    tagged(storage, organization, "pump-7", &["pump"]).await;
    let before = snapshot(storage, organization).await;
    let group = created(storage, organization).await;

    storage
        .delete_group(organization, group.id, None)
        .await
        .unwrap();

    let found = storage.group(organization, group.id).await.unwrap();
    assert_eq!(found, None);
    assert_eq!(snapshot(storage, organization).await, before);
    let answer = storage.delete_group(organization, group.id, None).await;
    assert_refused!(answer, StorageError::NotFound { .. });
}

/// The list holds an organization's groups by id, in pages of any size.
pub async fn the_list_is_by_id(storage: &Handle) {
    let organization = new_organization(storage).await;
    let other = new_organization(storage).await;
    let mut expected = Vec::new();
    for _ in 0..6 {
        expected.push(created(storage, organization).await);
        created(storage, other).await;
    }
    expected.sort_by_key(|group| group.id);

    for limit in [1, 3, 5, 500] {
        let groups = all_pages!(limit, |page| storage.groups(organization, page), |group| {
            group.id
        });
        assert_eq!(groups, expected);
    }
}

/// A group counts the living devices that its selector chooses, of its organization, whichever was
/// there first.
pub async fn the_size_follows_the_selector(storage: &Handle) {
    let organization = new_organization(storage).await;
    let other = new_organization(storage).await;
    let selector = |all: &[&str], any: &[&str], none: &[&str]| TagSelector {
        all: tags(all),
        any: tags(any),
        none: tags(none),
    };
    let cases = [
        (selector(&[], &[], &[]), 4),
        (selector(&["pump"], &[], &[]), 2),
        (selector(&["pump", "north"], &[], &[]), 1),
        (selector(&[], &["fan", "south"], &[]), 2),
        (selector(&[], &[], &["old"]), 3),
        (selector(&["north"], &["fan", "pump"], &["old"]), 1),
        (selector(&["pump"], &[], &["pump"]), 0),
        (selector(&["Pump"], &[], &[]), 0),
        (selector(&["unknown"], &[], &[]), 0),
    ];
    let mut ids = Vec::new();
    for (selector, _) in &cases {
        ids.push(chosen_by(storage, organization, selector).await);
    }
    tagged(storage, other, "pump-1", &["pump", "north"]).await;
    tagged(storage, organization, "pump-1", &["pump", "north"]).await;
    tagged(storage, organization, "pump-2", &["pump", "south"]).await;
    tagged(storage, organization, "fan-1", &["fan", "north", "old"]).await;
    let bare = tagged(storage, organization, "bare-1", &[]).await;
    for (selector, _) in &cases {
        ids.push(chosen_by(storage, organization, selector).await);
    }

    let sizes = storage.group_sizes(organization, &ids).await.unwrap();
    for ((selector, expected), size) in cases.iter().chain(&cases).zip(sizes) {
        assert_eq!(size, *expected, "{selector:?}");
    }
    let deleted = storage
        .delete_device(organization, bare, None, noon())
        .await;
    deleted.unwrap();
    let sizes = storage.group_sizes(organization, &ids[..1]).await;
    assert_eq!(sizes.unwrap(), [3]);
}

/// Groups that are asked for together have the sizes that each has alone, in their order, also
/// where one stands there twice; none has none, and one that is not there has no device.
pub async fn sizes_are_those_of_the_devices(storage: &Handle) {
    let organization = new_organization(storage).await;
    for number in 0..12 {
        let mut texts = vec![format!("rack-{}", number / 4), "x".repeat(1 + number % 3)];
        texts.truncate(2 - usize::from(number % 5 == 0));
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        tagged(storage, organization, &format!("device {number}"), &texts).await;
    }
    let sets: [&[&str]; 4] = [&[], &["x"], &["rack-0", "xx"], &["xxx", "y"]];
    let (mut selectors, mut ids) = (Vec::new(), Vec::new());
    for all in sets {
        for any in sets {
            let parts = sets.map(|none| (tags(all), tags(any), tags(none)));
            selectors.extend(parts.map(|(all, any, none)| TagSelector { all, any, none }));
        }
    }
    for selector in &selectors {
        ids.push(chosen_by(storage, organization, selector).await);
    }
    ids.push(ids[7]);
    selectors.push(selectors[7].clone());

    let sizes = storage.group_sizes(organization, &ids).await.unwrap();

    assert_eq!(sizes.len(), selectors.len());
    for ((selector, id), size) in selectors.iter().zip(&ids).zip(sizes) {
        let alone = storage.group_sizes(organization, &[*id]).await;
        assert_eq!([size], *alone.unwrap(), "{selector:?}");
        let filter = DeviceFilter {
            selector: Some(selector.clone()),
            ..DeviceFilter::default()
        };
        let chosen = all_pages!(
            5,
            |page| storage.devices(organization, &filter, page),
            |device| device.id
        );
        assert_eq!(size, u64::try_from(chosen.len()).unwrap(), "{selector:?}");
    }
    let none = storage.group_sizes(organization, &[]).await;
    assert_eq!(none.unwrap(), [0_u64; 0]);
    let unknown = group(organization, TagSelector::default()).id;
    let sizes = storage.group_sizes(organization, &[unknown, ids[0]]).await;
    assert_eq!(sizes.unwrap(), [0, 12]);
}

async fn chosen_by(
    storage: &Handle,
    organization: OrganizationId,
    selector: &TagSelector,
) -> GroupId {
    let group = group(organization, selector.clone());
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    group.id
}

async fn created(storage: &Handle, organization: OrganizationId) -> DeviceGroup {
    let group = group(organization, TagSelector::default());
    storage.create_group(&group, &Effects::NONE).await.unwrap();
    group
}

async fn tagged(
    storage: &Handle,
    organization: OrganizationId,
    name: &str,
    texts: &[&str],
) -> DeviceId {
    let mut device = device(organization, name);
    device.settings.tags = tags(texts);
    let created = storage.create_device(&device, &Effects::NONE).await;
    created.unwrap();
    device.id
}

fn full_settings() -> GroupSettings {
    GroupSettings {
        name: parse("Süd & <i>Nord</i>"),
        description: Some(parse("all of \"them\"")),
        selector: TagSelector {
            all: tags(&["a", "A", "ä b"]),
            any: tags(&["x:1", "%", "_"]),
            none: Tags::default(),
        },
    }
}
