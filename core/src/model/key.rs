//! The keys by which a device names its components and sensors.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;

/// The key of a component in its device, or of a sensor in its component: `[A-Za-z0-9_.-]{1,64}`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key(Box<str>);

impl Key {
    /// The greatest number of characters.
    pub const MAX_CHARS: usize = 64;

    /// The component of a sensor that is reported without one: `main`.
    #[must_use]
    pub fn main() -> Self {
        Self("main".into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
        if !fits {
            return Err(Invalid::new(
                "a key has 1 to 64 characters out of A-Z, a-z, 0-9, `_`, `.` and `-`",
            ));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
