//! Accepts connections, and never waits for a peer while it does.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::clock::Clock;
use fieldgate_core::transport::Inbox;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use crate::admission::{Admission, Admitted};
use crate::connection::{Connection, Serving};
use crate::endpoint::Shared;
use crate::throttle::Throttle;

/// A listener with all that its connections need.
pub(crate) struct Listener {
    serving: Arc<Serving>,
    admission: Arc<Admission>,
    stop: watch::Sender<bool>,
}

impl Listener {
    pub(crate) fn new(
        shared: Arc<Shared>,
        tls: Arc<rustls::ServerConfig>,
        inbox: Arc<dyn Inbox>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let options = &shared.options;
        let admission = Admission::new(options.connections_max, options.unfinished_max);
        let (stop, stopped) = watch::channel(false);
        Self {
            serving: Arc::new(Serving {
                shared,
                acceptor: TlsAcceptor::from(tls),
                inbox,
                clock,
                stopped,
            }),
            admission,
            stop,
        }
    }

    pub(crate) async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        let mut pause = Duration::ZERO;
        let mut resume = Instant::now();
        let mut refusals = Throttle::default();
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection's task failed");
                    }
                }
                () = sleep_until(resume), if resume > Instant::now() => {}
                accepted = listener.accept(), if resume <= Instant::now() => match accepted {
                    Ok((stream, peer)) => {
                        pause = Duration::ZERO;
                        self.accepted(stream, peer, &mut connections, &mut refusals);
                    }
                    Err(error) => {
                        pause = self.accept_failed(&error, pause);
                        resume = Instant::now() + pause;
                    }
                }
            }
        }
        drop(listener);
        self.stop.send_replace(true);
        let grace = self.serving.shared.options.shutdown_grace;
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if timeout(grace, all_ended).await.is_err() {
            let left = connections.len();
            tracing::warn!(left, "sessions did not end in time");
        }
    }

    fn accepted(
        &self,
        stream: TcpStream,
        peer: std::net::SocketAddr,
        connections: &mut JoinSet<()>,
        refusals: &mut Throttle,
    ) {
        let counters = &self.serving.shared.counters;
        counters.connections_accepted.increment();
        let ticket = match self.admission.admit() {
            Admitted::In(ticket, evicted) => {
                counters.connections_evicted.add(evicted as u64);
                ticket
            }
            Admitted::Full => {
                counters.connections_refused.increment();
                if let Some(count) = refusals.count(Instant::now(), REFUSALS_LOGGED_EVERY) {
                    tracing::warn!(
                        %peer,
                        count,
                        "as many sessions as there may be: connections are refused"
                    );
                }
                return;
            }
        };
        let connection = Connection::new(Arc::clone(&self.serving), peer, ticket);
        connections.spawn(connection.run(stream));
    }

    /// Makes room if there is a lack of file descriptors; returns how long to pause.
    fn accept_failed(&self, error: &io::Error, pause: Duration) -> Duration {
        let counters = &self.serving.shared.counters;
        counters.accepts_failed.increment();
        // A peer that has gone again is no reason to pause.
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
        ) {
            return Duration::ZERO;
        }
        if self.admission.evict_oldest() {
            counters.connections_evicted.increment();
        }
        let max = self.serving.shared.options.accept_pause_max;
        if pause.is_zero() {
            tracing::warn!(%error, "connections cannot be accepted");
        }
        (pause * 2).clamp(max / 100, max)
    }
}

/// How often a full endpoint says so.
const REFUSALS_LOGGED_EVERY: Duration = Duration::from_secs(10);
