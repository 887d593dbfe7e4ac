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
fn what_is_no_test_is_noticed() {
    let files = rust_files();
    for wrong in [
        "e2e::security::no_such_test",
        "e2e::no_such_file::each_row_names_tests_that_are_there",
        "core::security::each_row_names_tests_that_are_there",
        // There are such functions, and none of them is a test.
        "e2e::security::is_there",
        "e2e::moving::restore",
        "e2e::moving::run_on",
        "core::model::token::parse",
        "contract::no_such_noun",
        "contract::world",
        "contract::world::new",
        "contract::site::create_then_reads",
    ] {
        assert!(!is_there(&files, wrong), "{wrong}");
    }
}

/// Whether there is a test, or a module of tests, of this name.
fn is_there(files: &[SourceFile], name: &str) -> bool {
    let mut parts = name.split("::");
    let package = parts.next().unwrap();
    let modules: Vec<_> = parts.collect();
    if package == "contract" {
        return is_clause(files, &modules);
    }
    let folder = FOLDERS.iter().find(|(known, _)| *known == package);
    let folder = folder.map_or(package, |(_, folder)| folder);
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
        let tests = tests_of(&file.text);
        let has_tests = !tests.is_empty() || file.text.contains("_contract!(");
        above.iter().all(is_above) && (tests.contains(last) || is_module(last) && has_tests)
    })
}

/// Whether the list of clauses has these: all that it says of a noun, or one of them.
fn is_clause(files: &[SourceFile], modules: &[&str]) -> bool {
    let mut lists = files.iter().filter(|file| file.path.ends_with(CLAUSES));
    let list = &lists.next().unwrap().text;
    let (noun, clause) = match modules {
        [noun] => (noun, None),
        [noun, clause] => (noun, Some(clause)),
        _ => return false,
    };
    let of_noun = list.split("_contract!(@noun ").skip(1).filter_map(|block| {
        let (of, clauses) = block.split_once(");")?.0.split_once(':')?;
        (of == *noun).then_some(clauses)
    });
    let mut clauses = of_noun.flat_map(names);
    clauses.any(|name| clause.is_none_or(|clause| name == *clause))
}

/// The tests of a file: the functions that an attribute makes one, and those of which
/// `storage_tests!` makes one for each storage.
fn tests_of(text: &str) -> Vec<&str> {
    let mut tests = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim_start) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((before, after)) = line.split_once("fn ")
            && ["", "async "].contains(&before)
        {
            if is_test {
                tests.extend(after.split('(').next());
            }
            is_test = false;
        }
    }
    let declared = text.split("storage_tests!(").skip(1);
    let declared = declared.filter_map(|block| Some(block.split_once(");")?.0));
    tests.extend(declared.flat_map(names));
    tests
}

/// The names in a list of a macro.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(|char: char| char != '_' && !char.is_ascii_alphanumeric())
        .filter(|name| !name.is_empty())
}

/// What makes each clause of the storage contract a test.
const CLAUSES: &str = "core/src/testing/storage/list_of_clauses.rs";

/// Where a package lies whose name in the document is not that of its folder.
const FOLDERS: [(&str, &str); 2] = [("e2e", "tests/tests"), ("server", "examples/server")];
