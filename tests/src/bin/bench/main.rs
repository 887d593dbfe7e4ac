//! Measures Fieldgate beside its peers, in the same run, in interleaved rounds, and prints ratios.
//!
//! `cargo run --release -p fieldgate-tests --bin bench -- [provision] [readings] [storage]
//! [--rounds N]`, and `--short` for a quick look whether it works, whose figures say nothing. Without
//! a name of a part it is all of them.
//!
//! The part `storage` fills stores with a million devices; `--keep DIR` leaves them there for the
//! next run. `--devices N` makes them smaller, `--only sqlite|postgres|sled` measures one backend.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it reports what it measured, and ends where it cannot measure"
)]

mod load;
mod mosquitto;
mod provision;
mod readings;
mod storage;

use std::time::Duration;

use crate::storage::{Choice, hello};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |word: &str| arguments.iter().any(|argument| argument == word);
    let value = |word: &str| {
        let at = arguments.iter().position(|argument| argument == word)?;
        arguments.get(at + 1)
    };
    let number = |word: &str| value(word).and_then(|value| value.parse().ok());
    if given(hello::WORD) {
        return hello::serve().await;
    }
    let rounds = number("--rounds");
    let extent = match given("--short") {
        true => Extent {
            rounds: rounds.unwrap_or(1),
            share: 50,
        },
        false => Extent {
            rounds: rounds.unwrap_or(5),
            share: 1,
        },
    };
    let wanted = |part: &str| given(part) || !PARTS.iter().any(|part| given(part));
    if wanted("provision") {
        provision::run(extent).await;
    }
    if wanted("readings") {
        readings::run(extent).await;
    }
    if wanted("storage") {
        let choice = Choice {
            keep: value("--keep").map(Into::into),
            devices: number("--devices"),
            only: value("--only").cloned(),
        };
        storage::run(extent, &choice).await;
    }
}

const PARTS: [&str; 3] = ["provision", "readings", "storage"];

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
