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
    for row in ["HTTP, one client", "Fieldgate on SQLite"] {
        let line = report.lines().find(|line| line.contains(row));
        let ratio = line.unwrap().trim_end_matches(" |").rsplit("| ").next();
        let ratio: f64 = ratio.unwrap().parse().unwrap();
        assert!(ratio > 0.0, "{report}");
    }
}
