//! Clauses of [`Effects`] and
//! [`IdempotencyStore`](crate::storage::IdempotencyStore).

use super::world::{SERVER, limits, new_device, new_organization, snapshot};
use crate::model::api_key::KeyOwner;
use crate::model::idempotency::IdempotencyRecord;
use crate::model::tag::TagSelector;
use crate::storage::{Effects, StorageError, Unique};
use crate::testing::fixtures::{
    api_key, component, device, group, organization, parse, request, site, token,
};
use crate::testing::storage::Handle;

/// What a change is remembered by can be read back, unchanged, after each changing call.
pub async fn every_change_brings_its_effects(storage: &Handle) {
    let organization_id = new_organization(storage).await;
    let pump = new_device(storage, organization_id, "pump-7").await;
    let owner = KeyOwner::Organization(organization_id);

    let effects = remembering(KeyOwner::Server, "organization");
    let works = organization();
    let made = storage
        .create_organization(SERVER, &works, None, &effects)
        .await;
    made.unwrap();
    assert_remembered(storage, &effects).await;

    let effects = remembering(owner, "api-key");
    let made = storage.create_api_key(&api_key(owner), &effects).await;
    made.unwrap();
    assert_remembered(storage, &effects).await;

    let effects = remembering(owner, "site");
    let made = storage.create_site(&site(organization_id), &effects).await;
    made.unwrap();
    assert_remembered(storage, &effects).await;

    let effects = remembering(owner, "group");
    let group = group(organization_id, TagSelector::default());
    storage.create_group(&group, &effects).await.unwrap();
    assert_remembered(storage, &effects).await;

    let effects = remembering(owner, "device");
    let fan = device(organization_id, "fan-1");
    storage.create_device(&fan, &effects).await.unwrap();
    assert_remembered(storage, &effects).await;

    let effects = remembering(owner, "registration");
    let mast = device(organization_id, "mast-1");
    let of_mast = token(&mast);
    let made = storage.register_device(&mast, &of_mast, &effects).await;
    made.unwrap();
    assert_remembered(storage, &effects).await;

    let effects = remembering(owner, "token");
    let made = storage.create_token(&token(&pump), &effects).await;
    made.unwrap();
    assert_remembered(storage, &effects).await;

    let effects = remembering(owner, "component");
    let main = component(&pump, "main");
    let made = storage.create_component(&main, &limits(), &effects).await;
    made.unwrap();
    assert_remembered(storage, &effects).await;
}

/// A change whose idempotency key is taken is refused, and changes nothing.
pub async fn a_taken_key_refuses_every_change(storage: &Handle) {
    let organization_id = new_organization(storage).await;
    let pump = new_device(storage, organization_id, "pump-7").await;
    let owner = KeyOwner::Organization(organization_id);
    let effects = remembering(owner, "again");
    let made = storage.create_site(&site(organization_id), &effects).await;
    made.unwrap();
    let before = snapshot(storage, organization_id).await;
    let again = &remembering(owner, "again");

    let unborn = organization();
    let answer = storage
        .create_organization(SERVER, &unborn, None, again)
        .await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    assert_eq!(storage.organization(unborn.id).await.unwrap(), None);
    let answer = storage.create_api_key(&api_key(owner), again).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    let answer = storage.create_site(&site(organization_id), again).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    let group = group(organization_id, TagSelector::default());
    let answer = storage.create_group(&group, again).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    let fan = device(organization_id, "fan-1");
    let answer = storage.create_device(&fan, again).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    let answer = storage.register_device(&fan, &token(&fan), again).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    let answer = storage.create_token(&token(&pump), again).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    let component = component(&pump, "main");
    let answer = storage.create_component(&component, &limits(), again).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));

    assert_eq!(snapshot(storage, organization_id).await, before);
    assert_remembered(storage, &effects).await;
}

/// The key is checked before anything else: a repetition hears of the key, not of the name that
/// it took itself.
pub async fn the_key_is_checked_first(storage: &Handle) {
    let organization_id = new_organization(storage).await;
    let owner = KeyOwner::Organization(organization_id);
    let device = device(organization_id, "pump-7");
    let token = token(&device);
    let effects = remembering(owner, "once");
    let made = storage.register_device(&device, &token, &effects).await;
    made.unwrap();

    let answer = storage.register_device(&device, &token, &effects).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
    let unknown = organization().id;
    let answer = storage.create_site(&site(unknown), &effects).await;
    assert_refused!(answer, StorageError::Taken(Unique::IdempotencyKey));
}

