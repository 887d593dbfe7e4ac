//! An entry of the file: what one call has changed, behind a mark, a length and a sum.

use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::storage::Bookmark;

/// A record that was put, or removed.
#[derive(Debug, PartialEq)]
pub(crate) struct Change {
    /// Where it stands in an archive, which is its key.
    pub(crate) place: Bookmark,
    /// All of it; nothing where it was removed.
    pub(crate) octets: Option<Vec<u8>>,
}

/// An entry.
pub(crate) fn octets(changes: &[Change]) -> Vec<u8> {
    let mut body = Vec::new();
    for change in changes {
        put(&mut body, change.place.to_string().as_bytes());
        body.push(u8::from(change.octets.is_some()));
        put(&mut body, change.octets.as_deref().unwrap_or_default());
    }
    let mut entry = MARK.to_vec();
    entry.extend_from_slice(Sha256Digest::of(&body).as_bytes());
    put(&mut entry, &body);
    entry
}

/// The changes of all entries in their order, and where the last of them ends. What comes behind it
/// is one that is not whole; `Err` says where one lies that does not read and has others behind it.
///
/// A crash cuts off the last entry only, as each is on the disk before the next one is begun. What
/// does not read before that was damaged by something else.
pub(crate) fn read_all(octets: &[u8]) -> Result<(Vec<Change>, usize), usize> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some((changes, rest)) = read(&octets[at..]) {
        all.extend(changes);
        at = octets.len() - rest.len();
    }
    let mut behind = (at + 1..octets.len()).map(|at| &octets[at..]);
    if behind.any(|octets| read(octets).is_some()) {
        return Err(at);
    }
    Ok((all, at))
}

/// The entry that octets begin with, and what comes behind it.
fn read(octets: &[u8]) -> Option<(Vec<Change>, &[u8])> {
    let octets = octets.strip_prefix(MARK)?;
    let (sum, octets) = octets.split_first_chunk::<32>()?;
    let (mut body, rest) = take(octets)?;
    if Sha256Digest::of(body).as_bytes() != sum {
        return None;
    }
    let mut changes = Vec::new();
    while !body.is_empty() {
        let (place, octets) = take(body)?;
        let (is_put, octets) = octets.split_first()?;
        let (record, octets) = take(octets)?;
        changes.push(Change {
            place: std::str::from_utf8(place).ok()?.parse().ok()?,
            octets: (*is_put == 1).then(|| record.to_vec()),
        });
        body = octets;
    }
    Some((changes, rest))
}

/// Appends octets behind their length.
fn put(to: &mut Vec<u8>, octets: &[u8]) {
    to.extend_from_slice(&(octets.len() as u64).to_be_bytes());
    to.extend_from_slice(octets);
}

fn take(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, octets) = octets.split_first_chunk()?;
    octets.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)
}

/// What every entry of this format begins with.
const MARK: &[u8] = b"FGJ1";
