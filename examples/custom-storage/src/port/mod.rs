//! The storage port, one file per noun.
//!
//! Every method says one of three things of itself: it looks something up, it changes something that
//! has to be durable, or it changes something that need not be.

mod api_key;
mod archive;
mod certificate;
mod component;
mod device;
mod group;
mod health;
mod idempotency;
mod maintenance;
mod organization;
mod quarantine;
mod reading;
mod report;
mod sensor;
mod session;
mod site;
mod token;
