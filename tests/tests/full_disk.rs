//! The disk is full under a running server, and is not any more later.
//!
//! It is a small file system of the test's own, in a name space of the server's own, so that nothing
//! else is touched, and nobody has to be root. PostgreSQL's disk belongs to its own server: here
//! it only says that it is full.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use fieldgate_tests::commands::{readings, run};
use fieldgate_tests::csr::new_key;
use fieldgate_tests::packet::publish;
use fieldgate_tests::tools::success;
use fieldgate_tests::{
    Answer, Api, Device, Registration, Server, ServerOptions, StorageKind, Version, eventually,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_stops_changes_while_the_disk_is_full_and_goes_on() {
    goes_on_after(Disk::small(StorageKind::Sqlite)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sled_stops_changes_while_the_disk_is_full_and_goes_on() {
    goes_on_after(Disk::small(StorageKind::Sled)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_stops_changes_while_its_disk_is_full_and_goes_on() {
    goes_on_after(Disk::OfPostgres(Server::start(StorageKind::Postgres))).await;
}

async fn goes_on_after(disk: Disk) {
    let server = disk.server();
    let api = server.api();
    let device = Device::enroll(server, "pump").await;
    let waiting = Registration::new(&api, "waiting").await;
    let mut session = Session::open(server, &device).await;
    assert!(session.publish().await, "a message before the disk is full");

    disk.fill();

    let mut devices = vec![device.path()];
    // What lies in the files already may be used up first.
    let refused = loop {
        let name = format!("device-{}", devices.len());
        let answer = api.post("/api/v1/devices", &json!({ "name": name })).await;
        if answer.status != 201 {
            break answer;
        }
        let id = answer.expect(201)["id"].as_str().unwrap().to_owned();
        devices.push(format!("/api/v1/devices/{id}"));
        assert!(devices.len() < 2000, "the disk is never full");
    };
    assert_unavailable(&refused);
    while session.publish().await {
        assert!(session.acknowledged < 200, "the disk is never full");
    }
    let (_, csr) = new_key();
    assert_unavailable(&waiting.provision(&api, &csr).await);
    let ready = api.without_key().get("/readyz").await;
    assert_eq!(ready.status, 503, "{}", ready.text());
    assert_all_there(&api, &devices).await;
    let known = session.acknowledged;
    assert_eq!(device.readings(&api, "level").await.len(), known * MESSAGE);

    disk.empty();

    eventually("changes are taken again", || async {
        let ready = api.without_key().get("/readyz").await;
        (ready.status == 200).then_some(())
    })
    .await;
    waiting.provision(&api, &csr).await.expect(201);
    let name = json!({ "name": "after" });
    api.post("/api/v1/devices", &name).await.expect(201);
    assert_all_there(&api, &devices).await;
    session.open_again(server, &device).await;
    assert!(session.publish().await, "a message after it");
    let known = session.acknowledged;
    assert_eq!(device.readings(&api, "level").await.len(), known * MESSAGE);
    success("check", &run(server, &["check"]));
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!(seconds > 0);
}

async fn assert_all_there(api: &Api, devices: &[String]) {
    for device in devices {
        api.get(device).await.expect(200);
    }
}

/// A session in which each message has other readings.
struct Session {
    client: fieldgate_tests::MqttClient,
    topic: String,
    acknowledged: usize,
}

impl Session {
    async fn open(server: &Server, device: &Device) -> Self {
        Self {
            client: device.connect(server).await,
            topic: device.readings_topic(),
            acknowledged: 0,
        }
    }

    async fn open_again(&mut self, server: &Server, device: &Device) {
        self.client = device.connect(server).await;
    }

    /// Whether the next message is acknowledged; else the session ends.
    async fn publish(&mut self) -> bool {
        let first = i64::try_from(self.acknowledged * MESSAGE).unwrap();
        let message = readings(first..first + i64::try_from(MESSAGE).unwrap());
        let message = message.to_string();
        let packet = publish(Version::V4, &self.topic, message.as_bytes(), 1, 7);
        self.client.send(&packet).await;
        let is_acknowledged = self.client.next().await.is_some();
        self.acknowledged += usize::from(is_acknowledged);
        is_acknowledged
    }
}

/// The disk of a server's storage.
enum Disk {
    /// A file system of its own.
    Small {
        server: Server,
        at: &'static str,
    },
    OfPostgres(Server),
}

impl Disk {
    fn small(storage: StorageKind) -> Self {
        let (at, size, prepare) = if storage == StorageKind::Sled {
            ("data/sled", "128m", ":")
        } else {
            // A link, as the file has others beside it.
            let link = "touch data/small/fieldgate.db && \
                        ln -s small/fieldgate.db data/fieldgate.db";
            ("data/small", "24m", link)
        };
        let script = format!(
            "umask 077 && mkdir -p {at} && mount -t tmpfs -o size={size},mode=700 none {at} \
             && {prepare} && exec \"$@\""
        );
        let wrapper = [
            "unshare",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            &script,
            "small",
        ];
        let server = Server::start(ServerOptions {
            wrapper: wrapper.map(str::to_owned).into(),
            ..storage.into()
        });
        Self::Small { server, at }
    }

    const fn server(&self) -> &Server {
        match self {
            Self::Small { server, .. } | Self::OfPostgres(server) => server,
        }
    }

    /// Leaves no room.
    fn fill(&self) {
        match self {
            Self::OfPostgres(server) => server.change_database(FULL),
            Self::Small { .. } => {
                let mut ballast = File::create(self.ballast()).unwrap();
                for size in [1 << 20, 1 << 12, 1] {
                    let piece = vec![1; size];
                    while ballast.write_all(&piece).is_ok() {}
                }
            }
        }
    }

    fn empty(&self) {
        match self {
            Self::OfPostgres(server) => server.change_database(EMPTY),
            Self::Small { .. } => fs::remove_file(self.ballast()).unwrap(),
        }
    }

    /// As the server sees it.
    fn ballast(&self) -> PathBuf {
        let Self::Small { server, at } = self else {
            panic!("the disk is not a small one")
        };
        let root = PathBuf::from(format!("/proc/{}/root", server.process_id()));
        let data = server.data_dir();
        let directory = data.parent().unwrap().join(at).join("ballast");
        root.join(directory.strip_prefix("/").unwrap())
    }
}

/// How many readings a message has.
const MESSAGE: usize = 100;

/// Lets each insertion and each change fail as where there is no room.
const FULL: &str = "
    CREATE FUNCTION fieldgate.full() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
    DO $$
    DECLARE found regclass;
    BEGIN
        FOR found IN SELECT oid FROM pg_class WHERE relnamespace = 'fieldgate'::regnamespace
            AND relkind IN ('r', 'p') AND NOT relispartition
        LOOP
            EXECUTE format('CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON %s \
                FOR EACH ROW EXECUTE FUNCTION fieldgate.full()', found);
        END LOOP;
    END $$";

const EMPTY: &str = "DROP FUNCTION fieldgate.full() CASCADE";
