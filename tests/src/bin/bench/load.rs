//! A publisher at QoS 1 that keeps a window of messages in flight.

use std::sync::Arc;

use fieldgate_tests::packet::{self, Connect, Packet, Version};
use fieldgate_tests::tls::{self, Identity};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connected client.
pub(crate) struct Client {
    reader: ReadHalf<TlsStream<TcpStream>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
    received: Vec<u8>,
}

impl Client {
    /// Connects over mutual TLS on loopback.
    pub(crate) async fn connect(port: u16, root: &str, identity: &Identity, id: &str) -> Self {
        let config = Arc::new(tls::client_config(root, Some(identity)));
        let socket = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("it listens");
        socket.set_nodelay(true).expect("a TCP socket");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(config);
        let stream = connector.connect(name, socket).await.expect("TLS");
        let (reader, writer) = split(stream);
        let mut client = Self {
            reader,
            writer,
            received: Vec::new(),
        };
        client.send(&Connect::new(Version::V4, id).encode()).await;
        let connack = client.next().await;
        assert_eq!((connack.kind, connack.body[1]), (packet::CONNACK, 0));
        client
    }

    /// Publishes each payload, at most `window` of them unacknowledged at a time, and returns when
    /// all are acknowledged.
    pub(crate) async fn publish_all(&mut self, topic: &str, payloads: &[String], window: usize) {
        let in_flight = Arc::new(Semaphore::new(window));
        let (reader, received) = (&mut self.reader, &mut self.received);
        let writer = &mut self.writer;
        let publish = async {
            for (payload, id) in payloads.iter().zip((1..=u16::MAX).cycle()) {
                if in_flight.available_permits() == 0 {
                    writer.flush().await.expect("it is connected");
                }
                let permit = in_flight.acquire().await.expect("it is open");
                permit.forget();
                let packet = packet::publish(Version::V4, topic, payload.as_bytes(), 1, id);
                writer.write_all(&packet).await.expect("it is connected");
            }
            writer.flush().await.expect("it is connected");
        };
        let acknowledge = async {
            let mut missing = payloads.len();
            while missing > 0 {
                let packet = read(reader, received).await;
                if packet.kind == packet::PUBACK {
                    missing -= 1;
                    in_flight.add_permits(1);
                }
            }
        };
        tokio::join!(publish, acknowledge);
    }

    /// Subscribes at QoS 1, then acknowledges what comes until `count` messages have come.
    pub(crate) async fn subscribe(&mut self, filter: &str) {
        self.send(&packet::subscribe(Version::V4, 1, &[filter]))
            .await;
        let answer = self.next().await;
        assert_eq!(answer.kind, packet::SUBACK);
    }

    /// Takes and acknowledges so many messages.
    pub(crate) async fn take(&mut self, count: usize) {
        for _ in 0..count {
            let message = self.next().await;
            if let Some(id) = message.message_id() {
                self.send(&packet::puback(id)).await;
            }
        }
    }

    async fn send(&mut self, octets: &[u8]) {
        self.writer
            .write_all(octets)
            .await
            .expect("it is connected");
        self.writer.flush().await.expect("it is connected");
    }

    async fn next(&mut self) -> Packet {
        read(&mut self.reader, &mut self.received).await
    }
}

async fn read(reader: &mut ReadHalf<TlsStream<TcpStream>>, received: &mut Vec<u8>) -> Packet {
    loop {
        if let Some(packet) = Packet::take(received) {
            return packet;
        }
        let read = reader.read_buf(received).await.expect("it is connected");
        assert!(read > 0, "the server closed the connection");
    }
}
