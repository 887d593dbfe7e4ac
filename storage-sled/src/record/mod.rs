//! How records lie in the store: a first octet for the format, then JSON or octets.
//!
//! Each noun has a record struct of its own, so that the model may change without the stored form.
//! A field that is added later takes `#[serde(default)]`; what an older version could not read
//! takes a new format number, and decoding both.

mod api_key;
mod certificate;
mod component;
mod device;
mod group;
mod health;
mod idempotency;
mod organization;
mod parts;
mod quarantine;
mod reading;
mod sensor;
mod site;
mod token;

pub(crate) use reading::{decode_reading, encode_reading};

use fieldgate_core::model::Invalid;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// Something that is stored under a key of its own.
pub(crate) trait Record: Sized {
    /// What it is called in errors.
    const WHAT: &'static str;

    fn encode(&self) -> Result<Vec<u8>, Error>;

    fn decode(octets: &[u8]) -> Result<Self, Error>;
}

/// A record whose stored form is JSON.
trait JsonRecord: Sized {
    const WHAT: &'static str;

    /// The stored form.
    type Json: Serialize + DeserializeOwned;

    fn to_json(&self) -> Self::Json;

    fn from_json(json: Self::Json) -> Result<Self, Invalid>;
}

impl<T: JsonRecord> Record for T {
    const WHAT: &'static str = T::WHAT;

    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut octets = vec![FORMAT];
        write_json::<T>(&mut octets, &self.to_json())?;
        Ok(octets)
    }

    fn decode(octets: &[u8]) -> Result<Self, Error> {
        read_json(body(T::WHAT, octets)?)
    }
}

fn write_json<T: JsonRecord>(octets: &mut Vec<u8>, json: &T::Json) -> Result<(), Error> {
    serde_json::to_writer(octets, json).map_err(|source| Error::Encode {
        what: T::WHAT,
        source,
    })
}

fn read_json<T: JsonRecord>(octets: &[u8]) -> Result<T, Error> {
    let json = serde_json::from_slice(octets).map_err(|error| Error::decode(T::WHAT, error))?;
    T::from_json(json).map_err(Error::invalid(T::WHAT))
}

/// What follows the format.
fn body<'a>(what: &'static str, octets: &'a [u8]) -> Result<&'a [u8], Error> {
    match octets {
        [FORMAT, body @ ..] => Ok(body),
        [found, ..] => Err(Error::RecordFormat {
            what,
            found: *found,
        }),
        [] => Err(Error::decode(what, "it is empty")),
    }
}

/// Splits a length, an item of that length, and what follows.
fn split_item<'a>(what: &'static str, octets: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Error> {
    let split = || {
        let (length, rest) = octets.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest.split_at_checked(length)
    };
    split().ok_or_else(|| Error::decode(what, "it is cut off"))
}

/// Writes an item with its length ahead.
fn push_item(octets: &mut Vec<u8>, item: &[u8]) {
    // Items are bounded far below 4 GiB.
    let length = u32::try_from(item.len()).unwrap_or(u32::MAX);
    octets.extend_from_slice(&length.to_be_bytes());
    octets.extend_from_slice(item);
}

/// The format that this version writes.
const FORMAT: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use fieldgate_core::model::id::OrganizationId;
    use fieldgate_core::model::organization::Organization;
    use fieldgate_core::model::revision::Revision;
    use fieldgate_core::model::timestamp::Timestamp;

    #[test]
    fn an_unknown_format_is_refused_and_named() {
        let organization = Organization {
            id: OrganizationId::new(Timestamp::UNIX_EPOCH, [7; 10]),
            slug: "north".parse().unwrap(),
            name: "North".parse().unwrap(),
            created_at: Timestamp::UNIX_EPOCH,
            revision: Revision::FIRST,
        };
        let mut octets = organization.encode().unwrap();
        assert_eq!(Organization::decode(&octets).unwrap(), organization);
        octets[0] = FORMAT + 1;
        let refused = Organization::decode(&octets).unwrap_err();
        assert!(matches!(refused, Error::RecordFormat { found: 2, .. }));
        assert!(Organization::decode(&[]).is_err());
        assert!(Organization::decode(&[FORMAT, b'{']).is_err());
    }

    #[test]
    fn items_of_any_length_split() {
        let mut octets = Vec::new();
        push_item(&mut octets, b"head");
        octets.extend_from_slice(b"rest");
        assert_eq!(
            split_item("item", &octets).unwrap(),
            (&b"head"[..], &b"rest"[..])
        );
        assert!(split_item("item", &octets[..7]).is_err());
        assert!(split_item("item", &octets[..3]).is_err());
    }
}
