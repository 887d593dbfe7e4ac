//! A strict reader of DER (X.690): definite, shortest lengths and single-octet tags only.

/// Reads one value after the other.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

/// A value with its tag.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// The whole of it, tag and length included.
    pub(super) raw: &'a [u8],
}

/// The octets are not DER, or not of the expected form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed;

impl<'a> Reader<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Fails unless everything has been read.
    pub(super) const fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() {
            return Ok(());
        }
        Err(Malformed)
    }

    /// The next value, whatever its tag.
    pub(super) fn any(&mut self) -> Result<Value<'a>, Malformed> {
        let (&tag, rest) = self.rest.split_first().ok_or(Malformed)?;
        let (&first, rest) = rest.split_first().ok_or(Malformed)?;
        // 0 is the end mark of the indefinite form, 0x1f begins a tag of several octets.
        if tag == 0 || tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (length, rest) = match first {
            ..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => long_length(usize::from(first & 0x7f), rest)?,
            _ => return Err(Malformed),
        };
        let (content, after) = rest.split_at_checked(length).ok_or(Malformed)?;
        let raw = &self.rest[..self.rest.len() - after.len()];
        self.rest = after;
        Ok(Value { tag, content, raw })
    }

    /// The next value, which must have this tag.
    pub(super) fn value(&mut self, tag: u8) -> Result<Value<'a>, Malformed> {
        let value = self.any()?;
        if value.tag == tag {
            return Ok(value);
        }
        Err(Malformed)
    }

    /// Enters the next value, which must have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> Result<Self, Malformed> {
        self.value(tag).map(|value| Self::new(value.content))
    }

    /// The next value if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, Malformed> {
        if self.rest.first() == Some(&tag) {
            return self.any().map(Some);
        }
        Ok(None)
    }

    /// The next value, an OBJECT IDENTIFIER in its shortest form.
    pub(super) fn oid(&mut self) -> Result<&'a [u8], Malformed> {
        let content = self.value(OBJECT_IDENTIFIER)?.content;
        let mut starts = true;
        for octet in content {
            if starts && *octet == 0x80 {
                return Err(Malformed);
            }
            starts = octet & 0x80 == 0;
        }
        if content.is_empty() || !starts {
            return Err(Malformed);
        }
        Ok(content)
    }

    /// The next value, a BIT STRING of whole octets.
    pub(super) fn bit_string(&mut self) -> Result<&'a [u8], Malformed> {
        match self.value(BIT_STRING)?.content {
            [0, octets @ ..] => Ok(octets),
            _ => Err(Malformed),
        }
    }

    /// The next value, a non-negative INTEGER: its octets without leading zeros.
    pub(super) fn unsigned(&mut self) -> Result<&'a [u8], Malformed> {
        match self.value(INTEGER)?.content {
            [0] => Ok(&[]),
            [0, octets @ ..] if octets.first() > Some(&0x7f) => Ok(octets),
            octets @ [1..=0x7f, ..] => Ok(octets),
            _ => Err(Malformed),
        }
    }
}

/// A length that takes several octets, in its shortest form; and what follows it.
fn long_length(octets: usize, rest: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (digits, rest) = rest.split_at_checked(octets).ok_or(Malformed)?;
    let length = digits
        .iter()
        .fold(0_u64, |length, digit| length << 8 | u64::from(*digit));
    let is_shortest = length > 0x7f && digits.first() != Some(&0);
    let length = usize::try_from(length).map_err(|_| Malformed)?;
    is_shortest.then_some((length, rest)).ok_or(Malformed)
}

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const CONTEXT_0: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_form() {
        for (length, content) in [
            (&[0x7f][..], 0x7f),
            (&[0x81, 0x80], 0x80),
            (&[0x82, 1, 0], 0x100),
            (&[0x83, 1, 0, 0], 0x1_0000),
            (&[0x84, 1, 0, 0, 0], 0x100_0000),
        ] {
            let value = [&[4], length, &vec![7; content]].concat();
            assert_eq!(Reader::new(&value).any().unwrap().content.len(), content);
        }
        for bad in [
            &[][..],
            &[4],
            &[4, 1],
            &[4, 0x80],
            &[4, 0x81, 1, 7],
            &[4, 0x82, 0, 1, 7],
            &[4, 0x83, 0, 1, 0],
            &[4, 0x84, 0, 1, 0, 0],
            &[4, 0x85, 1, 0, 0, 0, 0],
            &[4, 0xff],
            &[0, 0],
            &[0x1f, 0],
        ] {
            assert!(Reader::new(bad).any().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn integers_have_one_form() {
        for (der, octets) in [
            (&[2, 1, 0][..], &[][..]),
            (&[2, 1, 0x7f], &[0x7f]),
            (&[2, 2, 0, 0x80], &[0x80]),
        ] {
            assert_eq!(Reader::new(der).unsigned(), Ok(octets));
        }
        for bad in [
            &[2, 0][..],
            &[2, 1, 0x80],
            &[2, 2, 0, 1],
            &[2, 3, 0, 0, 0x80],
        ] {
            assert!(Reader::new(bad).unsigned().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn object_identifiers_have_one_form() {
        assert_eq!(Reader::new(&[6, 2, 0x2a, 3]).oid(), Ok(&[0x2a, 3][..]));
        for bad in [&[6, 0][..], &[6, 1, 0x80], &[6, 2, 0x80, 1], &[6, 1, 0x81]] {
            assert!(Reader::new(bad).oid().is_err(), "{bad:?}");
        }
    }
}
