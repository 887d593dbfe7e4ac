//! Redeeming tokens.

use std::time::Duration;

use fieldgate_core::Error;
use fieldgate_core::model::certificate::CertificateState;
use fieldgate_core::model::device::{DeviceSettings, DeviceUpdate};
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::service::Provisioned;
use rcgen::KeyPair;

use crate::{System, csr, csr_of};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(
            Error::Conflict { code, .. }
            | Error::Gone { code, .. }
            | Error::Invalid { code, .. }
            | Error::LimitReached { code, .. }
            | Error::Unauthorized { code, .. },
        ) => code,
        other => panic!("not refused with a code: {other:?}"),
    }
}

#[tokio::test]
async fn a_token_works_once() {
    let system = System::new().await;
    let (device, token) = system.register("greenhouse-7").await;
    let provisioning = system.fieldgate.provisioning();
    let first = provisioning.provision(&token, &csr()).await.unwrap();
    assert_eq!(first.certificate.device_id, device);
    let second = provisioning.provision(&token, &csr()).await;
    assert_eq!(code(second), "token_used");
}

#[tokio::test]
async fn who_lacks_the_secret_learns_nothing() {
    let system = System::new().await;
    let (_, token) = system.register("greenhouse-7").await;
    let provisioning = system.fieldgate.provisioning();
    // The same token with another secret, before and after it is used.
    let (id, _) = token.rsplit_once('.').unwrap();
    let wrong = format!("{id}.{}", "A".repeat(43));
    let open = provisioning.provision(&wrong, &csr()).await;
    provisioning.provision(&token, &csr()).await.unwrap();
    let used = provisioning.provision(&wrong, &csr()).await;
    let unknown = format!("fgt1.{}.{}", "A".repeat(22), "A".repeat(43));
    let unknown = provisioning.provision(&unknown, &csr()).await;
    let garbage = provisioning.provision("x", &csr()).await;
    for answer in [open, used, unknown, garbage] {
        let text = answer.as_ref().unwrap_err().to_string();
        assert_eq!(text, "the registration token is not valid");
        assert_eq!(code(answer), "token_invalid");
    }
}

#[tokio::test]
async fn a_bad_request_leaves_the_token_as_it_is() {
    let system = System::new().await;
    let (_, token) = system.register("greenhouse-7").await;
    let provisioning = system.fieldgate.provisioning();
    for bad in ["", "garbage", &csr()[..200]] {
        let refused = provisioning.provision(&token, bad).await;
        assert_eq!(code(refused), "csr_invalid");
    }
    provisioning.provision(&token, &csr()).await.unwrap();
}

#[tokio::test]
async fn a_token_ends_at_its_end() {
    let system = System::new().await;
    let (_, token) = system.register("greenhouse-7").await;
    let provisioning = system.fieldgate.provisioning();
    system.advance(24 * 3600);
    let late = provisioning.provision(&token, &csr()).await;
    assert_eq!(code(late), "token_expired");
}

#[tokio::test]
async fn the_state_of_a_token_is_told_before_the_request_is_read() {
    let system = System::new().await;
    let (device, used) = system.register("greenhouse-7").await;
    let provisioning = system.fieldgate.provisioning();
    provisioning.provision(&used, &csr()).await.unwrap();
    let revoked = system.mint(device).await;
    let expired = system.mint(device).await;
    system.advance(24 * 3600);
    for (token, expected) in [
        (used, "token_used"),
        (revoked, "token_revoked"),
        (expired, "token_expired"),
    ] {
        let refused = provisioning.provision(&token, "garbage").await;
        assert_eq!(code(refused), expected);
    }
}

#[tokio::test]
async fn an_inactive_device_is_not_provisioned_and_its_token_stays() {
    let system = System::new().await;
    let (device, token) = system.register("greenhouse-7").await;
    let provisioning = system.fieldgate.provisioning();
    let set = async |status| {
        let update = DeviceUpdate {
            settings: DeviceSettings::named("greenhouse-7".parse().unwrap()),
            status: Some(status),
        };
        let devices = system.fieldgate.devices();
        devices
            .update(system.organization, device, None, &update)
            .await
            .unwrap();
    };
    set(DeviceStatus::Inactive).await;
    let refused = provisioning.provision(&token, &csr()).await;
    assert_eq!(code(refused), "device_inactive");
    set(DeviceStatus::Active).await;
    provisioning.provision(&token, &csr()).await.unwrap();
}

