//! Which sessions there are, and the switches that end them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::presence::SessionEpoch;
use fieldgate_core::transport::DisconnectReason;
use tokio::sync::watch;
use tokio::time::Instant;

/// Which device a session is of.
pub(crate) type DeviceKey = (OrganizationId, DeviceId);

/// The sessions of all devices: those that are live, and those that are about to be opened.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    devices: Mutex<HashMap<DeviceKey, Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    slots: Vec<Arc<Slot>>,
    /// When sessions of the device were taken over.
    takeovers: VecDeque<Instant>,
}

/// The place of one session.
#[derive(Debug)]
struct Slot {
    kill: watch::Sender<Option<DisconnectReason>>,
    ended: watch::Sender<bool>,
    /// Unknown until the session is accepted.
    epoch: Mutex<Option<SessionEpoch>>,
}

/// The place of one session among those of its device. It is given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    registry: Arc<Registry>,
    device: DeviceKey,
    slot: Arc<Slot>,
    killed: watch::Receiver<Option<DisconnectReason>>,
}

impl Registry {
    /// Takes a place for a session that is about to be opened. From now on a disconnect of the
    /// device concerns it, too.
    pub(crate) fn enter(self: &Arc<Self>, device: DeviceKey) -> Place {
        let (kill, killed) = watch::channel(None);
        let slot = Arc::new(Slot {
            kill,
            ended: watch::Sender::new(false),
            epoch: Mutex::new(None),
        });
        let mut devices = self.lock();
        let entry = devices.entry(device).or_default();
        entry.slots.push(Arc::clone(&slot));
        drop(devices);
        Place {
            registry: Arc::clone(self),
            device,
            slot,
            killed,
        }
    }

