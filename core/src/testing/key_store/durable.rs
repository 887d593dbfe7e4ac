//! Clauses for material that outlives the process, and lies where others may be.

use crate::ca::key_store::{KeyName, KeyStoreError};
use crate::testing::key_store::{
    BOTH, DurableKeyStoreFixture, assert_kept, assert_silent, create, long_material, material,
};

/// What was created is there after a restart.
pub async fn it_is_there_after_reopening<F: DurableKeyStoreFixture>(fixture: F) {
    create(&fixture.key_store(), KeyName::Issuing, "issuing").await;
    let fixture = fixture.reopen().await;
    let store = fixture.key_store();
    assert_kept(&store, KeyName::Issuing, "issuing").await;
    assert!(store.load(KeyName::Root).await.unwrap().is_none());
}

/// What was created before a restart is not overwritten after it.
pub async fn reopened_it_does_not_overwrite<F: DurableKeyStoreFixture>(fixture: F) {
    create(&fixture.key_store(), KeyName::Root, "first").await;
    let fixture = fixture.reopen().await;
    let store = fixture.key_store();
    let again = store.create(KeyName::Root, &material("second")).await;
    assert!(
        matches!(again, Err(KeyStoreError::AlreadyExists(KeyName::Root))),
        "it was created twice: {again:?}"
    );
    assert_kept(&store, KeyName::Root, "first").await;
}

/// After a creation that was cut off there is nothing, and it can be done again.
pub async fn a_create_that_was_cut_off_has_left_nothing<F: DurableKeyStoreFixture>(fixture: F) {
    for name in BOTH {
        fixture.cut_off(name, &long_material());
    }
    let fixture = fixture.reopen().await;
    let store = fixture.key_store();
    for name in BOTH {
        let found = store.load(name).await.unwrap();
        assert!(found.is_none(), "half a creation of `{name}` counts");
        create(&store, name, "whole").await;
        assert_kept(&store, name, "whole").await;
    }
}

/// Material that others on the machine can read is not used, nor shown.
pub async fn what_others_can_read_is_refused<F: DurableKeyStoreFixture>(fixture: F) {
    let store = fixture.key_store();
    for name in BOTH {
        create(&store, name, "known").await;
        fixture.expose(name);
        match store.load(name).await {
            Err(KeyStoreError::Unusable {
                name: refused,
                reason,
            }) => {
                assert_eq!(refused, name);
                assert!(!reason.is_empty(), "it is not said what to do");
                assert_silent(&reason);
            }
            other => panic!("`{name}` is used, though others can read it: {other:?}"),
        }
    }
}

/// Material that cannot be read is an error: as `None` it would be made anew, and all devices
/// would be lost.
pub async fn what_cannot_be_read_is_not_none<F: DurableKeyStoreFixture>(fixture: F) {
    let store = fixture.key_store();
    for name in BOTH {
        create(&store, name, "good").await;
        fixture.spoil(name);
        let found = store.load(name).await;
        assert!(found.is_err(), "`{name}` cannot be read: {found:?}");
        assert_silent(&format!("{found:?}"));
    }
}

/// What is there and is not used keeps its place.
pub async fn what_is_refused_is_not_overwritten<F: DurableKeyStoreFixture>(fixture: F) {
    let store = fixture.key_store();
    create(&store, KeyName::Root, "known").await;
    fixture.expose(KeyName::Root);
    create(&store, KeyName::Issuing, "good").await;
    fixture.spoil(KeyName::Issuing);
    for name in BOTH {
        let again = store.create(name, &material("new")).await;
        assert!(
            matches!(again, Err(KeyStoreError::AlreadyExists(taken)) if taken == name),
            "what was there is overwritten: {again:?}"
        );
        assert!(store.load(name).await.is_err(), "`{name}` is used");
    }
}
