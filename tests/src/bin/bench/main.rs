//! Measures Fieldgate beside its peers, in the same run, in interleaved rounds, and prints ratios.
//!
//! `cargo run --release -p fieldgate-tests --bin bench -- [provision|readings] [--rounds N]`, and
//! `--short` for a quick look whether it works, whose figures say nothing.

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
    let given = |word: &str| arguments.iter().position(|argument| argument == word);
    let rounds = given("--rounds").and_then(|at| arguments.get(at + 1)?.parse().ok());
    let extent = match given("--short") {
        Some(_) => Extent {
            rounds: rounds.unwrap_or(1),
            share: 50,
        },
        None => Extent {
            rounds: rounds.unwrap_or(5),
            share: 1,
        },
    };
    let (provision, readings) = (given("provision"), given("readings"));
    if provision.is_some() || readings.is_none() {
        provision::run(extent).await;
    }
    if readings.is_some() || provision.is_none() {
        readings::run(extent).await;
    }
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    /// How often.
    rounds: usize,
    /// Which share of the whole in each round: all of it, or one of so many parts.
    share: usize,
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
