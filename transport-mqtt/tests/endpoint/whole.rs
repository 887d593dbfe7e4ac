//! The endpoint with the core and its storage in memory.

use std::sync::Arc;

use fieldgate_core::Fieldgate;
use fieldgate_core::ca::key_store::MemoryKeyStore;
use fieldgate_core::model::device::{Device, DeviceUpdate};
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::model::quarantine::{QuarantineFilter, QuarantineReason};
use fieldgate_core::model::sensor::SensorFilter;
use fieldgate_core::model::token::TokenLife;
use fieldgate_core::service::{Addresses, Gateway};
use fieldgate_core::storage::{MemoryStorage, ServerProof};
use fieldgate_core::testing::fixtures::{device_settings, parse};
use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_transport_mqtt::{MqttEndpoint, MqttOptions};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::support::packet::{Connect, PUBACK, PUBLISH, subscribe};
use crate::support::pki::{Pki, TestDevice, csr};
use crate::support::server::Server;
use crate::support::soon;

/// A whole system, and a device that was registered and provisioned.
struct Whole {
    fieldgate: Fieldgate,
    server: Server<Gateway>,
    device: TestDevice,
}

impl Whole {
    async fn start() -> Self {
        let endpoint = MqttEndpoint::new(MqttOptions::default());
        let fieldgate = Fieldgate::builder()
            .storage(Arc::new(MemoryStorage::default()))
            .key_store(Arc::new(MemoryKeyStore::new()))
            .addresses(Addresses {
                provision_endpoint: "https://localhost/api/v1/devices/provision".to_owned(),
                mqtt_host: "localhost".to_owned(),
                mqtt_port: 8883,
            })
            .transport(Arc::new(endpoint.clone()))
            .build()
            .await
            .unwrap();
        let device = provisioned(&fieldgate).await;
        let pki = Pki {
            ca: fieldgate.ca().clone(),
        };
        let clock = Arc::clone(fieldgate.clock());
        let gateway = Arc::new(fieldgate.gateway());
        let server = Server::serve(pki, endpoint, gateway, clock).await;
        Self {
            fieldgate,
            server,
            device,
        }
    }

    async fn record(&self) -> Device {
        let devices = self.fieldgate.devices();
        let (organization, id) = (self.device.organization, self.device.id);
        devices.device(organization, id).await.unwrap()
    }

    async fn set_status(&self, status: DeviceStatus) {
        let update = DeviceUpdate {
            settings: device_settings("greenhouse-7"),
            status: Some(status),
        };
        let devices = self.fieldgate.devices();
        let (organization, id) = (self.device.organization, self.device.id);
        devices
            .update(organization, id, None, &update)
            .await
            .unwrap();
    }

