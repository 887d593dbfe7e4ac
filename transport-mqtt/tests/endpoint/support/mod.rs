//! What the tests of the endpoint share: a CA, a server, and a client that can also do wrong.

pub(crate) mod client;
pub(crate) mod packet;
pub(crate) mod pki;
pub(crate) mod server;
pub(crate) mod topics;

pub(crate) use fieldgate_core::testing::transport::soon;
