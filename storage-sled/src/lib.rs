//! Fieldgate's storage on [sled](https://docs.rs/sled/0.34): pure Rust, one directory.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use fieldgate_storage_sled::SledStorage;
//!
//! # async fn run() -> Result<(), fieldgate_storage_sled::OpenError> {
//! let storage = SledStorage::open(Path::new("/var/lib/fieldgate/registry"))?;
//! // … hand clones of it to whatever wants a `Storage` …
//! storage.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it promises
//!
//! Everything that [`fieldgate_core::storage`] asks for. In particular:
//!
//! * **A changing call is one atomic batch.** A single writer thread takes the calls in turn,
//!   reads what each needs, lets the domain decide, and applies the result as one batch. After a
//!   crash all of a batch is there or nothing of it.
//! * **It answers when the batch is durable.** sled's own flush does not wait for the disk, so the
//!   writer calls `fdatasync` on sled's file before it answers: see [`Durability`]. Calls that wait
//!   at the same time share one synchronization; a lone call waits for nobody.
//! * **Nobody sees what may still be lost.** A look-up that has met a batch which is not durable
//!   yet answers after it is.
//! * **A look-up of records sees whole batches.** A list looks again for every few hundred records
//!   and is no snapshot: what is there from its first page to its last is on it once, what comes or
//!   goes meanwhile may be on it or not.
//!
//! # What it cannot do
//!
//! * One process at a time: the directory is locked while it is open.
//! * It counts and filters devices by looking at all of the organization's.
//! * After a failed write or synchronization it refuses everything until it is opened again, for
//!   it cannot know what has reached the disk. It stops taking changes while the disk still has
//!   some room ([`SledStorageBuilder::free_space_min`]), so that a full disk does not lead there.

mod api_key;
mod archive;
mod certificate;
mod change;
mod component;
mod device;
mod directory;
mod error;
mod extent;
mod footprint;
mod group;
mod health;
mod idempotency;
mod keys;
mod maintenance;
mod organization;
mod quarantine;
mod reading;
mod record;
mod report;
mod retention;
mod scan;
mod sensor;
mod session;
mod site;
mod snapshot;
mod space;
mod store;
mod sweep;
mod sync;
mod tally;
mod token;
mod unfinished;
mod unpack;
mod upgrade;
mod verify;
mod writer;

pub use error::OpenError;
pub use store::{Durability, SledStorage, SledStorageBuilder};
