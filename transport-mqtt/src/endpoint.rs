//! The device endpoint.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::clock::Clock;
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::transport::{DisconnectReason, Inbox, Transport};
use tokio::net::TcpListener;

use crate::listener::Listener;
use crate::options::MqttOptions;
use crate::registry::Registry;
use crate::stats::{Counters, Stats};

/// The device endpoint: MQTT 3.1.1 and 5 over mutual TLS.
///
/// It is made first and given to the core as its [`Transport`]; then it serves. A clone is another
/// handle to the same endpoint.
#[derive(Clone, Debug)]
pub struct MqttEndpoint {
    shared: Arc<Shared>,
}

/// What all connections of an endpoint share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: MqttOptions,
    pub(crate) registry: Arc<Registry>,
    pub(crate) counters: Counters,
}

impl MqttEndpoint {
    /// An endpoint with these limits.
    #[must_use]
    pub fn new(options: MqttOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                registry: Arc::default(),
                counters: Counters::default(),
            }),
        }
    }

    /// Serves devices on `listener` until `shutdown` is ready.
    ///
    /// Then it accepts no more, ends its sessions, and returns when the end of each is noted, or
    /// after [`MqttOptions::shutdown_grace`].
    ///
    /// `tls` comes from [`device_tls_config`](crate::device_tls_config): it has to require and
    /// verify client certificates.
    pub async fn serve(
        &self,
        listener: TcpListener,
        tls: Arc<rustls::ServerConfig>,
        inbox: Arc<dyn Inbox>,
        clock: Arc<dyn Clock>,
        shutdown: impl Future<Output = ()>,
    ) {
        Listener::new(Arc::clone(&self.shared), tls, inbox, clock)
            .run(listener, shutdown)
            .await;
    }

    /// What the endpoint has counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.snapshot()
    }
}

#[async_trait]
impl Transport for MqttEndpoint {
    async fn disconnect(
        &self,
        organization: OrganizationId,
        device: DeviceId,
        reason: DisconnectReason,
    ) {
        let registry = &self.shared.registry;
        let ended = registry.disconnect((organization, device), reason).await;
        if ended > 0 {
            self.shared.counters.kicks.increment();
            tracing::info!(%device, ?reason, "session ended by the core");
        }
    }
}
