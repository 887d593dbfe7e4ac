//! Certificate signing requests that are garbage, damaged or by a weak key.

use fieldgate_tests::csr::{self, by_openssl};
use fieldgate_tests::world::World;
use fieldgate_tests::{StorageKind, storage_tests};

storage_tests!(
    each: [a_hostile_request_for_a_certificate_changes_nothing],
    durable: [],
);

async fn a_hostile_request_for_a_certificate_changes_nothing(storage: StorageKind) {
    let world = World::new(storage).await;
    let (api, open) = (&world.own, &world.open);
    let (_, good) = by_openssl(&world.server.scratch(), csr::P256, &[]);
    let hostile = hostile(&world, &good).await;
    let before = world.snapshot().await;
    for (what, csr) in &hostile {
        let refused = open.provision(api, csr).await;
        let problem = refused.problem(422, "csr_invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/csr", "{what}: {problem}");
        let reason = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(
            !reason.is_empty() && !reason.contains("panic"),
            "{what}: {reason}"
        );
    }
    let whole = good.trim_end();
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        let refused = open.provision(api, &whole[..length]).await;
        refused.problem(422, "csr_invalid");
    }
    let large = open.provision(api, &"A".repeat(1_000_000)).await;
    large.problem(413, "body_too_large");
    let in_use = std::fs::read_to_string(world.device.key_file()).unwrap();
    let in_use = rcgen::KeyPair::from_pem(&in_use).unwrap();
    let refused = open.provision(api, &csr::request(&in_use)).await;
    refused.problem(422, "csr_key_in_use");

    before.assert_same(&world.snapshot().await);
    // The same token is still good for an honest request.
    open.provision(api, &good).await.expect(201);
}

async fn hostile(world: &World, good: &str) -> Vec<(&'static str, String)> {
    let dir = world.server.scratch();
    let (_, rsa_1024) = by_openssl(&dir, csr::RSA_1024, &[]);
    let (_, p521) = by_openssl(&dir, csr::P521, &[]);
    let without_a_line = {
        let lines: Vec<_> = good.lines().collect();
        let (front, end) = (&lines[..lines.len() - 2], &lines[lines.len() - 1..]);
        [front, end].concat().join("\n")
    };
    vec![
        ("empty", String::new()),
        ("blank", " \n".to_owned()),
        ("garbage", "not a request".to_owned()),
        ("garbage in base64", "AAAA".repeat(64)),
        ("without a line", without_a_line),
        ("badly signed", csr::badly_signed(good)),
        ("RSA 1024", rsa_1024),
        ("P-521", p521),
        ("twice", format!("{good}{good}")),
        ("with something behind it", format!("{good}x")),
        ("a certificate", world.server.root_pem().await),
        ("with a NUL", good.replace('\n', "\n\0")),
        ("17 KB", "A".repeat(17 * 1024)),
    ]
}
