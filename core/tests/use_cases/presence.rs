//! Sessions, and what operators do to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use fieldgate_core::model::device::{DeviceSettings, DeviceUpdate};
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::presence::DeviceStatus::{Active, Inactive, Maintenance, Offline};
use fieldgate_core::storage::SessionRefused;
use fieldgate_core::transport::{DisconnectReason, Inbox, Transport};

use crate::{System, identity};

fn set(status: fieldgate_core::model::presence::DeviceStatus) -> DeviceUpdate {
    DeviceUpdate {
        settings: DeviceSettings::named("greenhouse-7".parse().unwrap()),
        status: Some(status),
    }
}

#[tokio::test]
async fn a_session_makes_a_device_active_and_its_end_offline() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    assert_eq!(system.state(device).await, (Active, true));
    session.close().await;
    assert_eq!(system.state(device).await, (Offline, false));
}

#[tokio::test]
async fn a_takeover_never_shows_the_device_offline() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let old = system.connect(&provisioned).await;
    let new = system.connect(&provisioned).await;
    old.close().await;
    assert_eq!(system.state(device).await, (Active, true));
    new.close().await;
    assert_eq!(system.state(device).await, (Offline, false));
}

#[tokio::test]
async fn inactive_ends_the_session_at_once_and_refuses_new_ones() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    let devices = system.fieldgate.devices();
    devices
        .update(system.organization, device, None, &set(Inactive))
        .await
        .unwrap();
    assert!(session.is_ended());
    session.close().await;
    assert_eq!(system.state(device).await, (Inactive, false));

    let inbox: Arc<dyn Inbox> = Arc::new(system.fieldgate.gateway());
    let refused = system
        .transport
        .connect(inbox, &identity(&provisioned))
        .await
        .unwrap();
    assert_eq!(refused.err(), Some(SessionRefused::DeviceInactive));
}

#[tokio::test]
async fn maintenance_lets_sessions_go_on() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    let devices = system.fieldgate.devices();
    devices
        .update(system.organization, device, None, &set(Maintenance))
        .await
        .unwrap();
    assert!(!session.is_ended());
    session.close().await;
    assert_eq!(system.state(device).await, (Maintenance, false));
    let changed = devices
        .update(system.organization, device, None, &set(Active))
        .await
        .unwrap();
    assert_eq!(changed.presence.status(), Offline);
}

#[tokio::test]
async fn a_deleted_device_is_disconnected() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    let devices = system.fieldgate.devices();
    devices
        .delete(system.organization, device, None)
        .await
        .unwrap();
    assert!(session.is_ended());
}

#[tokio::test]
async fn a_keep_alive_is_a_sign_of_life_and_the_end_of_a_session_is_none() {
    let system = System::new().await;
    let (device, provisioned) = system.provisioned("greenhouse-7").await;
    let session = system.connect(&provisioned).await;
    let gateway = system.fieldgate.gateway();
    system.advance(60);
    gateway.heard(session.handle());
    system.advance(60);
    session.close().await;
    system.fieldgate.maintenance().write_seen().await.unwrap();
    let devices = system.fieldgate.devices();
    let device = devices.device(system.organization, device).await.unwrap();
    let seen = device.presence.last_seen_at().unwrap();
    assert_eq!(seen.to_string(), "2026-06-15T12:01:00.000Z");
}

#[tokio::test]
async fn inactive_said_again_ends_what_an_earlier_call_left_open() {
    let transport = Arc::new(Counting::default());
    let system = System::with(|builder| builder.transport(Arc::clone(&transport) as _)).await;
    let (device, _) = system.register("greenhouse-7").await;
    let devices = system.fieldgate.devices();
    for count in 1..=2 {
        devices
            .update(system.organization, device, None, &set(Inactive))
            .await
            .unwrap();
        assert_eq!(transport.0.load(Ordering::Relaxed), count);
    }
}

/// A transport that counts how often it was told to disconnect a device.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl Transport for Counting {
    async fn disconnect(&self, _: OrganizationId, _: DeviceId, _: DisconnectReason) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
