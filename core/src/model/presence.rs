//! The life cycle of a device: its status, and whether it is online.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::serial::SerialNumber;
use crate::model::timestamp::Timestamp;

/// Where a device is in its life.
///
/// ```text
///  PENDING --first session--> ACTIVE --its newest session ends--> OFFLINE
///                               ^-------------session-----------------'
///  any --set INACTIVE--> INACTIVE (no session is accepted)
///  ACTIVE, OFFLINE, INACTIVE --set MAINTENANCE--> MAINTENANCE (sessions go on)
///  INACTIVE, MAINTENANCE --set ACTIVE--> PENDING | ACTIVE | OFFLINE, by what is true then
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DeviceStatus {
    /// It has a session.
    Active,
    /// An operator has shut it out.
    Inactive,
    /// An operator works on it; sessions go on.
    Maintenance,
    /// It had a session and has none now.
    Offline,
    /// It never had a session.
    Pending,
}

impl DeviceStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Active,
        Self::Inactive,
        Self::Maintenance,
        Self::Offline,
        Self::Pending,
    ];

    /// The text form, for example `ACTIVE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Maintenance => "MAINTENANCE",
            Self::Offline => "OFFLINE",
            Self::Pending => "PENDING",
        }
    }
}

impl fmt::Display for DeviceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeviceStatus {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                Invalid::new(
                    "a status is one of ACTIVE, INACTIVE, MAINTENANCE, OFFLINE and PENDING",
                )
            })
    }
}

/// A device's status, whether it is online, and since when; changes by its methods only.
///
/// # Invariants
///
/// * PENDING: not online, never had a session. ACTIVE: online. OFFLINE, INACTIVE: not online.
/// * Online, OFFLINE and MAINTENANCE: had a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Presence {
    status: DeviceStatus,
    online: bool,
    first_session_at: Option<Timestamp>,
    last_seen_at: Option<Timestamp>,
    status_changed_at: Timestamp,
}

impl Presence {
    /// That of a new device.
    #[must_use]
    pub const fn pending(now: Timestamp) -> Self {
        Self {
            status: DeviceStatus::Pending,
            online: false,
            first_session_at: None,
            last_seen_at: None,
            status_changed_at: now,
        }
    }

    /// A presence as a storage has kept it.
    ///
    /// # Errors
    ///
    /// [`Invalid`] where the parts contradict each other.
    pub fn from_parts(
        status: DeviceStatus,
        online: bool,
        first_session_at: Option<Timestamp>,
        last_seen_at: Option<Timestamp>,
        status_changed_at: Timestamp,
    ) -> Result<Self, Invalid> {
        use DeviceStatus::{Active, Inactive, Maintenance, Offline, Pending};
        let known = first_session_at.is_some();
        let consistent = match status {
            Pending => !online && !known,
            Active => online && known,
            Offline => !online && known,
            Maintenance => known,
            Inactive => !online,
        };
        if !consistent {
            return Err(Invalid::new(format!(
                "a {status} device cannot be kept with online={online}, hadSession={known}"
            )));
        }
        Ok(Self {
            status,
            online,
            first_session_at,
            last_seen_at,
            status_changed_at,
        })
    }

    /// Where the device is in its life.
    #[must_use]
    pub const fn status(&self) -> DeviceStatus {
        self.status
    }

    /// Whether it has a session.
    #[must_use]
    pub const fn online(&self) -> bool {
        self.online
    }

    /// When its first session was accepted.
    #[must_use]
    pub const fn first_session_at(&self) -> Option<Timestamp> {
        self.first_session_at
    }

    /// When it was last heard of.
    #[must_use]
    pub const fn last_seen_at(&self) -> Option<Timestamp> {
        self.last_seen_at
    }

    /// When the status last changed.
    #[must_use]
    pub const fn status_changed_at(&self) -> Timestamp {
        self.status_changed_at
    }

    /// A session begins.
    ///
    /// # Errors
    ///
    /// [`DeviceInactive`]; nothing has changed then.
    pub fn session_opened(&mut self, now: Timestamp) -> Result<(), DeviceInactive> {
        match self.status {
            DeviceStatus::Inactive => return Err(DeviceInactive),
            DeviceStatus::Maintenance => {}
            DeviceStatus::Active | DeviceStatus::Offline | DeviceStatus::Pending => {
                self.move_to(DeviceStatus::Active, now);
            }
        }
        self.online = true;
        self.first_session_at.get_or_insert(now);
        self.seen(now);
        Ok(())
    }

    /// The newest session has ended.
    pub fn session_closed(&mut self, now: Timestamp) {
        if self.status == DeviceStatus::Active {
            self.move_to(DeviceStatus::Offline, now);
        }
        // Not a sign of life: it may have ended long after the last one.
        self.online = false;
    }

    /// Something of the device has arrived; time does not run backwards.
    pub fn seen(&mut self, at: Timestamp) {
        self.last_seen_at = self.last_seen_at.max(Some(at));
    }

    /// An operator sets the status. True if a live session has to end for it.
    ///
    /// Naming the current status changes nothing; ACTIVE means "enabled" and changes nothing for a
    /// device that is neither INACTIVE nor in MAINTENANCE.
    ///
    /// # Errors
    ///
    /// [`StatusRefused`]; nothing has changed then.
    pub fn set_status(&mut self, to: DeviceStatus, now: Timestamp) -> Result<bool, StatusRefused> {
        use DeviceStatus::{Active, Inactive, Maintenance, Offline, Pending};
        if to == self.status {
            return Ok(false);
        }
        match to {
            Offline | Pending => return Err(StatusRefused::NotSettable(to)),
            Inactive => {
                let ends = self.online;
                self.online = false;
                self.move_to(Inactive, now);
                return Ok(ends);
            }
            Maintenance if self.first_session_at.is_none() => {
                return Err(StatusRefused::NeverConnected);
            }
            Maintenance => self.move_to(Maintenance, now),
            Active if !matches!(self.status, Inactive | Maintenance) => {}
            Active => {
                let enabled = match (self.first_session_at, self.online) {
                    (None, _) => Pending,
                    (Some(_), true) => Active,
                    (Some(_), false) => Offline,
                };
                self.move_to(enabled, now);
            }
        }
        Ok(false)
    }

    fn move_to(&mut self, status: DeviceStatus, now: Timestamp) {
        if self.status != status {
            self.status = status;
            self.status_changed_at = now;
        }
    }
}

/// The device is INACTIVE: no session, no certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the device is INACTIVE")]
pub struct DeviceInactive;

/// Why a status cannot be set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StatusRefused {
    /// MAINTENANCE is for devices that have been online.
    #[error("a device that was never online cannot be set to MAINTENANCE")]
    NeverConnected,
    /// PENDING and OFFLINE come about by themselves.
    #[error("{0} cannot be set: an operator sets ACTIVE, INACTIVE or MAINTENANCE")]
    NotSettable(DeviceStatus),
}

/// Names one MQTT session of a device: of two, the one with the higher epoch is the newer.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SessionEpoch(u64);

impl SessionEpoch {
    /// Takes a number as it is stored.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The live session of a device, as the store holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// Which session of the device.
    pub epoch: SessionEpoch,
    /// Which server holds it.
    pub node: NodeId,
    /// The certificate that it was opened with.
    pub serial_number: SerialNumber,
}

/// Names one running server among those on a store: `[A-Za-z0-9_.-]{1,64}`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeId(crate::model::key::Key);

impl NodeId {
    /// The only server on a store.
    #[must_use]
    pub fn main() -> Self {
        Self(crate::model::key::Key::main())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for NodeId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests;
