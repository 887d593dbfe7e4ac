//! A bare MQTT client over TLS: it sends what it is told to, and shows what comes.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::packet::{self, Connect, Packet, Version};
use crate::tls::{self, Identity};
use crate::wait::soon;
use crate::{Device, Server};

/// A connection to the device endpoint. Dropping it closes the socket without a DISCONNECT.
#[derive(Debug)]
pub struct MqttClient {
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
    version: Version,
    last_id: u16,
}

impl MqttClient {
    /// Opens a TLS connection, and sends nothing yet.
    ///
    /// # Errors
    ///
    /// Where the server refuses it at once. With TLS 1.3 the client's certificate is checked after
    /// that only: the refusal shows at the first read.
    pub async fn open(server: &Server, identity: Option<&Identity>) -> io::Result<Self> {
        let root = server.root_pem().await;
        let config = Arc::new(tls::client_config(&root, identity));
        let socket = TcpStream::connect(("127.0.0.1", server.mqtt_port())).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(config).connect(name, socket).await?;
        Ok(Self {
            stream,
            received: Vec::new(),
            version: Version::V4,
            last_id: 0,
        })
    }

    /// Connects, and gives the CONNACK's code too; `None` where the server closes without one.
    ///
    /// # Panics
    ///
    /// Where there is no TLS connection.
    pub async fn connect(
        server: &Server,
        identity: &Identity,
        connect: &Connect,
    ) -> (Self, Option<u8>) {
        let opened = Self::open(server, Some(identity)).await;
        let mut client = opened.expect("TLS lets it in");
        client.version = connect.version;
        client.send(&connect.encode()).await;
        let answer = client.next().await;
        if let Some(packet) = &answer {
            assert_eq!(packet.kind, packet::CONNACK, "{packet:?}");
            assert_eq!(packet.body[0], 0, "session present is always 0");
        }
        (client, answer.map(|packet| packet.connack_code()))
    }

    /// Sends some octets. That the server has closed shows when one reads.
    pub async fn send(&mut self, octets: &[u8]) {
        let sent = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        drop(sent.await);
    }

    /// The next packet; `None` where the server has closed.
    ///
    /// # Panics
    ///
    /// Where neither comes.
    pub async fn next(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = Packet::take(&mut self.received) {
                return Some(packet);
            }
            let read = self.stream.read_buf(&mut self.received);
            match soon("a packet or the end of the connection", read).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next packet of a kind; others are passed over.
    ///
    /// # Panics
    ///
    /// Where the server closes before.
    pub async fn expect(&mut self, kind: u8) -> Packet {
        loop {
            match self.next().await {
                Some(packet) if packet.kind == kind => return packet,
                Some(_) => {}
                None => panic!("the server closed the connection instead of sending {kind}"),
            }
        }
    }

    /// Reads until the server closes, and gives all that came before.
    pub async fn until_closed(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        while let Some(packet) = self.next().await {
            packets.push(packet);
        }
        packets
    }

    /// Publishes at QoS 1 and waits for the acknowledgement, whose reason code it gives.
    ///
    /// # Panics
    ///
    /// Where the server closes instead.
    pub async fn publish(&mut self, topic: &str, payload: impl AsRef<[u8]>) -> u8 {
        let id = self.next_id();
        let packet = packet::publish(self.version, topic, payload.as_ref(), 1, id);
        self.send(&packet).await;
        let ack = self.expect(packet::PUBACK).await;
        assert_eq!(ack.id(), id);
        ack.ack_reason()
    }

    /// As [`MqttClient::publish`], of JSON.
    ///
    /// # Panics
    ///
    /// As there.
    pub async fn publish_json(&mut self, topic: &str, payload: &Value) {
        let reason = self.publish(topic, payload.to_string()).await;
        assert!(reason < 0x80, "refused with {reason:#04x}: {payload}");
    }

    /// Publishes at QoS 0 and makes sure that it has been dealt with.
    pub async fn publish_at_most_once(&mut self, topic: &str, payload: impl AsRef<[u8]>) {
        let packet = packet::publish(self.version, topic, payload.as_ref(), 0, 0);
        self.send(&packet).await;
        self.ping().await;
    }

    /// Publishes at QoS 1 what has to end the session: gives what came before the end.
    pub async fn publish_to_be_cut_off(
        &mut self,
        topic: &str,
        payload: impl AsRef<[u8]>,
    ) -> Vec<Packet> {
        let id = self.next_id();
        let packet = packet::publish(self.version, topic, payload.as_ref(), 1, id);
        self.send(&packet).await;
        self.until_closed().await
    }

    /// Subscribes to one filter, and gives the code of the answer.
    pub async fn subscribe(&mut self, filter: &str) -> u8 {
        let id = self.next_id();
        let packet = packet::subscribe(self.version, id, &[filter]);
        self.send(&packet).await;
        let answer = self.expect(packet::SUBACK).await;
        assert_eq!(answer.id(), id);
        answer.codes(self.version)[0]
    }

    /// The next message: its topic and its payload as JSON. It is acknowledged.
    ///
    /// # Panics
    ///
    /// Where it is no JSON, or none comes.
    pub async fn message(&mut self) -> (String, Value) {
        let packet = self.expect(packet::PUBLISH).await;
        if let Some(id) = packet.message_id() {
            self.send(&packet::puback(id)).await;
        }
        let (topic, payload) = packet.message(self.version);
        let payload = serde_json::from_slice(&payload).expect("messages are JSON");
        (topic, payload)
    }

    /// Makes sure that the server is there and has dealt with what was sent.
    ///
    /// # Panics
    ///
    /// Where it has closed.
    pub async fn ping(&mut self) {
        self.send(&packet::pingreq()).await;
        self.expect(packet::PINGRESP).await;
    }

    /// Ends the session by DISCONNECT.
    pub async fn disconnect(mut self) {
        self.send(&packet::disconnect()).await;
        // The server closes the connection, not the client.
        self.until_closed().await;
    }

    /// A packet identifier that was not the last one.
    pub const fn next_id(&mut self) -> u16 {
        self.last_id = match self.last_id {
            u16::MAX => 1,
            id => id + 1,
        };
        self.last_id
    }
}

impl Device {
    /// Connects the device as it should.
    ///
    /// # Panics
    ///
    /// Where it is refused.
    pub async fn connect(&self, server: &Server) -> MqttClient {
        self.connect_by(server, Version::V4).await
    }

    /// As [`Device::connect`], by a version of the protocol.
    ///
    /// # Panics
    ///
    /// Where it is refused.
    pub async fn connect_by(&self, server: &Server, version: Version) -> MqttClient {
        let connect = Connect::new(version, &*self.id);
        let (client, code) = MqttClient::connect(server, &self.identity(), &connect).await;
        assert_eq!(code, Some(0), "the device {} is refused", self.name);
        client
    }

    /// Tries to connect, and gives the CONNACK's code.
    pub async fn try_connect(&self, server: &Server, version: Version) -> Option<u8> {
        let connect = Connect::new(version, &*self.id);
        let (_, code) = MqttClient::connect(server, &self.identity(), &connect).await;
        code
    }
}
