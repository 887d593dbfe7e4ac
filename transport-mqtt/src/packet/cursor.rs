//! Walks over the octets of one packet, where the codec's own reading has to be checked.

use crate::packet::Violation;

/// What is left to read of a packet.
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many octets are left.
    pub(crate) const fn left(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn skip(&mut self, count: usize) -> Result<&'a [u8], Violation> {
        let (head, tail) = self
            .0
            .split_at_checked(count)
            .ok_or(Violation::malformed("the packet ends too early"))?;
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn octet(&mut self) -> Result<u8, Violation> {
        self.skip(1).map(|octets| octets[0])
    }

    /// Octets with a length of two octets before them.
    pub(crate) fn prefixed(&mut self) -> Result<&'a [u8], Violation> {
        let length = self.skip(2)?;
        self.skip(usize::from(u16::from_be_bytes([length[0], length[1]])))
    }

    /// The properties of an MQTT 5 packet, with their length before them.
    pub(crate) fn properties(&mut self) -> Result<&'a [u8], Violation> {
        let Some((length, taken)) = variable_byte_integer(self.0)? else {
            return Err(Violation::malformed("the packet ends too early"));
        };
        self.skip(taken)?;
        self.skip(length)
    }
}

/// Reads a variable byte integer (MQTT 5, section 1.5.5): its value and how many octets it takes;
/// `None` where it is not complete yet.
pub(crate) fn variable_byte_integer(octets: &[u8]) -> Result<Option<(usize, usize)>, Violation> {
    let mut value = 0_usize;
    for (index, octet) in octets.iter().take(4).enumerate() {
        value |= usize::from(octet & 0x7f) << (7 * index);
        if octet & 0x80 == 0 {
            if index > 0 && *octet == 0 {
                return Err(Violation::malformed(
                    "a length that takes more octets than it needs",
                ));
            }
            return Ok(Some((value, index + 1)));
        }
    }
    if octets.len() >= 4 {
        return Err(Violation::malformed("a length of more than four octets"));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_byte_integers_have_one_form() {
        assert_eq!(variable_byte_integer(&[]), Ok(None));
        assert_eq!(variable_byte_integer(&[0x80, 0x80]), Ok(None));
        assert_eq!(variable_byte_integer(&[0x7f, 9]), Ok(Some((127, 1))));
        assert_eq!(variable_byte_integer(&[0x80, 0x01]), Ok(Some((128, 2))));
        let greatest = [0xff, 0xff, 0xff, 0x7f];
        assert_eq!(variable_byte_integer(&greatest), Ok(Some((268_435_455, 4))));
        assert!(variable_byte_integer(&[0x80, 0x00]).is_err());
        assert!(variable_byte_integer(&[0xff, 0xff, 0xff, 0xff]).is_err());
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        assert!(Cursor::new(&[0, 5, 1]).prefixed().is_err());
        assert!(Cursor::new(&[0]).prefixed().is_err());
        assert!(Cursor::new(&[3, 0]).properties().is_err());
        assert!(Cursor::new(&[]).octet().is_err());
    }
}
