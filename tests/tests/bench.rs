//! The benchmarks run, in their short form; what they measure is nobody's promise.

use std::process::{Command, Stdio};

#[test]
fn the_short_form_reports_ratios_to_its_peers() {
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .arg("--short")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report = String::from_utf8(run.stdout).unwrap();
    let faults = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{report}{faults}");
    let ratios = |row: &str, column: usize| -> Vec<f64> {
        let lines = report.lines().filter(|line| line.contains(row));
        let cells = lines.map(|line| line.trim().split(" | ").nth(column).unwrap());
        cells
            .map(|cell| cell.trim_end_matches(" |").parse().unwrap())
            .collect()
    };
    // Of storages there is a table for each backend.
    for (row, column, tables) in [
        ("HTTP, one client", 2, 1),
        ("Fieldgate on SQLite", 2, 1),
        ("get device", 3, 3),
        ("page of 50 by tag, 1 in 100: deep", 3, 3),
        ("summary of the devices", 3, 3),
        ("storing 1,000 readings", 3, 3),
        ("start of the server", 3, 3),
        ("memory of the server", 3, 3),
    ] {
        let ratios = ratios(row, column);
        assert_eq!(ratios.len(), tables, "{row}: {report}");
        assert!(ratios.iter().all(|ratio| *ratio > 0.0), "{row}: {report}");
    }
}
