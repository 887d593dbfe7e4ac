//! Stored health reports in sled; they are written by the [report store](crate::report).

use async_trait::async_trait;
use fieldgate_core::model::health::DeviceHealth;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::page::{Page, PageRequest};
use fieldgate_core::model::reading::TimeRange;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::{HealthStore, StorageError};

use crate::SledStorage;
use crate::change::{Change, Source};
use crate::error::Error;
use crate::keys::{self, Day, Range};
use crate::record::Record as _;
use crate::scan::Order;

#[async_trait]
impl HealthStore for SledStorage {
    async fn health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        range: TimeRange,
        page: PageRequest<Timestamp>,
    ) -> Result<Page<DeviceHealth>, StorageError> {
        // Newest first: what comes after a position is what lies ahead of its key.
        let end = page.after.map_or(range.to, |after| range.to.min(after));
        let range = Range::of(keys::health_reports(organization, device))
            .from(keys::health_report(organization, device, range.from))
            .before(Some(keys::health_report(organization, device, end)));
        self.read(move |reader| {
            reader.page(range, Order::Descending, page.limit, |view, _, octets| {
                if !view.has(&keys::device(organization, device))? {
                    return Ok(None);
                }
                DeviceHealth::decode(octets).map(Some)
            })
        })
        .await
    }

    async fn latest_health(
        &self,
        organization: OrganizationId,
        device: DeviceId,
    ) -> Result<Option<DeviceHealth>, StorageError> {
        self.read(move |reader| {
            reader.look(|view| {
                if !view.has(&keys::device(organization, device))? {
                    return Ok(None);
                }
                let all = Range::of(keys::health_reports(organization, device));
                match view.entries(all).next_back().transpose()? {
                    Some((_, octets)) => DeviceHealth::decode(&octets).map(Some),
                    None => Ok(None),
                }
            })
        })
        .await
    }
}

/// Adds a report if there is none of that timestamp; whether it did.
pub(crate) fn add(
    change: &mut Change<'_>,
    organization: OrganizationId,
    health: &DeviceHealth,
) -> Result<bool, Error> {
    let (device, at) = (health.device_id, health.timestamp);
    let key = keys::health_report(organization, device, at);
    if change.has(&key)? {
        return Ok(false);
    }
    change.put_record(key, health)?;
    change.mark(keys::health_day(Day::of(at), organization, device));
    Ok(true)
}
