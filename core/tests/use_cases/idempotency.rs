//! Requests that are repeated.

use fieldgate_core::Error;
use fieldgate_core::model::api_key::KeyOwner;
use fieldgate_core::model::certificate::Sha256Digest;
use fieldgate_core::model::device::{DeviceFilter, DeviceSettings};
use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::token::TokenLife;
use fieldgate_core::service::{IdempotentRequest, Registered};
use tokio::task::JoinHandle;

use crate::System;

fn request(system: &System, body: &str) -> IdempotentRequest {
    IdempotentRequest {
        owner: KeyOwner::Organization(system.organization),
        key: "first-try".parse().unwrap(),
        sha256: Sha256Digest::of(body.as_bytes()),
    }
}

fn settings() -> DeviceSettings {
    DeviceSettings::named("greenhouse-7".parse().unwrap())
}

#[tokio::test]
async fn a_repeated_registration_repeats_no_secret() {
    let system = System::new().await;
    let request = request(&system, "a");
    let registration = system.fieldgate.registration();
    let life = TokenLife::default();
    let first = registration
        .register(system.organization, settings(), life, Some(&request))
        .await
        .unwrap();
    let again = registration
        .register(system.organization, settings(), life, Some(&request))
        .await
        .unwrap();
    assert_eq!(again.token.id, first.token.id);
    assert!(first.text.is_some());
    assert!(again.text.is_none());
}

#[tokio::test]
async fn the_same_key_for_another_request_is_refused() {
    let system = System::new().await;
    let devices = system.fieldgate.devices();
    let (first, other) = (request(&system, "a"), request(&system, "b"));
    devices
        .create(system.organization, settings(), Some(&first))
        .await
        .unwrap();
    let refused = devices
        .create(system.organization, settings(), Some(&other))
        .await;
    assert!(
        matches!(&refused, Err(Error::Invalid { code, .. }) if *code == "idempotency_key_reused"),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twins_one_creates_and_the_others_replay() {
    let system = System::new().await;
    let request = request(&system, "a");
    let mut twins = Vec::new();
    for _ in 0..16 {
        let devices = system.fieldgate.devices();
        let (organization, request) = (system.organization, request.clone());
        twins.push(tokio::spawn(async move {
            devices
                .create(organization, settings(), Some(&request))
                .await
        }));
    }
    let mut created = 0;
    for twin in twins {
        let answer = twin.await.unwrap().unwrap();
        created += usize::from(!answer.replayed);
    }
    assert_eq!(created, 1);
    let page = PageRequest::first(PageLimit::default());
    let devices = system
        .fieldgate
        .devices()
        .list(system.organization, &DeviceFilter::default(), page)
        .await
        .unwrap();
    assert_eq!(devices.items.len(), 1);
}

/// Rounds, since a twin that comes too late finds the record at once, and loses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn of_twin_registrations_and_mintings_one_is_told_the_secret() {
    let system = System::new().await;
    let organization = system.organization;
    let life = TokenLife::default();
    for round in 0..16 {
        let key = format!("round-{round}");
        let mut request = request(&system, &key);
        request.key = key.parse().unwrap();
        let twins = (0..8).map(|_| {
            let (registration, request) = (system.fieldgate.registration(), request.clone());
            let settings = DeviceSettings::named(key.parse().unwrap());
            tokio::spawn(async move {
                let registered =
                    registration.register(organization, settings, life, Some(&request));
                registered.await.unwrap()
            })
        });
        let device = assert_one_secret(twins.collect()).await;

        request.key = format!("mint-{round}").parse().unwrap();
        let twins = (0..8).map(|_| {
            let (registration, request) = (system.fieldgate.registration(), request.clone());
            tokio::spawn(async move {
                let minted = registration.mint(organization, device, None, life, Some(&request));
                minted.await.unwrap()
            })
        });
        assert_one_secret(twins.collect()).await;
    }
}

/// Asserts that all twins name one token, and one its secret; gives the token's device.
async fn assert_one_secret(twins: Vec<JoinHandle<Registered>>) -> DeviceId {
    let mut answers = Vec::new();
    for twin in twins {
        answers.push(twin.await.unwrap());
    }
    let told = answers.iter().filter(|answer| answer.text.is_some());
    assert_eq!(told.count(), 1);
    let first = &answers[0].token;
    assert!(answers.iter().all(|answer| answer.token.id == first.id));
    first.device_id
}

#[tokio::test]
async fn a_replay_of_something_deleted_says_so() {
    let system = System::new().await;
    let request = request(&system, "a");
    let devices = system.fieldgate.devices();
    let created = devices
        .create(system.organization, settings(), Some(&request))
        .await
        .unwrap();
    devices
        .delete(system.organization, created.value.id, None)
        .await
        .unwrap();
    let replay = devices
        .create(system.organization, settings(), Some(&request))
        .await;
    assert!(
        matches!(&replay, Err(Error::Gone { code, .. }) if *code == "resource_gone"),
        "{replay:?}"
    );
}
