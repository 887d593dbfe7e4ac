//! What was measured: medians, the ratio to the peers, and whether it is within its bound.

use crate::median;

/// The rows of a backend, in the order in which they were first measured.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    unit: Unit,
    bound: Bound,
    ours: Vec<f64>,
    peers: Vec<f64>,
}

/// What a figure is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Kib,
    Micros,
}

/// What the ratio may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtMost(f64),
    None,
}

impl Table {
    /// Adds what a round has measured: of ours, and of the peers.
    pub(crate) fn add(
        &mut self,
        what: impl Into<String>,
        unit: Unit,
        bound: Bound,
        ours: f64,
        peers: f64,
    ) {
        let what = what.into();
        let at = self.rows.iter().position(|row| row.what == what);
        let at = at.unwrap_or_else(|| {
            self.rows.push(Row {
                what,
                unit,
                bound,
                ours: Vec::new(),
                peers: Vec::new(),
            });
            self.rows.len() - 1
        });
        self.rows[at].ours.push(ours);
        self.rows[at].peers.push(peers);
    }

    /// Prints it in Markdown.
    pub(crate) fn print(self, name: &str) {
        println!("  | {name} | Fieldgate | peers | ratio | bound | |");
        println!("  |---|---|---|---|---|---|");
        for row in self.rows {
            row.print();
        }
    }
}

impl Row {
    fn print(self) {
        // Each round by itself, as the machine may be slower in one than in another.
        let ratios = self.ours.iter().zip(&self.peers);
        let ratio = median(ratios.map(|(ours, peers)| ours / peers).collect());
        let (bound, verdict) = match self.bound {
            Bound::AtMost(most) if ratio <= most => (format!("at most {most}"), "met"),
            Bound::AtMost(most) => (format!("at most {most}"), "not met"),
            Bound::None => ("-".to_owned(), ""),
        };
        println!(
            "  | {} | {} | {} | {ratio:.3} | {bound} | {verdict} |",
            self.what,
            self.unit.show(median(self.ours)),
            self.unit.show(median(self.peers)),
        );
    }
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::Kib => format!("{:.1} MiB", figure / 1024.0),
            Self::Micros if figure >= 10_000.0 => format!("{:.1} ms", figure / 1e3),
            Self::Micros => format!("{figure:.0} us"),
        }
    }
}
