//! The harness of the end-to-end tests: the server as a process, devices over real sockets and
//! TLS, and the command-line tools that operators have at hand.
//!
//! Nothing here reaches into the server. A test sees what a device, an operator or a packet
//! capture would see; only after the process has ended may it open the storage that was left.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness reports what went wrong by failing the test"
)]

pub mod api;
pub mod binaries;
pub mod commands;
pub mod csr;
pub mod descriptors;
pub mod device;
pub mod disk;
pub mod example;
pub mod forge;
pub mod impostor;
pub mod mqtt;
pub mod packet;
mod postgres;
pub mod random;
pub mod rules;
pub mod server;
pub mod snapshot;
pub mod tls;
pub mod tools;
pub mod wait;
pub mod world;

pub use api::{Answer, Api};
pub use device::{Device, Registration};
pub use mqtt::MqttClient;
pub use packet::{Connect, Packet, Version};
pub use server::{Server, ServerOptions, StorageKind};
pub use snapshot::Snapshot;
pub use wait::eventually;
pub use world::World;

/// Makes functions that take a [`StorageKind`] tests of their own on several storages of the
/// server: those of `each` on all, those of `durable` on those that outlive the process.
#[macro_export]
macro_rules! storage_tests {
    (each: [$($each:ident),* $(,)?], durable: [$($durable:ident),* $(,)?] $(,)?) => {
        $crate::storage_tests!(@ sqlite, Sqlite, $($each,)* $($durable,)*);
        $crate::storage_tests!(@ postgres, Postgres, $($each,)* $($durable,)*);
        $crate::storage_tests!(@ sled, Sled, $($each,)* $($durable,)*);
        $crate::storage_tests!(@ memory, Memory, $($each,)*);
    };
    (@ $module:ident, $kind:ident, $($test:ident,)*) => {
        mod $module {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test($crate::StorageKind::$kind).await;
            }
        )*}
    };
}
