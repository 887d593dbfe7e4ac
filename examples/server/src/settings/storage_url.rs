//! The URL that says where everything is kept.

use std::path::PathBuf;
use std::str::FromStr;

use fieldgate_storage_sqlx::PostgresSettings;

/// Where everything but the CA's keys is kept.
#[derive(Clone, Debug)]
pub(crate) enum StorageUrl {
    /// In memory: gone when the server ends.
    Memory,
    /// In a database of PostgreSQL.
    Postgres(Box<PostgresSettings>),
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
            Self::Postgres(settings) => settings.to_string(),
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
            Self::Postgres(settings) => settings.identity(),
            Self::Sled(path) => Self::Sled(whole(path)).masked(),
            Self::Sqlite(path) => Self::Sqlite(whole(path)).masked(),
        }
    }

    /// The kind of storage.
    pub(crate) const fn scheme(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Postgres(_) => "postgres",
            Self::Sled(_) => "sled",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Whether there may be something at its place.
    pub(crate) fn is_present(&self) -> bool {
        match self {
            Self::Memory => false,
            // Whether there is shows when it is opened.
            Self::Postgres(_) => true,
            Self::Sled(path) | Self::Sqlite(path) => path.exists(),
        }
    }
}

impl FromStr for StorageUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, place) = text.split_once("://").ok_or(FORMS)?;
        match (scheme, place) {
            ("memory", "") => Ok(Self::Memory),
            ("memory", _) => Err("`memory://` has nothing behind it".to_owned()),
            ("sled", "") => Err(behind("sled:///var/lib/fieldgate/sled")),
            ("sqlite", "") => Err(behind("sqlite:///var/lib/fieldgate/fieldgate.db")),
            // Elsewhere such URLs carry options; to take them for a part of the name would make
            // another storage, and an empty one.
            ("sled" | "sqlite", place) if place.contains(['?', '#']) => {
                Err("it has no options: behind the path there is no `?` and no `#`".to_owned())
            }
            ("sled", place) => Ok(Self::Sled(place.into())),
            ("sqlite", place) => Ok(Self::Sqlite(place.into())),
            ("postgres" | "postgresql", _) => {
                let settings = text.parse::<PostgresSettings>();
                let settings = settings.map_err(|error| error.to_string())?;
                Ok(Self::Postgres(Box::new(settings)))
            }
            _ => Err(FORMS.to_owned()),
        }
    }
}

fn behind(example: &str) -> String {
    format!("a path follows, for example {example}")
}

const FORMS: &str =
    "it is one of sqlite://FILE, postgres://USER@HOST/DATABASE, sled://DIR and memory://";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_scheme_and_a_path() {
        let read = str::parse::<StorageUrl>;
        for url in ["memory://", "sqlite:///var/a b.db", "sled://here"] {
            assert_eq!(read(url).unwrap().masked(), url);
        }
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
