//! Faults of lists and of what they choose.

use super::{Fault, FaultyStorage, whole};
use crate::model::device::{Device, DeviceFilter};
use crate::model::id::{DeviceId, OrganizationId};
use crate::model::page::{Page, PageRequest};
use crate::storage::{DeviceStore, StorageError};
use crate::testing::clauses::assert_caught;
use crate::testing::storage::{StorageFixture, device, device_filter, isolation, lists, pages};

impl FaultyStorage {
    pub(super) async fn devices(
        &self,
        organization: OrganizationId,
        filter: &DeviceFilter,
        page: PageRequest<DeviceId>,
    ) -> Result<Page<Device>, StorageError> {
        let mut filter = filter.clone();
        if self.has(Fault::IgnoresTags) {
            filter.tags.clear();
        }
        let mut found = self.inner.devices(organization, &filter, page).await?;
        let position = match page.after {
            Some(id) => self.inner.device(organization, id).await?,
            None => None,
        };
        match self.fault {
            Fault::ListsBackwards => found.items.reverse(),
            Fault::ListsEverybodys => {
                for other in self.everybody().await {
                    let all = self.inner.devices(other, &filter, whole()).await?;
                    found.items = [found.items, all.items].concat();
                }
            }
            Fault::NeedsThePositionsRecord if page.after.is_some() && position.is_none() => {
                found.items.clear();
            }
            Fault::NeverSaysMore => found.more = false,
            Fault::PagesByNumber => {
                let all = self.inner.devices(organization, &filter, whole()).await?;
                let mut noted = self.noted();
                if page.after.is_none() {
                    noted.position = 0;
                }
                let rest = all.items.into_iter().skip(noted.position);
                found = Page::cut(rest.collect(), page.limit);
                noted.position += found.items.len();
            }
            Fault::RepeatsThePosition => {
                found.items = position.into_iter().chain(found.items).collect()
            }
            Fault::SkipsBehindThePosition if page.after.is_some() && found.items.len() > 1 => {
                found.items.remove(0);
            }
            _ => {}
        }
        found.items.truncate(page.limit.as_usize());
        Ok(found)
    }
}

#[tokio::test]
async fn faults_of_pages_are_caught() {
    assert_catches!(device::the_list_is_by_id, ListsBackwards, "by 5");
    assert_catches!(device::the_list_is_by_id, SkipsBehindThePosition, "by 5");
    assert_catches!(
        lists::pages_hold_while_devices_come_and_go,
        SkipsBehindThePosition,
        "by 2"
    );
    assert_catches!(
        device::the_list_is_by_id,
        RepeatsThePosition,
        "without an end"
    );
    assert_catches!(
        lists::pages_hold_while_devices_come_and_go,
        RepeatsThePosition,
        "by 1"
    );
    assert_catches!(
        lists::pages_hold_while_devices_come_and_go,
        PagesByNumber,
        "by 1"
    );
    assert_catches!(pages::devices_under_load, SkipsBehindThePosition, "missed");
    assert_catches!(
        lists::a_position_outlives_its_record,
        NeedsThePositionsRecord,
        "left: ([]"
    );
    assert_catches!(
        lists::a_page_knows_whether_there_are_more,
        NeverSaysMore,
        "left: (3, false)"
    );
}

#[tokio::test]
async fn faults_of_filters_are_caught() {
    assert_catches!(device_filter::each_alone, IgnoresTags, "tags: [");
    assert_catches!(isolation::devices, ListsEverybodys, "found.is_empty()");
}
