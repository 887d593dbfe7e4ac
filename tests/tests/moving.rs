//! Backup, restore, migration and check: what is moved is all there, and nothing dead comes to life.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fieldgate_storage_sqlx::testing::TestDatabase;
use fieldgate_tests::commands::{complaint, readings, run, run_on, storage_of};
use fieldgate_tests::csr::new_key;
use fieldgate_tests::device::provision;
use fieldgate_tests::tools::success;
use fieldgate_tests::{
    Device, Registration, Server, StorageKind, binaries, eventually, storage_tests,
};
use serde_json::Value;

storage_tests!(
    each: [],
    durable: [
        a_backup_under_load_comes_back_in_a_new_directory,
        a_backup_has_keys_only_behind_a_passphrase,
        a_backup_never_takes_the_place_of_anything,
        a_check_finds_what_is_damaged,
        a_move_there_and_back_changes_nothing,
        a_move_that_is_killed_goes_on,
        a_restore_that_is_killed_goes_on,
    ],
);

async fn a_backup_under_load_comes_back_in_a_new_directory(storage: StorageKind) {
    let mut server = Server::start(storage);
    let api = server.api();
    let device = Device::enroll(&server, "pump").await;
    let mut client = device.connect(&server).await;
    let topic = device.readings_topic();
    client.publish_json(&topic, &batch(20)).await;
    let open = Registration::new(&api, "open").await;
    let file = server.scratch().join("backup");
    let load = Load::start(&server);
    load.has_begun(&server).await;

    success("backup", &run(&server, &["backup", file.to_str().unwrap()]));

    load.stop().await;
    client.disconnect().await;
    let after = Device::enroll(&server, "after the backup").await;
    server.kill();
    let new = server.scratch().join("new");
    server.renew_database();
    let shown = success("restore", &restore(&server, &new, &file, None));
    assert!(shown.contains("revoked"), "{shown}");
    assert!(shown.contains("The CA's keys are not in"), "{shown}");
    let keys = ["ca", "admin.key", "server.key"];
    take_the_place(&server, &new, &keys);
    server.restart();

    let api = server.api();
    assert_eq!(device.get(&api).await["status"], "OFFLINE");
    let mut client = device.connect(&server).await;
    client.publish_json(&topic, &batch(30)).await;
    assert_eq!(device.readings(&api, "level").await.len(), 30);
    client.disconnect().await;
    let (_, csr) = new_key();
    let used = provision(&api, &device.token, &csr).await;
    used.problem(409, "token_used");
    let unredeemed = open.provision(&api, &csr).await;
    unredeemed.problem(410, "token_revoked");
    assert_eq!(api.get(&after.path()).await.status, 404);
    // Each call of the load is in it as a whole.
    let devices = api.list("/api/v1/devices").await;
    let tokens = api.list("/api/v1/devices/registration/tokens?state=REVOKED");
    let tokens = tokens.await;
    for other in devices.iter().filter(|it| it["name"] != "pump") {
        let whole = tokens.iter().any(|it| it["deviceId"] == other["id"]);
        assert!(whole, "half a registration: {other}");
    }
    assert!(devices.len() > 9, "there was no load: {devices:?}");
    success("check", &run(&server, &["check"]));
}

