//! Cursors: where a list goes on, in a form that means nothing to clients.
//!
//! A cursor is a version, a binding and a position. The binding is a hash of who asked for which
//! list with which filters: a cursor that is shown elsewhere is refused, because there it would
//! answer something that nobody asked for. It is no secret and grants nothing. Every look-up takes
//! its organization from the caller, so that a cursor made up by hand reaches no more than the
//! list itself. That way cursors survive restarts and other servers without a key to keep.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::id::{
    ApiKeyId, ComponentId, DeviceId, GroupId, OrganizationId, QuarantineId, SensorId, SiteId,
    TokenId,
};
use fieldgate_core::model::timestamp::Timestamp;
use uuid::Uuid;

use crate::problem::Problem;

/// Ties a cursor to one list of one owner with one set of filters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Binding([u8; BINDING_LEN]);

impl Binding {
    /// The binding of a list: `path` and `filters` are all that chooses what is in it.
    pub(crate) fn new(
        owner: KeyOwner,
        operation: &str,
        path: &[&str],
        filters: &[(String, String)],
    ) -> Self {
        let mut text = Vec::new();
        let mut part = |part: &[u8]| {
            // With its length before it, no two lists of parts give the same text.
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part);
        };
        match owner {
            KeyOwner::Organization(id) => part(id.as_bytes()),
            KeyOwner::Server => part(b"server"),
        }
        part(operation.as_bytes());
        path.iter().for_each(|value| part(value.as_bytes()));
        let mut filters: Vec<_> = filters.iter().collect();
        filters.sort();
        for (name, value) in filters {
            part(name.as_bytes());
            part(value.as_bytes());
        }
        let mut binding = [0; BINDING_LEN];
        binding.copy_from_slice(&Sha256Digest::of(&text).as_bytes()[..BINDING_LEN]);
        Self(binding)
    }

    /// The cursor of a position in the list.
    pub(crate) fn cursor<K: Position>(self, position: &K) -> String {
        let mut octets = vec![VERSION];
        octets.extend_from_slice(&self.0);
        octets.extend_from_slice(&position.to_octets());
        URL_SAFE_NO_PAD.encode(octets)
    }

    /// The position that a cursor of this list stands for.
    ///
    /// # Errors
    ///
    /// One and the same for everything else.
    pub(crate) fn position<K: Position>(self, cursor: &str) -> Result<K, Problem> {
        let read = || {
            let octets = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let (head, position) = octets.split_at_checked(1 + BINDING_LEN)?;
            let is_ours = head[0] == VERSION && head[1..] == self.0;
            is_ours.then(|| K::from_octets(position))?
        };
        read().ok_or_else(|| {
            Problem::malformed(
                "cursor_invalid",
                "the cursor is none of this list with these filters: take `nextCursor` from the \
                 answer to the same request, or leave it out",
            )
        })
    }
}

/// A position in a list: what a page goes on after.
pub(crate) trait Position: Sized {
    fn to_octets(&self) -> Vec<u8>;
    fn from_octets(octets: &[u8]) -> Option<Self>;
}

macro_rules! id_positions {
    ($($id:ident),+ $(,)?) => {$(
        impl Position for $id {
            fn to_octets(&self) -> Vec<u8> {
                self.as_bytes().to_vec()
            }

            fn from_octets(octets: &[u8]) -> Option<Self> {
                Some(Self::from_uuid(Uuid::from_bytes(octets.try_into().ok()?)))
            }
        }
    )+};
}

id_positions! {
    ApiKeyId, ComponentId, DeviceId, GroupId, OrganizationId, QuarantineId, SensorId, SiteId,
    TokenId,
}

impl Position for Timestamp {
    fn to_octets(&self) -> Vec<u8> {
        self.unix_millis().to_be_bytes().to_vec()
    }

    fn from_octets(octets: &[u8]) -> Option<Self> {
        Self::from_unix_millis(i64::from_be_bytes(octets.try_into().ok()?)).ok()
    }
}

impl Position for u64 {
    fn to_octets(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn from_octets(octets: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(octets.try_into().ok()?))
    }
}

const VERSION: u8 = 1;
const BINDING_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(organization: u8, operation: &str, filters: &[(&str, &str)]) -> Binding {
        let owner = OrganizationId::new(Timestamp::UNIX_EPOCH, [organization; 10]);
        let pairs: Vec<_> = filters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Binding::new(KeyOwner::Organization(owner), operation, &[], &pairs)
    }

    #[test]
    fn a_cursor_leads_back_to_its_position() {
        let binding = binding(1, "listDevices", &[("tag", "a")]);
        let cursor = binding.cursor(&7_u64);
        assert_eq!(binding.position::<u64>(&cursor).unwrap(), 7);
    }

    #[test]
    fn filters_have_no_order() {
        let one = binding(1, "listDevices", &[("tag", "a"), ("online", "true")]);
        let other = binding(1, "listDevices", &[("online", "true"), ("tag", "a")]);
        assert_eq!(one, other);
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = binding(1, "listDevices", &[("tag", "a")]).cursor(&7_u64);
        for other in [
            binding(2, "listDevices", &[("tag", "a")]),
            binding(1, "listSensors", &[("tag", "a")]),
            binding(1, "listDevices", &[("tag", "b")]),
            binding(1, "listDevices", &[]),
            binding(1, "listDevices", &[("ta", "ga")]),
        ] {
            assert!(other.position::<u64>(&cursor).is_err());
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        let binding = binding(1, "listDevices", &[]);
        let cursor = binding.cursor(&7_u64);
        let longer = format!("{cursor}AAAA");
        for other in ["", "AA", "ö", &cursor[1..], &longer, &cursor[..8]] {
            assert!(binding.position::<u64>(other).is_err(), "{other}");
        }
    }
}
