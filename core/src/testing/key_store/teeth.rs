//! Key stores with one fault each, and the clause that catches it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::ca::key_store::{KeyMaterial, KeyName, KeyStore, KeyStoreError};
use crate::testing::clauses::assert_caught;
use crate::testing::key_store::{
    DurableKeyStoreFixture, Handle, KeyStoreFixture, durable, material,
};

/// What is wrong with a key store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Fault {
    #[default]
    None,
    ForgetsOnReopening,
    HasOneName,
    IsShownWhole,
    Overwrites,
    OverwritesTheUnusable,
    TakesTheUnfinished,
    TakesTheUnreadableForNone,
    TrimsTheEnd,
    UsesWhatOthersRead,
    WritesInPieces,
}

#[derive(Clone)]
struct Kept {
    text: String,
    is_exposed: bool,
    is_spoiled: bool,
}

/// A key store as if it kept files.
#[derive(Clone, Default)]
struct FaultyStore {
    fault: Fault,
    files: Arc<Mutex<HashMap<KeyName, Kept>>>,
}

impl FaultyStore {
    fn with(fault: Fault) -> Self {
        Self {
            fault,
            files: Arc::default(),
        }
    }

    fn files(&self) -> MutexGuard<'_, HashMap<KeyName, Kept>> {
        self.files.lock().unwrap()
    }

    fn write(&self, name: KeyName, text: &str) {
        let kept = Kept {
            text: text.to_owned(),
            is_exposed: false,
            is_spoiled: false,
        };
        self.files().insert(name, kept);
    }

    fn name(&self, name: KeyName) -> KeyName {
        match self.fault {
            Fault::HasOneName => KeyName::Root,
            _ => name,
        }
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fault == Fault::IsShownWhole {
            for kept in self.files().values() {
                f.write_str(&kept.text)?;
            }
        }
        f.write_str("FaultyStore")
    }
}

#[async_trait]
impl KeyStore for FaultyStore {
    async fn load(&self, name: KeyName) -> Result<Option<KeyMaterial>, KeyStoreError> {
        let files = self.files();
        let Some(kept) = files.get(&self.name(name)) else {
            return Ok(None);
        };
        if kept.is_spoiled && self.fault == Fault::TakesTheUnreadableForNone {
            return Ok(None);
        }
        let is_exposed = kept.is_exposed && self.fault != Fault::UsesWhatOthersRead;
        if kept.is_spoiled || is_exposed {
            return Err(KeyStoreError::Unusable {
                name,
                reason: "close it".to_owned(),
            });
        }
        let text = match self.fault {
            Fault::TrimsTheEnd => kept.text.trim_end(),
            _ => &kept.text,
        };
        Ok(Some(KeyMaterial::from_pem(Zeroizing::new(text.to_owned()))))
    }

    async fn create(&self, name: KeyName, material: &KeyMaterial) -> Result<(), KeyStoreError> {
        let name = self.name(name);
        let text = material.expose_pem();
        let is_taken = self.files().get(&name).is_some_and(|kept| {
            self.fault != Fault::OverwritesTheUnusable || !(kept.is_exposed || kept.is_spoiled)
        });
        if is_taken && self.fault != Fault::Overwrites {
            return Err(KeyStoreError::AlreadyExists(name));
        }
        if self.fault == Fault::WritesInPieces {
            for end in 1..text.len() {
                self.write(name, &text[..end]);
                tokio::task::yield_now().await;
            }
        }
        self.write(name, text);
        Ok(())
    }
}

#[async_trait]
impl KeyStoreFixture for FaultyStore {
    async fn fresh() -> Self {
        Self::default()
    }

    fn key_store(&self) -> Handle {
        Arc::new(self.clone())
    }
}

#[async_trait]
impl DurableKeyStoreFixture for FaultyStore {
    async fn reopen(self) -> Self {
        if self.fault == Fault::ForgetsOnReopening {
            self.files().clear();
        }
        self
    }

    fn expose(&self, name: KeyName) {
        self.files().get_mut(&name).unwrap().is_exposed = true;
    }

    fn spoil(&self, name: KeyName) {
        self.files().get_mut(&name).unwrap().is_spoiled = true;
    }

    fn cut_off(&self, name: KeyName, material: &KeyMaterial) {
        if self.fault == Fault::TakesTheUnfinished {
            self.write(name, &material.expose_pem()[..100]);
        }
    }
}

/// Without a fault it keeps the contract: what a clause complains of is the fault.
mod without_a_fault {
    crate::key_store_contract!(super::FaultyStore);
    crate::durable_key_store_contract!(super::FaultyStore);
}

/// Asserts that a clause catches a fault, and says this.
macro_rules! assert_catches {
    (material::$clause:ident, $fault:ident, $complaint:literal) => {{
        let store = FaultyStore::with(Fault::$fault).key_store();
        let clause = async move { material::$clause(&store).await };
        assert_caught(clause, $complaint).await;
    }};
    (durable::$clause:ident, $fault:ident, $complaint:literal) => {{
        let fixture = FaultyStore::with(Fault::$fault);
        assert_caught(durable::$clause(fixture), $complaint).await;
    }};
}

#[tokio::test]
async fn faults_of_creating_and_loading_are_caught() {
    assert_catches!(material::every_octet_is_kept, TrimsTheEnd, "not what was");
    assert_catches!(material::names_are_apart, HasOneName, "the other name");
    assert_catches!(
        material::create_never_overwrites,
        Overwrites,
        "created twice"
    );
    assert_catches!(material::of_many_creates_one_wins, Overwrites, "succeeded");
    assert_catches!(
        material::a_load_sees_all_or_nothing,
        WritesInPieces,
        "a piece"
    );
    assert_catches!(material::nothing_of_it_shows, IsShownWhole, "shows");
}

#[tokio::test]
async fn faults_of_keeping_are_caught() {
    assert_catches!(
        durable::it_is_there_after_reopening,
        ForgetsOnReopening,
        "gone"
    );
    assert_catches!(
        durable::reopened_it_does_not_overwrite,
        Overwrites,
        "created twice"
    );
    assert_catches!(
        durable::a_create_that_was_cut_off_has_left_nothing,
        TakesTheUnfinished,
        "half a creation"
    );
    assert_catches!(
        durable::what_others_can_read_is_refused,
        UsesWhatOthersRead,
        "others can read"
    );
    assert_catches!(
        durable::what_cannot_be_read_is_not_none,
        TakesTheUnreadableForNone,
        "cannot be read"
    );
    assert_catches!(
        durable::what_is_refused_is_not_overwritten,
        OverwritesTheUnusable,
        "overwritten"
    );
}
