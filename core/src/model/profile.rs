//! References to versioned profiles.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::key::Key;

/// Names one version of a profile: `name@major.minor`, for example `environment@1.2`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProfileRef {
    /// The profile's name.
    pub name: Key,
    /// The major version: another one breaks.
    pub major: u16,
    /// The minor version: a higher one adds.
    pub minor: u16,
}

impl FromStr for ProfileRef {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let parse = || {
            let (name, version) = text.split_once('@')?;
            let (major, minor) = version.split_once('.')?;
            let profile = Self {
                name: name.parse().ok()?,
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
            };
            // One text per version: no `+1`, no `01`.
            (profile.to_string() == text).then_some(profile)
        };
        parse().ok_or_else(|| {
            Invalid::new("a profile is written name@major.minor, for example environment@1.0")
        })
    }
}

impl fmt::Display for ProfileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}.{}", self.name, self.major, self.minor)
    }
}
