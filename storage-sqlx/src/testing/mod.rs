//! PostgreSQL for tests: a server for the whole run, and a database for each test.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is a part of tests: a failure has to name its line"
)]

mod cluster;
mod database;
mod lossy_proxy;

pub use cluster::{TestCluster, address as server_address};
pub use database::TestDatabase;
pub use lossy_proxy::LossyProxy;
