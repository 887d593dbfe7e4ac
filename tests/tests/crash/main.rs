//! The server is killed again and again, and keeps what it has promised.
//!
//! Each storage is killed 200 times in CI: a third of them during provisioning, ingest and deletion
//! each. `FIELDGATE_CRASH_CYCLES=10000` is the long form, so many for each of the three; with
//! `--no-capture` it says how far it has come. `FIELDGATE_CRASH_SEED` chooses the moments of an
//! earlier run again.
//!
//! After each kill all that was under way is looked at. That what was there before is still there,
//! and that all of it agrees, shows `fieldgate-server check`, now and then and at the end.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod deletion;
mod ingest;
mod kills;
mod provisioning;

use deletion::no_device_is_deleted_by_half;
use fieldgate_tests::storage_tests;
use ingest::no_acknowledged_reading_is_lost;
use provisioning::no_token_works_twice_and_no_certificate_is_without_its_record;

storage_tests!(
    each: [],
    durable: [
        no_token_works_twice_and_no_certificate_is_without_its_record,
        no_acknowledged_reading_is_lost,
        no_device_is_deleted_by_half,
    ],
);
