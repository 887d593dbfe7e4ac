//! Messages of devices, as the core understands them; each transport has its own wire form.

use bytes::Bytes;

use crate::model::announcement::{AnnouncedComponent, AnnouncementOutcome, AnnouncementRefusal};
use crate::model::health::ConnectionType;
use crate::model::ingestion::ReportedReading;
use crate::model::metadata::Metadata;
use crate::model::profile::ProfileRef;
use crate::model::quarantine::Rejection;
use crate::model::text::FirmwareVersion;
use crate::model::timestamp::Timestamp;

/// A message of a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Inbound {
    /// What the device says of itself.
    Announce {
        /// The version of its firmware.
        firmware_version: Option<FirmwareVersion>,
        /// What type of device it is.
        profile: Option<ProfileRef>,
        /// Its components.
        components: Vec<AnnouncedComponent>,
        /// What of the message was not well-formed.
        refused: Vec<AnnouncementRefusal>,
    },
    /// The configuration that the device runs on: a document to keep as it is.
    ConfigReported(Bytes),
    /// How the device is.
    Health(HealthReport),
    /// Readings in the order of the message, and what of it was not well-formed.
    Readings(Vec<Result<ReportedReading, Rejection>>),
    /// Something that is none of these as a whole.
    Refused(Rejection),
    /// The device's status message, well-formed, to keep as it is; empty to remove it.
    Status(Bytes),
}

/// How a device is. The fields are those of
/// [`DeviceHealth`](crate::model::health::DeviceHealth).
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "documented where they are kept")]
pub struct HealthReport {
    /// When it was taken; the time of receipt where the device does not say.
    pub timestamp: Option<Timestamp>,
    pub uptime_seconds: u64,
    pub free_heap_bytes: Option<u64>,
    pub signal_strength_dbm: Option<i32>,
    pub connection_type: ConnectionType,
    pub readings_sent: u64,
    pub readings_dropped: u64,
    pub extra: Option<Metadata>,
    /// The message as it was sent, for the quarantine.
    pub raw: Bytes,
}

/// A message to a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Outbound {
    /// What became of an announcement.
    AnnounceResult(AnnouncementOutcome),
}
