//! What devices say of their own health.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::id::DeviceId;
use crate::model::metadata::Metadata;
use crate::model::timestamp::Timestamp;

/// A device's report of its own health. Of a device there is at most one for each timestamp.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceHealth {
    /// Which device.
    pub device_id: DeviceId,
    /// When it was taken.
    pub timestamp: Timestamp,
    /// Seconds since boot; one that falls shows a reboot.
    pub uptime_seconds: u64,
    /// Free memory in octets.
    pub free_heap_bytes: Option<u64>,
    /// Strength of the received signal in dBm.
    pub signal_strength_dbm: Option<i32>,
    /// How it is connected.
    pub connection_type: ConnectionType,
    /// Readings sent since boot.
    pub readings_sent: u64,
    /// Readings given up since boot.
    pub readings_dropped: u64,
    /// Anything else.
    pub extra: Option<Metadata>,
}

/// How a device is connected.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ConnectionType {
    /// Bluetooth Low Energy.
    Ble,
    /// A mobile network.
    Cellular,
    /// A cable.
    Ethernet,
    /// LoRa or LoRaWAN.
    Lora,
    /// Something else.
    Other,
    /// Thread.
    Thread,
    /// Wireless LAN.
    Wifi,
}

impl ConnectionType {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Ble,
        Self::Cellular,
        Self::Ethernet,
        Self::Lora,
        Self::Other,
        Self::Thread,
        Self::Wifi,
    ];

    /// The text form, for example `WIFI`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ble => "BLE",
            Self::Cellular => "CELLULAR",
            Self::Ethernet => "ETHERNET",
            Self::Lora => "LORA",
            Self::Other => "OTHER",
            Self::Thread => "THREAD",
            Self::Wifi => "WIFI",
        }
    }
}

impl fmt::Display for ConnectionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ConnectionType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                Invalid::new(
                    "a connection type is one of BLE, CELLULAR, ETHERNET, LORA, OTHER, THREAD and \
                     WIFI",
                )
            })
    }
}
