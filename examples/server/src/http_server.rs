//! A listener for HTTP, in clear or over TLS, with limits against peers that dawdle.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::HeaderName;
use axum::http::{Request, Response};
use fieldgate_http_axum::ClientAddress;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::arriving::Arriving;
use crate::connections::{Activity, Connections, Place};
use crate::settings::TrustedProxies;

/// A listener for HTTP.
#[derive(Clone)]
pub(crate) struct HttpServer {
    /// What is served.
    pub(crate) router: Router,
    /// TLS; none to serve in clear.
    pub(crate) tls: Option<TlsAcceptor>,
    /// Whose word about a client's address is taken.
    pub(crate) trusted_proxies: TrustedProxies,
    /// The connections that are open.
    pub(crate) connections: Arc<Connections>,
    /// Stops taking requests, and finishes those under way.
    pub(crate) stop: CancellationToken,
}

impl HttpServer {
    /// Serves until `stop`, then until all requests under way are answered.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let tasks = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Some(place) = self.connections.enter() else {
                        continue;
                    };
                    tasks.spawn(self.clone().connection(stream, peer, place));
                }
                // Out of file descriptors, most likely: give others time to end.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        tasks.close();
        tasks.wait().await;
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr, place: Place) {
        let activity = Arc::clone(place.activity());
        // A peer that acknowledges nothing of an answer is given up.
        let timeout = u32::try_from(WRITE_TIMEOUT.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, timeout);
        let _ = stream.set_nodelay(true);
        let over = activity.over(IDLE_TIMEOUT);
        tokio::select! {
            () = over => {}
            () = self.talk(stream, peer, &activity) => {}
        }
    }

    async fn talk(&self, stream: TcpStream, peer: SocketAddr, activity: &Arc<Activity>) {
        let Some(tls) = &self.tls else {
            return self.http1(stream, peer, activity).await;
        };
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream));
        let stream = tokio::select! {
            () = self.stop.cancelled() => return,
            handshake = handshake => handshake,
        };
        let Ok(Ok(stream)) = stream else {
            tracing::debug!(%peer, "a TLS handshake failed");
            return;
        };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(stream, peer, activity).await;
        } else {
            self.http1(stream, peer, activity).await;
        }
    }

    async fn http1<S>(&self, stream: S, peer: SocketAddr, activity: &Arc<Activity>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = service_fn(|request| self.answer(request, peer, activity));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        note(peer, ended);
    }

    async fn http2<S>(&self, stream: S, peer: SocketAddr, activity: &Arc<Activity>)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // Streams run as tasks of their own, and outlive this borrow.
        let (server, activity) = (self.clone(), Arc::clone(activity));
        let service = service_fn(move |request| {
            let (server, activity) = (server.clone(), Arc::clone(&activity));
            async move { server.answer(request, peer, &activity).await }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEADER_LIST_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        note(peer, ended);
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        activity: &Arc<Activity>,
    ) -> Result<Response<Body>, Infallible> {
        let lines = request.headers().get_all(FORWARDED_FOR);
        let forwarded = lines.iter().map(|line| line.to_str().unwrap_or_default());
        let forwarded: Vec<&str> = forwarded.collect();
        let client = self
            .trusted_proxies
            .client(peer.ip(), forwarded.into_iter());
        request.extensions_mut().insert(ClientAddress(client));
        let (head, body) = request.into_parts();
        let (body, _busy) = Arriving::new(body, activity);
        let router = self.router.clone();
        let request = Request::from_parts(head, Body::new(body));
        router.oneshot(request).await
    }
}

fn note(peer: SocketAddr, ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How many connections a listener has at most.
pub(crate) const CONNECTIONS_MAX: usize = 1024;

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
const STREAMS_MAX: u32 = 100;
const HEADERS_MAX: usize = 32 * 1024;
const HEADER_LIST_MAX: u32 = 32 * 1024;
