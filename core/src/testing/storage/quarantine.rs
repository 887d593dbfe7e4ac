//! Clauses of [`QuarantineStore`](crate::storage::QuarantineStore), and of what fills it.

use super::world::{limits, new_device, pump, snapshot};
use crate::model::id::{OrganizationId, QuarantineId};
use crate::model::ingestion::ReadingBatch;
use crate::model::limits::Limits;
use crate::model::quarantine::{QuarantineFilter, QuarantineReason, QuarantinedItem, Rejection};
use crate::storage::StorageError;
use crate::testing::fixtures::{device, noon, quarantined, seed};
use crate::testing::storage::Handle;

/// An item can be read back, unchanged, for every reason.
pub async fn store_then_read(storage: &Handle) {
    let pump = pump(storage).await;
    for reason in QuarantineReason::ALL {
        let mut item = quarantined(&pump);
        item.rejection = Rejection::new(reason, "it's <b>wrong</b>\n", b"\0\xff\"';--\r\n{");
        put(storage, &item, &limits()).await;
        let found = storage
            .quarantined_item(pump.organization_id, item.id)
            .await;
        assert_eq!(found.unwrap(), Some(item));
    }
}

/// The list is newest first, by id, in pages of any size, and its filters hold, each alone and
/// both together.
pub async fn the_list_is_newest_first_and_filtered(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let mut items = Vec::new();
    for number in 0..12 {
        let mut item = quarantined(if number % 3 == 0 { &fan } else { &pump });
        item.rejection.reason = QuarantineReason::ALL[number % 2];
        items.push(item);
    }
    for item in &items {
        put(storage, item, &limits()).await;
    }
    items.sort_by_key(|item| item.id);
    items.reverse();
    let reasons = [
        None,
        Some(QuarantineReason::ALL[0]),
        Some(QuarantineReason::ALL[1]),
        Some(QuarantineReason::ALL[2]),
    ];

    for device_id in [None, Some(pump.id), Some(fan.id)] {
        for reason in reasons {
            let filter = QuarantineFilter { device_id, reason };
            let matching = items.iter().filter(|item| filter.matches(item));
            let expected: Vec<_> = matching.map(|item| item.id).collect();
            for limit in [1, 2, 5, 500] {
                let found = ids(storage, pump.organization_id, &filter, limit).await;
                assert_eq!(found, expected, "{filter:?} by {limit}");
            }
        }
    }
}

/// A device has only so many items: the oldest go first, by id, and no other device's.
pub async fn the_oldest_go_first(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let limits = small();
    let of_fan = quarantined(&fan);
    put(storage, &of_fan, &limits).await;
    let items: Vec<_> = (0..6).map(|_| quarantined(&pump)).collect();
    // In an order of arrival that is not that of the ids.
    for index in [1, 0, 3, 2, 5, 4] {
        put(storage, &items[index], &limits).await;
        put(storage, &quarantined(&fan), &limits).await;
    }

    let filter = QuarantineFilter {
        device_id: Some(pump.id),
        reason: None,
    };
    let left = ids(storage, pump.organization_id, &filter, 500).await;
    assert_eq!(left, [items[5].id, items[4].id, items[3].id]);
    let gone = storage
        .quarantined_item(pump.organization_id, items[2].id)
        .await;
    assert_eq!(gone.unwrap(), None);
    let gone = storage
        .quarantined_item(pump.organization_id, of_fan.id)
        .await;
    assert_eq!(gone.unwrap(), None);
}

/// What a batch of readings brings counts too.
pub async fn a_batch_counts_too(storage: &Handle) {
    let pump = pump(storage).await;
    let first = quarantined(&pump);
    put(storage, &first, &small()).await;
    let rejection = |text: &str| {
        Err(Rejection::new(
            QuarantineReason::Malformed,
            text,
            text.as_bytes(),
        ))
    };
    let batch = ReadingBatch {
        received_at: noon(),
        seed: seed(),
        items: ["a", "b", "c", "d", "e"].map(rejection).into(),
    };

    let outcome = storage
        .store_readings(pump.organization_id, pump.id, &batch, &small())
        .await
        .unwrap();

    assert_eq!((outcome.stored, outcome.quarantined), (0, 5));
    let filter = QuarantineFilter::default();
    let items = all_pages!(
        500,
        |page| storage.quarantined(pump.organization_id, &filter, page),
        |item| item.id
    );
    let details: Vec<_> = items.iter().map(|item| &item.rejection.detail).collect();
    assert_eq!(details, ["e", "d", "c"]);
}

/// A discarded item is gone, and leaves room for another.
pub async fn discard_removes(storage: &Handle) {
    let pump = pump(storage).await;
    let items: Vec<_> = (0..4).map(|_| quarantined(&pump)).collect();
    for item in &items[..3] {
        put(storage, item, &small()).await;
    }

    let discarded = storage
        .discard_quarantined(pump.organization_id, items[1].id)
        .await;
    discarded.unwrap();
    put(storage, &items[3], &small()).await;

    let filter = QuarantineFilter::default();
    let left = ids(storage, pump.organization_id, &filter, 500).await;
    assert_eq!(left, [items[3].id, items[2].id, items[0].id]);
    let found = storage
        .quarantined_item(pump.organization_id, items[1].id)
        .await;
    assert_eq!(found.unwrap(), None);
    let answer = storage
        .discard_quarantined(pump.organization_id, items[1].id)
        .await;
    assert_refused!(answer, StorageError::NotFound { .. });
}

/// A device that is not there takes no item.
pub async fn it_needs_a_device(storage: &Handle) {
    let organization = pump(storage).await.organization_id;
    let before = snapshot(storage, organization).await;
    let item = quarantined(&device(organization, "unknown"));

    let answer = storage.store_quarantined(&item, &limits()).await;

    assert_refused!(answer, StorageError::NotFound { .. });
    assert_eq!(snapshot(storage, organization).await, before);
}

fn small() -> Limits {
    Limits {
        quarantined_per_device: 3,
        ..limits()
    }
}

async fn put(storage: &Handle, item: &QuarantinedItem, limits: &Limits) {
    storage.store_quarantined(item, limits).await.unwrap();
}

async fn ids(
    storage: &Handle,
    organization: OrganizationId,
    filter: &QuarantineFilter,
    limit: u16,
) -> Vec<QuarantineId> {
    let items = all_pages!(
        limit,
        |page| storage.quarantined(organization, filter, page),
        |item| item.id
    );
    items.iter().map(|item| item.id).collect()
}
