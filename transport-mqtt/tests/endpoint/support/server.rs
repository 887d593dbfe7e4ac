//! An endpoint that serves.

use std::net::SocketAddr;
use std::sync::Arc;

use fieldgate_core::clock::{Clock, SystemClock};
use fieldgate_core::testing::transport::TestInbox;
use fieldgate_core::transport::Inbox;
use fieldgate_transport_mqtt::{MqttEndpoint, MqttOptions, device_tls_config};
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, oneshot};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::client::Client;
use super::packet::Connect;
use super::pki::{Pki, TestDevice};
use super::soon;

/// An endpoint on a port of 127.0.0.1, with an inbox.
pub(crate) struct Server<I = TestInbox> {
    pub(crate) pki: Pki,
    pub(crate) endpoint: MqttEndpoint,
    pub(crate) inbox: Arc<I>,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<dyn Clock>,
    serving: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(MqttOptions::default()).await
    }

    pub(crate) async fn with(options: MqttOptions) -> Self {
        Self::with_clock(options, Arc::new(SystemClock)).await
    }

    pub(crate) async fn with_inbox(options: MqttOptions, inbox: Arc<TestInbox>) -> Self {
        Self::with_all(options, inbox, Arc::new(SystemClock)).await
    }

    pub(crate) async fn with_clock(options: MqttOptions, clock: Arc<dyn Clock>) -> Self {
        Self::with_all(options, Arc::default(), clock).await
    }

    async fn with_all(options: MqttOptions, inbox: Arc<TestInbox>, clock: Arc<dyn Clock>) -> Self {
        let pki = Pki::new(Arc::clone(&clock)).await;
        let endpoint = MqttEndpoint::new(options);
        Self::serve(pki, endpoint, inbox, clock).await
    }
}

impl<I: Inbox> Server<I> {
    pub(crate) async fn serve(
        pki: Pki,
        endpoint: MqttEndpoint,
        inbox: Arc<I>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = pki.server_certificate();
        let tls = device_tls_config(&pki.ca, certificate, provider, Arc::clone(&clock)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn({
            let (endpoint, inbox, clock) =
                (endpoint.clone(), Arc::clone(&inbox), Arc::clone(&clock));
            async move {
                let stopped = async {
                    let _ = stopped.await;
                };
                endpoint
                    .serve(listener, Arc::new(tls), inbox, clock, stopped)
                    .await;
            }
        });
        Self {
            pki,
            endpoint,
            inbox,
            address,
            clock,
            serving: Mutex::new(Some((stop, serving))),
        }
    }

    pub(crate) fn device(&self) -> TestDevice {
        self.pki.device(&*self.clock)
    }

    /// A device's TLS connection, before its CONNECT.
    pub(crate) async fn tls(&self, device: &TestDevice) -> Client {
        self.tls_with(device.tls(&self.pki, rustls::DEFAULT_VERSIONS))
            .await
            .unwrap()
    }

    pub(crate) async fn tls_with(&self, config: rustls::ClientConfig) -> std::io::Result<Client> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").unwrap();
        let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
        Ok(Client::new(soon("TLS handshake", connecting).await?))
    }

    /// A device's session.
    pub(crate) async fn connect(&self, device: &TestDevice, level: u8) -> Client {
        self.connect_with(device, &Connect::new(level, device.id))
            .await
    }

    /// A device's session by this CONNECT, which has to be accepted.
    pub(crate) async fn connect_with(&self, device: &TestDevice, connect: &Connect) -> Client {
        let mut client = self.tls(device).await;
        client.level = connect.level;
        client.send(&connect.encode()).await;
        let answer = client.packet().await;
        assert_eq!(answer.first, 0x20);
        assert_eq!(answer.body[..2], [0, 0], "CONNECT was refused");
        client
    }

    /// Stops the endpoint and waits for it.
    pub(crate) async fn stop(self) -> (Arc<I>, MqttEndpoint) {
        self.stop_serving().await;
        (self.inbox, self.endpoint)
    }

    /// Stops the endpoint, unless it has stopped, and waits for it.
    pub(crate) async fn stop_serving(&self) {
        if let Some((stop, serving)) = self.serving.lock().await.take() {
            stop.send(()).unwrap();
            soon("the endpoint stops", serving).await.unwrap();
        }
    }
}
