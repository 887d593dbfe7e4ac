//! The README's commands do what it says.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::fs;
use std::os::unix::fs::symlink;

use fieldgate_tests::binaries::{self, workspace};
use fieldgate_tests::tools::{bash, success};
use fieldgate_tests::{Server, StorageKind};

#[tokio::test]
async fn the_commands_by_hand_bring_a_device_online() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let script = commands(&readme);
    assert!(script.contains("mosquitto_pub"), "{script}");
    // What a program gets as an argument, every user of the machine sees; these are the shell's own.
    for line in script.lines().filter(|line| names_a_secret(line)) {
        assert!(
            line.starts_with("printf ") || line.starts_with(": "),
            "{line}"
        );
    }
    let server = Server::start(StorageKind::Sqlite);
    let api = server.api();
    // The operator's key is where the server leaves it, below the directory that it is started in.
    symlink(server.data_dir(), server.scratch().join("fieldgate-data")).unwrap();
    let environment = [
        ("FIELDGATE", server.http_url()),
        ("FIELDGATE_TLS", server.https_url()),
        ("MQTT_HOST", "localhost".to_owned()),
        ("MQTT_PORT", server.mqtt_port().to_string()),
        ("ADMIN_KEY", String::new()),
    ];
    let output = bash(&script, &server.scratch(), &environment);
    let shown = success("the README's commands", &output);
    assert!(shown.contains("greenhouse-7"), "{shown}");

    let devices = api.list("/api/v1/devices").await;
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0]["name"], "greenhouse-7");
    assert!(devices[0]["firstSessionAt"].is_string(), "{}", devices[0]);
    let sensors = api.list("/api/v1/sensors").await;
    assert!(!sensors.is_empty());
    for sensor in sensors {
        assert!(!sensor["latest"].is_null(), "{sensor}");
        assert!(shown.contains(sensor["key"].as_str().unwrap()), "{shown}");
    }
}

#[test]
fn the_server_as_it_is_started_there_is_where_the_commands_look_for_it() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    let (_, start) = readme
        .split_once("`cargo run -p fieldgate-server -- ")
        .unwrap();
    let arguments = start.split('`').next().unwrap().split_whitespace();
    let directory = tempfile::tempdir().unwrap();
    let mut config = binaries::command("fieldgate-server");
    config.current_dir(&directory).arg("config").args(arguments);
    let settings = success("config", &config.output().unwrap());
    let settings: toml::Table = settings.parse().unwrap();
    let setting = |name: &str| settings[name].as_str().unwrap();
    for listener in ["http_listen", "https_listen", "mqtt_listen"] {
        assert!(setting(listener).starts_with("127.0.0.1:"), "{settings}");
    }
    let port = |name: &str| setting(name).rsplit(':').next().unwrap();
    let script = commands(&readme);
    for default in [
        format!("FIELDGATE:=http://{}}}", setting("http_listen")),
        format!(
            "FIELDGATE_TLS:=https://localhost:{}}}",
            port("https_listen")
        ),
        "MQTT_HOST:=localhost}".to_owned(),
        format!("MQTT_PORT:={}}}", port("mqtt_listen")),
        format!(
            "ADMIN_KEY:=$(cat {}/admin.key)}}",
            setting("data_dir").trim_start_matches("./")
        ),
    ] {
        assert!(script.contains(&default), "{default}: {script}");
    }
    assert_eq!(settings["public_host"][0].as_str(), Some("localhost"));
}

fn names_a_secret(line: &str) -> bool {
    ["$ADMIN_KEY", "${ADMIN_KEY", "$TOKEN"]
        .iter()
        .any(|name| line.contains(name))
}

#[test]
fn every_file_that_it_links_to_is_there() {
    let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
    for link in readme.split("](").skip(1) {
        let target = link.split([')', '#']).next().unwrap();
        if !target.is_empty() && !target.contains("://") {
            assert!(workspace().join(target).exists(), "there is no {target}");
        }
    }
}

/// The blocks of shell commands in the marked section, one after the other.
fn commands(readme: &str) -> String {
    let (_, section) = readme.split_once("<!-- by-hand -->").unwrap();
    let (section, _) = section.split_once("<!-- /by-hand -->").unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap_or_default())
        .collect()
}
