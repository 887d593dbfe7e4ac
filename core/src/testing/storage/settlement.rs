//! Clauses of [`SessionStore`](crate::storage::SessionStore): settling at a start, and signs of
//! life.

use super::world::{
    SERVER, bring_online, issue, new_device, new_organization, pump, set_status, snapshot, stored,
};
use crate::model::device::Device;
use crate::model::presence::DeviceStatus;
use crate::storage::Seen;
use crate::testing::fixtures::{after, before, device, noon, parse};
use crate::testing::storage::Handle;

/// What a node left open is closed in steps of the limit, until there is none; no other node's.
pub async fn a_node_settles_its_own(storage: &Handle) {
    let mut mine = Vec::new();
    let mut others = Vec::new();
    for organization in [
        new_organization(storage).await,
        new_organization(storage).await,
    ] {
        for number in 0..4 {
            let device = new_device(storage, organization, &format!("device-{number}")).await;
            if number == 3 {
                online_at(storage, &device, "node-2").await;
                others.push(stored(storage, &device).await);
            } else {
                online_at(storage, &device, "node-1").await;
                mine.push(stored(storage, &device).await);
            }
        }
    }

    let mut steps = Vec::new();
    loop {
        let settled = storage
            .settle_sessions(SERVER, &parse("node-1"), after(9), 4)
            .await;
        steps.push(settled.unwrap());
        if steps.last() == Some(&0) || steps.len() > 9 {
            break;
        }
    }

    assert_eq!(steps.iter().sum::<usize>(), 6, "{steps:?}");
    assert!(steps.iter().all(|step| *step <= 4), "{steps:?}");
    for mut device in mine {
        device.presence.session_closed(after(9));
        device.session = None;
        assert_eq!(stored(storage, &device).await, device);
        assert_eq!(device.presence.status(), DeviceStatus::Offline);
    }
    for device in others {
        assert_eq!(stored(storage, &device).await, device);
    }
}

/// A device in MAINTENANCE stays in it, not online.
pub async fn maintenance_stays(storage: &Handle) {
    let pump = pump(storage).await;
    bring_online(storage, &pump).await;
    set_status(storage, &pump, DeviceStatus::Maintenance).await;

    let settled = storage
        .settle_sessions(SERVER, &parse("main"), after(9), 10)
        .await;
    assert_eq!(settled.unwrap(), 1);

    let presence = stored(storage, &pump).await.presence;
    assert_eq!(
        (presence.status(), presence.online()),
        (DeviceStatus::Maintenance, false)
    );
}

/// A settled session is not the newest any more: its late end changes nothing; the next session
/// has a higher number.
pub async fn a_settled_session_has_ended(storage: &Handle) {
    let pump = pump(storage).await;
    let opened = bring_online(storage, &pump).await;
    let settled = storage
        .settle_sessions(SERVER, &parse("main"), after(9), 10)
        .await;
    assert_eq!(settled.unwrap(), 1);
    let offline = stored(storage, &pump).await;

    let closed = storage
        .close_session(pump.organization_id, pump.id, opened.epoch, after(20))
        .await;

    assert!(!closed.unwrap());
    assert_eq!(stored(storage, &pump).await, offline);
    let next = bring_online(storage, &pump).await;
    assert!(next.epoch > opened.epoch);
    assert_eq!(next.displaced, None);
}

/// A session that another node has taken over is that node's.
pub async fn a_session_taken_over_is_not_settled(storage: &Handle) {
    let pump = pump(storage).await;
    online_at(storage, &pump, "node-1").await;
    online_at(storage, &pump, "node-2").await;
    let before = stored(storage, &pump).await;

    let settled = storage
        .settle_sessions(SERVER, &parse("node-1"), after(9), 10)
        .await;
    assert_eq!(settled.unwrap(), 0);

    assert_eq!(stored(storage, &pump).await, before);
    assert!(before.presence.online());
}

/// A node that holds nothing settles nothing; names of nodes are told apart to the letter.
pub async fn nodes_are_exact(storage: &Handle) {
    let pump = pump(storage).await;
    online_at(storage, &pump, "node-1").await;
    let before = snapshot(storage, pump.organization_id).await;

    for other in ["node", "Node-1", "node-11", "node_1", "main"] {
        let settled = storage
            .settle_sessions(SERVER, &parse(other), after(9), 10)
            .await;
        assert_eq!(settled.unwrap(), 0);
    }

    assert_eq!(snapshot(storage, pump.organization_id).await, before);
}

/// A sign of life moves the time when the device was last heard of forwards, and nothing else.
pub async fn touch_moves_forwards(storage: &Handle) {
    let organization = new_organization(storage).await;
    let mut devices = Vec::new();
    for name in ["pump-7", "fan-1", "quiet"] {
        devices.push(new_device(storage, organization, name).await);
    }
    for step in [after(60), before(60), after(61)] {
        let seen = devices[..2].iter().map(|device| Seen {
            organization_id: organization,
            device_id: device.id,
            at: step,
        });
        let seen: Vec<_> = seen.collect();
        storage.touch_devices(SERVER, &seen).await.unwrap();
        for device in &mut devices[..2] {
            device.presence.seen(step);
        }
        for device in &devices {
            assert_eq!(stored(storage, device).await, *device);
        }
    }
    assert_eq!(devices[0].presence.last_seen_at(), Some(after(61)));
}

/// What is not there is passed over, and the rest is noted.
pub async fn touch_passes_over_the_unknown(storage: &Handle) {
    let mut pump = pump(storage).await;
    let other = new_organization(storage).await;
    let unknown = device(pump.organization_id, "unknown");
    let seen = [
        (pump.organization_id, unknown.id, after(5)),
        (other, pump.id, after(90)),
        (pump.organization_id, pump.id, after(5)),
        // Of two of one device the later counts.
        (pump.organization_id, pump.id, after(4)),
    ];
    let seen = seen.map(|(organization_id, device_id, at)| Seen {
        organization_id,
        device_id,
        at,
    });

    storage.touch_devices(SERVER, &seen).await.unwrap();
    storage.touch_devices(SERVER, &[]).await.unwrap();

    pump.presence.seen(after(5));
    assert_eq!(stored(storage, &pump).await, pump);
    let found = storage.device(pump.organization_id, unknown.id).await;
    assert_eq!(found.unwrap(), None);
}

async fn online_at(storage: &Handle, device: &Device, node: &str) {
    let certificate = issue(storage, device).await;
    let opened = storage
        .open_session(
            device.organization_id,
            device.id,
            &certificate.serial_number,
            &parse(node),
            noon(),
        )
        .await;
    opened.unwrap().unwrap();
}
