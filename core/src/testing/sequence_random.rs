//! Octets that look random, differ each time and are the same in each run.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::digest;

use crate::random::{Random, RandomFailed};

/// A source whose octets differ each time that it is asked, and are the same in each run.
///
/// They are the SHA-256 of a counter, so that no two secrets made of them are alike. For tests
/// only: whoever knows the counter knows them.
#[derive(Debug, Default)]
pub struct SequenceRandom {
    counter: AtomicU64,
}

impl Random for SequenceRandom {
    fn fill(&self, octets: &mut [u8]) -> Result<(), RandomFailed> {
        for chunk in octets.chunks_mut(digest::SHA256_OUTPUT_LEN) {
            let number = self.counter.fetch_add(1, Ordering::SeqCst);
            let block = digest::digest(&digest::SHA256, &number.to_be_bytes());
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_repeats_in_another_run_only() {
        let taken = || {
            let random = SequenceRandom::default();
            let mut values = [[0; 40]; 3];
            for value in &mut values {
                random.fill(value).unwrap();
            }
            values
        };
        let values = taken();
        assert_eq!(values, taken());
        assert_ne!(values[0], values[1]);
        assert_ne!(values[1], values[2]);
        assert_ne!(values[0][..8], values[0][32..]);
    }
}
