//! Points in time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::Invalid;

/// A point in time in UTC, in whole milliseconds, from the year 1970 to the end of 9999.
///
/// The text form is that of RFC 3339 with three digits of fraction and `Z`. Finer fractions are
/// cut off on the way in, other offsets are converted.
///
/// ```
/// use fieldgate_core::model::timestamp::Timestamp;
///
/// let at: Timestamp = "2026-11-23T10:00:00.1239+01:00".parse()?;
/// assert_eq!(at.to_string(), "2026-11-23T09:00:00.123Z");
/// # Ok::<(), fieldgate_core::model::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp {
    // Invariant: 0..=MAX_MILLIS.
    unix_millis: i64,
}

impl Timestamp {
    /// The first instant of 1970.
    pub const UNIX_EPOCH: Self = Self { unix_millis: 0 };

    /// The last millisecond of the year 9999.
    pub const MAX: Self = Self {
        unix_millis: MAX_MILLIS,
    };

    /// Takes milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// [`Invalid`] outside the years 1970 to 9999.
    pub fn from_unix_millis(unix_millis: i64) -> Result<Self, Invalid> {
        if !(0..=MAX_MILLIS).contains(&unix_millis) {
            return Err(Invalid::new("a time is between the years 1970 and 9999"));
        }
        Ok(Self { unix_millis })
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.unix_millis
    }

    /// This time and `duration`; the end of 9999 where that is later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(MAX_MILLIS);
        Self {
            unix_millis: self.unix_millis.saturating_add(millis).min(MAX_MILLIS),
        }
    }

    /// This time less `duration`; 1970 where that is earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(MAX_MILLIS);
        Self {
            unix_millis: self.unix_millis.saturating_sub(millis).max(0),
        }
    }

    /// How long it is since `earlier`; zero where that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.unix_millis.saturating_sub(earlier.unix_millis);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// This time without its milliseconds, as certificates write it.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self {
            unix_millis: self.unix_millis - self.unix_millis % 1000,
        }
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(at: Timestamp) -> Self {
        let nanos = i128::from(at.unix_millis) * 1_000_000;
        // The invariant keeps the value in range.
        Self::from_unix_timestamp_nanos(nanos).unwrap_or(Self::UNIX_EPOCH)
    }
}

impl TryFrom<OffsetDateTime> for Timestamp {
    type Error = Invalid;

    fn try_from(at: OffsetDateTime) -> Result<Self, Invalid> {
        let millis = at.unix_timestamp_nanos().div_euclid(1_000_000);
        let millis = i64::try_from(millis)
            .map_err(|_| Invalid::new("a time is between the years 1970 and 9999"))?;
        Self::from_unix_millis(millis)
    }
}

impl FromStr for Timestamp {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|_| {
                Invalid::new("a time is written as in RFC 3339, for example 2026-11-23T09:00:00Z")
            })?
            .try_into()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from(*self);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.millisecond()
        )
    }
}

const MAX_MILLIS: i64 = 253_402_300_799_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for text in ["1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!(at.to_string(), text);
        }
    }

    #[test]
    fn the_ends_hold() {
        assert!(Timestamp::from_unix_millis(-1).is_err());
        assert!(Timestamp::from_unix_millis(MAX_MILLIS + 1).is_err());
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.minus(Duration::MAX), Timestamp::UNIX_EPOCH);
    }
}
