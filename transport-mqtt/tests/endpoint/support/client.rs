//! A client that sends what it is told to, right or wrong.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::packet::{Packet, publish};
use super::soon;

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: TlsStream<TcpStream>,
    /// The level of the protocol, for the packets that it builds.
    pub(crate) level: u8,
}

impl Client {
    pub(crate) const fn new(stream: TlsStream<TcpStream>) -> Self {
        Self { stream, level: 4 }
    }

    pub(crate) async fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends as far as the server takes it.
    pub(crate) async fn try_send(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(octets).await?;
        self.stream.flush().await
    }

    /// Sends a message of QoS 1.
    pub(crate) async fn publish(&mut self, topic: &str, packet_id: u16, payload: &[u8]) {
        let packet = publish(self.level, 0b0010, topic.as_bytes(), packet_id, payload);
        self.send(&packet).await;
    }

    /// The next packet.
    pub(crate) async fn packet(&mut self) -> Packet {
        let read = soon("a packet", self.try_packet()).await;
        read.expect("the connection ended")
    }

    /// The next packet; `None` where the connection has ended.
    pub(crate) async fn try_packet(&mut self) -> Option<Packet> {
        let first = self.stream.read_u8().await.ok()?;
        let mut length = 0_usize;
        for shift in [0, 7, 14, 21] {
            let octet = self.stream.read_u8().await.ok()?;
            length |= usize::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(Packet { first, body })
    }

    /// Waits for the end of the connection; returns what came before.
    pub(crate) async fn ended(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        soon("the end of the connection", async {
            while let Some(packet) = self.try_packet().await {
                packets.push(packet);
            }
        })
        .await;
        packets
    }

    /// Waits for the end of the connection; returns the reason of the DISCONNECT before it.
    pub(crate) async fn end_reason(&mut self) -> Option<u8> {
        let packets = self.ended().await;
        let last = packets.last()?;
        (last.first == 0xe0).then(|| last.body[0])
    }

    /// Waits for the end of the connection, which is announced with this reason to MQTT 5.
    pub(crate) async fn ended_with(&mut self, reason: u8) {
        let told = (self.level == 5).then_some(reason);
        assert_eq!(self.end_reason().await, told);
    }
}
