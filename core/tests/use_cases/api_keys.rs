//! Who may come in with a key.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldgate_core::Error;
use fieldgate_core::clock::Clock;
use fieldgate_core::model::api_key::{ApiKeySettings, Grant, KeyOwner, Scope};
use fieldgate_core::model::page::{PageLimit, PageRequest};

use crate::System;

fn wanted(scopes: &[Scope]) -> ApiKeySettings {
    ApiKeySettings {
        name: "robot".parse().unwrap(),
        scopes: scopes.iter().copied().collect(),
        expires_at: None,
    }
}

fn all() -> Grant {
    grant(&Scope::ORGANIZATION)
}

fn grant(scopes: &[Scope]) -> Grant {
    Grant {
        scopes: scopes.iter().copied().collect(),
        expires_at: None,
    }
}

#[tokio::test]
async fn a_minted_key_comes_in_until_it_is_revoked() {
    let system = System::new().await;
    let owner = KeyOwner::Organization(system.organization);
    let keys = system.fieldgate.api_keys();
    let minted = keys
        .mint(owner, &all(), wanted(&[Scope::DataRead]), None)
        .await
        .unwrap();
    let text = minted.text.unwrap();
    let known = keys.authenticate(&text).await.unwrap();
    assert_eq!((known.id, known.owner), (minted.key.id, owner));

    keys.revoke(owner, minted.key.id, None).await.unwrap();
    let refused = keys.authenticate(&text).await;
    assert!(matches!(refused, Err(Error::Unauthorized { .. })));
}

