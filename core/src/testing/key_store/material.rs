//! Clauses for what is created and loaded.

use std::error::Error;
use std::sync::Arc;

use crate::ca::key_store::{KeyName, KeyStoreError};
use crate::testing::key_store::{
    BOTH, Handle, assert_kept, assert_silent, create, long_material, material,
};

/// There is nothing in a fresh key store.
pub async fn what_was_never_created_is_none(store: &Handle) {
    for name in BOTH {
        assert!(store.load(name).await.unwrap().is_none(), "{name}");
    }
}

/// What was created is loaded, as often as one likes.
pub async fn what_was_created_is_loaded(store: &Handle) {
    create(store, KeyName::Issuing, "issuing").await;
    for _ in 0..2 {
        assert_kept(store, KeyName::Issuing, "issuing").await;
    }
}

/// Blanks, ends of lines and long texts come back as they were.
pub async fn every_octet_is_kept(store: &Handle) {
    create(store, KeyName::Issuing, " \r\n\t\u{e9}\n\r\n\n ").await;
    assert_kept(store, KeyName::Issuing, " \r\n\t\u{e9}\n\r\n\n ").await;
    let long = long_material();
    store.create(KeyName::Root, &long).await.unwrap();
    let kept = store.load(KeyName::Root).await.unwrap().unwrap();
    assert!(
        kept.expose_pem() == long.expose_pem(),
        "the long text has changed"
    );
}

/// The material of one name is not that of another.
pub async fn names_are_apart(store: &Handle) {
    create(store, KeyName::Root, "root").await;
    let issuing = store.load(KeyName::Issuing).await.unwrap();
    assert!(issuing.is_none(), "the other name has it, too");
    create(store, KeyName::Issuing, "issuing").await;
    assert_kept(store, KeyName::Root, "root").await;
    assert_kept(store, KeyName::Issuing, "issuing").await;
}

/// A second creation is refused, be it of the same, and changes nothing.
pub async fn create_never_overwrites(store: &Handle) {
    for name in BOTH {
        create(store, name, "first").await;
        for text in ["second", "first"] {
            let again = store.create(name, &material(text)).await;
            assert!(
                matches!(again, Err(KeyStoreError::AlreadyExists(taken)) if taken == name),
                "`{name}` was created twice: {again:?}"
            );
        }
        assert_kept(store, name, "first").await;
    }
}

/// Of many creations at once one succeeds, and its material is what is kept.
pub async fn of_many_creates_one_wins(store: &Handle) {
    let creating = (0..16).map(|number| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let text = number.to_string();
            match store.create(KeyName::Root, &material(&text)).await {
                Ok(()) => Some(text),
                Err(KeyStoreError::AlreadyExists(_)) => None,
                Err(error) => panic!("{error}"),
            }
        })
    });
    let mut winners = Vec::new();
    for creating in creating.collect::<Vec<_>>() {
        winners.extend(creating.await.unwrap());
    }
    assert_eq!(winners.len(), 1, "of many creations these succeeded");
    assert_kept(store, KeyName::Root, &winners[0]).await;
}

/// Who loads while another creates finds the whole, or nothing.
pub async fn a_load_sees_all_or_nothing(store: &Handle) {
    let creating = tokio::spawn({
        let store = Arc::clone(store);
        async move { store.create(KeyName::Root, &long_material()).await }
    });
    loop {
        let is_created = creating.is_finished();
        if let Some(found) = store.load(KeyName::Root).await.unwrap() {
            assert!(
                found.expose_pem() == long_material().expose_pem(),
                "a piece of the material was loaded"
            );
            break;
        }
        assert!(!is_created, "what was created is not there");
        tokio::task::yield_now().await;
    }
    creating.await.unwrap().unwrap();
}

/// Neither the key store nor its errors show what they are about.
pub async fn nothing_of_it_shows(store: &Handle) {
    create(store, KeyName::Root, "root").await;
    let refused = store.create(KeyName::Root, &material("other")).await;
    let error = refused.unwrap_err();
    assert_silent(&format!("{error:?}"));
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(error) = cause {
        assert_silent(&error.to_string());
        cause = error.source();
    }
    assert_silent(&format!("{store:?}"));
    let loaded = store.load(KeyName::Root).await.unwrap();
    assert_silent(&format!("{loaded:?}"));
}
