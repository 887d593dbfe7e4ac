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

const LINES_MAX: usize = 600;

const NONE: [PathBuf; 0] = [];
