//! Registering devices and minting tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldgate_core::Error;
use fieldgate_core::model::device::DeviceSettings;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::model::token::{TokenLife, TokenState};
use fieldgate_core::random::SystemRandom;

use crate::{System, csr};

#[tokio::test]
async fn a_registered_device_is_pending() {
    let system = System::new().await;
    let (device, _) = system.register("greenhouse-7").await;
    assert_eq!(system.state(device).await, (DeviceStatus::Pending, false));
}

#[tokio::test]
async fn of_a_thousand_tokens_each_has_256_random_bits_of_its_own() {
    // The source that a host has if it says nothing.
    let system = System::with(|builder| builder.random(Arc::new(SystemRandom)));
    let system = system.await;
    let (device, first) = system.register("greenhouse-7").await;
    let mut texts = vec![first];
    for _ in 1..1000 {
        texts.push(system.mint(device).await);
    }
    let halves = texts.iter().map(|text| {
        let halves = text.strip_prefix("fgt1.").unwrap();
        halves.split_once('.').unwrap()
    });
    let ids: BTreeSet<_> = halves.clone().map(|(id, _)| id).collect();
    let secrets: BTreeSet<_> = halves.map(|(_, secret)| octets(secret)).collect();
    assert_eq!((ids.len(), secrets.len()), (1000, 1000));
    for bit in 0..256 {
        let set = secrets.iter().filter(|secret| {
            let octet = secret[bit / 8];
            octet >> (bit % 8) & 1 == 1
        });
        // Nine standard deviations from the half.
        assert!((350..650).contains(&set.count()), "bit {bit}");
    }
}

/// The octets of a secret.
fn octets(text: &str) -> [u8; 32] {
    let octets = URL_SAFE_NO_PAD.decode(text).unwrap();
    octets.try_into().unwrap()
}

#[tokio::test]
async fn a_taken_name_is_a_conflict() {
    let system = System::new().await;
    system.register("greenhouse-7").await;
    let settings = DeviceSettings::named("greenhouse-7".parse().unwrap());
    let second = system
        .fieldgate
        .registration()
        .register(system.organization, settings, TokenLife::default(), None)
        .await;
    assert!(
        matches!(&second, Err(Error::Conflict { code, .. }) if *code == "device_name_taken"),
        "{second:?}"
    );
}

#[tokio::test]
async fn a_new_token_revokes_the_older_one() {
    let system = System::new().await;
    let (device, first) = system.register("greenhouse-7").await;
    let second = system.mint(device).await;
    let provisioning = system.fieldgate.provisioning();
    let refused = provisioning.provision(&first, &csr()).await;
    assert!(
        matches!(&refused, Err(Error::Gone { code, .. }) if *code == "token_revoked"),
        "{refused:?}"
    );
    provisioning.provision(&second, &csr()).await.unwrap();
}

#[tokio::test]
async fn the_name_beside_a_device_id_has_to_be_its_own() {
    let system = System::new().await;
    let (device, _) = system.register("greenhouse-7").await;
    let other = "greenhouse-8".parse().unwrap();
    let refused = system
        .fieldgate
        .registration()
        .mint(
            system.organization,
            device,
            Some(&other),
            TokenLife::default(),
            None,
        )
        .await;
    assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_used_token_cannot_be_revoked_and_a_revoked_one_is_not_found() {
    let system = System::new().await;
    let registration = system.fieldgate.registration();
    let (device, token) = system.register("greenhouse-7").await;
    let provisioning = system.fieldgate.provisioning();
    provisioning.provision(&token, &csr()).await.unwrap();
    let page = PageRequest::first(PageLimit::default());
    let used = registration
        .list(system.organization, &[TokenState::Used], page)
        .await
        .unwrap();
    let id = used.items[0].0.id;
    let refused = registration.revoke(system.organization, id).await;
    assert!(
        matches!(&refused, Err(Error::Conflict { code, .. }) if *code == "token_used"),
        "{refused:?}"
    );

    system.mint(device).await;
    let open = registration
        .list(system.organization, &[TokenState::Pending], page)
        .await
        .unwrap();
    let id = open.items[0].0.id;
    registration.revoke(system.organization, id).await.unwrap();
    let again = registration.revoke(system.organization, id).await;
    assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
}
