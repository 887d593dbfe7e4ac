//! Storing a message of a thousand readings, durably.

use std::time::{Duration, Instant};

use fieldgate_core::clock::{Clock as _, SystemClock};
use fieldgate_core::model::limits::Limits;
use fieldgate_core::model::timestamp::Timestamp;
use fieldgate_core::storage::Storage;

use crate::median;
use crate::storage::bare::Bare;
use crate::storage::fleet::{READINGS, SENSORS, device};
use crate::storage::place::{Backend, Place};
use crate::storage::table::{Bound, Table, Unit};

/// Measures it beside the bare engine; each takes messages of gateways of its own.
pub(crate) async fn measure(place: &Place, messages: usize, table: &mut Table) {
    let messages = messages.max(1);
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    if place.backend == Backend::Sled {
        // It cannot be open twice.
        let storage = place.open().await;
        for turn in 0..messages {
            ours.push(store(place, &*storage.port, 2 * turn).await);
        }
        storage.close().await;
        let mut bare = Bare::open(place).await;
        for turn in 0..messages {
            peers.push(insert(place, &mut bare, 2 * turn + 1).await);
        }
        bare.close().await;
    } else {
        let storage = place.open().await;
        let mut bare = Bare::open(place).await;
        for turn in 0..messages {
            ours.push(store(place, &*storage.port, 2 * turn).await);
            peers.push(insert(place, &mut bare, 2 * turn + 1).await);
        }
        bare.close().await;
        storage.close().await;
    }
    let what = "storing 1,000 readings, time of the bare batch's";
    table.add(
        what,
        Unit::Micros,
        Bound::AtMost(1.25),
        median(ours),
        median(peers),
    );
}

async fn store(place: &Place, storage: &dyn Storage, turn: usize) -> f64 {
    let gateway = place.fleet.gateway(turn);
    let message = place.fleet.message(now());
    let limits = Limits::default();
    let begun = Instant::now();
    let stored = storage
        .store_readings(place.fleet.organization, device(gateway), &message, &limits)
        .await;
    let took = begun.elapsed();
    assert_eq!(
        stored.expect("the store takes it").stored,
        SENSORS * READINGS
    );
    micros(took)
}

async fn insert(place: &Place, bare: &mut Bare, turn: usize) -> f64 {
    micros(bare.insert(place.fleet.gateway(turn), now()).await)
}

/// The time of the first reading of a message that comes now.
fn now() -> Timestamp {
    SystemClock.now().minus(Duration::from_secs(1))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
