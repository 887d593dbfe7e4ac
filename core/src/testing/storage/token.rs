//! Clauses of [`TokenStore`](crate::storage::TokenStore), but for redemption.

use std::time::Duration;

use super::world::{
    ALL_TOKEN_STATES, issue, new_device, new_organization, new_token, pump, snapshot, stored,
    try_redeem,
};
use crate::model::device::Device;
use crate::model::id::{OrganizationId, TokenId};
use crate::model::timestamp::Timestamp;
use crate::model::token::{RegistrationToken, TokenFate, TokenState};
use crate::storage::{Effects, Redemption, StorageError, TokenRefused, Unique};
use crate::testing::fixtures::{after, before, certificate, device, noon, site, token};
use crate::testing::storage::Handle;

/// A device and its first token are there together, unchanged.
pub async fn register_then_read(storage: &Handle) {
    let pump = device(new_organization(storage).await, "pump-7");
    let token = token(&pump);

    let registered = storage.register_device(&pump, &token, &Effects::NONE).await;

    registered.unwrap();
    assert_eq!(stored(storage, &pump).await, pump);
    assert_same(storage.token(token.id).await.unwrap(), &token);
}

/// Where the device is refused, its token is not there either, and the other way round.
pub async fn register_is_all_or_nothing(storage: &Handle) {
    let known = pump(storage).await;
    let id = known.organization_id;
    let known_token = new_token(storage, &known).await;
    let before = snapshot(storage, id).await;

    let namesake = device(id, "pump-7");
    let answer = register(storage, &namesake, &token(&namesake)).await;
    assert_refused!(answer, StorageError::Taken(Unique::DeviceName));
    let mut twin = device(id, "twin");
    twin.id = known.id;
    let answer = register(storage, &twin, &token(&twin)).await;
    assert_refused!(answer, StorageError::Taken(Unique::Id));
    let mut lost = device(id, "lost");
    lost.settings.site_id = Some(site(id).id);
    let answer = register(storage, &lost, &token(&lost)).await;
    assert_refused!(answer, StorageError::UnknownSite);
    let elsewhere = site(new_organization(storage).await);
    storage
        .create_site(&elsewhere, &Effects::NONE)
        .await
        .unwrap();
    lost.settings.site_id = Some(elsewhere.id);
    let answer = register(storage, &lost, &token(&lost)).await;
    assert_refused!(answer, StorageError::UnknownSite);
    let fan = device(id, "fan-1");
    let mut taken = token(&fan);
    taken.id = known_token.id;
    let answer = register(storage, &fan, &taken).await;
    assert_refused!(answer, StorageError::Taken(Unique::Id));

    assert_eq!(snapshot(storage, id).await, before);
    register(storage, &fan, &token(&fan)).await.unwrap();
}

/// A created token can be read back, unchanged.
pub async fn create_then_read(storage: &Handle) {
    let pump = pump(storage).await;
    let mut token = token(&pump);
    token.expires_at = Timestamp::MAX;

    storage.create_token(&token, &Effects::NONE).await.unwrap();

    assert_same(storage.token(token.id).await.unwrap(), &token);
    let unknown = self::token(&pump);
    assert!(storage.token(unknown.id).await.unwrap().is_none());
}

/// A taken id is refused, and the device's open token stays open.
pub async fn create_refuses_a_taken_id(storage: &Handle) {
    let pump = pump(storage).await;
    let first = new_token(storage, &pump).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let of_fan = new_token(storage, &fan).await;
    let before = snapshot(storage, pump.organization_id).await;

    for taken in [first.id, of_fan.id] {
        let second = RegistrationToken {
            id: taken,
            ..token(&pump)
        };
        let answer = storage.create_token(&second, &Effects::NONE).await;
        assert_refused!(answer, StorageError::Taken(Unique::Id));
    }

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
    assert_same(storage.token(first.id).await.unwrap(), &first);
}

/// A token needs a device.
pub async fn create_needs_a_device(storage: &Handle) {
    let organization = new_organization(storage).await;
    let token = token(&device(organization, "unknown"));

    let answer = storage.create_token(&token, &Effects::NONE).await;

    assert_refused!(answer, StorageError::NotFound { .. });
    assert!(storage.token(token.id).await.unwrap().is_none());
}

