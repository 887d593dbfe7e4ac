//! When the server is killed: at random moments, anywhere within what it is doing.

use std::collections::hash_map::RandomState;
use std::fmt::Debug;
use std::hash::{BuildHasher as _, Hasher as _};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use fieldgate_tests::Server;
use fieldgate_tests::commands::run;
use fieldgate_tests::random::Random;
use fieldgate_tests::tools::success;

/// The kills of a test, one or more in each of its cycles.
#[derive(Debug)]
pub(crate) struct Kills {
    random: Random,
    /// The number of the cycle.
    cycle: usize,
    count: usize,
    /// How long it takes until all is done that a kill comes into.
    span: Duration,
}

impl Kills {
    /// Says by which seed the moments can be had again.
    pub(crate) fn begin() -> Self {
        let seed = variable("FIELDGATE_CRASH_SEED");
        let seed = seed.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        show(&format!("FIELDGATE_CRASH_SEED={seed}"));
        Self {
            random: Random::new(seed),
            cycle: 0,
            count: variable("FIELDGATE_CRASH_CYCLES").unwrap_or(CYCLES),
            span: Duration::ZERO,
        }
    }

    /// The numbers of the cycles.
    pub(crate) fn next(&mut self) -> Option<usize> {
        let cycle = self.cycle;
        if cycle.is_multiple_of(100) {
            show(&format!("{cycle} of {} kills", self.count));
        }
        self.cycle += 1;
        (cycle < self.count).then_some(cycle)
    }

    /// Kills the server while it is at work, at a random moment before `done`. Now and then it
    /// comes right after that, which shows how long it takes.
    pub(crate) async fn kill(&mut self, server: &mut Server, done: impl Future<Output = ()>) {
        let begun = Instant::now();
        if self.is_measured() {
            done.await;
            self.span = begun.elapsed();
        } else {
            let moment = self.moment(self.span);
            tokio::select! {
                () = done => {}
                () = moment => {}
            }
        }
        server.kill();
        if self.cycle.is_multiple_of(CHECKED) || self.cycle == self.count {
            success("check", &run(server, &["check"]));
        }
    }

    /// Whether all that this cycle begins is done before the kill.
    pub(crate) const fn is_measured(&self) -> bool {
        self.cycle % MEASURED == 1
    }

    /// Ends at a random moment within a time. Runtimes count in milliseconds; a thread sleeps
    /// until any moment.
    pub(crate) fn moment(&mut self, within: Duration) -> impl Future<Output = ()> + use<> {
        let part = self.random.below(PARTS);
        let wait = within * u32::try_from(part).unwrap() / u32::try_from(PARTS).unwrap();
        let slept = tokio::task::spawn_blocking(move || thread::sleep(wait));
        async move { slept.await.unwrap() }
    }
}

fn variable<T: FromStr<Err: Debug>>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap())
}

#[expect(
    clippy::print_stderr,
    reason = "who looks for a failure wants the seed, and who runs the long form sees it go on"
)]
fn show(line: &str) {
    eprintln!("{line}");
}

/// Three times as many are 200 for each storage.
const CYCLES: usize = 67;

/// Of so many cycles one shows how long its work takes.
const MEASURED: usize = 20;

/// Of so many cycles one is followed by a check of all that is stored.
const CHECKED: usize = 100;

const PARTS: usize = 10_000;
