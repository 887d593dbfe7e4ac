//! Shows how far long work has come: a bar on a terminal, else a line now and then.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How far work has come, on standard error.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    /// Of how many; not known for all work.
    total: Option<u64>,
    done: u64,
    /// Whether anybody is to see it: a server's standard error is its log.
    seen: bool,
    on_terminal: bool,
    began: Instant,
    shown: Option<Instant>,
}

impl Progress {
    /// Work that begins now.
    pub(crate) fn begin(what: &'static str, total: Option<u64>) -> Self {
        Self {
            what,
            total,
            done: 0,
            seen: true,
            on_terminal: std::io::stderr().is_terminal(),
            began: Instant::now(),
            shown: None,
        }
    }

    /// Work that nobody watches.
    pub(crate) fn unseen() -> Self {
        Self {
            seen: false,
            ..Self::begin("", None)
        }
    }

    /// So many are done in all.
    pub(crate) fn reach(&mut self, done: u64) {
        self.done = done;
        let every = if self.on_terminal { REDRAW } else { LINE };
        if self.seen && self.shown.unwrap_or(self.began).elapsed() >= every {
            self.shown = Some(Instant::now());
            self.show("");
        }
    }

    /// All is done.
    pub(crate) fn end(mut self) {
        // What took no time needs no line.
        if self.shown.is_some() {
            self.total = Some(self.done);
            self.show(if self.on_terminal { "\n" } else { "" });
        }
    }

    fn show(&self, end: &str) {
        let line = line(self.what, self.done, self.total);
        let mut stderr = std::io::stderr().lock();
        let _ = if self.on_terminal {
            write!(stderr, "\r{line}\x1b[K{end}")
        } else {
            writeln!(stderr, "{line}")
        };
        let _ = stderr.flush();
    }
}

fn line(what: &str, done: u64, total: Option<u64>) -> String {
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{what}: {done} records");
    };
    let percent = done.min(total) * 100 / total;
    let filled = usize::try_from(percent / 5).unwrap_or(0);
    let bar = format!("{}{}", "#".repeat(filled), "-".repeat(20 - filled));
    format!("{what}: [{bar}] {percent:3}%  {done} of {total} records")
}

/// How often a terminal sees something new.
const REDRAW: Duration = Duration::from_millis(200);

/// How often a log gets a line.
const LINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows() {
        assert_eq!(line("copying", 7, None), "copying: 7 records");
        assert_eq!(
            line("copying", 50, Some(200)),
            "copying: [#####---------------]  25%  50 of 200 records"
        );
        assert!(line("copying", 9, Some(3)).contains("[####################] 100%"));
    }
}
