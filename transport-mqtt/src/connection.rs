//! A connection from its first octet to its session.

use std::net::SocketAddr;
use std::sync::Arc;

use fieldgate_core::ca::identity::CertificateIdentity;
use fieldgate_core::clock::Clock;
use fieldgate_core::transport::Inbox;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::admission::Ticket;
use crate::endpoint::Shared;
use crate::packet::{Connect, ConnectError, FrameLimits, Version, decode_connect, encode_refusal};
use crate::refusal::Refusal;
use crate::session;
use crate::text::clip;
use crate::wire::{FirstPacketError, Wire};

/// The octets of a device's connection.
pub(crate) type DeviceWire = Wire<TlsStream<TcpStream>>;

/// What all connections of a listener share.
pub(crate) struct Serving {
    pub(crate) shared: Arc<Shared>,
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Turns true when the endpoint stops.
    pub(crate) stopped: watch::Receiver<bool>,
}

/// A connection that has been accepted.
pub(crate) struct Connection {
    serving: Arc<Serving>,
    peer: SocketAddr,
    ticket: Ticket,
}

impl Serving {
    /// Returns when the endpoint stops.
    pub(crate) async fn wait_stopped(&self) {
        let mut stopped = self.stopped.clone();
        // An error means that the listener is gone, which is the same.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }

    /// How large packets may be.
    pub(crate) fn frame_limits(&self) -> FrameLimits {
        let options = &self.shared.options;
        FrameLimits {
            publish_max: options.message_max_bytes + options.publish_header_max_bytes,
            control_max: options.control_packet_max_bytes,
        }
    }
}

impl Connection {
    pub(crate) const fn new(serving: Arc<Serving>, peer: SocketAddr, ticket: Ticket) -> Self {
        Self {
            serving,
            peer,
            ticket,
        }
    }

    /// Serves the connection until it ends.
    pub(crate) async fn run(mut self, stream: TcpStream) {
        let serving = Arc::clone(&self.serving);
        let peer = self.peer;
        let unfinished = connect(&serving, peer, stream);
        let connected = tokio::select! {
            biased;
            () = serving.wait_stopped() => return,
            () = self.ticket.evicted() => return,
            connected = unfinished => connected,
        };
        let Some((wire, identity, connect)) = connected else {
            return;
        };
        if !self.ticket.finish() {
            return;
        }
        match connect {
            Ok(connect) => self.open(wire, identity, connect).await,
            Err(ConnectError::UnsupportedVersion(version)) => {
                self.refuse(wire, version, Refusal::UnsupportedVersion)
                    .await;
            }
            Err(ConnectError::Wrong(version, violation)) => {
                tracing::info!(%peer, reason = violation.what, "CONNECT refused");
                let refusal = Refusal::Malformed(violation.reason);
                match version {
                    Some(version) => self.refuse(wire, version, refusal).await,
                    None => {
                        count_refusal(&self.serving.shared, refusal);
                        wire.close(self.serving.shared.options.goodbye_timeout)
                            .await;
                    }
                }
            }
        }
    }

    async fn open(self, wire: DeviceWire, identity: Option<CertificateIdentity>, connect: Connect) {
        let version = connect.version;
        let Some(identity) = identity else {
            return self.refuse(wire, version, Refusal::NotAuthorized).await;
        };
        let device = identity.device_id;
        match session::open(&self.serving, &identity, connect).await {
            Ok(opened) => opened.run(wire, self.peer, self.ticket).await,
            Err(refused) => {
                let refusal = refused.refusal;
                tracing::info!(peer = %self.peer, %device, ?refusal, "CONNECT refused");
                let refusing = self.refuse(wire, version, refusal);
                match refused.open {
                    Some(open) => drop(tokio::join!(refusing, open.close())),
                    None => refusing.await,
                }
            }
        }
    }

    async fn refuse(self, mut wire: DeviceWire, version: Version, refusal: Refusal) {
        count_refusal(&self.serving.shared, refusal);
        if let Err(error) = encode_refusal(version, refusal, wire.outbound()) {
            tracing::error!(%error, "a CONNACK could not be written");
        }
        wire.close(self.serving.shared.options.goodbye_timeout)
            .await;
    }
}

type Connected = (
    DeviceWire,
    Option<CertificateIdentity>,
    Result<Connect, ConnectError>,
);

/// The handshake, and then the CONNECT; each has its time.
async fn connect(serving: &Serving, peer: SocketAddr, stream: TcpStream) -> Option<Connected> {
    let Shared {
        options, counters, ..
    } = &*serving.shared;
    // Small packets are not to wait for one another; where it cannot be set, they do.
    let _ = stream.set_nodelay(true);
    let accepting = serving.acceptor.accept(stream);
    let stream = match timeout(options.handshake_timeout, accepting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            counters.handshakes_failed.increment();
            tracing::debug!(%peer, error = clip(&error.to_string()), "TLS handshake failed");
            return None;
        }
        Err(_) => {
            counters.handshakes_failed.increment();
            tracing::debug!(%peer, "TLS handshake took too long");
            return None;
        }
    };
    let identity = identity(&stream, peer);
    let mut wire = Wire::new(stream);
    let first = wire.first_packet(serving.frame_limits());
    let first = timeout(options.connect_timeout, first).await;
    let connect = match first {
        Ok(Ok((frame, octets))) => decode_connect(frame, octets),
        Ok(Err(FirstPacketError::Wrong(violation))) => Err(ConnectError::Wrong(None, violation)),
        Ok(Err(FirstPacketError::Missing)) | Err(_) => {
            counters.connects_missing.increment();
            tracing::debug!(%peer, "no CONNECT came");
            return None;
        }
    };
    Some((wire, identity, connect))
}

fn identity(stream: &TlsStream<TcpStream>, peer: SocketAddr) -> Option<CertificateIdentity> {
    let (_, tls) = stream.get_ref();
    let leaf = tls.peer_certificates()?.first()?;
    match CertificateIdentity::from_der(leaf) {
        Ok(identity) => Some(identity),
        Err(invalid) => {
            tracing::info!(%peer, %invalid, "the certificate is no device's");
            None
        }
    }
}

fn count_refusal(shared: &Shared, refusal: Refusal) {
    let counters = &shared.counters;
    match refusal {
        Refusal::BadAuthenticationMethod | Refusal::NotAuthorized => {
            counters.refused_not_authorized.increment();
        }
        Refusal::ClientIdentifierNotValid => counters.refused_client_id.increment(),
        Refusal::Malformed(_) | Refusal::MaximumPacketSize | Refusal::UnsupportedVersion => {
            counters.refused_protocol.increment();
        }
        Refusal::WillTooLarge | Refusal::WillTopic => counters.refused_will.increment(),
        Refusal::ServerUnavailable => counters.refused_unavailable.increment(),
    }
}
