//! What the tests share: a system with two organizations, and a client of its router.

mod client;
mod world;

pub(crate) use client::{Answer, Call, call, delete, get, post, put};
pub(crate) use world::{TOKENS, Tenant, World, csr};