#[tokio::test]
async fn wrong_expired_and_unknown_keys_get_one_answer() {
    let system = System::new().await;
    let owner = KeyOwner::Organization(system.organization);
    let keys = system.fieldgate.api_keys();
    let mut new = wanted(&[Scope::DataRead]);
    new.expires_at = Some(system.clock.now().plus(Duration::from_secs(60)));
    let minted = keys.mint(owner, &all(), new, None).await.unwrap();
    let text = minted.text.unwrap();
    keys.authenticate(&text).await.unwrap();
    system.advance(60);

    let wrong = format!("{}{}", &text[..text.len() - 43], "A".repeat(43));
    let unknown = format!("sk_{}_{}", "0".repeat(16), "A".repeat(43));
    let mut answers = Vec::new();
    for shown in [text.as_str(), &wrong, &unknown, "sk_", ""] {
        answers.push(keys.authenticate(shown).await.unwrap_err().to_string());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_key_mints_only_a_subset_of_its_own_scopes() {
    let system = System::new().await;
    let owner = KeyOwner::Organization(system.organization);
    let minter = grant(&[Scope::Admin, Scope::DataRead]);
    let keys = system.fieldgate.api_keys();
    let more = keys
        .mint(owner, &minter, wanted(&[Scope::DevicesWrite]), None)
        .await;
    assert!(matches!(more, Err(Error::Forbidden { .. })), "{more:?}");
    let server = keys
        .mint(owner, &minter, wanted(&[Scope::Server]), None)
        .await;
    assert!(matches!(server, Err(Error::Invalid { .. })), "{server:?}");
    let none = keys.mint(owner, &minter, wanted(&[]), None).await;
    assert!(matches!(none, Err(Error::Invalid { .. })), "{none:?}");
}

#[tokio::test]
async fn nothing_prints_a_key() {
    let system = System::new().await;
    let owner = KeyOwner::Organization(system.organization);
    let keys = system.fieldgate.api_keys();
    let minted = keys
        .mint(owner, &all(), wanted(&[Scope::DataRead]), None)
        .await
        .unwrap();
    let printed = format!("{minted:?}");
    let text = minted.text.unwrap();
    let secret = text.rsplit('_').next().unwrap();
    assert!(!printed.contains(secret), "{printed}");
}

#[tokio::test]
async fn the_last_use_is_written_down_later_to_the_minute() {
    let system = System::new().await;
    let owner = KeyOwner::Organization(system.organization);
    let keys = system.fieldgate.api_keys();
    let minted = keys
        .mint(owner, &all(), wanted(&[Scope::DataRead]), None)
        .await
        .unwrap();
    let text = minted.text.unwrap();
    system.advance(5);
    keys.authenticate(&text).await.unwrap();
    system.fieldgate.maintenance().write_seen().await.unwrap();
    system.advance(59);
    keys.authenticate(&text).await.unwrap();
    system.fieldgate.maintenance().write_seen().await.unwrap();
    let key = keys.key(owner, minted.key.id).await.unwrap();
    let used = key.last_used_at.unwrap();
    assert_eq!(used.to_string(), "2026-06-15T12:00:05.000Z");
}

#[tokio::test]
async fn a_changed_key_may_do_no_more_than_who_changes_it() {
    let system = System::new().await;
    let owner = KeyOwner::Organization(system.organization);
    let keys = system.fieldgate.api_keys();
    let everything = all();
    let minted = keys.mint(owner, &everything, wanted(&[Scope::DataRead]), None);
    let minted = minted.await.unwrap();
    let text = minted.text.unwrap();
    let narrow = grant(&[Scope::Admin, Scope::DataRead]);

    let wider = wanted(&[Scope::DataRead, Scope::DevicesWrite]);
    let refused = keys.update(owner, &narrow, minted.key.id, None, &wider);
    assert!(matches!(refused.await, Err(Error::Forbidden { .. })));
    let mut over = wanted(&[Scope::DataRead]);
    over.expires_at = Some(system.clock.now());
    let refused = keys.update(owner, &narrow, minted.key.id, None, &over);
    assert!(matches!(refused.await, Err(Error::Invalid { .. })));
    let same = keys.authenticate(text.as_str()).await.unwrap();
    assert_eq!(same.scopes, BTreeSet::from([Scope::DataRead]));

    let other = wanted(&[Scope::Admin]);
    let updated = keys.update(owner, &narrow, minted.key.id, None, &other);
    assert_eq!(updated.await.unwrap().revision, minted.key.revision.next());
    let changed = keys.authenticate(text.as_str()).await.unwrap();
    assert_eq!(changed.scopes, BTreeSet::from([Scope::Admin]));
}

#[tokio::test]
async fn a_key_mints_and_changes_none_that_outlives_it() {
    let system = System::new().await;
    let owner = KeyOwner::Organization(system.organization);
    let keys = system.fieldgate.api_keys();
    let now = system.clock.now();
    let ends = |secs| Some(now.plus(Duration::from_secs(secs)));
    let minter = Grant {
        expires_at: ends(60),
        ..all()
    };
    let wanted = |expires_at| ApiKeySettings {
        expires_at,
        ..wanted(&[Scope::DataRead])
    };
    let minted = keys.mint(owner, &minter, wanted(ends(60)), None).await;
    let minted = minted.unwrap();
    for longer in [None, ends(61)] {
        let refused = keys.mint(owner, &minter, wanted(longer), None).await;
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("2026-06-15T12:01:00.000Z"), "{text}");
        let changed = wanted(longer);
        let refused = keys.update(owner, &minter, minted.key.id, None, &changed);
        assert!(matches!(refused.await, Err(Error::Forbidden { .. })));
    }
    let shorter = wanted(ends(59));
    let changed = keys.update(owner, &minter, minted.key.id, None, &shorter);
    assert_eq!(changed.await.unwrap().expires_at, ends(59));
}

#[tokio::test]
async fn the_last_key_that_makes_others_stays() {
    let system = System::new().await;
    let owner = KeyOwner::Organization(system.organization);
    let keys = system.fieldgate.api_keys();
    let every = all();
    let first = keys.list(owner, PageRequest::first(PageLimit::MAX)).await;
    let first = first.unwrap().items.remove(0);
    let reader = keys.mint(owner, &every, wanted(&[Scope::DataRead]), None);
    let reader = reader.await.unwrap().key;
    let mut brief = wanted(&[Scope::Admin]);
    brief.expires_at = Some(system.clock.now().plus(Duration::from_secs(60)));
    keys.mint(owner, &every, brief, None).await.unwrap();
    system.advance(60);

    let is_last = |error: Error| {
        let code = match &error {
            Error::Conflict { code, .. } => *code,
            _ => "",
        };
        assert_eq!(code, "last_admin_key", "{error}");
    };
    // One that has expired and one without the scope do not count.
    is_last(keys.revoke(owner, first.id, None).await.unwrap_err());
    let less = wanted(&[Scope::DataRead]);
    let updated = keys.update(owner, &every, first.id, None, &less).await;
    is_last(updated.unwrap_err());
    let stale = keys.revoke(owner, first.id, Some(first.revision.next()));
    assert!(matches!(stale.await, Err(Error::StaleRevision { .. })));
    let renamed = wanted(&Scope::ORGANIZATION);
    let renamed = keys.update(owner, &every, first.id, None, &renamed);
    renamed.await.unwrap();
    keys.revoke(owner, reader.id, None).await.unwrap();

    // One that ends makes none that does not: with the last that lasts, all would end.
    let mut brief = wanted(&[Scope::Admin]);
    brief.expires_at = Some(system.clock.now().plus(Duration::from_secs(3600)));
    let updated = keys.update(owner, &every, first.id, None, &brief).await;
    is_last(updated.unwrap_err());
    let other = keys.mint(owner, &every, brief, None).await.unwrap().key;
    is_last(keys.revoke(owner, first.id, None).await.unwrap_err());
    keys.revoke(owner, other.id, None).await.unwrap();

    // Of two that go for each other, one stays.
    let second = keys.mint(owner, &every, wanted(&[Scope::Admin]), None);
    let second = second.await.unwrap().key;
    let (one, other) = tokio::join!(
        keys.revoke(owner, first.id, None),
        keys.update(owner, &every, second.id, None, &less)
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
}

#[tokio::test]
async fn the_last_key_of_the_server_stays() {
    let system = System::new().await;
    let keys = system.fieldgate.api_keys();
    let server = grant(&[Scope::Server]);
    let mint = || keys.mint(KeyOwner::Server, &server, wanted(&[Scope::Server]), None);
    let (one, other) = (mint().await.unwrap().key, mint().await.unwrap().key);
    keys.revoke(KeyOwner::Server, one.id, None).await.unwrap();
    let refused = keys.revoke(KeyOwner::Server, other.id, None).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })));
}
