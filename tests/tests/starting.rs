//! Where the server cannot have its files for itself, or not write them, it says so and does not start.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fieldgate_tests::commands::{complaint, storage_of};
use fieldgate_tests::{Device, Server, StorageKind, binaries, storage_tests};
use rustix::process::geteuid;

storage_tests!(
    each: [],
    durable: [
        a_second_server_does_not_start,
        nothing_is_started_where_nothing_can_be_written,
    ],
);

async fn a_second_server_does_not_start(storage: StorageKind) {
    let server = Server::start(storage);
    let device = Device::enroll(&server, "pump").await;

    let mine = server.storage_arguments();
    let theirs = server.scratch().join("other").display().to_string();
    for data_dir in [&mine[1], &theirs] {
        let mut command = binaries::command("fieldgate-server");
        command.args(ANY_PORT).args(["--data-dir", data_dir]);
        let refused = command.args(&mine[2..]).output().unwrap();

        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let said = complaint(&refused);
        assert!(
            said.contains("held by another process") || said.contains("open already"),
            "{said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }

    let mut client = device.connect(&server).await;
    client.publish(&device.readings_topic(), "[]").await;
    client.disconnect().await;
}

async fn nothing_is_started_where_nothing_can_be_written(storage: StorageKind) {
    let mut server = Server::start(storage);
    let device = Device::enroll(&server, "pump").await;
    server.terminate();
    server.ended().await;
    let (all, stored) = (server.data_dir(), storage_of(&server.data_dir(), storage));

    for place in [all, stored].iter().filter(|place| place.exists()) {
        let modes = lock(place);
        server.set_wrapper(without_privileges());
        let refused = server.try_restart().unwrap_err();
        unlock(modes);

        let said = refused.lines().last().unwrap();
        let why = [
            "Permission denied",
            "readonly",
            "read-only",
            "unable to open",
        ];
        assert!(why.iter().any(|why| said.contains(why)), "{said}");
        assert!(said.contains(place.to_str().unwrap()), "{said}");
        assert!(!refused.contains("panicked"), "{refused}");
    }
    server.set_wrapper(Vec::new());
    server.restart();
    device.connect(&server).await.disconnect().await;
}

/// Takes the right to write from a file, or a directory and all in it; gives what there was before.
fn lock(place: &Path) -> Vec<(PathBuf, Permissions)> {
    let mut modes = Vec::new();
    if place.is_dir() {
        for entry in fs::read_dir(place).unwrap() {
            modes.extend(lock(&entry.unwrap().path()));
        }
    }
    let mode = fs::metadata(place).unwrap().permissions();
    let locked = mode.mode() & !0o222;
    fs::set_permissions(place, Permissions::from_mode(locked)).unwrap();
    modes.push((place.to_owned(), mode));
    modes
}

/// The other way round: a directory before what is in it.
fn unlock(modes: Vec<(PathBuf, Permissions)>) {
    for (path, mode) in modes.into_iter().rev() {
        fs::set_permissions(path, mode).unwrap();
    }
}

/// Root may write everywhere; not so without this privilege.
fn without_privileges() -> Vec<String> {
    if !geteuid().is_root() {
        return Vec::new();
    }
    let words = "setpriv --bounding-set -dac_override,-dac_read_search,-fowner";
    words.split(' ').map(str::to_owned).collect()
}

const ANY_PORT: [&str; 6] = [
    "--http-listen",
    "127.0.0.1:0",
    "--https-listen",
    "127.0.0.1:0",
    "--mqtt-listen",
    "127.0.0.1:0",
];
