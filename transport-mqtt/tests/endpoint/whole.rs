//! The endpoint with the core and its storage in memory.

use std::sync::Arc;

use fieldgate_core::Fieldgate;
use fieldgate_core::ca::key_store::MemoryKeyStore;
use fieldgate_core::model::presence::DeviceStatus;
use fieldgate_core::service::{Addresses, Gateway};
use fieldgate_core::storage::MemoryStorage;
use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_transport_mqtt::{MqttEndpoint, MqttOptions};

use crate::support::packet::{PUBACK, PUBLISH, subscribe};
use crate::support::pki::Pki;
use crate::support::server::Server;

async fn start() -> (Fieldgate, Server<Gateway>) {
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
    let pki = Pki {
        ca: fieldgate.ca().clone(),
    };
    let clock = Arc::clone(fieldgate.clock());
    let gateway = Arc::new(fieldgate.gateway());
    let server = Server::serve(pki, endpoint, gateway, clock).await;
    (fieldgate, server)
}
