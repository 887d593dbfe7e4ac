//! The endpoint keeps the contract of transports, over real sockets and TLS.

use std::sync::Arc;

use async_trait::async_trait;
use fieldgate_core::ca::identity::CertificateIdentity;
use fieldgate_core::testing::transport::{
    ConnectedDevice, Message, TestInbox, Told, TransportFixture,
};
use fieldgate_core::transport::Transport;
use fieldgate_core::transport::topic::DeviceTopic;
use fieldgate_transport_mqtt::MqttOptions;

use crate::replying::message;
use crate::support::client::Client;
use crate::support::packet::{
    CONNACK, Connect, PINGREQ, PINGRESP, PUBACK, PUBLISH, Packet, SUBACK, publish, subscribe,
};
use crate::support::pki::TestDevice;
use crate::support::server::Server;

fieldgate_core::transport_contract!(MqttFixture);

struct MqttFixture(Server);

/// A device that speaks MQTT 5 and has subscribed to what it may be replied.
struct MqttDevice {
    device: TestDevice,
    client: Client,
}

#[async_trait]
impl TransportFixture for MqttFixture {
    type Credentials = TestDevice;
    type Device = MqttDevice;

    async fn start(inbox: Arc<TestInbox>) -> Self {
        let options = MqttOptions {
            takeovers_max: 100,
            ..MqttOptions::default()
        };
        Self(Server::with_inbox(options, inbox).await)
    }

    fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.0.endpoint.clone())
    }

    fn credentials(&self) -> TestDevice {
        self.0.device()
    }

    fn identity(&self, credentials: &TestDevice) -> CertificateIdentity {
        CertificateIdentity::from_der(&credentials.chain[0]).unwrap()
    }

    async fn connect(&self, credentials: &TestDevice) -> Option<MqttDevice> {
        let tls = credentials.tls(&self.0.pki, rustls::DEFAULT_VERSIONS);
        let mut client = self.0.tls_with(tls).await.ok()?;
        client.level = 5;
        let connect = Connect::new(5, credentials.id);
        client.try_send(&connect.encode()).await.ok()?;
        let answer = client.try_packet().await?;
        if answer.kind() != CONNACK || answer.body[1] != 0 {
            return None;
        }
        let topic = credentials.topic(DeviceTopic::AnnounceResult);
        client
            .try_send(&subscribe(5, 1, &[(&topic, 0)]))
            .await
            .ok()?;
        let answer = client.try_packet().await?;
        (answer.kind() == SUBACK).then(|| MqttDevice {
            device: credentials.clone(),
            client,
        })
    }

    async fn stop(&self) {
        self.0.stop_serving().await;
    }
}

#[async_trait]
impl ConnectedDevice for MqttDevice {
    async fn send(&mut self, message: Message) {
        let number = message.number();
        let (topic, payload) = match message {
            Message::Announcement(_) => {
                let payload = format!(r#"{{"components":[{{"key":"c{number}"}}]}}"#);
                (DeviceTopic::Announce, payload)
            }
            Message::Reading(_) => {
                let payload = format!(r#"{{"sensor":"s","value":{number}}}"#);
                (DeviceTopic::Readings, payload)
            }
        };
        let topic = self.device.topic(topic);
        let packet = publish(5, 0b0010, topic.as_bytes(), number, payload.as_bytes());
        let _ = self.client.try_send(&packet).await;
    }

    async fn told(&mut self) -> Told {
        match self.client.try_packet().await {
            Some(packet) => told(&packet),
            None => Told::Ended,
        }
    }

    async fn told_by_now(&mut self) -> Vec<Told> {
        // Whatever the endpoint can tell by now comes before the answer to this.
        self.client.send(&PINGREQ).await;
        let mut all = Vec::new();
        loop {
            let packet = self.client.packet().await;
            if packet.kind() == PINGRESP {
                return all;
            }
            all.push(told(&packet));
        }
    }

    async fn leave(mut self) {
        let _ = self.client.try_send(&[0xe0, 0]).await;
        self.client.ended().await;
    }

    async fn lose(self) {}
}

fn told(packet: &Packet) -> Told {
    match packet.kind() {
        PUBACK => Told::Acknowledged(packet.packet_id()),
        PUBLISH => {
            let (_, _, result) = message(packet, 5);
            let components = result["components"].as_object().unwrap();
            let key = components.keys().next().unwrap();
            Told::Reply(key.strip_prefix('c').unwrap().parse().unwrap())
        }
        _ => {
            assert_eq!(packet.first, 0xe0, "{packet:?}");
            Told::Ended
        }
    }
}
