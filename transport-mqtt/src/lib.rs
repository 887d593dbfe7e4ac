//! The device endpoint of Fieldgate: MQTT 3.1.1 and 5 over mutual TLS.
//!
//! [`MqttEndpoint`] is the [`Transport`](fieldgate_core::transport::Transport) by which devices
//! reach the core. It takes who a device is from its certificate, lets it publish and subscribe to
//! its own topics only, and acknowledges a message when the core says that its effect is durable.
//! There is no broker in it: all traffic is between a device and the core.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use fieldgate_core::Fieldgate;
//! use fieldgate_transport_mqtt::{MqttEndpoint, MqttOptions, device_tls_config};
//!
//! # async fn example(
//! #     storage: Arc<dyn fieldgate_core::storage::Storage>,
//! #     key_store: Arc<dyn fieldgate_core::ca::key_store::KeyStore>,
//! #     addresses: fieldgate_core::service::Addresses,
//! #     server_certificate: Arc<dyn rustls::server::ResolvesServerCert>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let endpoint = MqttEndpoint::new(MqttOptions::default());
//! let fieldgate = Fieldgate::builder()
//!     .storage(storage)
//!     .key_store(key_store)
//!     .addresses(addresses)
//!     .transport(Arc::new(endpoint.clone()))
//!     .build()
//!     .await?;
//!
//! let provider = Arc::new(rustls::crypto::ring::default_provider());
//! let clock = Arc::clone(fieldgate.clock());
//! let tls = device_tls_config(fieldgate.ca(), server_certificate, provider, clock)?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8883").await?;
//! endpoint
//!     .serve(
//!         listener,
//!         Arc::new(tls),
//!         Arc::new(fieldgate.gateway()),
//!         Arc::clone(fieldgate.clock()),
//!         std::future::pending(),
//!     )
//!     .await;
//! # Ok(())
//! # }
//! ```

mod admission;
mod connection;
mod endpoint;
mod listener;
mod options;
mod packet;
mod payload;
mod refusal;
mod registry;
mod session;
mod stats;
mod text;
mod throttle;
mod tls;
mod wire;

pub use endpoint::MqttEndpoint;
pub use options::MqttOptions;
pub use stats::Stats;
pub use tls::{TlsConfigError, device_tls_config};