#[tokio::test]
async fn a_key_belongs_to_one_device() {
    let system = System::new().await;
    let key = KeyPair::generate().unwrap();
    let (first, token) = system.register("first").await;
    let provisioning = system.fieldgate.provisioning();
    provisioning.provision(&token, &csr_of(&key)).await.unwrap();
    let (_, token) = system.register("second").await;
    let refused = provisioning.provision(&token, &csr_of(&key)).await;
    assert_eq!(code(refused), "csr_key_in_use");
    // The same device may keep its key.
    let token = system.mint(first).await;
    provisioning.provision(&token, &csr_of(&key)).await.unwrap();
}

#[tokio::test]
async fn a_deleted_device_leaves_no_token_behind() {
    let system = System::new().await;
    let (device, token) = system.register("greenhouse-7").await;
    let devices = system.fieldgate.devices();
    devices
        .delete(system.organization, device, None)
        .await
        .unwrap();
    let provisioning = system.fieldgate.provisioning();
    let refused = provisioning.provision(&token, &csr()).await;
    assert_eq!(code(refused), "token_invalid");
}

#[tokio::test]
async fn a_device_gets_ten_certificates_a_day() {
    let system = System::new().await;
    let (device, token) = system.register("greenhouse-7").await;
    let provisioning = system.fieldgate.provisioning();
    provisioning.provision(&token, &csr()).await.unwrap();
    for _ in 1..10 {
        let token = system.mint(device).await;
        provisioning.provision(&token, &csr()).await.unwrap();
    }
    let token = system.mint(device).await;
    let refused = provisioning.provision(&token, &csr()).await;
    assert_eq!(code(refused), "certificate_limit");
    system.advance(24 * 3600 - 1);
    let refused = provisioning.provision(&token, &csr()).await;
    assert_eq!(code(refused), "certificate_limit");
    let token = system.mint(device).await;
    system.advance(1);
    provisioning.provision(&token, &csr()).await.unwrap();
}

#[tokio::test]
async fn the_old_certificate_works_until_the_new_one_is_used() {
    let system = System::new().await;
    let (device, old) = system.provisioned("greenhouse-7").await;
    system.connect(&old).await.close().await;
    let token = system.mint(device).await;
    let provisioning = system.fieldgate.provisioning();
    let new = provisioning.provision(&token, &csr()).await.unwrap();

    system.connect(&old).await.close().await;
    system.connect(&new).await.close().await;
    let page = PageRequest::first(PageLimit::default());
    let certificates = system.fieldgate.certificates();
    let listed = certificates
        .list(system.organization, device, page)
        .await
        .unwrap();
    let states: Vec<CertificateState> = listed.items.into_iter().map(|(_, state)| state).collect();
    assert_eq!(
        states,
        [CertificateState::Superseded, CertificateState::Active]
    );
}

/// A system that gives a lost answer again for a minute, and a device with its key whose answer
/// was lost.
async fn lost_answer() -> (System, String, KeyPair, Provisioned) {
    let window = Duration::from_secs(60);
    let system = System::with(|builder| builder.provision_retry_window(window)).await;
    let (_, token) = system.register("greenhouse-7").await;
    let key = KeyPair::generate().unwrap();
    let provisioning = system.fieldgate.provisioning();
    let first = provisioning.provision(&token, &csr_of(&key)).await.unwrap();
    (system, token, key, first)
}

#[tokio::test]
async fn a_lost_answer_is_given_again_only_where_the_host_allows_it() {
    let (system, token, key, first) = lost_answer().await;
    let provisioning = system.fieldgate.provisioning();
    system.advance(60);
    let again = provisioning.provision(&token, &csr_of(&key)).await.unwrap();
    assert_eq!(again.certificate, first.certificate);
    let other_key = provisioning.provision(&token, &csr()).await;
    assert_eq!(code(other_key), "token_used");
    system.advance(1);
    let late = provisioning.provision(&token, &csr_of(&key)).await;
    assert_eq!(code(late), "token_used");
}

#[tokio::test]
async fn a_lost_answer_is_not_given_after_the_first_session() {
    let (system, token, key, first) = lost_answer().await;
    system.connect(&first).await.close().await;
    let provisioning = system.fieldgate.provisioning();
    let late = provisioning.provision(&token, &csr_of(&key)).await;
    assert_eq!(code(late), "token_used");
}

#[tokio::test]
async fn a_lost_answer_is_not_given_once_there_is_a_newer_certificate() {
    let (system, token, key, first) = lost_answer().await;
    let newer = system.mint(first.certificate.device_id).await;
    let provisioning = system.fieldgate.provisioning();
    let newer = provisioning.provision(&newer, &csr()).await.unwrap();
    let late = provisioning.provision(&token, &csr_of(&key)).await;
    assert_eq!(code(late), "token_used");
    system.connect(&newer).await.close().await;
}