/// A new token of a device revokes its open one, at the time when the new one is made, and no
/// other device's.
pub async fn a_new_token_revokes_the_open_one(storage: &Handle) {
    let pump = pump(storage).await;
    let fan = new_device(storage, pump.organization_id, "fan-1").await;
    let of_fan = new_token(storage, &fan).await;
    let mut older = new_token(storage, &pump).await;
    let mut newer = token(&pump);
    newer.created_at = after(60);

    storage.create_token(&newer, &Effects::NONE).await.unwrap();

    older.fate = TokenFate::Revoked { at: after(60) };
    assert_same(storage.token(older.id).await.unwrap(), &older);
    assert_same(storage.token(newer.id).await.unwrap(), &newer);
    assert_same(storage.token(of_fan.id).await.unwrap(), &of_fan);
    let answer = try_redeem(storage, &older, &certificate(&pump)).await;
    assert_eq!(answer, Redemption::Refused(TokenRefused::Revoked));
    let answer = try_redeem(storage, &newer, &certificate(&pump)).await;
    assert!(matches!(answer, Redemption::Recorded(_)), "{answer:?}");
}

/// A new token leaves alone what is no longer open.
pub async fn a_new_token_spares_the_used_and_the_revoked(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let used = new_token(storage, &pump).await;
    let answer = try_redeem(storage, &used, &certificate(&pump)).await;
    assert!(matches!(answer, Redemption::Recorded(_)), "{answer:?}");
    let revoked = new_token(storage, &pump).await;
    let answer = storage.revoke_token(id, revoked.id, after(5)).await;
    answer.unwrap();
    let used = storage.token(used.id).await.unwrap().unwrap();
    let revoked = storage.token(revoked.id).await.unwrap().unwrap();

    let mut newer = token(&pump);
    newer.created_at = after(60);
    storage.create_token(&newer, &Effects::NONE).await.unwrap();

    assert_same(storage.token(used.id).await.unwrap(), &used);
    assert_same(storage.token(revoked.id).await.unwrap(), &revoked);
}

/// An expired token that a newer one has replaced is never open again, also when the clock runs
/// backwards.
pub async fn an_expired_token_is_replaced_for_good(storage: &Handle) {
    let pump = pump(storage).await;
    let mut older = token(&pump);
    older.expires_at = after(60);
    storage.create_token(&older, &Effects::NONE).await.unwrap();
    let mut newer = token(&pump);
    newer.created_at = after(120);
    storage.create_token(&newer, &Effects::NONE).await.unwrap();

    let stored = storage.token(older.id).await.unwrap().unwrap();
    assert_ne!(stored.state(noon()), TokenState::Pending);
    let open = ids(
        storage,
        pump.organization_id,
        &[TokenState::Pending],
        noon(),
    )
    .await;
    assert_eq!(open, [newer.id]);
}

/// The list holds the tokens that are in one of the states at the time asked for, by id; at its
/// end a token is expired, a millisecond before it is not.
pub async fn the_list_is_by_state_and_id(storage: &Handle) {
    let organization = new_organization(storage).await;
    let elsewhere = pump(storage).await;
    new_token(storage, &elsewhere).await;
    let mut open = Vec::new();
    let mut used = Vec::new();
    let mut revoked = Vec::new();
    for number in 0..4 {
        let device = new_device(storage, organization, &format!("device-{number}")).await;
        let first = new_token(storage, &device).await;
        try_redeem(storage, &first, &certificate(&device)).await;
        used.push(first.id);
        revoked.push(new_token(storage, &device).await.id);
        open.push(new_token(storage, &device).await.id);
    }
    let end = after(24 * 3600);
    let just_before = end.minus(Duration::from_millis(1));
    let sorted = |parts: &[&[TokenId]]| {
        let mut all = parts.concat();
        all.sort();
        all
    };
    let (pending, expired) = (TokenState::Pending, TokenState::Expired);
    let cases = [
        (vec![pending], just_before, sorted(&[&open])),
        (vec![pending], end, vec![]),
        (vec![expired], just_before, vec![]),
        (vec![expired], end, sorted(&[&open])),
        (vec![TokenState::Used], end, sorted(&[&used])),
        (vec![TokenState::Revoked], end, sorted(&[&revoked])),
        (
            vec![pending, TokenState::Used],
            noon(),
            sorted(&[&open, &used]),
        ),
        (vec![], noon(), vec![]),
        (
            ALL_TOKEN_STATES.to_vec(),
            end,
            sorted(&[&open, &used, &revoked]),
        ),
    ];

    for (states, now, expected) in cases {
        for limit in [1, 2, 5, 500] {
            let tokens = all_pages!(
                limit,
                |page| storage.tokens(organization, &states, now, page),
                |token| token.id
            );
            let found: Vec<_> = tokens.iter().map(|token| token.id).collect();
            assert_eq!(found, expected, "{states:?} at {now} by {limit}");
        }
    }
}

