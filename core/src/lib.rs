//! The core of Fieldgate: devices, certificates, and the ports around them.
//!
//! An operator registers a device by name and gets a one-time token; the device makes its own key
//! and redeems the token for an X.509 certificate from Fieldgate's CA; with it, it opens sessions
//! and reports. This crate has the rules of all that, and no I/O of its own: storages, transports
//! and key stores plug into its ports, and [`Fieldgate`] is what a host assembles from them.
//!
//! It knows nothing of HTTP, of MQTT packets, of SQL or of files.
//!
//! ```
//! use std::sync::Arc;
//!
//! use fieldgate_core::Fieldgate;
//! use fieldgate_core::ca::key_store::MemoryKeyStore;
//! use fieldgate_core::model::device::DeviceSettings;
//! use fieldgate_core::model::token::TokenLife;
//! use fieldgate_core::service::Addresses;
//! use fieldgate_core::storage::{MemoryStorage, ServerProof};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let fieldgate = Fieldgate::builder()
//!     .storage(Arc::new(MemoryStorage::default()))
//!     .key_store(Arc::new(MemoryKeyStore::default()))
//!     .addresses(Addresses {
//!         provision_endpoint: "https://iot.example.com/api/v1/devices/provision".to_owned(),
//!         mqtt_host: "iot.example.com".to_owned(),
//!         mqtt_port: 8883,
//!     })
//!     .build()
//!     .await?;
//!
//! let server = ServerProof::vouch();
//! let (slug, name) = ("acme".parse()?, "Acme".parse()?);
//! let created = fieldgate.organizations().create(server, slug, name, None).await?;
//!
//! let settings = DeviceSettings::named("greenhouse-7".parse()?);
//! let registered = fieldgate
//!     .registration()
//!     .register(created.organization.id, settings, TokenLife::default(), None)
//!     .await?;
//! // The token goes along with the device, and is shown this once.
//! assert!(registered.text.is_some_and(|token| token.starts_with("fgt1.")));
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! * [`model`]: the nouns and their rules.
//! * [`service`]: the use-cases.
//! * [`storage`], [`transport`], [`clock`], [`random`], [`ca::signer`], [`ca::key_store`]: the ports.
//! * [`ca`]: the certificate authority.
//! * `testing` (feature `testing`): the contract suites of the ports, and what tests share.

pub mod ca;
pub mod clock;
mod error;
mod fieldgate;
pub mod model;
pub mod random;
pub mod service;
pub mod storage;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transport;

pub use error::{Error, InvalidField, Result};
pub use fieldgate::{BuildError, Fieldgate, FieldgateBuilder};
