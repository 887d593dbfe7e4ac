//! Which source counts, and what is refused.

use std::ffi::OsString;

use super::*;

fn flags(given: &[(&'static str, &str)]) -> Layer {
    let flag = |(name, value): &(&'static str, &str)| {
        let given = Given {
            values: vec![(*value).to_owned()],
            origin: Origin::Flag(format!("--{}", name.replace('_', "-"))),
        };
        (*name, given)
    };
    given.iter().map(flag).collect()
}

fn variables(given: &[(&str, &str)]) -> Result<Layer, Failure> {
    let environment = given
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    layer::variables(environment)
}

fn file(text: &str) -> Result<Layer, Failure> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fieldgate.toml");
    std::fs::write(&path, text).unwrap();
    layer::file(&path)
}

fn resolve(flags: Layer, variables: Layer, file: Layer) -> Result<Settings, Failure> {
    Settings::resolve(&Sources::new(flags, variables, file))
}

fn refusal<T>(result: Result<T, Failure>) -> String {
    let Err(failure) = result else {
        panic!("it was accepted");
    };
    assert!(matches!(failure, Failure::Configuration(_)));
    failure.line()
}

#[test]
fn defaults_are_those_of_the_help() {
    let settings = resolve(Layer::new(), Layer::new(), Layer::new()).unwrap();
    assert_eq!(settings.data_dir, PathBuf::from("./fieldgate-data"));
    assert_eq!(
        settings.storage.masked(),
        "sqlite://./fieldgate-data/fieldgate.db"
    );
    assert_eq!(settings.http_listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.https_listen.to_string(), "0.0.0.0:8443");
    assert_eq!(settings.mqtt_listen.to_string(), "0.0.0.0:8883");
    assert_eq!(settings.public_hosts, ["localhost"]);
    assert_eq!(settings.retention, Retention::default());
    assert_eq!(settings.failed_per_minute, 30);
    assert_eq!(settings.limits, Limits::default());
    assert_eq!(settings.log_level, tracing::Level::INFO);
}

#[test]
fn the_variable_of_the_example_device_is_let_be() {
    let layer = variables(&[("FIELDGATE_TOKEN", "fgt1.a.b")]).unwrap();
    assert!(layer.is_empty());
    let complaint = refusal(variables(&[("FIELDGATE_TOKENS", "fgt1.a.b")]));
    assert!(!complaint.contains("fgt1"), "{complaint}");
}

#[test]
fn a_flag_is_stronger_than_a_variable_and_that_than_the_file() {
    let file = || {
        file("http_listen = \"127.0.0.1:3\"\nhttps_listen = \"127.0.0.1:3\"\nmqtt_listen = \"127.0.0.1:3\"").unwrap()
    };
    let variables = variables(&[
        ("FIELDGATE_HTTP_LISTEN", "127.0.0.1:2"),
        ("FIELDGATE_HTTPS_LISTEN", "127.0.0.1:2"),
        ("HOME", "/root"),
    ])
    .unwrap();
    let flags = flags(&[("http_listen", "127.0.0.1:1")]);
    let settings = resolve(flags, variables, file()).unwrap();
    assert_eq!(settings.http_listen.port(), 1);
    assert_eq!(settings.https_listen.port(), 2);
    assert_eq!(settings.mqtt_listen.port(), 3);
    let description = settings.describe();
    let line = |name: &str| {
        let mut lines = description.lines();
        lines
            .find(|line| line.starts_with(name))
            .unwrap()
            .to_owned()
    };
    assert!(line("http_listen").ends_with("# --http-listen"));
    assert!(line("https_listen").ends_with("# FIELDGATE_HTTPS_LISTEN"));
    assert!(line("mqtt_listen").contains("fieldgate.toml"));
    assert!(line("storage").ends_with("# default"));
}

#[test]
fn the_description_is_a_file_of_the_same_settings() {
    let given = flags(&[
        ("data_dir", "/tmp/a \"b\""),
        ("retain_health", "36h"),
        ("retain_readings", "0"),
        ("trusted_proxies", "10.0.0.0/8"),
        ("crl_url", "http://ca.example/x.crl"),
        ("log_level", "debug"),
    ]);
    let settings = resolve(given, Layer::new(), Layer::new()).unwrap();
    let again = file(&settings.describe()).unwrap();
    let again = resolve(Layer::new(), Layer::new(), again).unwrap();
    assert_eq!(again.retention.readings, None);
    assert_eq!(again.trusted_proxies, settings.trusted_proxies);
    assert_eq!(again.data_dir, settings.data_dir);
    let values = |settings: &Settings| -> Vec<String> {
        settings
            .report
            .iter()
            .map(|line| line.value.clone())
            .collect()
    };
    assert_eq!(values(&again), values(&settings));
}

#[test]
fn every_setting_is_described() {
    let settings = resolve(Layer::new(), Layer::new(), Layer::new()).unwrap();
    let mut described: Vec<_> = settings.report.iter().map(|line| line.name).collect();
    let mut names = NAMES.to_vec();
    described.sort_unstable();
    names.sort_unstable();
    assert_eq!(described, names);
}

#[test]
fn the_database_lies_in_the_data_directory() {
    let settings = resolve(flags(&[("data_dir", "/srv/f")]), Layer::new(), Layer::new());
    assert_eq!(
        settings.unwrap().storage.masked(),
        "sqlite:///srv/f/fieldgate.db"
    );
}

#[test]
fn unknown_keys_of_the_file_are_named() {
    let line = refusal(file("http_listen = \"127.0.0.1:1\"\nhttp_lisen = \"x\""));
    assert!(line.contains("fieldgate.toml"), "{line}");
    assert!(line.contains("`http_lisen`"), "{line}");
    assert!(refusal(file("[http]\nlisten = 1")).contains("`http`"));
    assert!(refusal(file("http_listen = { a = 1 }")).contains("`http_listen`"));
    assert!(refusal(file("http_listen = [\"a\"]")).contains("one value"));
}

#[test]
fn a_broken_file_is_refused_without_showing_it() {
    let line = refusal(file("\nstorage = \"postgres://user:secret@host"));
    assert!(line.contains("line 2"), "{line}");
    assert!(!line.contains("secret"), "{line}");
    let line = refusal(layer::file("/nowhere/fieldgate.toml".as_ref()));
    assert!(line.contains("/nowhere/fieldgate.toml"), "{line}");
}

#[test]
fn unknown_variables_are_named() {
    let line = refusal(variables(&[("FIELDGATE_HTTP_LISEN", "x")]));
    assert!(line.contains("FIELDGATE_HTTP_LISEN"), "{line}");
    // Not a secret, so that there is no such file.
    assert!(variables(&[("FIELDGATE_HTTP_LISTEN_FILE", "x")]).is_err());
    // What Kubernetes sets by itself.
    assert!(
        variables(&[
            ("FIELDGATE_PORT_8080_TCP", "x"),
            ("FIELDGATE_SERVICE_HOST", "y")
        ])
        .is_ok()
    );
}

#[test]
fn a_secret_comes_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("storage");
    std::fs::write(&path, "memory://\n").unwrap();
    let path = path.to_str().unwrap();
    let given = variables(&[("FIELDGATE_STORAGE_FILE", path)]).unwrap();
    let settings = resolve(Layer::new(), given, Layer::new()).unwrap();
    assert!(matches!(settings.storage, StorageUrl::Memory));
    let both = variables(&[
        ("FIELDGATE_STORAGE_FILE", path),
        ("FIELDGATE_STORAGE", "memory://"),
    ]);
    assert!(refusal(both).contains("the same setting"));
}

