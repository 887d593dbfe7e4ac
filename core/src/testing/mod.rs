//! What tests of the core and of its adapters share: contract suites, a clock and a source of
//! random octets that the test owns, records to begin with, and those that a store of each format is
//! kept with.

#[cfg(test)]
mod clauses;
pub mod fixtures;
pub mod key_store;
mod manual_clock;
mod sequence_random;
pub mod specimen;
pub mod storage;
pub mod transport;

pub use manual_clock::ManualClock;
pub use sequence_random::SequenceRandom;
