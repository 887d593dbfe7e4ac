//! How much of everything a device may have.

use std::time::Duration;

/// The limits of an installation. Every one is a setting of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Components of one device.
    pub components_per_device: usize,
    /// Sensors of one device.
    pub sensors_per_device: usize,
    /// Certificates issued to one device within 24 hours.
    pub certificates_per_day: usize,
    /// Quarantined items of one device; the oldest goes first.
    pub quarantined_per_device: usize,
    /// How long a quarantined item is kept.
    pub quarantine_life: Duration,
    /// How far ahead of the server's clock a reading's timestamp may be.
    pub timestamp_ahead: Duration,
    /// How long a request's idempotency key is remembered.
    pub idempotency_life: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            components_per_device: 64,
            sensors_per_device: 1024,
            certificates_per_day: 10,
            quarantined_per_device: 1000,
            quarantine_life: Duration::from_secs(30 * 24 * 3600),
            timestamp_ahead: Duration::from_secs(5 * 60),
            idempotency_life: Duration::from_secs(24 * 3600),
        }
    }
}
