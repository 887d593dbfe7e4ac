//! The life cycle, transition by transition.

use DeviceStatus::{Active, Inactive, Maintenance, Offline, Pending};

use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

fn online() -> Presence {
    let mut presence = Presence::pending(at(0));
    presence.session_opened(at(1)).unwrap();
    presence
}

#[test]
fn the_first_session_makes_a_pending_device_active() {
    let presence = online();
    assert_eq!((presence.status(), presence.online()), (Active, true));
    assert_eq!(presence.first_session_at(), Some(at(1)));
    assert_eq!(presence.status_changed_at(), at(1));
}

#[test]
fn a_closed_session_makes_it_offline_and_a_new_one_active() {
    let mut presence = online();
    presence.session_closed(at(2));
    assert_eq!((presence.status(), presence.online()), (Offline, false));
    presence.session_opened(at(3)).unwrap();
    assert_eq!((presence.status(), presence.online()), (Active, true));
    assert_eq!(presence.first_session_at(), Some(at(1)));
}

#[test]
fn inactive_ends_the_session_and_refuses_new_ones() {
    let mut presence = online();
    assert_eq!(presence.set_status(Inactive, at(2)), Ok(true));
    assert!(!presence.online());
    assert_eq!(presence.session_opened(at(3)), Err(DeviceInactive));
    assert_eq!(presence.status(), Inactive);
}

#[test]
fn maintenance_stays_while_sessions_come_and_go() {
    let mut presence = online();
    assert_eq!(presence.set_status(Maintenance, at(2)), Ok(false));
    presence.session_closed(at(3));
    assert_eq!((presence.status(), presence.online()), (Maintenance, false));
    presence.session_opened(at(4)).unwrap();
    assert_eq!((presence.status(), presence.online()), (Maintenance, true));
}

#[test]
fn maintenance_is_for_devices_that_were_online() {
    let mut presence = Presence::pending(at(0));
    let refused = presence.set_status(Maintenance, at(1));
    assert_eq!(refused, Err(StatusRefused::NeverConnected));
}

#[test]
fn active_means_enabled() {
    let mut new = Presence::pending(at(0));
    new.set_status(Inactive, at(1)).unwrap();
    new.set_status(Active, at(2)).unwrap();
    assert_eq!(new.status(), Pending);

    let mut gone = online();
    gone.set_status(Inactive, at(2)).unwrap();
    gone.set_status(Active, at(3)).unwrap();
    assert_eq!(gone.status(), Offline);

    let mut there = online();
    there.set_status(Maintenance, at(2)).unwrap();
    there.set_status(Active, at(3)).unwrap();
    assert_eq!(there.status(), Active);
}

#[test]
fn the_current_status_may_be_named_and_others_may_not_be_set() {
    let mut presence = Presence::pending(at(0));
    assert_eq!(presence.set_status(Pending, at(1)), Ok(false));
    assert_eq!(presence.status_changed_at(), at(0));
    let refused = presence.set_status(Offline, at(1));
    assert_eq!(refused, Err(StatusRefused::NotSettable(Offline)));
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    // By status: offline and new, offline and known, online and new, online and known.
    let kept = [
        (Pending, [true, false, false, false]),
        (Active, [false, false, false, true]),
        (Offline, [false, true, false, false]),
        (Maintenance, [false, true, false, true]),
        (Inactive, [true, true, false, false]),
    ];
    for (status, expected) in kept {
        let parts = [
            (false, None),
            (false, Some(at(1))),
            (true, None),
            (true, Some(at(1))),
        ];
        let found = parts.map(|(online, first)| {
            Presence::from_parts(status, online, first, None, at(2)).is_ok()
        });
        assert_eq!(found, expected, "{status}");
    }
}

#[test]
fn statuses_have_their_names() {
    let names = ["ACTIVE", "INACTIVE", "MAINTENANCE", "OFFLINE", "PENDING"];
    let statuses = [Active, Inactive, Maintenance, Offline, Pending];
    for (status, name) in statuses.into_iter().zip(names) {
        assert_eq!((status.as_str(), status.to_string().as_str()), (name, name));
        assert_eq!(name.parse::<DeviceStatus>().unwrap(), status);
    }
    assert!("active".parse::<DeviceStatus>().is_err());
}

#[test]
fn epochs_and_nodes_can_be_read_back() {
    let epoch = SessionEpoch::from_u64(7);
    assert_eq!((epoch.as_u64(), epoch.next().as_u64()), (7, 8));
    assert_eq!(NodeId::main().as_str(), "main");
    assert_eq!("node-2".parse::<NodeId>().unwrap().as_str(), "node-2");
    assert!("node 2".parse::<NodeId>().is_err());
}

/// Whatever happens in whatever order, the invariants hold.
#[test]
fn no_sequence_of_steps_breaks_the_invariants() {
    let steps: [fn(&mut Presence, Timestamp); 6] = [
        |presence, now| {
            let _ = presence.session_opened(now);
        },
        |presence, now| presence.session_closed(now),
        |presence, now| {
            let _ = presence.set_status(Active, now);
        },
        |presence, now| {
            let _ = presence.set_status(Inactive, now);
        },
        |presence, now| {
            let _ = presence.set_status(Maintenance, now);
        },
        |presence, now| presence.seen(now),
    ];
    for sequence in 0..6_usize.pow(6) {
        let mut presence = Presence::pending(at(0));
        let mut rest = sequence;
        for step in 1..=6 {
            steps[rest % 6](&mut presence, at(step));
            rest /= 6;
            Presence::from_parts(
                presence.status,
                presence.online,
                presence.first_session_at,
                presence.last_seen_at,
                presence.status_changed_at,
            )
            .unwrap_or_else(|refused| panic!("sequence {sequence}: {refused}"));
        }
    }
}
