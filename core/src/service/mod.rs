//! The use-cases: what operators and devices do, in terms of the model and the ports.
//!
//! A service is a cheap handle; [`Fieldgate`](crate::Fieldgate) gives them out. Who may call what
//! is the host's business: a service takes the organization whose request it serves, and reaches
//! no other one.

mod api_keys;
mod archive;
mod certificates;
mod components;
mod devices;
mod gateway;
mod groups;
mod health;
mod idempotency;
mod maintenance;
mod organizations;
mod parts;
mod provisioning;
mod quarantine;
mod readings;
pub(crate) mod receipts;
mod registration;
mod sensors;
pub(crate) mod sessions;
mod sites;

pub use api_keys::{ApiKeys, MintedKey};
pub use archive::{ArchiveSum, Carriage, Carrier};
pub use certificates::Certificates;
pub use components::{Components, NewComponent};
pub use devices::Devices;
pub use gateway::Gateway;
pub use groups::{CountedGroup, Groups};
pub use health::{Figure, Health, HealthSummary};
pub use idempotency::{Created, IdempotentRequest};
pub use maintenance::{Maintenance, Retention};
pub use organizations::{CreatedOrganization, Organizations};
pub use parts::Addresses;
pub(crate) use parts::Parts;
pub use provisioning::{Provisioned, Provisioning};
pub use quarantine::Quarantine;
pub use readings::Readings;
pub use registration::{Registered, Registration};
pub use sensors::Sensors;
pub use sites::Sites;

macro_rules! service {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            parts: std::sync::Arc<crate::service::Parts>,
        }

        impl $name {
            pub(crate) const fn new(parts: std::sync::Arc<crate::service::Parts>) -> Self {
                Self { parts }
            }
        }
    };
}
pub(crate) use service;