#[test]
fn lists_come_from_every_source() {
    let given = variables(&[("FIELDGATE_PUBLIC_HOST", "a.example, 192.0.2.1,::1")]).unwrap();
    let settings = resolve(Layer::new(), given, Layer::new()).unwrap();
    assert_eq!(settings.public_hosts, ["a.example", "192.0.2.1", "::1"]);
    let given = file("public_host = [\"a.example\", \"B.example\"]").unwrap();
    let settings = resolve(Layer::new(), Layer::new(), given).unwrap();
    assert_eq!(settings.public_hosts, ["a.example", "b.example"]);
}

#[test]
fn wrong_values_are_refused_with_their_origin() {
    for (name, value) in [
        ("http_listen", "8080"),
        ("http_insecure", "yes"),
        ("public_host", "https://a.example"),
        ("public_host", "a_b"),
        ("public_host", ""),
        ("crl_url", "https://a.example/crl"),
        ("retain_health", "10"),
        ("retain_health", "0d"),
        ("retain_health", "d"),
        ("retain_health", "1w"),
        ("retain_health", "1ä"),
        ("failed_per_minute", "0"),
        ("readings_per_second", "99"),
        ("components_per_device", "0"),
        ("sensors_per_device", "1000001"),
        ("certificates_per_day", "many"),
        ("log_format", "xml"),
        ("log_level", "loud"),
        ("log_level", "INFO"),
        ("trusted_proxies", "10.0.0.0/40"),
        ("storage", "mysql://a"),
        ("storage", "fieldgate.db"),
        ("storage", "sqlite://"),
        ("data_dir", ""),
    ] {
        let line = refusal(resolve(flags(&[(name, value)]), Layer::new(), Layer::new()));
        assert!(line.contains(name), "{name}={value}: {line}");
    }
}

