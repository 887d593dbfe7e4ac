//! What the suites' own tests share: whether all clauses are listed, and whether one has teeth.

use std::collections::BTreeSet;
use std::future::Future;

/// The clauses of these files that the macros do not list, and which would never be run.
pub(super) fn unlisted(macros: &str, sources: &[(&str, &str)]) -> Vec<String> {
    let mut missing = Vec::new();
    for (group, source) in sources {
        let listed: BTreeSet<&str> = macros
            .split(&format!(" {group}:\n"))
            .nth(1)
            .and_then(|rest| rest.split(");").next())
            .map(|list| list.split(',').map(str::trim).collect())
            .unwrap_or_default();
        let clauses = source.split("\npub async fn ").skip(1);
        let mut clauses = clauses
            .filter_map(|rest| rest.split(['(', '<']).next())
            .peekable();
        assert!(clauses.peek().is_some(), "no clause in {group}");
        let unlisted = clauses.filter(|clause| !listed.contains(clause));
        missing.extend(unlisted.map(|clause| format!("{group}::{clause}")));
    }
    missing
}

/// Asserts that the sources are all files of clauses that a suite's module declares.
#[track_caller]
pub(super) fn assert_all_sources(module: &str, sources: &[(&str, &str)]) {
    let declared: BTreeSet<&str> = module
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let known: BTreeSet<&str> = sources.iter().map(|(group, _)| *group).collect();
    assert_eq!(known, declared);
}

/// Asserts that a clause fails, and says this.
pub(super) async fn assert_caught(
    clause: impl Future<Output = ()> + Send + 'static,
    complaint: &str,
) {
    let Err(failed) = tokio::spawn(clause).await else {
        panic!("nothing was caught where there should be: {complaint}");
    };
    let panic = failed.into_panic();
    let said = match panic.downcast_ref::<String>() {
        Some(said) => said,
        None => *panic.downcast_ref::<&str>().unwrap(),
    };
    assert!(said.contains(complaint), "caught by something else: {said}");
}