/// Revoking says in which state it found the token, and changes only an open one.
pub async fn revoke_says_what_it_found(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let mut revoked = new_token(storage, &pump).await;
    let answer = storage.revoke_token(id, revoked.id, after(5)).await;
    assert_eq!(answer.unwrap(), TokenState::Pending);
    revoked.fate = TokenFate::Revoked { at: after(5) };
    assert_same(storage.token(revoked.id).await.unwrap(), &revoked);
    let answer = storage.revoke_token(id, revoked.id, after(9)).await;
    assert_eq!(answer.unwrap(), TokenState::Revoked);
    assert_same(storage.token(revoked.id).await.unwrap(), &revoked);

    let used = new_token(storage, &pump).await;
    try_redeem(storage, &used, &certificate(&pump)).await;
    let used = storage.token(used.id).await.unwrap().unwrap();
    let answer = storage.revoke_token(id, used.id, after(9)).await;
    assert_eq!(answer.unwrap(), TokenState::Used);
    assert_same(storage.token(used.id).await.unwrap(), &used);

    let open = new_token(storage, &pump).await;
    let answer = storage.revoke_token(id, open.id, open.expires_at).await;
    assert_eq!(answer.unwrap(), TokenState::Expired);
    let found = storage.token(open.id).await.unwrap().unwrap();
    assert_ne!(found.state(open.expires_at), TokenState::Revoked);

    let fresh = new_token(storage, &pump).await;
    let just_before = fresh.expires_at.minus(Duration::from_millis(1));
    let answer = storage.revoke_token(id, fresh.id, just_before).await;
    assert_eq!(answer.unwrap(), TokenState::Pending);
}

/// Revoking what is not there is an error.
pub async fn revoke_needs_a_record(storage: &Handle) {
    let pump = pump(storage).await;
    let unknown = token(&pump);

    let answer = storage
        .revoke_token(pump.organization_id, unknown.id, noon())
        .await;

    assert_refused!(answer, StorageError::NotFound { .. });
}

/// What has been recorded of a token stays, also when the clock runs backwards.
pub async fn recorded_states_stay(storage: &Handle) {
    let pump = pump(storage).await;
    let id = pump.organization_id;
    let revoked = new_token(storage, &pump).await;
    let answer = storage.revoke_token(id, revoked.id, noon()).await;
    answer.unwrap();
    issue(storage, &pump).await;

    for now in [
        Timestamp::UNIX_EPOCH,
        before(3600),
        after(48 * 3600),
        Timestamp::MAX,
    ] {
        let found = ids(storage, id, &[TokenState::Revoked], now).await;
        assert_eq!(found, [revoked.id]);
        assert_eq!(ids(storage, id, &[TokenState::Used], now).await.len(), 1);
    }
}

/// Minting and revoking change nothing of the device.
pub async fn the_device_stays_as_it_is(storage: &Handle) {
    let pump = pump(storage).await;

    let token = new_token(storage, &pump).await;
    let answer = storage
        .revoke_token(pump.organization_id, token.id, noon())
        .await;
    answer.unwrap();
    new_token(storage, &pump).await;

    assert_eq!(stored(storage, &pump).await, pump);
}

async fn register(
    storage: &Handle,
    device: &Device,
    token: &RegistrationToken,
) -> Result<(), StorageError> {
    storage.register_device(device, token, &Effects::NONE).await
}

async fn ids(
    storage: &Handle,
    organization: OrganizationId,
    states: &[TokenState],
    now: Timestamp,
) -> Vec<TokenId> {
    let tokens = all_pages!(
        500,
        |page| storage.tokens(organization, states, now, page),
        |token| token.id
    );
    tokens.iter().map(|token| token.id).collect()
}

/// There is no `==` for tokens, so that nobody compares hashes by it.
#[track_caller]
fn assert_same(found: Option<RegistrationToken>, expected: &RegistrationToken) {
    let found = found.unwrap();
    let hash = *found.secret_hash.as_bytes();
    assert_eq!(hash, *expected.secret_hash.as_bytes());
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
}