/// A change that is refused remembers nothing.
pub async fn a_refused_change_has_no_effects(storage: &Handle) {
    let organization_id = new_organization(storage).await;
    let owner = KeyOwner::Organization(organization_id);
    new_device(storage, organization_id, "pump-7").await;
    let effects = remembering(owner, "refused");

    let namesake = device(organization_id, "pump-7");
    let answer = storage.create_device(&namesake, &effects).await;
    assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    let token = token(&namesake);
    let answer = storage.register_device(&namesake, &token, &effects).await;
    assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    let answer = storage.create_token(&token, &effects).await;
    assert_refused!(answer, StorageError::NotFound { .. });

    let found = storage.idempotency_record(owner, &parse("refused")).await;
    assert_eq!(found.unwrap(), None);
    let made = storage.create_site(&site(organization_id), &effects).await;
    made.unwrap();
    assert_remembered(storage, &effects).await;
}

/// That holds for every change that can be refused.
pub async fn no_refused_change_has_effects(storage: &Handle) {
    let id = new_organization(storage).await;
    let owner = KeyOwner::Organization(id);
    let pump = new_device(storage, id, "pump-7").await;
    let works = storage.organization(id).await.unwrap().unwrap();
    let (key, site) = (api_key(owner), site(id));
    let (group, main) = (group(id, TagSelector::default()), component(&pump, "main"));
    let token = token(&pump);
    let (none, effects) = (&Effects::NONE, remembering(owner, "refused"));
    storage.create_api_key(&key, none).await.unwrap();
    storage.create_site(&site, none).await.unwrap();
    storage.create_group(&group, none).await.unwrap();
    storage.create_token(&token, none).await.unwrap();
    let made = storage.create_component(&main, &limits(), none).await;
    made.unwrap();
    let before = snapshot(storage, id).await;

    let answer = storage.create_organization(SERVER, &works, None, &effects);
    assert_refused!(answer.await, StorageError::Taken(Unique::Id));
    let answer = storage.create_api_key(&key, &effects).await;
    assert_refused!(answer, StorageError::Taken(_));
    let answer = storage.create_site(&site, &effects).await;
    assert_refused!(answer, StorageError::Taken(Unique::Id));
    let answer = storage.create_group(&group, &effects).await;
    assert_refused!(answer, StorageError::Taken(Unique::Id));
    let answer = storage.create_device(&pump, &effects).await;
    assert_refused!(answer, StorageError::Taken(_));
    let answer = storage.create_token(&token, &effects).await;
    assert_refused!(answer, StorageError::Taken(Unique::Id));
    let answer = storage.create_component(&main, &limits(), &effects).await;
    assert_refused!(answer, StorageError::Taken(_));

    let found = storage.idempotency_record(owner, &parse("refused")).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!(snapshot(storage, id).await, before);
}

/// The keys of one owner never meet those of another.
pub async fn owners_are_apart(storage: &Handle) {
    let first = KeyOwner::Organization(new_organization(storage).await);
    let second = new_organization(storage).await;
    let effects = remembering(first, "the-same");
    let made = storage.create_site(&site(second), &effects).await;
    made.unwrap();

    for owner in [KeyOwner::Organization(second), KeyOwner::Server] {
        let key = parse("the-same");
        let found = storage.idempotency_record(owner, &key).await;
        assert_eq!(found.unwrap(), None);
        let effects = remembering(owner, "the-same");
        let made = storage.create_site(&site(second), &effects).await;
        made.unwrap();
        assert_remembered(storage, &effects).await;
    }
    assert_remembered(storage, &effects).await;
}

/// Keys are told apart to the letter.
pub async fn keys_are_exact(storage: &Handle) {
    let organization_id = new_organization(storage).await;
    let owner = KeyOwner::Organization(organization_id);
    for key in ["Key", "key", "key%", "ke_", "key'--", "k"] {
        let effects = remembering(owner, key);
        let made = storage.create_site(&site(organization_id), &effects).await;
        made.unwrap();
        assert_remembered(storage, &effects).await;
    }
    let found = storage.idempotency_record(owner, &parse("KEY")).await;
    assert_eq!(found.unwrap(), None);
}

fn remembering(owner: KeyOwner, key: &str) -> Effects {
    Effects {
        idempotency: Some(request(owner, key)),
    }
}

async fn assert_remembered(storage: &Handle, effects: &Effects) {
    let record: &IdempotencyRecord = effects.idempotency.as_ref().unwrap();
    let found = storage.idempotency_record(record.owner, &record.key).await;
    assert_eq!(found.unwrap().as_ref(), Some(record));
}
