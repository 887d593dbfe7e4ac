//! Measures Fieldgate beside its peers, in the same run, in interleaved rounds, and prints ratios.
//!
//! `cargo run --release -p fieldgate-tests --bin bench -- [provision|readings] [--rounds N]`

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "it reports what it measured, and ends where it cannot measure"
)]

mod load;
mod mosquitto;
mod provision;
mod readings;

use std::time::Duration;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rounds = arguments
        .iter()
        .position(|argument| argument == "--rounds")
        .and_then(|at| arguments.get(at + 1)?.parse().ok())
        .unwrap_or(5);
    match arguments.first().map(String::as_str) {
        Some("provision") => provision::run(rounds).await,
        Some("readings") => readings::run(rounds).await,
        _ => {
            provision::run(rounds).await;
            readings::run(rounds).await;
        }
    }
}

/// The median of some measurements.
fn median(mut measured: Vec<f64>) -> f64 {
    measured.sort_by(f64::total_cmp);
    measured[measured.len() / 2]
}

/// So many things in so much time, as a rate.
fn per_second(count: usize, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let count = count as f64;
    count / time.as_secs_f64()
}
