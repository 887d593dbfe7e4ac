//! The stored form of health reports.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::health::{ConnectionType, DeviceHealth};
use fieldgate_core::model::id::DeviceId;
use fieldgate_core::model::metadata::Metadata;
use fieldgate_core::model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::JsonRecord;
use super::parts::{millis, optional_text, text};

#[derive(Deserialize, Serialize)]
pub(super) struct HealthJson {
    #[serde(with = "text")]
    device_id: DeviceId,
    #[serde(with = "millis")]
    timestamp: Timestamp,
    uptime_seconds: u64,
    free_heap_bytes: Option<u64>,
    signal_strength_dbm: Option<i32>,
    #[serde(with = "text")]
    connection_type: ConnectionType,
    readings_sent: u64,
    readings_dropped: u64,
    #[serde(with = "optional_text")]
    extra: Option<Metadata>,
}

impl JsonRecord for DeviceHealth {
    const WHAT: &'static str = "health report";

    type Json = HealthJson;

    fn to_json(&self) -> HealthJson {
        HealthJson {
            device_id: self.device_id,
            timestamp: self.timestamp,
            uptime_seconds: self.uptime_seconds,
            free_heap_bytes: self.free_heap_bytes,
            signal_strength_dbm: self.signal_strength_dbm,
            connection_type: self.connection_type,
            readings_sent: self.readings_sent,
            readings_dropped: self.readings_dropped,
            extra: self.extra.clone(),
        }
    }

    fn from_json(json: HealthJson) -> Result<Self, Invalid> {
        Ok(Self {
            device_id: json.device_id,
            timestamp: json.timestamp,
            uptime_seconds: json.uptime_seconds,
            free_heap_bytes: json.free_heap_bytes,
            signal_strength_dbm: json.signal_strength_dbm,
            connection_type: json.connection_type,
            readings_sent: json.readings_sent,
            readings_dropped: json.readings_dropped,
            extra: json.extra,
        })
    }
}
