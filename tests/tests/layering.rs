//! The house rules: who may know whom, and how files look.

use std::path::PathBuf;

use fieldgate_tests::rules::{SourceFile, rust_files, text_files, toml_file};
use toml::Value;

#[test]
fn the_core_knows_no_adapter_and_no_protocol() {
    let manifest = toml_file("core/Cargo.toml");
    let names = dependencies(&manifest, &["dependencies"]);
    for forbidden in [
        "axum",
        "hyper",
        "mqtt",
        "reqwest",
        "rmqtt",
        "rumqtt",
        "sled",
        "sqlx",
        "tokio-rustls",
        "tower",
        "utoipa",
    ] {
        let found = names.iter().find(|name| name.starts_with(forbidden));
        assert_eq!(found, None, "the core depends on it");
    }
    assert!(
        !names.iter().any(|name| name.starts_with("fieldgate")),
        "{names:?}"
    );
    let tokio = manifest["dependencies"].get("tokio");
    let features = tokio.and_then(|tokio| tokio.get("features"));
    let features = features
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for forbidden in ["full", "net", "fs", "process"] {
        assert!(
            !features.contains(&Value::from(forbidden)),
            "tokio with {forbidden}"
        );
    }
}

#[test]
fn no_adapter_knows_another() {
    for adapter in ADAPTERS {
        let manifest = toml_file(format!("{adapter}/Cargo.toml"));
        let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
        for name in dependencies(&manifest, &sections) {
            let known = name.strip_prefix("fieldgate-");
            assert!(
                known.is_none_or(|known| known == "core"),
                "{adapter} depends on {name}"
            );
        }
    }
}

#[test]
fn the_core_reads_no_file_no_environment_and_no_socket() {
    for forbidden in [
        "std::fs",
        "std::env",
        "std::process",
        "std::net::Tcp",
        "std::net::Udp",
        "tokio::fs",
        "tokio::net",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "ToSocketAddrs",
    ] {
        let found = paths(below("core/src"), |text| text.contains(forbidden));
        assert_eq!(found, NONE, "{forbidden}");
    }
}

#[test]
fn the_model_waits_for_nothing_and_has_no_wire_format() {
    for forbidden in [
        "async ",
        ".await",
        "Future",
        "std::io",
        "Serialize",
        "Deserialize",
    ] {
        let found = paths(below("core/src/model"), |text| {
            code(text).contains(forbidden)
        });
        assert_eq!(found, NONE, "{forbidden}");
    }
}

#[test]
fn no_method_of_a_port_has_a_default_body() {
    let mut traits = 0;
    for folder in ["core/src/storage", "core/src/transport", "core/src/ca"] {
        for file in below(folder) {
            let code = code(&file.text);
            for port in code.split("\npub trait ").skip(1) {
                let (head, rest) = port.split_once('{').unwrap();
                let body = rest.split("\n}").next().unwrap();
                assert!(!body.contains('{'), "{}: {head}", file.path.display());
                traits += 1;
            }
        }
    }
    assert!(traits > 15, "{traits} were found");
}

#[test]
fn every_method_of_a_storage_takes_the_organization_or_a_proof() {
    let mut known: Vec<String> = ["OrganizationId", "KeyOwner", "ServerProof"]
        .map(str::to_owned)
        .into();
    // Records that say whose they are.
    for file in below("core/src/model") {
        let code = code(&file.text);
        for record in code.split("\npub struct ").skip(1) {
            let (name, rest) = record.split_once([' ', ';', '(']).unwrap();
            let fields = rest.split("\n}").next().unwrap();
            let marks = ["pub organization_id: OrganizationId", "pub owner: KeyOwner"];
            if marks.iter().any(|mark| fields.contains(mark)) {
                known.push(name.to_owned());
            }
        }
    }
    let (mut methods, mut without) = (0, Vec::new());
    for file in below("core/src/storage") {
        let code = code(&file.text);
        for port in code.split("\npub trait ").skip(1) {
            let body = port.split("\n}").next().unwrap();
            for method in body.split("async fn ").skip(1) {
                let (name, rest) = method.split_once('(').unwrap();
                let parameters = rest.split(')').next().unwrap();
                let is_word = |char: char| char.is_alphanumeric() || char == '_';
                let mut words = parameters.split(|char| !is_word(char));
                if !words.any(|word| known.iter().any(|known| known == word)) {
                    without.push(name.to_owned());
                }
                methods += 1;
            }
        }
    }
    without.sort();
    assert_eq!(without, OF_NO_ORGANIZATION);
    assert!(methods > 60, "{methods} were found");
}

#[test]
fn no_public_signature_of_a_storage_names_its_library() {
    for (folder, library) in [("storage-sqlx/src", "sqlx"), ("storage-sled/src", "sled")] {
        for file in below(folder) {
            let code = code(&file.text);
            let names = imported(&code, library);
            for signature in public_signatures(&code) {
                let words = signature.split(|char: char| !char.is_alphanumeric() && char != '_');
                let leaked = words.filter(|word| names.iter().any(|name| name == word));
                let leaked: Vec<_> = leaked.collect();
                assert!(leaked.is_empty(), "{}: {signature}", file.path.display());
            }
        }
    }
}

