//! The contract of the port to the place where the CA's keys lie: one function per clause.
#![expect(
    clippy::unwrap_used,
    reason = "these are the bodies of tests: a failure has to name its line"
)]

pub mod durable;
mod list_of_clauses;
pub mod material;

#[cfg(test)]
mod teeth;

use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::ca::key_store::{KeyMaterial, KeyName, KeyStore};

/// A handle to the key store that a clause tries.
pub type Handle = Arc<dyn KeyStore>;

/// What an implementation gives to the suite: a fresh key store per test.
#[async_trait]
pub trait KeyStoreFixture: Sized + Send + Sync {
    /// A fresh, empty key store of its own; the fixture owns what must outlive it, for example a
    /// temporary directory.
    async fn fresh() -> Self;

    /// A handle to it.
    fn key_store(&self) -> Handle;
}

/// What an implementation gives to the suite whose material outlives the process.
#[async_trait]
pub trait DurableKeyStoreFixture: KeyStoreFixture {
    /// Closes the key store and opens what it left behind.
    async fn reopen(self) -> Self;

    /// Lets others on the machine read the material of a name.
    fn expose(&self, name: KeyName);

    /// Spoils the material of a name, so that it is there and cannot be read.
    fn spoil(&self, name: KeyName);

    /// Leaves behind what a call of [`KeyStore::create`] has written when the power goes before
    /// its last step.
    fn cut_off(&self, name: KeyName, material: &KeyMaterial);
}

const BOTH: [KeyName; 2] = [KeyName::Issuing, KeyName::Root];

/// Material with a text of its own. Nothing that a key store shows may have [`MARK`] in it.
fn material(text: &str) -> KeyMaterial {
    KeyMaterial::from_pem(Zeroizing::new(format!("{MARK}{text}")))
}

/// Material that is as long as that of two large keys with their certificates.
fn long_material() -> KeyMaterial {
    let mut text = String::new();
    for line in 0..256 {
        writeln!(text, "{line:064}").unwrap();
    }
    material(&text)
}

async fn create(store: &Handle, name: KeyName, text: &str) {
    store.create(name, &material(text)).await.unwrap();
}

/// Asserts that this, and nothing else, is kept under a name.
async fn assert_kept(store: &Handle, name: KeyName, text: &str) {
    let kept = store.load(name).await.unwrap();
    let kept = kept.unwrap_or_else(|| panic!("`{name}` is gone"));
    assert!(
        kept.expose_pem() == material(text).expose_pem(),
        "`{name}` is not what was created"
    );
}

/// Asserts that a text gives nothing of the material away.
#[track_caller]
fn assert_silent(shown: &str) {
    assert!(!shown.contains(MARK), "the material shows: {shown}");
}

const MARK: &str = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0";
