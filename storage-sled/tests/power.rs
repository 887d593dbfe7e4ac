//! What was answered is there after the power was lost.
//!
//! A child works under `strace`, which notes every write to sled's log and every synchronization of
//! it. From that, this test makes the log as the disk may hold it if the power is lost right after
//! an answer: what was written before the last synchronization, and of what was written since any
//! sectors or none. Each such log is opened and has to hold all that was answered.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure has to name its line"
)]

mod child;
mod trace;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use fieldgate_core::model::device::{Device, DeviceFilter};
use fieldgate_core::model::id::{DeviceId, OrganizationId};
use fieldgate_core::model::page::{PageLimit, PageRequest};
use fieldgate_core::storage::{DeviceStore as _, Effects, OrganizationStore as _, ServerProof};
use fieldgate_core::testing::fixtures::{device, organization};
use fieldgate_storage_sled::{Durability, SledStorage};

#[tokio::test]
async fn an_answered_write_survives_the_loss_of_power() {
    if let Some((dir, organization)) = child::role() {
        return work(&dir, organization.parse().unwrap()).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let storage = SledStorage::open(dir.path()).unwrap();
    let organization = organization();
    let server = ServerProof::vouch();
    let created = storage.create_organization(server, &organization, None, &Effects::NONE);
    created.await.unwrap();
    storage.close().await;
    let before = fs::read(dir.path().join("db/db")).unwrap();

    let trace = trace::trace(TEST, &OPTIONS, dir.path(), &organization.id.to_string());
    let mut disk = Disk::new(before);
    let mut answered: Vec<DeviceId> = Vec::new();
    let mut cuts = 0;
    for line in trace.lines() {
        disk.note(line);
        let Some(said) = child::said(line) else {
            continue;
        };
        answered.push(said.parse().unwrap());
        for seed in [0, answered.len() as u64] {
            let log = disk.after_power_loss(seed);
            check(dir.path(), &log, organization.id, &answered).await;
            cuts += 1;
        }
    }
    assert_eq!(answered.len(), LONE + TOGETHER);
    assert_eq!(cuts, 2 * answered.len());
    assert!(disk.writes > LONE, "{}", disk.writes);
}

/// Opens a copy of the storage with another log.
async fn check(dir: &Path, log: &[u8], organization: OrganizationId, answered: &[DeviceId]) {
    let copy = tempfile::tempdir().unwrap();
    let inner = copy.path().join("db");
    fs::create_dir_all(inner.join("blobs")).unwrap();
    fs::write(inner.join("db"), log).unwrap();
    for entry in fs::read_dir(dir.join("db")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == "conf" || name.to_string_lossy().starts_with("snap.") {
            fs::copy(entry.path(), inner.join(name)).unwrap();
        }
    }
    let storage = SledStorage::builder(copy.path())
        .durability(Durability::Process)
        .open()
        .unwrap();
    for id in answered {
        let found = storage.device(organization, *id).await.unwrap();
        assert!(found.is_some(), "lost: number {} of {}", id, answered.len());
    }
    let all = PageRequest::first(PageLimit::MAX);
    let filter = DeviceFilter::default();
    let listed = storage.devices(organization, &filter, all).await.unwrap();
    assert!(listed.items.len() >= answered.len());
    storage.close().await;
}

/// What is known of the log on the disk.
struct Disk {
    /// What is there for sure.
    durable: Vec<u8>,
    /// What may be there or not, in its order.
    uncertain: Vec<Write>,
    writes: usize,
    /// Calls that have begun, by thread.
    begun: HashMap<String, Begun>,
}

struct Write {
    step: Step,
    number: usize,
    finished: bool,
}

enum Step {
    /// The log is cut off behind so many octets.
    Cut(usize),
    /// Octets are put at an offset.
    Put(usize, Vec<u8>),
}

enum Begun {
    /// With the number of the write.
    Write(usize),
    /// With the numbers of the writes that had finished before.
    Sync(Vec<usize>),
}

impl Disk {
    fn new(durable: Vec<u8>) -> Self {
        Self {
            durable,
            uncertain: Vec::new(),
            writes: 0,
            begun: HashMap::new(),
        }
    }

    /// Takes a line of the trace in.
    fn note(&mut self, line: &str) {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if call.contains("/db/db>") {
            if let Some(arguments) = call.strip_prefix("pwrite64(") {
                self.begin_write(thread, arguments);
            } else if let Some(arguments) = call.strip_prefix("ftruncate(") {
                let (_, length) = arguments.split_once("/db/db>, ").unwrap();
                let length = length.split([')', ' ']).next().unwrap();
                self.begin(thread, Step::Cut(length.parse().unwrap()));
            } else if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
                let finished = self.uncertain.iter().filter(|write| write.finished);
                let finished = finished.map(|write| write.number).collect();
                self.begun.insert(thread.to_owned(), Begun::Sync(finished));
            }
        }
        if !call.ends_with("<unfinished ...>") {
            self.finish(thread, call);
        }
    }

    fn begin_write(&mut self, thread: &str, arguments: &str) {
        let (_, rest) = arguments.split_once('"').unwrap();
        let (octets, rest) = rest.split_once('"').unwrap();
        let mut numbers = rest.split([',', ')', ' ']).filter(|word| !word.is_empty());
        let length: usize = numbers.next().unwrap().parse().unwrap();
        let offset: usize = numbers.next().unwrap().parse().unwrap();
        let octets = unhex(octets);
        assert_eq!(octets.len(), length);
        self.begin(thread, Step::Put(offset, octets));
    }

    fn begin(&mut self, thread: &str, step: Step) {
        self.writes += 1;
        self.uncertain.push(Write {
            step,
            number: self.writes,
            finished: false,
        });
        let begun = Begun::Write(self.writes);
        self.begun.insert(thread.to_owned(), begun);
    }

    fn finish(&mut self, thread: &str, call: &str) {
        match self.begun.remove(thread) {
            Some(Begun::Write(number)) => {
                let write = self
                    .uncertain
                    .iter_mut()
                    .find(|write| write.number == number);
                write.unwrap().finished = true;
            }
            Some(Begun::Sync(numbers)) => {
                assert!(call.ends_with("= 0"), "{call}");
                let (durable, uncertain) = std::mem::take(&mut self.uncertain)
                    .into_iter()
                    .partition(|write| numbers.contains(&write.number));
                self.uncertain = uncertain;
                let durable: Vec<Write> = durable;
                for write in &durable {
                    write.step.apply(&mut self.durable);
                }
            }
            None => {}
        }
    }

    /// The log as the disk may hold it: of what is uncertain nothing for seed 0, else any sectors.
    fn after_power_loss(&self, seed: u64) -> Vec<u8> {
        let mut log = self.durable.clone();
        let mut random = seed;
        for write in &self.uncertain {
            for part in write.step.parts() {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(seed);
                if random >> 63 == 1 {
                    part.apply(&mut log);
                }
            }
        }
        log
    }
}

