//! The source of random octets: a port, so that a host chooses it.

use std::fmt::Debug;

use ring::rand::SecureRandom as _;

/// Gives random octets fit for secrets.
pub trait Random: Debug + Send + Sync + 'static {
    /// Fills `octets`.
    ///
    /// # Errors
    ///
    /// [`RandomFailed`] where the source gives none; nothing may be made of `octets` then.
    fn fill(&self, octets: &mut [u8]) -> Result<(), RandomFailed>;
}

/// The source of random octets gave none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the source of random octets failed")]
pub struct RandomFailed;

/// The operating system's source.
#[derive(Clone, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, octets: &mut [u8]) -> Result<(), RandomFailed> {
        ring::rand::SystemRandom::new()
            .fill(octets)
            .map_err(|_| RandomFailed)
    }
}

/// An array of random octets.
pub(crate) fn random_array<const N: usize>(random: &dyn Random) -> Result<[u8; N], RandomFailed> {
    let mut octets = [0; N];
    random.fill(&mut octets)?;
    Ok(octets)
}
