//! Cuts pages out of ordered maps.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::model::page::{Page, PageRequest};
use crate::model::reading::TimeRange;
use crate::model::timestamp::Timestamp;

/// A page of the records that match, by ascending key.
pub(super) fn ascending<K: Ord, V: Clone>(
    records: &BTreeMap<K, V>,
    page: &PageRequest<K>,
    matches: impl Fn(&V) -> bool,
) -> Page<V> {
    let after = page
        .after
        .as_ref()
        .map_or(Bound::Unbounded, Bound::Excluded);
    let found = records
        .range::<K, _>((after, Bound::Unbounded))
        .map(|(_, record)| record)
        .filter(|record| matches(record))
        .take(page.limit.as_usize() + 1)
        .cloned()
        .collect();
    Page::cut(found, page.limit)
}

/// A page of the records that match, by descending key.
pub(super) fn descending<K: Ord, V: Clone>(
    records: &BTreeMap<K, V>,
    page: &PageRequest<K>,
    matches: impl Fn(&V) -> bool,
) -> Page<V> {
    let after = page
        .after
        .as_ref()
        .map_or(Bound::Unbounded, Bound::Excluded);
    let found = records
        .range::<K, _>((Bound::Unbounded, after))
        .rev()
        .map(|(_, record)| record)
        .filter(|record| matches(record))
        .take(page.limit.as_usize() + 1)
        .cloned()
        .collect();
    Page::cut(found, page.limit)
}

/// A page of a history: newest first, only what lies in `range`.
pub(super) fn history<V: Clone>(
    records: &BTreeMap<Timestamp, V>,
    range: TimeRange,
    page: &PageRequest<Timestamp>,
) -> Page<V> {
    let end = page.after.map_or(range.to, |after| after.min(range.to));
    let found = records
        .range(..end)
        .rev()
        .take_while(|(timestamp, _)| **timestamp >= range.from)
        .map(|(_, record)| record.clone())
        .take(page.limit.as_usize() + 1)
        .collect();
    Page::cut(found, page.limit)
}

/// A page of nothing.
pub(super) const fn empty<V>() -> Page<V> {
    Page {
        items: Vec::new(),
        more: false,
    }
}
