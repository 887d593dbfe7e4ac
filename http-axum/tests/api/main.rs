//! The API from outside: requests in, answers out, on an in-memory storage.

#![expect(clippy::unwrap_used, reason = "that is how the helpers of a test fail")]

mod changes;
mod creations;
mod document;
mod hosts;
mod json;
mod limits;
mod lists;
mod problems;
mod provisioning;
mod secrets;
mod support;
mod walk;
