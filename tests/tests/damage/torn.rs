//! The last page, or the last piece of a log, is written by half.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};

use fieldgate_tests::commands::{run, storage_of};
use fieldgate_tests::tools::success;
use fieldgate_tests::{Device, Server, StorageKind};

use crate::image::Checked;

/// Where sled's log ends cannot be seen from outside; the loss of power (`tests/tests/power`) leaves
/// torn ends of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_write_behind_what_sqlite_has_answered_costs_nothing() {
    let mut server = Server::start(StorageKind::Sqlite);
    let mut devices = Vec::new();
    for number in 0..DEVICES {
        devices.push(Device::enroll(&server, &format!("device-{number}")).await);
    }
    let log = server.data_dir().join("fieldgate.db-wal");
    // What was written last once more, and cut off where a disk may have stopped.
    for length in [1, 24, 512, 4000] {
        server.kill();
        let octets = fs::read(&log).unwrap();
        let end = octets.len();
        let mut torn = File::options().write(true).open(&log).unwrap();
        torn.seek(SeekFrom::Start(end as u64)).unwrap();
        torn.write_all(&octets[end - 4096..][..length]).unwrap();
        drop(torn);

        server.restart();
        let api = server.api();
        for device in &devices {
            device.get(&api).await;
            assert_eq!(device.certificates(&api).await.len(), 1);
        }
        success("check", &run(&server, &["check"]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_sqlite_that_ends_within_a_page_is_found() {
    is_found_where_it_is_cut(StorageKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_sled_that_ends_within_a_record_is_found() {
    is_found_where_it_is_cut(StorageKind::Sled).await;
}

async fn is_found_where_it_is_cut(storage: StorageKind) {
    let mut server = Server::start(storage);
    Device::enroll(&server, "pump").await;
    server.terminate();
    server.ended().await;
    success("check", &run(&server, &["check"]));
    let place = storage_of(&server.data_dir(), storage);
    let file = match storage {
        StorageKind::Sled => place.join("db/db"),
        _ => place,
    };
    let end = end_of(&fs::read(&file).unwrap());

    let cut = File::options().write(true).open(&file).unwrap();
    cut.set_len(end as u64 - 300).unwrap();

    assert!(Checked::of(&server).is_found(), "it is not found");
}

/// Behind the last octet that is not zero.
fn end_of(octets: &[u8]) -> usize {
    let last = octets.iter().rposition(|octet| *octet != 0);
    last.unwrap() + 1
}

const DEVICES: usize = 5;
