//! X.509 certificate serial numbers.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;

/// The serial number of an X.509 certificate, unique among those of one issuer.
///
/// It is a positive integer of at most 20 octets in DER (RFC 5280, section 4.1.2.2). The ones
/// that Fieldgate issues have 16 random octets. The text form is lower-case hexadecimal in whole
/// octets, without a leading zero octet.
///
/// ```
/// use fieldgate_core::model::serial::SerialNumber;
///
/// let serial: SerialNumber = "0ab1".parse()?;
/// assert_eq!(serial.to_string(), "0ab1");
/// assert!("00".parse::<SerialNumber>().is_err()); // not positive
/// # Ok::<(), fieldgate_core::model::Invalid>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SerialNumber {
    // Invariant: 1..=20 octets, the first one not zero; 20 only if the top bit is clear.
    octets: Box<[u8]>,
}

impl SerialNumber {
    /// Makes a positive serial of 16 octets from random ones.
    ///
    /// The top two bits are set to 01, so that DER takes exactly 16 octets; 126 random bits
    /// remain.
    #[must_use]
    pub fn from_random(mut octets: [u8; 16]) -> Self {
        octets[0] = (octets[0] & 0x3f) | 0x40;
        Self {
            octets: Box::new(octets),
        }
    }

    /// Takes big-endian octets; leading zeros are dropped.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for zero and for more than 20 octets.
    pub fn from_be_bytes(octets: &[u8]) -> Result<Self, Invalid> {
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        let octets = &octets[zeros..];
        match octets {
            [] => Err(Invalid::new("a serial number is a positive integer")),
            // DER prepends a zero octet to an integer whose top bit is set.
            [first, ..] if octets.len() + usize::from(first >> 7) > Self::DER_OCTETS_MAX => {
                Err(Invalid::new("a serial number takes no more than 20 octets"))
            }
            _ => Ok(Self {
                octets: octets.into(),
            }),
        }
    }

    /// The big-endian octets, without leading zeros.
    #[must_use]
    pub fn as_be_bytes(&self) -> &[u8] {
        &self.octets
    }

    const DER_OCTETS_MAX: usize = 20;
}

impl FromStr for SerialNumber {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let octets = hex_octets(text).ok_or_else(|| {
            Invalid::new("a serial number is written in pairs of hexadecimal digits")
        })?;
        Self::from_be_bytes(&octets)
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.octets
            .iter()
            .try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Reads pairs of hexadecimal digits.
pub(crate) fn hex_octets(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_serials_are_positive_and_16_octets() {
        for octets in [[0; 16], [255; 16]] {
            let serial = SerialNumber::from_random(octets);
            assert_eq!(serial.as_be_bytes().len(), 16);
            assert!(serial.as_be_bytes()[0] >> 6 == 1);
        }
    }

    #[test]
    fn twenty_octets_need_a_clear_top_bit() {
        assert!(SerialNumber::from_be_bytes(&[0x7f; 20]).is_ok());
        assert!(SerialNumber::from_be_bytes(&[0x80; 20]).is_err());
        assert!(SerialNumber::from_be_bytes(&[1; 21]).is_err());
    }
}
