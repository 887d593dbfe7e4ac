//! The limit of wrong secrets by address.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Answer, TOKENS, World, csr, delete, get, post, put};

const WRONG: &str = "sk_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn wrong_key(world: &World, address: &str) -> Answer {
    world
        .send(get("/api/v1/devices").key(WRONG).from(address))
        .await
}

async fn wrong_token(world: &World, address: &str) -> Answer {
    let body = json!({"token": "fgt1.x.y", "csr": "x"});
    world
        .send(post("/api/v1/devices/provision").json(&body).from(address))
        .await
}

#[tokio::test]
async fn too_many_wrong_secrets_are_429_for_their_address_and_minute() {
    let world = World::new().await;
    for number in 0..30 {
        let answer = match number % 2 {
            0 => wrong_key(&world, "192.0.2.1").await,
            _ => wrong_token(&world, "192.0.2.1").await,
        };
        assert_eq!(answer.status, 401);
    }
    world.advance(20);
    for answer in [
        wrong_key(&world, "192.0.2.1").await,
        wrong_token(&world, "192.0.2.1").await,
    ] {
        answer.problem(429, "too_many_failures");
        assert_eq!(answer.header("retry-after"), Some("40"));
    }
    wrong_key(&world, "192.0.2.2")
        .await
        .problem(401, "key_invalid");
    world.advance(40);
    wrong_key(&world, "192.0.2.1")
        .await
        .problem(401, "key_invalid");
}

#[tokio::test]
async fn what_is_right_works_beside_what_is_wrong() {
    let world = World::with(|mut options| {
        options.failed_per_minute = 1;
        options
    });
    let world = world.await;
    let (_, key) = world.organization("acme").await;
    wrong_key(&world, "192.0.2.1")
        .await
        .problem(401, "key_invalid");
    wrong_key(&world, "192.0.2.1")
        .await
        .problem(429, "too_many_failures");
    let right = get("/api/v1/devices").key(&key).from("192.0.2.1");
    world.send(right).await.ok(200);
    let body = json!({"deviceName": "one"});
    let made = post(TOKENS).key(&key).json(&body).from("192.0.2.1");
    let token = world.send(made).await.ok(201)["token"].clone();
    let body = json!({"token": token, "csr": csr()});
    let redeem = || {
        post("/api/v1/devices/provision")
            .json(&body)
            .from("192.0.2.1")
    };
    world.send(redeem()).await.ok(201);
}

#[tokio::test]
async fn only_wrong_secrets_count() {
    let world = World::with(|mut options| {
        options.failed_per_minute = 1;
        options
    });
    let world = world.await;
    let (_, key) = world.organization("acme").await;
    let address = "192.0.2.1";
    let register = async |name: &str| {
        let made = post(TOKENS).key(&key).json(&json!({"deviceName": name}));
        world.send(made).await.ok(201)
    };
    let redeem_by = async |token: &Value, csr: &str| {
        let body = json!({"token": token, "csr": csr});
        let call = post("/api/v1/devices/provision").json(&body).from(address);
        world.send(call).await
    };
    let token = register("one").await["token"].clone();
    let redeem = async |csr: &str| redeem_by(&token, csr).await;
    let (revoked, expiring) = (register("two").await, register("three").await);
    let token_id = revoked["tokenId"].as_str().unwrap();
    let revoke = delete(&format!("{TOKENS}/{token_id}")).key(&key);
    assert_eq!(world.send(revoke).await.status, 204);
    let inactive = register("four").await;
    let device = inactive["deviceId"].as_str().unwrap();
    let update = json!({"name": "four", "status": "INACTIVE"});
    let update = put(&format!("/api/v1/devices/{device}")).json(&update);
    world.send(update.key(&key)).await.ok(200);
    for _ in 0..5 {
        redeem("garbage").await.problem(422, "csr_invalid");
        let missing = get("/api/v1/devices").from(address);
        world.send(missing).await.problem(401, "key_missing");
        let forbidden = get("/api/v1/organizations").key(&key).from(address);
        world.send(forbidden).await.problem(403, "forbidden");
        let unknown = get("/api/v1/devices/none").key(&key).from(address);
        world.send(unknown).await.problem(404, "not_found");
    }
    redeem(&csr()).await.ok(201);
    for _ in 0..5 {
        redeem(&csr()).await.problem(409, "token_used");
    }
    for _ in 0..5 {
        let answer = redeem_by(&inactive["token"], &csr()).await;
        answer.problem(409, "device_inactive");
    }
    world.advance(24 * 3600);
    for _ in 0..5 {
        redeem(&csr()).await.problem(409, "token_used");
        let answer = redeem_by(&revoked["token"], &csr()).await;
        answer.problem(410, "token_revoked");
        let answer = redeem_by(&expiring["token"], &csr()).await;
        answer.problem(410, "token_expired");
    }
    wrong_key(&world, address).await.problem(401, "key_invalid");
    wrong_key(&world, address)
        .await
        .problem(429, "too_many_failures");
}

