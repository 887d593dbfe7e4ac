//! Who may come in with a key.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldgate_core::Error;
use fieldgate_core::clock::Clock;
use fieldgate_core::model::api_key::{ApiKeySettings, KeyOwner, Scope};

use crate::System;

fn wanted(scopes: &[Scope]) -> ApiKeySettings {
    ApiKeySettings {
        name: "robot".parse().unwrap(),
        scopes: scopes.iter().copied().collect(),
        expires_at: None,
    }
}

fn all() -> BTreeSet<Scope> {
    Scope::ORGANIZATION.into_iter().collect()
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
    let minter: BTreeSet<Scope> = [Scope::Admin, Scope::DataRead].into();
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
    let narrow = BTreeSet::from([Scope::Admin, Scope::DataRead]);

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
