//! The API from outside: requests in, answers out, on an in-memory storage.

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
