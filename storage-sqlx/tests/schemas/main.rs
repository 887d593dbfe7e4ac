//! Stores of each schema that there ever was: they open, with all that they held.
//!
//! How they are made says `tests/stores/README.md`.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "these are tests: a failure has to name its line"
)]

use std::path::PathBuf;

mod postgres;
mod sqlite;

/// The stores of a backend that are kept, by their schemas, the oldest first.
fn kept(backend: &str, suffix: &str) -> Vec<(i64, PathBuf)> {
    let stores: Vec<_> = (1..1000)
        .map(|schema| (schema, place(backend, schema, suffix)))
        .filter(|(_, path)| path.exists())
        .collect();
    assert_eq!(stores.first().map(|(schema, _)| *schema), Some(1));
    stores
}

/// Where the store of a schema lies; it is missing for a new one, and made where that is asked for.
/// A store that is there is never written again.
fn missing(backend: &str, schema: i64, suffix: &str) -> Option<PathBuf> {
    let path = place(backend, schema, suffix);
    if path.exists() {
        return None;
    }
    let made = std::env::var_os("BLESS").is_some();
    assert!(
        made,
        "no {backend} store of schema {schema} is kept: make it, by `BLESS=1 cargo nextest run -p \
         fieldgate-storage-sqlx --all-features --test schemas`"
    );
    Some(path)
}

fn place(backend: &str, schema: i64, suffix: &str) -> PathBuf {
    let stores = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stores");
    PathBuf::from(stores).join(format!("{backend}-{schema}.{suffix}"))
}
