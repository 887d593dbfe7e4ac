//! What a call has changed: the difference between what there is and what the file has.

use fieldgate_core::storage::ArchiveRecord;

use crate::entry::Change;
use crate::journal::Records;

/// The changes that make `known` what `all` is.
pub(crate) fn difference(known: &Records, all: &[ArchiveRecord]) -> Vec<Change> {
    let now: Records = all
        .iter()
        .map(|record| (record.bookmark(), record.octets()))
        .collect();
    let removed = known.keys().filter(|place| !now.contains_key(place));
    let mut changes: Vec<_> = removed
        .map(|place| Change {
            place: place.clone(),
            octets: None,
        })
        .collect();
    changes.extend(
        now.into_iter()
            .filter(|(place, octets)| known.get(place) != Some(octets))
            .map(|(place, octets)| Change {
                place,
                octets: Some(octets),
            }),
    );
    changes
}