#[tokio::test]
async fn the_address_is_the_hosts_word_or_the_peer() {
    let world = World::with(|mut options| {
        options.failed_per_minute = 1;
        options
    });
    let world = world.await;
    let wrong = || get("/api/v1/devices").key(WRONG);
    let status = async |call| world.send(call).await.status.as_u16();
    assert_eq!(status(wrong().peer("192.0.2.1:1000")).await, 401);
    assert_eq!(status(wrong().peer("192.0.2.1:2000")).await, 429);
    assert_eq!(status(wrong().peer("192.0.2.2:1000")).await, 401);
    // What the host says of the client comes before the peer; what the client says does not count.
    assert_eq!(
        status(wrong().peer("192.0.2.1:1000").from("192.0.2.9")).await,
        401
    );
    let forwarded = wrong()
        .peer("192.0.2.1:1000")
        .header("x-forwarded-for", "192.0.2.10");
    assert_eq!(status(forwarded).await, 429);
    // Who has no address shares one.
    assert_eq!(status(wrong()).await, 401);
    assert_eq!(status(wrong()).await, 429);
}

#[tokio::test(start_paused = true)]
async fn wrong_secrets_are_refused_at_the_same_time_whatever_is_wrong() {
    let world = World::new().await;
    let (_, key) = world.organization("acme").await;
    let register = async |body: Value| {
        let made = post(TOKENS).key(&key).json(&body);
        world.send(made).await.ok(201)
    };
    let expired = register(json!({"deviceName": "expired", "expiresInSeconds": 60})).await;
    world.advance(60);
    let used = register(json!({"deviceName": "used"})).await;
    world.provision(used["token"].as_str().unwrap()).await;
    let revoked = register(json!({"deviceName": "revoked"})).await;
    let path = format!("{TOKENS}/{}", revoked["tokenId"].as_str().unwrap());
    world.send(delete(&path).key(&key)).await.ok(204);
    let pending = register(json!({"deviceName": "pending"})).await;
    let no_secret = "A".repeat(43);
    let without_secret = |token: &Value| {
        let token = token.as_str().unwrap();
        token.rsplit_once('.').unwrap().0.to_owned()
    };
    let prefix = key.rsplit_once('_').unwrap().0;
    let mut times = Vec::new();
    let known = [&pending, &used, &expired, &revoked];
    let known = known.map(|answer| format!("{}.{no_secret}", without_secret(&answer["token"])));
    for wrong in known.into_iter().chain([
        format!("fgt1.{}.{no_secret}", "A".repeat(22)),
        "nonsense".to_owned(),
    ]) {
        let body = json!({"token": wrong, "csr": csr()});
        let begin = Instant::now();
        let answer = post("/api/v1/devices/provision").json(&body);
        world.send(answer).await.problem(401, "token_invalid");
        times.push(begin.elapsed());
    }
    for wrong in [
        format!("{prefix}_{no_secret}"),
        WRONG.to_owned(),
        "sk_nonsense".to_owned(),
    ] {
        let begin = Instant::now();
        let answer = world.send(get("/api/v1/devices").key(&wrong)).await;
        answer.problem(401, "key_invalid");
        times.push(begin.elapsed());
    }
    // The clock of the test moves only when everybody waits.
    assert!(times[0] >= Duration::from_millis(10), "{times:?}");
    assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
}
