//! Tokens that are unknown, cut off, used, revoked or expired.

use fieldgate_tests::csr::new_key;
use fieldgate_tests::device::provision;
use fieldgate_tests::world::World;
use fieldgate_tests::{Registration, StorageKind, storage_tests};
use serde_json::{Value, json};

storage_tests!(
    each: [
        an_unknown_or_cut_off_token_is_refused_alike_whatever_is_wrong_with_it,
        a_used_or_revoked_token_says_so_to_who_holds_it_and_changes_nothing,
    ],
    durable: [an_expired_token_says_so_to_who_holds_it_and_changes_nothing],
);

async fn an_unknown_or_cut_off_token_is_refused_alike_whatever_is_wrong_with_it(
    storage: StorageKind,
) {
    let world = World::new(storage).await;
    let token = &world.open.token;
    let before = world.snapshot().await;
    let mut answers = Vec::new();
    let cut_off = (0..token.len()).map(|length| token[..length].to_owned());
    let beheaded = (1..token.len()).map(|start| token[start..].to_owned());
    for wrong in cut_off.chain(beheaded).chain(unknown(&world)) {
        let refused = provision(&world.own, &wrong, &world.csr).await;
        let mut problem = refused.problem(401, "token_invalid");
        let request = problem.as_object_mut().unwrap().remove("requestId");
        assert!(request.is_some(), "{problem}");
        answers.push(problem);
    }
    assert!(answers.len() > 100, "{}", answers.len());
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    before.assert_same(&world.snapshot().await);
    let honest = world.open.provision(&world.own, &world.csr).await;
    honest.expect(201);
}

/// Whole tokens, of which something is wrong.
fn unknown(world: &World) -> Vec<String> {
    let token = &world.open.token;
    let (front, secret) = token.rsplit_once('.').unwrap();
    let (used_front, used_secret) = world.device.token.rsplit_once('.').unwrap();
    let (foreign_front, _) = world.stranger.token.rsplit_once('.').unwrap();
    let backwards: String = secret.chars().rev().collect();
    vec![
        "fgt1..".to_owned(),
        token.replacen("fgt1", "fgt2", 1),
        token.to_uppercase(),
        format!("{token}A"),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        format!("fgt1.{}.{secret}", "A".repeat(22)),
        format!("{used_front}.{secret}"),
        format!("{front}.{used_secret}"),
        format!("{foreign_front}.{secret}"),
        format!("{front}.{backwards}"),
        "🦀".repeat(50),
        "fgt1.\u{0}.\u{0}".to_owned(),
        "x".repeat(10_000),
    ]
}

async fn a_used_or_revoked_token_says_so_to_who_holds_it_and_changes_nothing(storage: StorageKind) {
    let world = World::new(storage).await;
    let api = &world.own;
    let revoked = Registration::new(api, "revoked").await;
    let path = format!("/api/v1/devices/registration/tokens/{}", revoked.token_id);
    api.delete(&path).await.expect_empty(204);
    let replaced = Registration::new(api, "replaced").await;
    let body = json!({ "deviceId": replaced.device_id });
    Registration::with(api, &body).await;
    let deleted = Registration::new(api, "deleted").await;
    let path = format!("/api/v1/devices/{}", deleted.device_id);
    api.delete(&path).await.expect_empty(204);

    let before = world.snapshot().await;
    for (token, status, code) in [
        (&world.device.token, 409, "token_used"),
        (&revoked.token, 410, "token_revoked"),
        (&replaced.token, 410, "token_revoked"),
        (&deleted.token, 401, "token_invalid"),
    ] {
        // The token comes first, whatever the request is.
        for csr in [world.csr.as_str(), "garbage", ""] {
            let refused = provision(api, token, csr).await;
            refused.problem(status, code);
        }
    }
    // To who does not hold the secret a used one is like any other.
    let (front, _) = world.device.token.rsplit_once('.').unwrap();
    let (_, secret) = world.open.token.rsplit_once('.').unwrap();
    let guessed = format!("{front}.{secret}");
    let refused = provision(api, &guessed, &world.csr).await;
    refused.problem(401, "token_invalid");
    before.assert_same(&world.snapshot().await);
}

async fn an_expired_token_says_so_to_who_holds_it_and_changes_nothing(storage: StorageKind) {
    let mut world = World::new(storage).await;
    let body = json!({ "deviceName": "late", "expiresInSeconds": 60 });
    let late = Registration::with(&world.own, &body).await;
    world.server.set_clock_ahead(61);
    world.server.restart();
    let before = world.snapshot().await;
    let (_, csr) = new_key();
    for csr in [csr.as_str(), "garbage"] {
        let refused = late.provision(&world.own, csr).await;
        refused.problem(410, "token_expired");
    }
    before.assert_same(&world.snapshot().await);
    assert_eq!(late.state(&world.own).await, "EXPIRED");
    let path = format!("/api/v1/devices/{}/certificates", late.device_id);
    assert_eq!(world.own.list(&path).await, Vec::<Value>::new());

    // A clock that is set back revives nothing that was seen to have expired.
    world.server.set_clock_ahead(0);
    world.server.restart();
    let refused = late.provision(&world.own, &csr).await;
    refused.problem(410, "token_expired");
    assert_eq!(late.state(&world.own).await, "EXPIRED");
}
