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

impl StorageUrl {
    /// The same text for every way to write the place, with what may be secret in it.
    pub(crate) fn whole(&self) -> String {
        let whole = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        match self {
            Self::Memory => self.masked(),
            Self::Sled(path) => Self::Sled(whole(path)).masked(),
            Self::Sqlite(path) => Self::Sqlite(whole(path)).masked(),
        }
    }

    /// The kind of storage.
    pub(crate) const fn scheme(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sled(_) => "sled",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Whether there is anything at its place.
    pub(crate) fn is_present(&self) -> bool {
        match self {
            Self::Memory => false,
            Self::Sled(path) | Self::Sqlite(path) => path.exists(),
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
            ("sled", "") => Err("a path follows, for example sled:///var/lib/fieldgate/sled"),
            ("sqlite", "") => {
                Err("a path follows, for example sqlite:///var/lib/fieldgate/fieldgate.db")
            }
            // Elsewhere such URLs carry options; to take them for a part of the name would make
            // another storage, and an empty one.
            ("sled" | "sqlite", place) if place.contains(['?', '#']) => {
                Err("it has no options: behind the path there is no `?` and no `#`")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_scheme_and_a_path() {
        let read = str::parse::<StorageUrl>;
        assert_eq!(read("memory://"), Ok(StorageUrl::Memory));
        let file = StorageUrl::Sqlite("/var/a b.db".into());
        assert_eq!(read("sqlite:///var/a b.db"), Ok(file));
        assert_eq!(read("sled://here"), Ok(StorageUrl::Sled("here".into())));
        for (refused, hint) in [
            ("sled://", "sled:///"),
            ("sqlite://", "sqlite:///"),
            ("sqlite://a.db?mode=ro", "no options"),
            ("sled://a#b", "no options"),
            ("memory://x", "nothing behind"),
            ("a.db", "sqlite://FILE"),
            ("mysql://x", "sqlite://FILE"),
        ] {
            let reason = read(refused).unwrap_err();
            assert!(reason.contains(hint), "{refused}: {reason}");
        }
    }
}
