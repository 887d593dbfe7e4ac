//! The storages at full size: looking up, listing, counting, storing, opening, beside the bare
//! engines, and the memory of the server beside that of mosquitto.

mod bare;
mod client;
mod fill;
mod fleet;
pub(crate) mod hello;
mod listing;
mod looking;
mod place;
mod process;
mod storing;
mod table;

use std::path::PathBuf;

use fieldgate_tests::{Server, StorageKind};

use crate::Extent;
use crate::mosquitto::Mosquitto;
use crate::storage::hello::Hello;
use crate::storage::place::{Backend, Place, Places};
use crate::storage::process::{Process, resident_kib};
use crate::storage::table::{Bound, Table, Unit};

/// What the part takes from the arguments.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// Where the filled stores stay; they go where nothing is named.
    pub(crate) keep: Option<PathBuf>,
    /// How many devices there are, and as many sensors.
    pub(crate) devices: Option<usize>,
    /// The one backend that is measured, by its word; all where none is named.
    pub(crate) only: Option<String>,
}

/// Measures, and prints a table for each backend.
pub(crate) async fn run(extent: Extent, choice: &Choice) {
    let devices = match extent.share {
        1 => DEVICES,
        _ => DEVICES_SHORT,
    };
    let devices = choice.devices.unwrap_or(devices);
    let requests = REQUESTS / extent.share;
    println!(
        "\nstorage: {devices} devices and as many sensors, {} rounds",
        extent.rounds
    );
    let places = Places::new(choice.keep.as_deref());
    // The summaries are held against those of SQLite, whatever the backend.
    let sqlite = places.filled(Backend::Sqlite, devices).await;
    let hello = Hello::start();
    let mosquitto = mosquitto_kib().await;
    for backend in Backend::ALL {
        if choice
            .only
            .as_ref()
            .is_some_and(|only| only != backend.word())
        {
            continue;
        }
        let place = places.filled(backend, devices).await;
        let mut table = Table::default();
        for round in 0..extent.rounds {
            starting(&place, mosquitto, &mut table);
            looking::measure(&place, &hello, requests, &mut table).await;
            looking::summaries(&place, &sqlite, &mut table).await;
            storing::measure(&place, MESSAGES / extent.share, &mut table).await;
            println!(
                "  {}: round {} of {} done",
                backend.name(),
                round + 1,
                extent.rounds
            );
        }
        table.print(backend.name());
    }
}

/// How long the server takes to be ready, and how much memory it has then.
fn starting(place: &Place, mosquitto: f64, table: &mut Table) {
    let process = Process::start(place);
    let ready = process.ready_after.as_secs_f64() * 1e6;
    let bound = match place.backend {
        Backend::Sled => Bound::None,
        Backend::Postgres | Backend::Sqlite => Bound::AtMost(1.0),
    };
    table.add(
        "start of the server to ready, of 100 ms",
        Unit::Micros,
        bound,
        ready,
        100_000.0,
    );
    let resident = process.resident_kib();
    let what = "memory of the server after start (RSS), of mosquitto's";
    table.add(what, Unit::Kib, Bound::AtMost(2.0), resident, mosquitto);
    process.stop();
}

/// How much memory mosquitto has after start.
async fn mosquitto_kib() -> f64 {
    let server = Server::start(StorageKind::Memory);
    let root = server.root_pem().await;
    let mosquitto = Mosquitto::start(&root).await;
    resident_kib(mosquitto.process_id())
}

const DEVICES: usize = 1_000_000;
const DEVICES_SHORT: usize = 1_000;

/// How often each thing is looked up in a round.
const REQUESTS: usize = 1_000;

/// How many messages are stored in a round.
const MESSAGES: usize = 100;
