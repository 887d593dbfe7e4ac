//! The URL that says where everything is kept.

use std::path::PathBuf;
use std::str::FromStr;

/// Where everything but the CA's keys is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum StorageUrl {
    /// In memory: gone when the server ends.
    Memory,
    /// In a directory of sled.
    Sled(PathBuf),
    /// In a file of SQLite.
    Sqlite(PathBuf),
}

impl StorageUrl {
    /// The URL without a secret in it.
    pub(crate) fn masked(&self) -> String {
        match self {
            Self::Memory => "memory://".to_owned(),
            Self::Sled(path) => format!("sled://{}", path.display()),
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
        }
    }
}

impl FromStr for StorageUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, place) = text.split_once("://").ok_or(FORMS)?;
        match (scheme, place) {
            ("memory", "") => Ok(Self::Memory),
            ("memory", _) => Err("`memory://` has nothing behind it"),
            ("sled" | "sqlite", "") => {
                Err("a path follows, for example sqlite:///var/lib/fieldgate.db")
            }
            ("sled", place) => Ok(Self::Sled(place.into())),
            ("sqlite", place) => Ok(Self::Sqlite(place.into())),
            ("postgres" | "postgresql", _) => {
                Err("PostgreSQL is not in this build yet: use sqlite://FILE or sled://DIR")
            }
            _ => Err(FORMS),
        }
    }
}

const FORMS: &str = "it is one of sqlite://FILE, sled://DIR and memory://";
