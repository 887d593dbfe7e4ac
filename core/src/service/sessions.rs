//! Which sessions this node has, where the storage could not say whether it has opened one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::id::{DeviceId, OrganizationId};
use crate::model::presence::SessionEpoch;

/// The sessions of this node.
///
/// A storage whose answer is lost may have opened a session that nobody holds: the device would be
/// shown online for as long as it stays away. So this node knows the sessions that it has, and which
/// attempts came to no answer; a session on record that it does not have is closed.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    of: Mutex<HashMap<DeviceId, Known>>,
}

/// What is known of a device's sessions.
#[derive(Debug)]
struct Known {
    organization: OrganizationId,
    /// The newest that was opened, and is not closed.
    held: Option<SessionEpoch>,
    /// How many are being opened.
    opening: usize,
    /// Whether one may have been opened for nobody.
    is_unsure: bool,
}

/// A session that is being opened. Dropped without an answer, it may have been opened.
#[derive(Debug)]
pub(crate) struct Opening<'s> {
    sessions: &'s Sessions,
    device: DeviceId,
    is_answered: bool,
}

impl Sessions {
    /// Notes that a session is being opened, before the storage is asked.
    pub(crate) fn opening(&self, organization: OrganizationId, device: DeviceId) -> Opening<'_> {
        let mut of = self.lock();
        let known = of.entry(device).or_insert(Known {
            organization,
            held: None,
            opening: 0,
            is_unsure: false,
        });
        known.opening += 1;
        Opening {
            sessions: self,
            device,
            is_answered: false,
        }
    }

    /// Notes that a session is closed.
    pub(crate) fn closed(&self, device: DeviceId, epoch: SessionEpoch) {
        self.change(device, |known| {
            known.held = known.held.filter(|held| *held != epoch);
        });
    }

    /// The devices of which a session may be on record that nobody has.
    pub(crate) fn unsure(&self) -> Vec<(OrganizationId, DeviceId)> {
        let of = self.lock();
        of.iter()
            .filter(|(_, known)| known.is_unsure && known.opening == 0)
            .map(|(device, known)| (known.organization, *device))
            .collect()
    }

    /// Whether a session of this node that is on record is nobody's. One that is being opened may
    /// become somebody's.
    pub(crate) fn is_nobodys(&self, device: DeviceId, epoch: SessionEpoch) -> bool {
        let of = self.lock();
        of.get(&device)
            .is_none_or(|known| known.opening == 0 && known.held != Some(epoch))
    }

    /// Notes that nothing is unsure about a device any more, unless a session of it is being opened.
    pub(crate) fn settled(&self, device: DeviceId) {
        self.change(device, |known| {
            known.is_unsure &= known.opening > 0;
        });
    }

    /// Changes what is known of a device, and forgets what says nothing any more.
    fn change(&self, device: DeviceId, change: impl FnOnce(&mut Known)) {
        if let Entry::Occupied(mut known) = self.lock().entry(device) {
            change(known.get_mut());
            let Known {
                held,
                opening,
                is_unsure,
                ..
            } = known.get();
            if held.is_none() && *opening == 0 && !is_unsure {
                known.remove();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceId, Known>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opening<'_> {
    /// Notes the answer: the session that was opened, or that none was.
    pub(crate) fn answered(mut self, opened: Option<SessionEpoch>) {
        self.is_answered = true;
        self.sessions.change(self.device, |known| {
            known.held = known.held.max(opened);
        });
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.sessions.change(self.device, |known| {
            known.opening -= 1;
            known.is_unsure |= !self.is_answered;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(number: u64) -> SessionEpoch {
        SessionEpoch::from_u64(number)
    }

    fn organization() -> OrganizationId {
        OrganizationId::from_uuid(uuid::Uuid::from_u128(1))
    }

    fn device() -> DeviceId {
        DeviceId::from_uuid(uuid::Uuid::from_u128(2))
    }

    #[test]
    fn an_attempt_without_an_answer_is_looked_at_until_it_is_settled() {
        let sessions = Sessions::default();
        drop(sessions.opening(organization(), device()));
        assert_eq!(sessions.unsure(), [(organization(), device())]);
        assert!(sessions.is_nobodys(device(), epoch(1)));

        // One that is being opened is nobody's business.
        let opening = sessions.opening(organization(), device());
        assert_eq!(sessions.unsure(), []);
        assert!(!sessions.is_nobodys(device(), epoch(2)));
        sessions.settled(device());
        opening.answered(Some(epoch(2)));
        assert_eq!(sessions.unsure(), [(organization(), device())]);
        assert!(!sessions.is_nobodys(device(), epoch(2)));
        assert!(sessions.is_nobodys(device(), epoch(1)));

        sessions.settled(device());
        assert_eq!(sessions.unsure(), []);
    }

    #[test]
    fn a_late_answer_or_end_does_not_hide_the_newest_session() {
        let sessions = Sessions::default();
        let (old, new) = (
            sessions.opening(organization(), device()),
            sessions.opening(organization(), device()),
        );
        new.answered(Some(epoch(2)));
        old.answered(Some(epoch(1)));
        sessions.closed(device(), epoch(1));
        assert!(!sessions.is_nobodys(device(), epoch(2)));
    }

    #[test]
    fn nothing_is_remembered_of_a_device_without_a_session() {
        let sessions = Sessions::default();
        sessions.opening(organization(), device()).answered(None);
        sessions
            .opening(organization(), device())
            .answered(Some(epoch(1)));
        sessions.closed(device(), epoch(1));
        drop(sessions.opening(organization(), device()));
        sessions.settled(device());
        assert!(sessions.lock().is_empty());
    }
}