    async fn wait_status(&self, status: DeviceStatus) {
        soon("the status", async {
            while self.record().await.presence.status() != status {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

async fn provisioned(fieldgate: &Fieldgate) -> TestDevice {
    let created = fieldgate
        .organizations()
        .create(ServerProof::vouch(), parse("works"), parse("Works"), None)
        .await
        .unwrap();
    let organization = created.organization.id;
    let registered = fieldgate
        .registration()
        .register(
            organization,
            device_settings("greenhouse-7"),
            TokenLife::default(),
            None,
        )
        .await
        .unwrap();
    let (csr, key) = csr();
    let token = registered.text.unwrap();
    let provisioned = fieldgate
        .provisioning()
        .provision(token.as_str(), &csr)
        .await
        .unwrap();
    let pem = provisioned.certificate.pem;
    TestDevice {
        organization,
        id: registered.token.device_id,
        chain: vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()],
        key: Arc::new(key),
    }
}

#[tokio::test]
async fn a_device_comes_online_reports_and_goes() {
    let whole = Whole::start().await;
    let device = &whole.device;
    assert_eq!(
        whole.record().await.presence.status(),
        DeviceStatus::Pending
    );
    let mut client = whole.server.connect(device, 5).await;
    let record = whole.record().await;
    assert_eq!(record.presence.status(), DeviceStatus::Active);
    assert!(record.presence.online());

    let result = device.topic(DeviceTopic::AnnounceResult);
    client.send(&subscribe(5, 1, &[(&result, 1)])).await;
    client.packet().await;
    let announcement = br#"{"firmwareVersion":"1.0","components":[
        {"key":"bme280","sensors":[{"key":"t","valueType":"DOUBLE","unit":"Cel"},{"key":"?"}]}]}"#;
    client
        .publish(&device.topic(DeviceTopic::Announce), 1, announcement)
        .await;
    assert_eq!(client.packet().await.kind(), PUBACK);
    let answer = client.packet().await;
    assert_eq!(answer.kind(), PUBLISH);
    let json = &answer.body[2 + result.len() + 3..];
    let json: serde_json::Value = serde_json::from_slice(json).unwrap();
    assert!(json["components"]["bme280"]["sensors"]["t"]["id"].is_string());
    assert_eq!(json["refused"][0]["code"], "malformed");

    let readings =
        br#"[{"component":"bme280","values":{"t":21,"h":40}},{"sensor":"x","value":1e400}]"#;
    client.publish(&device.readings(), 2, readings).await;
    assert_eq!(client.packet().await.kind(), PUBACK);
    let page = PageRequest::first(PageLimit::MAX);
    let sensors = whole.fieldgate.sensors();
    let sensors = sensors
        .list(device.organization, &SensorFilter::default(), page)
        .await
        .unwrap();
    let mut keys: Vec<_> = sensors
        .items
        .iter()
        .filter(|sensor| sensor.latest.is_some())
        .map(|sensor| sensor.key.to_string())
        .collect();
    keys.sort();
    assert_eq!(keys, ["h", "t"]);
    let quarantine = whole.fieldgate.quarantine();
    let page = PageRequest::first(PageLimit::MAX);
    let quarantined = quarantine
        .list(device.organization, &QuarantineFilter::default(), page)
        .await
        .unwrap();
    let reason = quarantined.items[0].rejection.reason;
    assert_eq!(reason, QuarantineReason::ValueOutOfRange);

    client.send(&[0xe0, 0]).await;
    whole.wait_status(DeviceStatus::Offline).await;
}

#[tokio::test]
async fn an_inactive_device_is_thrown_out_and_kept_out() {
    let whole = Whole::start().await;
    let device = &whole.device;
    let mut client = whole.server.connect(device, 5).await;
    whole.set_status(DeviceStatus::Inactive).await;
    // The session ended before the call returned: nothing more is taken.
    client.ended_with(0x87).await;
    let record = whole.record().await;
    assert_eq!(record.presence.status(), DeviceStatus::Inactive);
    assert!(!record.presence.online());
    for (level, refused) in [(4, 0x05), (5, 0x87)] {
        let mut client = whole.server.tls(device).await;
        client.send(&Connect::new(level, device.id).encode()).await;
        assert_eq!(client.packet().await.body[1], refused);
    }
    whole.set_status(DeviceStatus::Active).await;
    whole.server.connect(device, 4).await;
}

#[tokio::test]
async fn a_takeover_never_shows_the_device_as_offline() {
    let whole = Whole::start().await;
    let mut last = whole.server.connect(&whole.device, 5).await;
    for _ in 0..4 {
        let next = whole.server.connect(&whole.device, 5).await;
        last.ended().await;
        assert!(whole.record().await.presence.online());
        last = next;
    }
}

#[tokio::test]
async fn after_a_stop_no_device_shows_online() {
    let whole = Whole::start().await;
    let mut client = whole.server.connect(&whole.device, 5).await;
    let stopping = tokio::spawn(whole.server.stop());
    client.ended_with(0x8b).await;
    drop(client);
    stopping.await.unwrap();
    let (organization, id) = (whole.device.organization, whole.device.id);
    let record = whole
        .fieldgate
        .devices()
        .device(organization, id)
        .await
        .unwrap();
    assert_eq!(record.presence.status(), DeviceStatus::Offline);
}
