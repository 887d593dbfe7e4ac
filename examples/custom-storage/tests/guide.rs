//! The guide names every trait of the port, and every family of its clauses.

#[test]
fn it_names_every_trait() {
    let port = include_str!("../../../core/src/storage/mod.rs");
    let (_, traits) = port.split_once("pub trait Storage:\n").unwrap();
    let (traits, _) = traits.split_once('{').unwrap();
    for name in traits.split('+') {
        assert_named(name.trim());
    }
}

#[test]
fn it_names_every_family_of_clauses() {
    let suite = include_str!("../../../core/src/testing/storage/mod.rs");
    let families = suite
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "));
    for family in families {
        assert_named(family.trim_end_matches(';'));
    }
}

#[track_caller]
fn assert_named(name: &str) {
    assert!(
        GUIDE.contains(&format!("`{name}`")),
        "not in the guide: {name}"
    );
}

const GUIDE: &str = include_str!("../../../docs/storage.md");
