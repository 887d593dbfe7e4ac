//! The quarantine in sled; it is filled by the [report store](crate::report).

use async_trait::async_trait;
use fieldgate_core::model::id::{DeviceId, OrganizationId, QuarantineId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::quarantine::{QuarantineFilter, QuarantinedItem};
use fieldgate_core::storage::{QuarantineStore, StorageError, Unique};

use crate::SledStorage;
use crate::change::{Change, Source};
use crate::error::Error;
use crate::keys::{self, KeyReader, Range};
use crate::record::Record as _;
use crate::scan::Order;
use crate::writer::Kind;

#[async_trait]
impl QuarantineStore for SledStorage {
    async fn quarantined_item(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<Option<QuarantinedItem>, StorageError> {
        self.read(move |reader| reader.look(|view| living(&view, organization, id)))
            .await
    }

    async fn quarantined(
        &self,
        organization: OrganizationId,
        filter: &QuarantineFilter,
        page: PageRequest<QuarantineId>,
    ) -> Result<Page<QuarantinedItem>, StorageError> {
        let filter = filter.clone();
        self.read(move |reader| {
            let Some(device) = filter.device_id else {
                let before = page.after.map(|id| keys::quarantined(organization, id));
                let range = Range::of(keys::quarantine(organization)).before(before);
                return reader.page(range, Order::Descending, page.limit, |view, _, octets| {
                    let item = QuarantinedItem::decode(octets)?;
                    let listed = filter.matches(&item)
                        && view.has(&keys::device(organization, item.device_id))?;
                    Ok(listed.then_some(item))
                });
            };
            let before = page.after;
            let before = before.map(|id| keys::quarantined_of_device(organization, device, id));
            let range = Range::of(keys::quarantine_of_device(organization, device)).before(before);
            reader.page(range, Order::Descending, page.limit, |view, key, _| {
                let item = living(&view, organization, id_of_link(key)?)?;
                Ok(item.filter(|item| filter.matches(item)))
            })
        })
        .await
    }

    async fn discard_quarantined(
        &self,
        organization: OrganizationId,
        id: QuarantineId,
    ) -> Result<(), StorageError> {
        self.change_as(Kind::Frugal, move |change| {
            let item = living(change, organization, id)?;
            let item = item.ok_or(Error::not_found("quarantined item"))?;
            for key in all_keys(&item) {
                change.remove(key);
            }
            Ok(())
        })
        .await
    }
}

/// Adds items of one device, oldest first; the oldest of the device go where there are more than
/// `limit`.
pub(crate) fn add(
    change: &mut Change<'_>,
    organization: OrganizationId,
    device: DeviceId,
    items: &[QuarantinedItem],
    limit: usize,
) -> Result<(), Error> {
    if items.is_empty() {
        return Ok(());
    }
    let mut ids = Vec::new();
    for entry in change.entries(Range::of(keys::quarantine_of_device(organization, device))) {
        let (key, _) = entry?;
        ids.push(id_of_link(&key)?);
    }
    for item in items {
        let id = item.id;
        let key = keys::quarantined(organization, id);
        change.require_free(&key, Unique::Id)?;
        change.mark(keys::quarantined_of_device(organization, device, id));
        change.mark(keys::quarantined_by_time(
            item.received_at,
            organization,
            id,
        ));
        change.put_record(key, item)?;
        ids.push(id);
    }
    ids.sort_unstable();
    let excess = ids.len().saturating_sub(limit);
    for id in ids.into_iter().take(excess) {
        let item: QuarantinedItem = change.linked(&keys::quarantined(organization, id))?;
        for key in all_keys(&item) {
            change.remove(key);
        }
    }
    Ok(())
}

/// All keys of an item.
pub(crate) fn all_keys(item: &QuarantinedItem) -> Vec<Vec<u8>> {
    let (organization, id) = (item.organization_id, item.id);
    vec![
        keys::quarantined(organization, id),
        keys::quarantined_of_device(organization, item.device_id, id),
        keys::quarantined_by_time(item.received_at, organization, id),
    ]
}

/// The id in a link from a device.
pub(crate) fn id_of_link(key: &[u8]) -> Result<QuarantineId, Error> {
    let mut key = KeyReader::new(key);
    let (_, _) = (key.uuid()?, key.uuid()?);
    key.uuid().map(QuarantineId::from_uuid)
}

/// An item of a living device.
fn living(
    source: &impl Source,
    organization: OrganizationId,
    id: QuarantineId,
) -> Result<Option<QuarantinedItem>, Error> {
    let item: Option<QuarantinedItem> = source.record(&keys::quarantined(organization, id))?;
    let Some(item) = item else {
        return Ok(None);
    };
    let lives = source.has(&keys::device(organization, item.device_id))?;
    Ok(lives.then_some(item))
}
