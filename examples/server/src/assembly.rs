//! Assembles the system from its parts: storage, keys, device endpoint.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::Fieldgate;
use fieldgate_core::ca::policy::CertificatePolicy;
use fieldgate_core::service::Addresses;
use fieldgate_transport_mqtt::{MqttEndpoint, MqttOptions};

use crate::bootstrap::{Bootstrapped, bootstrap};
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::key_files::KeyFiles;
use crate::settings::Settings;
use crate::storage::OpenStorage;
use crate::transfer;

/// The assembled system.
#[derive(Debug)]
pub(crate) struct Assembly {
    pub(crate) storage: OpenStorage,
    pub(crate) fieldgate: Fieldgate,
    pub(crate) mqtt: Arc<MqttEndpoint>,
    pub(crate) bootstrapped: Bootstrapped,
}

/// The ports that devices come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DevicePorts {
    pub(crate) https: u16,
    pub(crate) mqtt: u16,
}

impl Assembly {
    /// Opens the storage and the CA, and makes what a first start makes.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the storage is half of something, which must not be taken for a first
    /// start, and where any of it fails; the storage is closed then.
    pub(crate) async fn make(
        settings: &Settings,
        directory: &DataDir,
        ports: DevicePorts,
    ) -> Result<Self, Failure> {
        transfer::refuse_half(&settings.data_dir, &settings.storage)?;
        let storage = OpenStorage::open(&settings.storage).await?;
        let made = Self::on(storage.clone(), settings, directory, ports).await;
        if made.is_err() {
            storage.close().await;
        }
        made
    }

    async fn on(
        storage: OpenStorage,
        settings: &Settings,
        directory: &DataDir,
        ports: DevicePorts,
    ) -> Result<Self, Failure> {
        let ca = directory.ca();
        let keys = KeyFiles::open(&ca).map_err(|error| {
            Failure::runtime(format!(
                "the directory of the CA's keys, {}: {error}",
                ca.display()
            ))
        })?;
        let mqtt = Arc::new(MqttEndpoint::new(MqttOptions {
            readings_per_second: settings.readings_per_second,
            shutdown_grace: MQTT_GRACE,
            ..MqttOptions::default()
        }));
        let fieldgate = Fieldgate::builder()
            .storage(storage.port())
            .key_store(Arc::new(keys))
            .transport(Arc::clone(&mqtt) as Arc<dyn fieldgate_core::transport::Transport>)
            .limits(settings.limits.clone())
            .retention(settings.retention)
            .certificate_policy(CertificatePolicy {
                crl_url: settings.crl_url.clone(),
                ..CertificatePolicy::default()
            })
            .addresses(Addresses {
                provision_endpoint: format!(
                    "{}/api/v1/devices/provision",
                    https_url(settings, ports.https)
                ),
                mqtt_host: settings.public_host().to_owned(),
                mqtt_port: ports.mqtt,
            })
            .build()
            .await
            .map_err(anyhow::Error::new)?;
        let bootstrapped = bootstrap(&fieldgate, directory, &settings.storage).await?;
        Ok(Self {
            storage,
            fieldgate,
            mqtt,
            bootstrapped,
        })
    }
}

/// The URL by which devices reach the HTTPS listener.
pub(crate) fn https_url(settings: &Settings, port: u16) -> String {
    format!("https://{}", authority(settings.public_host(), port))
}

/// A host and a port as they stand in a URL.
pub(crate) fn authority(host: &str, port: u16) -> String {
    match host.parse() {
        Ok(address) => SocketAddr::new(address, port).to_string(),
        Err(_) => format!("{host}:{port}"),
    }
}

/// Less than the listeners are given to stop, so that each session's end is noted before the storage
/// is closed.
const MQTT_GRACE: Duration = Duration::from_secs(5);
