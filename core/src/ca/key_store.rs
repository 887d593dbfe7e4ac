//! The port to the place where the CA's keys lie, and one in memory.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use zeroize::Zeroizing;

/// Keeps the key material of the CA.
///
/// # Contract
///
/// The suite in `testing::key_store` tries these sentences.
///
/// * [`KeyStore::create`] is atomic: the whole of the material is there afterwards, or nothing of
///   it. Once it has returned `Ok` the material survives the loss of power.
/// * It never overwrites. Of any number of calls for one name exactly one returns `Ok`.
/// * [`KeyStore::load`] gives what was created, octet by octet, or fails; it never gives `None`
///   for material that is there and cannot be read.
/// * Material that others on the machine can read is refused, not used.
/// * Nothing of the material shows in a log, an error or `Debug`.
#[async_trait]
pub trait KeyStore: Debug + Send + Sync + 'static {
    /// Reads the material of a name; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::Unusable`] if it is there and must not or cannot be used.
    async fn load(&self, name: KeyName) -> Result<Option<KeyMaterial>, KeyStoreError>;

    /// Writes the material of a name that has none.
    ///
    /// # Errors
    ///
    /// [`KeyStoreError::AlreadyExists`] if it has some; that stays as it is.
    async fn create(&self, name: KeyName, material: &KeyMaterial) -> Result<(), KeyStoreError>;
}

/// Names a piece of key material.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum KeyName {
    /// The key and the certificate of the issuing CA, and the certificate of the root: all that a
    /// server needs.
    Issuing,
    /// The key and the certificate of the root. It is needed for making an issuing CA only, and
    /// may be kept elsewhere between times.
    Root,
}

impl KeyName {
    /// A name of lower-case letters, for example for a file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issuing => "issuing",
            Self::Root => "root",
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A private key with its certificates, in one piece of PEM so that they cannot be torn apart.
///
/// Never printed; wiped from memory when dropped.
#[derive(Clone)]
pub struct KeyMaterial {
    pem: Zeroizing<String>,
}

impl KeyMaterial {
    /// Takes the PEM text as it was stored.
    #[must_use]
    pub const fn from_pem(pem: Zeroizing<String>) -> Self {
        Self { pem }
    }

    /// The PEM text, private key and all: for the key store only.
    #[must_use]
    pub fn expose_pem(&self) -> &str {
        &self.pem
    }
}

impl Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(***)")
    }
}

/// Why a key store could not do what it was asked for.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// There already is material of this name.
    #[error("there already is key material named `{0}`")]
    AlreadyExists(KeyName),

    /// The place where the keys lie failed.
    #[error("the key material `{name}` could not be read or written")]
    Backend {
        /// Whose material.
        name: KeyName,
        /// What was reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The material is there and is not used.
    #[error("the key material `{name}` is not used: {reason}")]
    Unusable {
        /// Whose material.
        name: KeyName,
        /// What is wrong with it and what to do; lower-case, no full stop.
        reason: String,
    },
}

/// A [`KeyStore`] that forgets all when the process ends: for tests, and for hosts that keep no
/// certificates either.
#[derive(Debug, Default)]
pub struct MemoryKeyStore {
    materials: Mutex<HashMap<KeyName, KeyMaterial>>,
}

impl MemoryKeyStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the material of a name away, as for a root that is kept elsewhere.
    pub fn remove(&self, name: KeyName) -> Option<KeyMaterial> {
        self.lock().remove(&name)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<KeyName, KeyMaterial>> {
        self.materials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeyStore for MemoryKeyStore {
    async fn load(&self, name: KeyName) -> Result<Option<KeyMaterial>, KeyStoreError> {
        Ok(self.lock().get(&name).cloned())
    }

    async fn create(&self, name: KeyName, material: &KeyMaterial) -> Result<(), KeyStoreError> {
        let mut materials = self.lock();
        if materials.contains_key(&name) {
            return Err(KeyStoreError::AlreadyExists(name));
        }
        materials.insert(name, material.clone());
        Ok(())
    }
}
