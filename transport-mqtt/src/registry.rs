//! Which sessions there are, and the switches that end them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::presence::SessionEpoch;
use fieldgate_core::transport::DisconnectReason;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::session::allowance::Share;
use crate::throttle::Throttle;

/// Which device a session is of.
pub(crate) type DeviceKey = (OrganizationId, DeviceId);

/// The sessions of all devices: those that are live, and those that are about to be opened.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    devices: Mutex<Devices>,
}

#[derive(Debug, Default)]
struct Devices {
    entries: HashMap<DeviceKey, Entry>,
    /// With how many entries to look for those without use.
    sweep_at: usize,
}

#[derive(Debug)]
struct Entry {
    slots: Vec<Arc<Slot>>,
    /// Kept as long as it is used, also without a session.
    share: Share,
    /// When sessions of the device were taken over.
    takeovers: VecDeque<Instant>,
    /// When the last of those that wait for their turn has it.
    last_turn: Option<Instant>,
    warnings: Throttle,
}

/// How often a device may take its own session over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TakeoverLimits {
    /// So many within the window are at once.
    pub(crate) max: usize,
    pub(crate) window: Duration,
    /// From then on one after another, with so long between them.
    pub(crate) delay: Duration,
}

/// When a session may be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    Now,
    /// Later; how many had to wait or go since that was last worth a warning, where it is now.
    At(Instant, Option<u64>),
    /// Not at all: too many wait already.
    Never(Option<u64>),
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
    share: Share,
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
        let now = Instant::now();
        let mut devices = self.lock();
        devices.sweep(now);
        let entry = devices.entry(device, now);
        entry.slots.push(Arc::clone(&slot));
        let share = entry.share.clone();
        drop(devices);
        Place {
            registry: Arc::clone(self),
            device,
            slot,
            killed,
            share,
        }
    }

    /// Ends the sessions of a device; returns once none of them hands anything on any more.
    pub(crate) async fn disconnect(&self, device: DeviceKey, reason: DisconnectReason) -> usize {
        let slots = {
            let devices = self.lock();
            let entry = devices.entries.get(&device);
            entry.map_or_else(Vec::new, |entry| entry.slots.clone())
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

    fn lock(&self) -> MutexGuard<'_, Devices> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Devices {
    fn entry(&mut self, device: DeviceKey, now: Instant) -> &mut Entry {
        self.entries.entry(device).or_insert_with(|| Entry {
            slots: Vec::new(),
            share: Share::unused(now),
            takeovers: VecDeque::new(),
            last_turn: None,
            warnings: Throttle::default(),
        })
    }

    /// Removes entries without use, now and then.
    fn sweep(&mut self, now: Instant) {
        if self.entries.len() < self.sweep_at {
            return;
        }
        self.entries
            .retain(|_, entry| !entry.slots.is_empty() || !entry.share.is_unused(now));
        self.sweep_at = (self.entries.len() * 2).max(SWEEP_MIN);
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
    /// When the session may be opened: at once, unless it takes the place of another and there were
    /// many takeovers. Then those of one device wait one for another.
    pub(crate) fn turn(&self, limits: TakeoverLimits, now: Instant) -> Turn {
        let mut devices = self.registry.lock();
        let Some(entry) = devices.entries.get_mut(&self.device) else {
            return Turn::Now;
        };
        entry
            .takeovers
            .retain(|at| now.saturating_duration_since(*at) < limits.window);
        if entry.slots.len() < 2 || entry.takeovers.len() < limits.max {
            return Turn::Now;
        }
        let warning = entry.warnings.count(now, limits.window);
        let before = entry.last_turn.filter(|turn| *turn > now).unwrap_or(now);
        if before >= now + limits.delay * TURNS_AHEAD_MAX {
            return Turn::Never(warning);
        }
        let turn = before + limits.delay;
        entry.last_turn = Some(turn);
        Turn::At(turn, warning)
    }

    /// Notes that the session was opened with this epoch, and throws out the older ones of the
    /// device. Returns how many they were.
    ///
    /// # Errors
    ///
    /// Why this session has to end instead: a newer one is there, or the switch was thrown.
    pub(crate) fn accept(&self, epoch: SessionEpoch) -> Result<usize, DisconnectReason> {
        let mut devices = self.registry.lock();
        let entry = devices.entry(self.device, Instant::now());
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

    /// What the device has used of its share.
    pub(crate) fn share(&self) -> Share {
        self.share.clone()
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
        if let Some(entry) = devices.entries.get_mut(&self.device) {
            entry.slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if entry.slots.is_empty() && entry.share.is_unused(Instant::now()) {
                devices.entries.remove(&self.device);
            }
        }
    }
}

/// How many sessions of one device wait for their turn.
const TURNS_AHEAD_MAX: u32 = 8;

const SWEEP_MIN: usize = 1024;

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
        assert!(registry.lock().entries.is_empty());
        let reason = DisconnectReason::NotAuthorized;
        assert_eq!(registry.disconnect(device(), reason).await, 0);
    }

    const LIMITS: TakeoverLimits = TakeoverLimits {
        max: 3,
        window: Duration::from_secs(3600),
        delay: Duration::from_secs(1),
    };

    /// A device that has had as many takeovers as are at once; the place of its session.
    fn flapping(registry: &Arc<Registry>) -> Place {
        let mut place = registry.enter(device());
        place.accept(epoch(0)).unwrap();
        for number in 1..=3 {
            let next = registry.enter(device());
            assert_eq!(next.turn(LIMITS, Instant::now()), Turn::Now);
            assert_eq!(next.accept(epoch(number)), Ok(1));
            place = next;
        }
        place
    }

    #[test]
    fn many_takeovers_in_a_short_time_wait_one_for_another() {
        let registry = Arc::default();
        let place = flapping(&registry);
        let start = Instant::now();
        assert_eq!(
            place.turn(LIMITS, start),
            Turn::Now,
            "it takes nobody's place"
        );
        let turn = |secs, warning| Turn::At(start + Duration::from_secs(secs), warning);
        let places: Vec<Place> = (0..10).map(|_| registry.enter(device())).collect();
        let turns: Vec<Turn> = places
            .iter()
            .map(|place| place.turn(LIMITS, start))
            .collect();
        assert_eq!(turns[..2], [turn(1, Some(1)), turn(2, None)]);
        assert_eq!(
            turns[7..],
            [turn(8, None), Turn::Never(None), Turn::Never(None)]
        );
    }

    #[test]
    fn takeovers_are_forgotten_with_the_window() {
        let registry = Arc::default();
        let _place = flapping(&registry);
        let later = Instant::now() + LIMITS.window;
        assert_eq!(registry.enter(device()).turn(LIMITS, later), Turn::Now);
    }
}