#[test]
fn the_password_of_a_database_is_not_shown() {
    let given = flags(&[("storage", "postgres://user:secret@host/db?sslmode=require")]);
    let settings = resolve(given, Layer::new(), Layer::new()).unwrap();
    assert_eq!(settings.storage.masked(), "postgres://user@host:5432/db");
    assert!(!format!("{settings:?}").contains("secret"));
    for wrong in [
        "postgres://user:secret@host/db?pasword=secret",
        "postgres://user:secret@host:secret/db",
    ] {
        let given = flags(&[("storage", wrong)]);
        let line = refusal(resolve(given, Layer::new(), Layer::new()));
        assert!(!line.contains("secret"), "{line}");
    }
}

#[test]
fn what_is_not_there_yet_is_refused_and_not_ignored() {
    let not_yet = |result| {
        let line = refusal(result);
        assert!(line.contains("not in this version yet"), "{line}");
    };
    for name in NOT_YET {
        let variable = format!("FIELDGATE_{}", name.to_uppercase());
        let given = variables(&[(&variable, "x")]).unwrap();
        not_yet(resolve(Layer::new(), given, Layer::new()));
        let given = file(&format!("{name} = \"x\"")).unwrap();
        not_yet(resolve(Layer::new(), Layer::new(), given));
        not_yet(resolve(flags(&[(name, "x")]), Layer::new(), Layer::new()));
    }
}

#[test]
fn http_in_clear_stays_on_the_machine_unless_confirmed() {
    let open = ("http_listen", "0.0.0.0:8080");
    let line = refusal(resolve(flags(&[open]), Layer::new(), Layer::new()));
    assert!(line.contains("--http-insecure"), "{line}");
    let confirmed = flags(&[open, ("http_insecure", "true")]);
    assert!(resolve(confirmed, Layer::new(), Layer::new()).is_ok());
    assert!(
        resolve(
            flags(&[("http_listen", "[::1]:0")]),
            Layer::new(),
            Layer::new()
        )
        .is_ok()
    );
}

#[test]
fn certificate_and_key_belong_together() {
    let line = refusal(resolve(
        flags(&[("tls_cert", "a.pem")]),
        Layer::new(),
        Layer::new(),
    ));
    assert!(line.contains("tls_key"), "{line}");
}