impl Step {
    fn apply(&self, log: &mut Vec<u8>) {
        match self {
            Self::Cut(length) => log.truncate(*length),
            Self::Put(offset, octets) => {
                let end = offset + octets.len();
                if log.len() < end {
                    log.resize(end, 0);
                }
                log[*offset..end].copy_from_slice(octets);
            }
        }
    }

    /// What of it can be on the disk without the rest.
    fn parts(&self) -> Vec<Self> {
        match self {
            Self::Cut(length) => vec![Self::Cut(*length)],
            Self::Put(offset, octets) => {
                let sectors = octets.chunks(SECTOR).enumerate();
                let sectors =
                    sectors.map(|(n, sector)| Self::Put(offset + n * SECTOR, sector.to_vec()));
                sectors.collect()
            }
        }
    }
}

/// Reads `\x00\x01…`; what is printable as a whole is not written so.
fn unhex(text: &str) -> Vec<u8> {
    if !text.starts_with("\\x") {
        return text.as_bytes().to_vec();
    }
    let digits = text.split("\\x").skip(1);
    digits
        .map(|digits| u8::from_str_radix(digits, 16).unwrap())
        .collect()
}

/// The child: registers devices, first one by one, then many at a time.
async fn work(dir: &Path, organization: OrganizationId) {
    let storage = SledStorage::open(dir).unwrap();
    let devices: Vec<Device> = (0..LONE + TOGETHER)
        .map(|number| device(organization, &format!("device-{number}")))
        .collect();
    let (lone, together) = devices.split_at(LONE);
    for device in lone {
        create(&storage, device).await;
    }
    let mut calls = Vec::new();
    for device in together {
        let (storage, device) = (storage.clone(), device.clone());
        calls.push(tokio::spawn(async move { create(&storage, &device).await }));
    }
    for call in calls {
        call.await.unwrap();
    }
    storage.close().await;
}

async fn create(storage: &SledStorage, device: &Device) {
    storage.create_device(device, &Effects::NONE).await.unwrap();
    child::say(&device.id.to_string());
}

const TEST: &str = "an_answered_write_survives_the_loss_of_power";

/// All of each write is wanted, and in hexadecimal if it is not plain text.
const OPTIONS: [&str; 3] = [
    "--strings-in-hex=non-ascii",
    "--string-limit=16777216",
    "--trace=pwrite64,fsync,fdatasync,ftruncate,write",
];

const LONE: usize = 10;
const TOGETHER: usize = 30;
const SECTOR: usize = 512;
