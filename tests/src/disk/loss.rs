//! Which of the uncertain steps the disk has taken when the power goes.

use super::{Uncertain, Write};
use crate::random::Random;

/// A way to lose power.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// Of what was not synchronized nothing is there.
    All,
    /// All is there, as if only the process had ended.
    Nothing,
    /// All up to some moment is there and nothing after it; what was written in it is torn.
    After {
        /// Chooses the moment.
        seed: u64,
    },
    /// Any pieces of any writes are there, in whatever order they were made.
    Pieces {
        /// How large a piece is that the disk takes as a whole.
        octets: usize,
        /// Chooses the pieces.
        seed: u64,
    },
}

impl Loss {
    /// Ways to lose power: the two ends of what is possible, and `more` between them.
    #[must_use]
    pub fn ways(more: usize, seed: u64) -> Vec<Self> {
        let mut ways = vec![Self::All, Self::Nothing];
        for number in 0..more {
            let seed = seed.wrapping_mul(0x9e37_79b9).wrapping_add(number as u64);
            ways.push(match number % 3 {
                0 => Self::Pieces { octets: 512, seed },
                1 => Self::Pieces { octets: 4096, seed },
                _ => Self::After { seed },
            });
        }
        ways
    }

    /// Begins to choose among the steps with these numbers.
    pub(super) fn begin(self, numbers: &[usize]) -> Choice {
        let seed = match self {
            Self::All | Self::Nothing => 0,
            Self::After { seed } | Self::Pieces { seed, .. } => seed,
        };
        let mut random = Random::new(seed);
        let last = match (self, numbers.len()) {
            (Self::After { .. }, 1..) => numbers[random.below(numbers.len())],
            _ => 0,
        };
        Choice {
            loss: self,
            random,
            last,
        }
    }
}

/// The choice that is made for each step.
#[derive(Debug)]
pub(super) struct Choice {
    loss: Loss,
    random: Random,
    /// The number of the step in whose moment the power goes.
    last: usize,
}

impl Choice {
    /// Whether a step that is done as a whole or not at all is done.
    pub(super) fn keeps(&mut self, number: usize) -> bool {
        match self.loss {
            Loss::All => false,
            Loss::Nothing => true,
            Loss::After { .. } => number < self.last,
            Loss::Pieces { .. } => self.random.coin(),
        }
    }

    /// Does what is done of a write.
    pub(super) fn apply(&mut self, write: &Uncertain<Write>, octets: &mut Vec<u8>) {
        let (piece, torn) = match self.loss {
            Loss::Pieces { octets, .. } => (octets, true),
            _ => (SECTOR, write.number == self.last),
        };
        match &write.step {
            Write::Put(offset, new) if torn => {
                for (at, part) in pieces(*offset, new, piece) {
                    if self.random.coin() {
                        Write::Put(at, part.to_vec()).apply(octets);
                    }
                }
            }
            whole => {
                if self.keeps(write.number) {
                    whole.apply(octets);
                }
            }
        }
    }
}

/// The pieces of a write, cut where the disk cuts.
fn pieces(offset: usize, mut new: &[u8], piece: usize) -> Vec<(usize, &[u8])> {
    let mut pieces = Vec::new();
    let mut at = offset;
    while !new.is_empty() {
        let (part, rest) = new.split_at(new.len().min(piece - at % piece));
        pieces.push((at, part));
        at += part.len();
        new = rest;
    }
    pieces
}

/// What a disk takes as a whole.
const SECTOR: usize = 512;