async fn a_backup_has_keys_only_behind_a_passphrase(storage: StorageKind) {
    let mut server = Server::start(storage);
    let open = Registration::new(&server.api(), "open").await;
    let device = Device::enroll(&server, "pump").await;
    let keys = fs::read_to_string(server.data_dir().join("ca/issuing.pem")).unwrap();
    let secrets = [
        open.token.rsplit('.').next().unwrap().to_owned(),
        device.token.rsplit('.').next().unwrap().to_owned(),
        secret_of(&server.admin_key()),
        secret_of(&server.server_api_key()),
        keys.lines().nth(1).unwrap().to_owned(),
    ];
    let file = server.scratch().join("backup");
    let path = file.to_str().unwrap();
    let right = passphrase(&server, "correct horse battery");
    let option = ["--passphrase-file", right.to_str().unwrap()];
    let refused = run(&server, &["backup", path, "--with-keys"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");

    let all = ["backup", path, "--with-keys", option[0], option[1]];
    let shown = success("backup", &run(&server, &all));

    assert!(shown.contains("locked by the passphrase"), "{shown}");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let octets = fs::read(&file).unwrap();
    for secret in &secrets {
        let mut places = octets.windows(secret.len());
        let found = places.any(|it| it == secret.as_bytes());
        assert!(!found, "a secret is in the backup");
    }
    server.kill();
    let wrong = passphrase(&server, "another passphrase");
    let new = server.scratch().join("new");
    server.renew_database();
    let refused = restore(&server, &new, &file, Some(&wrong));
    assert!(!refused.status.success());
    assert!(complaint(&refused).contains("passphrase"), "{refused:?}");
    assert!(!new.join("ca").exists());
    assert!(!storage_of(&new, storage).exists());
    success("restore", &restore(&server, &new, &file, Some(&right)));
    for name in ["ca/issuing.pem", "ca/root.pem"] {
        let before = fs::read_to_string(server.data_dir().join(name)).unwrap();
        let mode = fs::metadata(new.join(name)).unwrap().permissions().mode();
        assert_eq!(fs::read_to_string(new.join(name)).unwrap(), before);
        assert_eq!(mode & 0o777, 0o600);
    }
    take_the_place(&server, &new, &["admin.key", "server.key"]);
    server.restart();
    device.connect(&server).await.disconnect().await;
}

async fn a_backup_never_takes_the_place_of_anything(storage: StorageKind) {
    let mut server = Server::start(storage);
    Device::enroll(&server, "pump").await;
    let file = server.scratch().join("backup");
    let path = file.to_str().unwrap();
    fs::write(&file, "precious").unwrap();
    for _ in 0..2 {
        let refused = run(&server, &["backup", path]);
        assert!(!refused.status.success());
        assert!(
            complaint(&refused).contains("is there already"),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
        server.kill();
    }
    fs::remove_file(&file).unwrap();
    success("backup", &run(&server, &["backup", path]));
    assert_eq!(leftovers(&server.data_dir()), NONE);

    // The storage is not empty.
    let refused = run(&server, &["restore", path]);
    assert!(!refused.status.success());
    assert!(complaint(&refused).contains("not empty"), "{refused:?}");
    // A backup is no storage: what was revoked would come to life.
    let mut command = binaries::command("fieldgate-server");
    let data_dir = server.data_dir();
    let refused = command
        .args(["check", "--data-dir", data_dir.to_str().unwrap()])
        .args(["--storage", &format!("sqlite://{path}")])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert!(complaint(&refused).contains("is a backup"), "{refused:?}");
    server.restart();
    let running = run(&server, &["restore", path]);
    assert!(complaint(&running).contains("stop it first"), "{running:?}");

    // A damaged backup leaves nothing behind.
    flip(&file, b"pump");
    let new = server.scratch().join("new");
    server.kill();
    server.renew_database();
    let refused = restore(&server, &new, &file, None);
    assert!(!refused.status.success());
    assert!(complaint(&refused).contains("damaged"), "{refused:?}");
    assert!(!storage_of(&new, storage).exists());
}

async fn a_check_finds_what_is_damaged(storage: StorageKind) {
    let mut server = Server::start(storage);
    let api = server.api();
    Registration::new(&api, "unharmed").await;
    Registration::new(&api, "zzzdamagedzzz").await;
    let beside = run(&server, &["check"]);
    let sound = success("check", &beside);
    assert!(sound.contains("nothing is wrong"), "{sound}");
    server.terminate();
    server.ended().await;
    let alone = run(&server, &["check"]);
    success("check", &alone);
    for warning in [beside, alone].map(|checked| complaint(&checked)) {
        assert!(warning.contains("the CA's keys lie in clear"), "{warning}");
    }

    let place = storage_of(&server.data_dir(), storage);
    match storage {
        StorageKind::Postgres => server.change_database(DAMAGE),
        StorageKind::Sled => flip(&place.join("db/db"), b"zzzdamagedzzz"),
        _ => flip(&place, b"zzzdamagedzzz"),
    }
    let found = run(&server, &["check"]);

    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let said = String::from_utf8_lossy(&found.stdout).into_owned() + &complaint(&found);
    assert!(!said.contains("panicked at"), "{said}");
    if storage != StorageKind::Sled {
        assert!(said.contains("device "), "{said}");
        server.restart();
        let rest = server.api().list("/api/v1/devices").await;
        assert!(rest.iter().any(|it| it["name"] == "unharmed"));
        let found = run(&server, &["check"]);
        assert_eq!(
            found.status.code(),
            Some(1),
            "through the server: {found:?}"
        );
    }
}

async fn a_move_there_and_back_changes_nothing(storage: StorageKind) {
    let mut server = Server::start(storage);
    let device = Device::enroll(&server, "pump").await;
    let mut client = device.connect(&server).await;
    client
        .publish_json(&device.readings_topic(), &batch(700))
        .await;
    client.disconnect().await;
    let gone = Device::enroll(&server, "gone").await;
    server.api().delete(&gone.path()).await.expect_empty(204);
    let running = run(&server, &["migrate", "--to", "sled:///nowhere"]);
    assert!(complaint(&running).contains("stop it first"), "{running:?}");
    server.terminate();
    server.ended().await;

    let before = sum(&server, None, "before");
    let database = TestDatabase::fresh().await;
    let places = [
        format!("sled://{}", server.scratch().join("there").display()),
        database.url(),
        format!("sqlite://{}", server.scratch().join("back.db").display()),
    ];
    let mut from = None;
    for to in &places {
        let moved = run_on(&server, from, &["migrate", "--to", to]);
        let shown = success("migrate", &moved);
        assert!(shown.contains("the same in both"), "{shown}");
        from = Some(to.as_str());
        let name = to.split(':').next().unwrap();
        assert_eq!(sum(&server, from, name), before);
        assert!(!shown.contains(database.password()), "{shown}");
        success("check", &run_on(&server, from, &["check"]));
    }
    let again = run(&server, &["migrate", "--to", &places[0]]);
    assert!(complaint(&again).contains("not empty"), "{again:?}");
}

async fn a_move_that_is_killed_goes_on(storage: StorageKind) {
    let (mut server, _) = full(storage).await;
    server.terminate();
    server.ended().await;
    let before = sum(&server, None, "before");
    let (target, other) = match storage {
        StorageKind::Sled => (server.scratch().join("moved.db"), "sqlite"),
        _ => (server.scratch().join("moved"), "sled"),
    };
    let to = format!("{other}://{}", target.display());
    let free = ["--http-listen", "--https-listen", "--mqtt-listen"];
    let free: Vec<_> = free.iter().flat_map(|it| [*it, "127.0.0.1:0"]).collect();
    for _ in 0..3 {
        kill_while(&server, &["migrate", "--to", &to], || size_of(&target)).await;
        let sealed = server.scratch().join("half");
        let elsewhere = format!("sqlite://{}", server.scratch().join("other.db").display());
        for command in [
            &free[..],
            &["check"],
            &["backup", sealed.to_str().unwrap()],
            &["token", "late", "--server", "https://else:1"],
            &["migrate", "--to", &elsewhere],
        ] {
            let refused = run_on(&server, Some(&to), command);
            assert!(complaint(&refused).contains("half"), "{refused:?}");
        }
        assert!(!sealed.exists());
        let refused = run(&server, &["migrate", "--to", &elsewhere]);
        assert!(complaint(&refused).contains("cut off"), "{refused:?}");
    }
    let shown = success("migrate", &run(&server, &["migrate", "--to", &to]));
    assert!(shown.contains("the same in both"), "{shown}");
    assert!(!note(&server).exists());
    assert_eq!(sum(&server, Some(&to), "after"), before);
}

async fn a_restore_that_is_killed_goes_on(storage: StorageKind) {
    let (mut server, device) = full(storage).await;
    let file = server.scratch().join("backup");
    let restore = ["restore", file.to_str().unwrap()];
    success("backup", &run(&server, &["backup", restore[1]]));
    server.terminate();
    server.ended().await;
    let place = storage_of(&server.data_dir(), storage);
    if place.exists() {
        fs::rename(&place, server.scratch().join("old")).unwrap();
    }
    server.renew_database();
    let size = || server.database_size().unwrap_or_else(|| size_of(&place));
    kill_while(&server, &restore, size).await;
    let refused = server.try_restart().unwrap_err();
    assert!(refused.contains("half"), "{refused}");
    success("restore", &run(&server, &restore));
    assert!(!note(&server).exists());
    server.restart();
    let sensor = device.sensor(&server.api(), "level").await;
    assert_eq!(sensor["latest"]["value"], READINGS - 1, "{sensor}");
    device.connect(&server).await.disconnect().await;
    success("check", &run(&server, &["check"]));
}

/// A server with more readings than are carried in a moment, and their device.
async fn full(storage: StorageKind) -> (Server, Device) {
    let server = Server::start(storage);
    let device = Device::enroll(&server, "pump").await;
    let mut client = device.connect(&server).await;
    for from in (0..READINGS).step_by(1000) {
        let readings = readings(from..from + 1000);
        client
            .publish_json(&device.readings_topic(), &readings)
            .await;
    }
    client.disconnect().await;
    (server, device)
}

/// Kills the program when it has written some of what it has to.
async fn kill_while(server: &Server, arguments: &[&str], size: impl Fn() -> u64 + Send + Sync) {
    let before = size();
    let mut command = binaries::command("fieldgate-server");
    let mut moving = command
        .args(arguments)
        .args(server.storage_arguments())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    eventually("something has been written", || {
        let begun = note(server).exists() && size() > before + 64 * 1024;
        async move { begun.then_some(()) }
    })
    .await;
    moving.kill().unwrap();
    let status = moving.wait().unwrap();
    assert!(!status.success(), "the kill came too late");
    assert!(note(server).exists());
}

/// What says that a transfer is under way.
fn note(server: &Server) -> PathBuf {
    server.data_dir().join("transfer.json")
}

/// Registers devices, one after the other, until it is stopped.
struct Load {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Load {
    fn start(server: &Server) -> Self {
        let (api, stop) = (server.api(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut number = 0;
            while !stopped.load(Ordering::Relaxed) {
                Registration::new(&api, &format!("load {number}")).await;
                number += 1;
            }
        });
        Self { stop, task }
    }

    async fn has_begun(&self, server: &Server) {
        let api = server.api();
        eventually("some devices are there", || {
            let api = api.clone();
            async move { (api.list("/api/v1/devices").await.len() > 9).then_some(()) }
        })
        .await;
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
    }
}

fn batch(count: i64) -> Value {
    readings(0..count)
}

/// Restores a backup in a new data directory, in the storage that a server would have there.
fn restore(server: &Server, data_dir: &Path, file: &Path, passphrase: Option<&Path>) -> Output {
    let [_, old, _, url] = server.storage_arguments().try_into().unwrap();
    let url = url.replace(&old, data_dir.to_str().unwrap());
    let mut command = binaries::command("fieldgate-server");
    command.arg("restore").arg(file);
    if let Some(passphrase) = passphrase {
        command.arg("--passphrase-file").arg(passphrase);
    }
    command
        .arg("--data-dir")
        .arg(data_dir)
        .args(["--storage", &url])
        .output()
        .unwrap()
}

fn passphrase(server: &Server, text: &str) -> PathBuf {
    let path = server.scratch().join(text.replace(' ', "-"));
    fs::write(&path, format!("{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Puts a new data directory in the place of a server's, with some files of that.
fn take_the_place(server: &Server, new: &Path, keep: &[&str]) {
    let old = server.scratch().join("old");
    for name in keep {
        let kept = server.data_dir().join(name);
        if kept.is_dir() {
            fs::create_dir(new.join(name)).unwrap();
            fs::set_permissions(new.join(name), fs::Permissions::from_mode(0o700)).unwrap();
            for file in fs::read_dir(&kept).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), new.join(name).join(file.file_name())).unwrap();
            }
        } else {
            fs::copy(&kept, new.join(name)).unwrap();
        }
    }
    fs::rename(server.data_dir(), old).unwrap();
    fs::rename(new, server.data_dir()).unwrap();
}

/// What a backup of a storage sums up to.
fn sum(server: &Server, storage: Option<&str>, name: &str) -> String {
    let file = server.scratch().join(format!("{name}.backup"));
    let shown = success(
        "backup",
        &run_on(server, storage, &["backup", file.to_str().unwrap()]),
    );
    let line = shown.lines().find(|line| line.starts_with("SHA-256:"));
    line.unwrap().to_owned()
}

fn secret_of(key: &str) -> String {
    key.splitn(3, '_').nth(2).unwrap().to_owned()
}

/// What unfinished work has left in a directory.
fn leftovers(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with('.')).collect()
}

fn size_of(path: &Path) -> u64 {
    let files: Vec<PathBuf> = if path.is_dir() {
        vec![path.join("db/db")]
    } else {
        let log = PathBuf::from(format!("{}-wal", path.display()));
        vec![path.to_owned(), log]
    };
    let sizes = files.iter().filter_map(|file| fs::metadata(file).ok());
    sizes.map(|found| found.len()).sum()
}

/// Flips a bit of every place of a file that holds some octets.
fn flip(path: &Path, octets: &[u8]) {
    let mut content = fs::read(path).unwrap();
    let places: Vec<usize> = (0..content.len() - octets.len())
        .filter(|at| content[*at..].starts_with(octets))
        .collect();
    assert!(!places.is_empty(), "it is not there");
    for place in places {
        content[place + 1] ^= 0x01;
    }
    fs::write(path, content).unwrap();
}

const READINGS: i64 = 20_000;

const NONE: Vec<String> = Vec::new();

/// What nobody could do through the storage.
const DAMAGE: &str =
    "UPDATE fieldgate.device SET name = 'zzzd`magedzzz' WHERE name = 'zzzdamagedzzz'";
