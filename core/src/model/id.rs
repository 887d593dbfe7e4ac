//! Identifiers: UUIDs of version 7 (RFC 9562, section 5.7), one type per noun.
//!
//! Their first 48 bits are the time of creation in milliseconds, so ids sort by creation.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::model::Invalid;
use crate::model::timestamp::Timestamp;

/// Makes a UUID of version 7 from a time and random octets.
#[must_use]
pub fn uuid_v7(at: Timestamp, random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(at.unix_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        ///
        /// The text form is the usual one with hyphens, in lower case.
        #[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a UUID as it is.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// A new one, from the time of creation and random octets.
            #[must_use]
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid_v7(at, random))
            }

            /// The UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }

            /// The 16 octets, which sort as the ids do.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self.0.as_hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self.0.as_hyphenated(), f)
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                if text.len() != 36 {
                    return Err(Invalid::new("an id is a UUID in its form with hyphens"));
                }
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| Invalid::new("an id is a UUID in its form with hyphens"))
            }
        }
    )+};
}

ids! {
    /// Identifies an API key.
    ApiKeyId,
    /// Identifies a component.
    ComponentId,
    /// Identifies a device: its MQTT client id and the common name of its certificate.
    DeviceId,
    /// Identifies a device group.
    GroupId,
    /// Identifies an organization.
    OrganizationId,
    /// Identifies a quarantined item.
    QuarantineId,
    /// Identifies a sensor.
    SensorId,
    /// Identifies a site.
    SiteId,
    /// Identifies a registration token; not its secret.
    TokenId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let id = DeviceId::new(Timestamp::UNIX_EPOCH, [7; 10]);
        assert_eq!(id.to_string().parse::<DeviceId>().unwrap(), id);
        assert_eq!(id.as_uuid().get_version_num(), 7);
    }

    #[test]
    fn other_forms_are_refused() {
        let id = DeviceId::new(Timestamp::UNIX_EPOCH, [7; 10]);
        for text in [
            "",
            "x",
            &id.as_uuid().simple().to_string(),
            &format!("{{{id}}}"),
        ] {
            assert!(text.parse::<DeviceId>().is_err(), "{text}");
        }
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let early = DeviceId::new(Timestamp::UNIX_EPOCH, [255; 10]);
        let later = Timestamp::from_unix_millis(1).unwrap();
        assert!(early < DeviceId::new(later, [0; 10]));
    }
}
