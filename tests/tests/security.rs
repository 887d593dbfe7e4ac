//! `docs/security.md`: each test that it names is there.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use fieldgate_tests::rules::{SourceFile, rust_files, text_files};

#[test]
fn each_row_names_tests_that_are_there() {
    let files = rust_files();
    let documents = text_files().into_iter();
    let mut document = documents.filter(|file| file.path.ends_with("docs/security.md"));
    let document = document.next().unwrap().text;
    let rows = document
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains("| test |"));
    let mut count = 0;
    for row in rows {
        let cited = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let mut prefix = String::new();
        let names: Vec<_> = cited.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            // What follows in a row may leave out what it shares with what it follows.
            let whole = if name.contains("::") {
                name.to_owned()
            } else {
                format!("{prefix}::{name}")
            };
            assert!(is_there(&files, &whole), "there is no {whole}");
            prefix = whole.rsplit_once("::").unwrap().0.to_owned();
            count += 1;
        }
    }
    assert!(count > 50, "{count} were found");
}

#[test]
fn a_name_that_is_not_there_is_noticed() {
    let files = rust_files();
    for wrong in [
        "e2e::security::no_such_test",
        "e2e::no_such_file::each_row_names_tests_that_are_there",
        "core::security::each_row_names_tests_that_are_there",
    ] {
        assert!(!is_there(&files, wrong), "{wrong}");
    }
}

/// Whether there is a test, or a module of tests, of this name.
fn is_there(files: &[SourceFile], name: &str) -> bool {
    let mut parts = name.split("::");
    let package = parts.next().unwrap();
    let folder = FOLDERS.iter().find(|(known, _)| *known == package);
    let folder = folder.map_or(package, |(_, folder)| folder);
    let modules: Vec<_> = parts.collect();
    let Some((last, above)) = modules.split_last() else {
        return false;
    };
    files.iter().any(|file| {
        let Ok(path) = file.path.strip_prefix(folder) else {
            return false;
        };
        let path = path.with_extension("");
        let is_module = |name: &str| path.iter().any(|part| part == name);
        let is_above =
            |name: &&str| is_module(name) || file.text.contains(&format!("mod {name} {{"));
        let marks = ["test]", "storage_tests!("];
        let has_tests = package == "contract" || marks.iter().any(|mark| file.text.contains(mark));
        let is_last = file.text.contains(&format!("fn {last}(")) || is_module(last) && has_tests;
        above.iter().all(is_above) && is_last
    })
}

/// Where a package lies whose name in the document is not that of its folder.
const FOLDERS: [(&str, &str); 3] = [
    ("contract", "core/src/testing/storage"),
    ("e2e", "tests/tests"),
    ("server", "examples/server"),
];