    /// Ends the sessions of a device; returns once none of them hands anything on any more.
    pub(crate) async fn disconnect(&self, device: DeviceKey, reason: DisconnectReason) -> usize {
        let slots = {
            let devices = self.lock();
            devices
                .get(&device)
                .map_or_else(Vec::new, |entry| entry.slots.clone())
        };
        for slot in &slots {
            slot.kill(reason);
        }
        for slot in &slots {
            // One that is not accepted yet finds the switch thrown when it is, and hands nothing
            // on. It is not waited for: its storage may be what the caller holds.
            if slot.epoch().is_some() {
                let mut ended = slot.ended.subscribe();
                // The slot is held here, so its sender cannot be gone.
                let _ = ended.wait_for(|ended| *ended).await;
            }
        }
        slots.len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceKey, Entry>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn kill(&self, reason: DisconnectReason) {
        self.kill.send_if_modified(|killed| {
            let is_first = killed.is_none();
            if is_first {
                *killed = Some(reason);
            }
            is_first
        });
    }

    fn epoch(&self) -> Option<SessionEpoch> {
        *self.epoch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whether the device has had `max` takeovers within `window`, and this would be one more.
    pub(crate) fn is_flapping(&self, max: usize, window: Duration) -> bool {
        let mut devices = self.registry.lock();
        let Some(entry) = devices.get_mut(&self.device) else {
            return false;
        };
        let now = Instant::now();
        entry
            .takeovers
            .retain(|at| now.saturating_duration_since(*at) < window);
        entry.slots.len() > 1 && entry.takeovers.len() >= max
    }

    /// Notes that the session was opened with this epoch, and throws out the older ones of the
    /// device. Returns how many they were.
    ///
    /// # Errors
    ///
    /// Why this session has to end instead: a newer one is there, or the switch was thrown.
    pub(crate) fn accept(&self, epoch: SessionEpoch) -> Result<usize, DisconnectReason> {
        let mut devices = self.registry.lock();
        let entry = devices.entry(self.device).or_default();
        // Set first, and checked after: a disconnect that finds no epoch has thrown the switch
        // before it looked.
        *self
            .slot
            .epoch
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(epoch);
        if let Some(reason) = self.killed() {
            return Err(reason);
        }
        let mut older = Vec::new();
        for slot in &entry.slots {
            match slot.epoch() {
                Some(other) if other > epoch => return Err(DisconnectReason::SessionTakenOver),
                Some(other) if other < epoch && slot.kill.borrow().is_none() => older.push(slot),
                _ => {}
            }
        }
        for slot in &older {
            slot.kill(DisconnectReason::SessionTakenOver);
        }
        let count = older.len();
        for _ in 0..count {
            if entry.takeovers.len() == TAKEOVERS_KEPT {
                entry.takeovers.pop_front();
            }
            entry.takeovers.push_back(Instant::now());
        }
        Ok(count)
    }

    /// Why the session has to end, if it has to.
    pub(crate) fn killed(&self) -> Option<DisconnectReason> {
        *self.killed.borrow()
    }

    /// Returns when the session has to end.
    pub(crate) async fn wait_killed(&self) -> DisconnectReason {
        let mut killed = self.killed.clone();
        loop {
            if let Some(reason) = *killed.borrow_and_update() {
                return reason;
            }
            if killed.changed().await.is_err() {
                // The sender is held by this place, so this does not come about.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Notes that the session hands nothing on any more.
    pub(crate) fn end(&self) {
        self.slot.ended.send_replace(true);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.end();
        let mut devices = self.registry.lock();
        if let Some(entry) = devices.get_mut(&self.device) {
            entry.slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if entry.slots.is_empty() {
                devices.remove(&self.device);
            }
        }
    }
}

/// More than any sensible limit of takeovers.
const TAKEOVERS_KEPT: usize = 100;

#[cfg(test)]
mod tests {
    use fieldgate_core::model::timestamp::Timestamp;

    use super::*;

    fn device() -> DeviceKey {
        (
            OrganizationId::new(Timestamp::UNIX_EPOCH, [1; 10]),
            DeviceId::new(Timestamp::UNIX_EPOCH, [2; 10]),
        )
    }

    fn epoch(number: u64) -> SessionEpoch {
        SessionEpoch::from_u64(number)
    }

    #[test]
    fn the_newer_epoch_wins_in_either_order() {
        for newer_first in [false, true] {
            let registry = Arc::new(Registry::default());
            let (older, newer) = (registry.enter(device()), registry.enter(device()));
            if newer_first {
                assert_eq!(newer.accept(epoch(2)), Ok(0));
                let refused = older.accept(epoch(1));
                assert_eq!(refused, Err(DisconnectReason::SessionTakenOver));
            } else {
                assert_eq!(older.accept(epoch(1)), Ok(0));
                assert_eq!(newer.accept(epoch(2)), Ok(1));
                assert_eq!(older.killed(), Some(DisconnectReason::SessionTakenOver));
            }
            assert_eq!(newer.killed(), None);
        }
    }

    #[tokio::test]
    async fn a_disconnect_concerns_a_session_that_is_about_to_be_opened() {
        let registry = Arc::new(Registry::default());
        let place = registry.enter(device());
        let reason = DisconnectReason::NotAuthorized;
        assert_eq!(registry.disconnect(device(), reason).await, 1);
        assert_eq!(place.accept(epoch(1)), Err(reason));
    }

    #[tokio::test]
    async fn a_disconnect_waits_until_a_live_session_has_ended() {
        let registry = Arc::new(Registry::default());
        let place = registry.enter(device());
        place.accept(epoch(1)).unwrap();
        let disconnecting = {
            let registry = Arc::clone(&registry);
            tokio::spawn(async move {
                let reason = DisconnectReason::NotAuthorized;
                registry.disconnect(device(), reason).await
            })
        };
        assert_eq!(place.wait_killed().await, DisconnectReason::NotAuthorized);
        assert!(!disconnecting.is_finished());
        place.end();
        assert_eq!(disconnecting.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn places_are_given_up() {
        let registry = Arc::new(Registry::default());
        drop(registry.enter(device()));
        assert!(registry.lock().is_empty());
        let reason = DisconnectReason::NotAuthorized;
        assert_eq!(registry.disconnect(device(), reason).await, 0);
    }

    #[test]
    fn many_takeovers_in_a_short_time_are_flapping() {
        let registry = Arc::new(Registry::default());
        let mut place = registry.enter(device());
        place.accept(epoch(0)).unwrap();
        let window = Duration::from_secs(3600);
        for number in 1..=3 {
            let next = registry.enter(device());
            assert!(!next.is_flapping(3, window));
            assert_eq!(next.accept(epoch(number)), Ok(1));
            place = next;
        }
        assert!(!place.is_flapping(3, window), "it takes nobody's place");
        assert!(registry.enter(device()).is_flapping(3, window));
        assert!(!registry.enter(device()).is_flapping(3, Duration::ZERO));
    }
}