#[test]
fn types_are_written_to_the_wire_by_the_modules_for_it_alone() {
    let ours = [
        "core/",
        "http-axum/src",
        "storage-sled/src",
        "storage-sqlx/",
        "transport-mqtt/src",
    ];
    let for_it = [
        "http-axum/src/dto",
        "storage-sled/src/record",
        "transport-mqtt/src/payload",
    ];
    let mut files = rust_files();
    files.retain(|file| {
        let is_in = |folders: &[&str]| folders.iter().any(|folder| file.path.starts_with(folder));
        is_in(&ours) && !is_in(&for_it)
    });
    let found = paths(files, |text| {
        let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut derives = shipped.lines().filter(|line| line.contains("derive("));
        derives.any(|line| line.contains("erialize"))
    });
    assert_eq!(found, NONE);
}

#[test]
fn all_packages_are_held_to_the_lints() {
    let workspace = toml_file("Cargo.toml");
    assert_eq!(
        workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(),
        Some("forbid")
    );
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let member = member.as_str().unwrap();
        let manifest = toml_file(format!("{member}/Cargo.toml"));
        assert_eq!(
            manifest["lints"]["workspace"].as_bool(),
            Some(true),
            "{member}"
        );
    }
}

#[test]
fn every_file_says_what_it_is() {
    let silent = paths(rust_files(), |text| !text.starts_with("//! "));
    assert_eq!(silent, NONE);
}

#[test]
fn no_file_is_too_long() {
    let long = paths(rust_files(), |text| text.lines().count() > LINES_MAX);
    assert_eq!(long, NONE);
}

#[test]
fn nothing_is_ignored_allowed_or_left_to_be_done() {
    // Written in two pieces, so that this file does not find itself.
    for forbidden in [
        concat!("#[ig", "nore"),
        concat!("#[al", "low("),
        concat!("#![al", "low("),
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("db", "g!("),
    ] {
        let found = paths(rust_files(), |text| text.contains(forbidden));
        assert_eq!(found, NONE, "{forbidden}");
    }
}

#[test]
fn no_file_names_the_machine_that_it_was_written_on() {
    for forbidden in [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("../sha", "red"),
    ] {
        let found = paths(text_files(), |text| text.contains(forbidden));
        assert_eq!(found, NONE, "{forbidden}");
    }
}

/// The paths of the files of which something is true.
fn paths(files: Vec<SourceFile>, is_so: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let found = files.into_iter().filter(|file| is_so(&file.text));
    found.map(|file| file.path).collect()
}

/// The Rust files below a folder.
fn below(folder: &str) -> Vec<SourceFile> {
    let mut files = rust_files();
    files.retain(|file| file.path.starts_with(folder));
    assert!(!files.is_empty(), "{folder}");
    files
}

/// A text without its comments.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| match line.find("//") {
        Some(at) if line[..at].trim().is_empty() => "",
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that a file takes from a library, with that of the library.
fn imported(code: &str, library: &str) -> Vec<String> {
    let mut names = vec![library.to_owned()];
    for import in code.split("use ").skip(1) {
        let import = import.split(';').next().unwrap_or_default();
        if import.starts_with(library) {
            let words = import.split(|char: char| !char.is_alphanumeric() && char != '_');
            let types = words.filter(|word| word.starts_with(char::is_uppercase));
            names.extend(types.map(str::to_owned));
        }
    }
    names
}

/// All that is public of a file: functions and fields up to where they end, enums as a whole.
fn public_signatures(code: &str) -> Vec<&str> {
    let begins = code.match_indices("pub ").map(|(at, _)| &code[at..]);
    let signatures = begins.map(|item| {
        let end = if item.starts_with("pub enum") {
            "\n}"
        } else {
            "{"
        };
        let end = item.find(end).unwrap_or(item.len());
        let item = &item[..end];
        if item.starts_with("pub enum") {
            return item;
        }
        let end = item.find([';', '=']).unwrap_or(item.len());
        item[..end].split(",\n    ").next().unwrap_or_default()
    });
    signatures.collect()
}

fn dependencies(manifest: &toml::Table, sections: &[&str]) -> Vec<String> {
    let sections = sections
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table());
    sections
        .flat_map(|section| section.keys().cloned())
        .collect()
}

const ADAPTERS: [&str; 4] = [
    "http-axum",
    "storage-sled",
    "storage-sqlx",
    "transport-mqtt",
];

/// What is looked up to find out whose it is, what is of no organization, and what an earlier call
/// with a proof gave.
const OF_NO_ORGANIZATION: [&str; 8] = [
    // By what a client shows.
    "api_key_by_prefix",
    // Of the CA, whose CRLs are public.
    "issuers",
    // Of an archive that was opened with a proof.
    "next",
    "next_crl_number",
    // By the name in a path.
    "organization_by_slug",
    "revocation_count",
    "revoked_certificates",
    // By what a device shows.
    "token",
];

const LINES_MAX: usize = 600;

const NONE: [PathBuf; 0] = [];
