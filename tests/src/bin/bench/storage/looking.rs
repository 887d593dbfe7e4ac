//! Looking devices up, listing them, and counting them.

use std::time::{Duration, Instant};

use fieldgate_core::model::id::DeviceId;

use crate::median;
use crate::storage::bare::{Bare, COUNT_DEVICES};
use crate::storage::client::Client;
use crate::storage::fleet::{device, somewhere};
use crate::storage::hello::Hello;
use crate::storage::listing::{Listing, PAGE};
use crate::storage::place::{Backend, Place};
use crate::storage::process::Process;
use crate::storage::table::{Bound, Table, Unit};

/// Measures looking up and listing, each request beside one to the peers.
pub(crate) async fn measure(place: &Place, hello: &Hello, requests: usize, table: &mut Table) {
    let process = Process::start(place);
    let mut round = Round {
        ours: Client::connect(&process.address),
        key: process.key.clone(),
        hello: Client::connect(&hello.address),
        // sled cannot be open twice.
        bare: match place.backend {
            Backend::Sled => None,
            Backend::Postgres | Backend::Sqlite => Some(Bare::open(place).await),
        },
        devices: place.fleet.devices,
        lookups: Lookup::all(&process, place),
    };
    // What is asked for the first time is not in memory yet.
    round.take(requests / 10).await;
    let [ours, greeting, beside] = round.take(requests).await;
    process.stop();
    let behind = match round.bare.take() {
        Some(bare) => {
            bare.close().await;
            beside
        }
        None => {
            round.bare = Some(Bare::open(place).await);
            round.alone(requests).await
        }
    };
    for (index, lookup) in round.lookups.iter().enumerate() {
        let peers = greeting[index] + behind[index];
        table.add(
            lookup.row(),
            Unit::Micros,
            Bound::AtMost(2.0),
            ours[index],
            peers,
        );
    }
    if let Some(bare) = round.bare {
        bare.close().await;
    }
}

/// Measures the summary of all devices beside the statement that counts them.
pub(crate) async fn summaries(place: &Place, sqlite: &Place, table: &mut Table) {
    let process = Process::start(place);
    let mut ours = Client::connect(&process.address);
    let bare = Bare::open(sqlite).await;
    let (mut summaries, mut scans) = (Vec::new(), Vec::new());
    for _ in 0..SUMMARIES {
        summaries.push(micros(
            ours.get("/api/v1/devices/summary", &process.key).took,
        ));
        let begun = Instant::now();
        bare.count(COUNT_DEVICES).await;
        scans.push(micros(begun.elapsed()));
    }
    let what = "summary of the devices, of SQLite's GROUP BY";
    let (ours, peer) = (median(summaries), median(scans));
    table.add(what, Unit::Micros, Bound::AtMost(0.02), ours, peer);
    bare.close().await;
    process.stop();
}

/// What is looked for in a round, and by whom.
struct Round {
    ours: Client,
    key: String,
    hello: Client,
    bare: Option<Bare>,
    devices: usize,
    lookups: Vec<Lookup>,
}

/// A request that is measured.
enum Lookup {
    /// Of one device.
    Device,
    /// Of a page, behind a device.
    Page {
        listing: Listing,
        depth: &'static str,
        after: DeviceId,
        path: String,
    },
}

impl Lookup {
    fn all(process: &Process, place: &Place) -> Vec<Self> {
        let devices = place.fleet.devices;
        let depths = [
            ("first", 0),
            ("middle", devices / 2),
            ("deep", devices / 10 * 9),
        ];
        let pages = Listing::ALL.into_iter().flat_map(|listing| {
            depths.map(|(depth, number)| Self::Page {
                listing,
                depth,
                after: device(number),
                path: listing.path(process, device(number)),
            })
        });
        [Self::Device].into_iter().chain(pages).collect()
    }

    fn row(&self) -> String {
        match self {
            Self::Device => "get device, of hello + bare get".to_owned(),
            Self::Page { listing, depth, .. } => {
                format!(
                    "page of {PAGE} by {}: {depth}, of hello + bare query",
                    listing.name()
                )
            }
        }
    }

    /// Pages take longer, and are many.
    fn times(&self, requests: usize) -> usize {
        match self {
            Self::Device => requests,
            Self::Page { .. } => (requests / 10).max(1),
        }
    }
}

impl Round {
    /// The median times of each look-up, in microseconds: of ours, of hello, of the bare engine.
    async fn take(&mut self, requests: usize) -> [Vec<f64>; 3] {
        let mut medians = [const { Vec::new() }; 3];
        for index in 0..self.lookups.len() {
            let mut times = [const { Vec::new() }; 3];
            let begun = Instant::now();
            for turn in 0..self.lookups[index].times(requests) {
                if turn >= FEWEST && begun.elapsed() > LONGEST {
                    break;
                }
                let device = device(somewhere(turn, self.devices));
                // Who comes second finds more in memory: so they take turns.
                let is_first = turn % 2 == 0;
                if is_first {
                    times[0].push(micros(self.ask(index, device)));
                }
                times[1].push(micros(self.hello.get("/hello", "").took));
                if self.bare.is_some() {
                    times[2].push(micros(self.look(index, device).await));
                }
                if !is_first {
                    times[0].push(micros(self.ask(index, device)));
                }
            }
            for (medians, times) in medians.iter_mut().zip(times) {
                medians.push(if times.is_empty() { 0.0 } else { median(times) });
            }
        }
        medians
    }

    /// The median times of each look-up by the bare engine.
    async fn alone(&self, requests: usize) -> Vec<f64> {
        let mut medians = Vec::new();
        for (index, lookup) in self.lookups.iter().enumerate() {
            let mut times = Vec::new();
            let begun = Instant::now();
            for turn in 0..lookup.times(requests) {
                if turn >= FEWEST && begun.elapsed() > LONGEST {
                    break;
                }
                let device = device(somewhere(turn, self.devices));
                times.push(micros(self.look(index, device).await));
            }
            medians.push(median(times));
        }
        medians
    }

    fn ask(&mut self, index: usize, device: DeviceId) -> Duration {
        let path = match &self.lookups[index] {
            Lookup::Device => format!("/api/v1/devices/{}", device.as_uuid()),
            Lookup::Page { path, .. } => path.clone(),
        };
        self.ours.get(&path, &self.key).took
    }

    async fn look(&self, index: usize, device: DeviceId) -> Duration {
        let bare = self.bare.as_ref().expect("it is open");
        let begun = Instant::now();
        match &self.lookups[index] {
            Lookup::Device => bare.get(device).await,
            Lookup::Page { listing, after, .. } => {
                let found = bare.page(*listing, *after).await;
                assert!(found > 0, "there are some");
            }
        }
        begun.elapsed()
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

const SUMMARIES: usize = 11;

/// What takes long is measured less often: after so long no more than so often.
const LONGEST: Duration = Duration::from_secs(5);
const FEWEST: usize = 3;
