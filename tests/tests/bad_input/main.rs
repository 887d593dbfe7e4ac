//! Bad input of every kind gets a clear answer, and changes nothing that an operator can see.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod certificate;
mod client_id;
mod connection;
mod csr;
mod id;
mod json;
mod packet;
mod reading;
mod text;
mod token;
mod topic;
