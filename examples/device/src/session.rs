//! One connection to the server: MQTT over mutual TLS.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, LastWill, MqttOptions, Packet,
    PublishOptions, QoS, Transport,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::answer::{root_of, text};
use crate::state::State;

/// One connection to the server.
pub(crate) struct Session<'a> {
    pub(crate) line: Line<'a>,
    /// Ends when the connection does, and says why.
    pub(crate) network: JoinHandle<anyhow::Error>,
}

/// What one talks through while the connection stands.
pub(crate) struct Line<'a> {
    identity: &'a Value,
    client: AsyncClient,
    messages: mpsc::Receiver<Value>,
}

impl<'a> Session<'a> {
    /// Begins to connect, with the certificate as the only credential.
    pub(crate) fn open(state: &State, identity: &'a Value) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(root_of(text(identity, "/caChain")?)?)?;
        let certificate = text(identity, "/certificate")?.as_bytes();
        let certificate = CertificateDer::from_pem_slice(certificate)?;
        let key = state.known_key()?.context(
            "key.pem is missing: remove identity.json too, and start me with a new token",
        )?;
        let key = PrivateKeyDer::try_from(key.serialize_der());
        let key = key.map_err(|error| anyhow!(error))?;
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificate], key)?;

        let port = identity["mqtt"]["port"].as_u64().map(u16::try_from);
        let port = port.context("the server's answer has no /mqtt/port")??;
        let server = (text(identity, "/mqtt/host")?, port);
        let mut options = MqttOptions::new(text(identity, "/mqtt/clientId")?, server);
        options.set_keep_alive(30);
        options.set_transport(Transport::tls_with_config(tls.into()));
        // What the server says of us should the connection break.
        let will = json!({"status": "offline", "reason": "connection lost"}).to_string();
        let status = text(identity, "/mqtt/topics/status")?;
        options.set_last_will(LastWill::new(status, will, QoS::AtLeastOnce, true));

        let (client, mut connection) = AsyncClient::builder(options).capacity(16).build();
        let (received, messages) = mpsc::channel(16);
        let network = tokio::spawn(async move {
            loop {
                match connection.poll().await {
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let message = serde_json::from_slice(&message.payload);
                        let _ = received.send(message.unwrap_or_default()).await;
                    }
                    Ok(_) => {}
                    Err(error) => return explained(error),
                }
            }
        });
        let line = Line {
            identity,
            client,
            messages,
        };
        Ok(Self { line, network })
    }

    /// Ends the connection in good order.
    pub(crate) async fn good_bye(mut self) {
        let offline = json!({"status": "offline", "reason": "stopped"});
        let good_bye = async {
            self.line.publish("status", &offline, true).await?;
            self.line.client.disconnect().await?;
            let _ = (&mut self.network).await;
            anyhow::Ok(())
        };
        let _ = tokio::time::timeout(GOOD_BYE, good_bye).await;
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.network.abort();
    }
}

impl Line<'_> {
    /// Subscribes to the topic of a name, and waits until the server has agreed.
    pub(crate) async fn subscribe(&self, name: &str) -> Result<()> {
        let topic = self.topic(name)?;
        let asked = self.client.subscribe_tracked(topic, QoS::AtLeastOnce);
        asked.await?.wait_async().await?;
        Ok(())
    }

    /// Publishes at QoS 1: when this returns, the server has stored it.
    pub(crate) async fn publish(&self, name: &str, payload: &Value, retain: bool) -> Result<()> {
        let options = PublishOptions::at_least_once().retain(retain);
        self.send(name, payload, options).await
    }

    /// Publishes at QoS 0: when this returns, it is on its way.
    pub(crate) async fn tell(&self, name: &str, payload: &Value) -> Result<()> {
        self.send(name, payload, PublishOptions::at_most_once())
            .await
    }

    /// The next message from the server.
    pub(crate) async fn next(&mut self) -> Result<Value> {
        let message = tokio::time::timeout(ANSWER, self.messages.recv()).await;
        message
            .context("the server does not answer")?
            .context("the connection is gone")
    }

    async fn send(&self, name: &str, payload: &Value, options: PublishOptions) -> Result<()> {
        let topic = self.topic(name)?;
        let sent = self
            .client
            .publish_tracked(topic, payload.to_string(), options);
        sent.await?.wait_async().await?;
        Ok(())
    }

    fn topic(&self, name: &str) -> Result<&str> {
        text(self.identity, &format!("/mqtt/topics/{name}"))
    }
}

fn explained(error: ConnectionError) -> anyhow::Error {
    if let ConnectionError::ConnectionRefused(code @ ConnectReturnCode::NotAuthorized) = &error {
        return anyhow!(
            "the server knows me and does not let me in ({code:?}): ask the operator whether I am \
             INACTIVE, or my certificate is revoked or over; for a new certificate, remove \
             identity.json and start me with a new token"
        );
    }
    // Every cause repeats the one below it.
    let cause = anyhow::Error::from(error).root_cause().to_string();
    if cause.contains("CertificateExpired") {
        return anyhow!(
            "my certificate is over: ask the operator for a new token, and start me with it"
        );
    }
    anyhow!(cause)
}

const ANSWER: Duration = Duration::from_secs(20);
const GOOD_BYE: Duration = Duration::from_secs(3);
