//! Message Expiry Interval 0: the standard has it (MQTT 5, section 3.3.2.3.3), the codec refuses it.

use std::ops::Range;

use crate::packet::cursor::{Cursor, variable_byte_integer};
use crate::packet::{Frame, Violation};

/// Where the properties lie that `cursor` has just passed, of a packet whose octets end with those
/// of the cursor.
pub(crate) const fn range(frame: Frame, cursor: &Cursor<'_>, properties: &[u8]) -> Range<usize> {
    let end = frame.length - cursor.left();
    end - properties.len()..end
}

/// Makes an interval of 0 one of a second, in the properties of a message or of a will: nothing
/// here lies about for so long that the two would differ. What is no property is left to the codec.
pub(crate) fn lengthen_zero(properties: &mut [u8]) {
    let mut rest = properties;
    while let Some((id, value)) = rest.split_first_mut() {
        let Ok(length) = value_length(*id, value) else {
            return;
        };
        let Some((value, others)) = value.split_at_mut_checked(length) else {
            return;
        };
        if *id == MESSAGE_EXPIRY_INTERVAL && *value == [0; 4] {
            value[3] = 1;
        }
        rest = others;
    }
}

/// How many octets the value of a property takes.
fn value_length(id: u8, value: &[u8]) -> Result<usize, Violation> {
    let mut cursor = Cursor::new(value);
    match id {
        PAYLOAD_FORMAT_INDICATOR => cursor.skip(1).map(drop)?,
        TOPIC_ALIAS => cursor.skip(2).map(drop)?,
        MESSAGE_EXPIRY_INTERVAL | WILL_DELAY_INTERVAL => cursor.skip(4).map(drop)?,
        CONTENT_TYPE | RESPONSE_TOPIC | CORRELATION_DATA => cursor.prefixed().map(drop)?,
        USER_PROPERTY => {
            cursor.prefixed()?;
            cursor.prefixed()?;
        }
        SUBSCRIPTION_IDENTIFIER => {
            let length = variable_byte_integer(value)?;
            cursor.skip(length.map_or(value.len() + 1, |(_, taken)| taken))?;
        }
        _ => return Err(Violation::malformed("no such property")),
    }
    Ok(value.len() - cursor.left())
}

const PAYLOAD_FORMAT_INDICATOR: u8 = 0x01;
const MESSAGE_EXPIRY_INTERVAL: u8 = 0x02;
const CONTENT_TYPE: u8 = 0x03;
const RESPONSE_TOPIC: u8 = 0x08;
const CORRELATION_DATA: u8 = 0x09;
const SUBSCRIPTION_IDENTIFIER: u8 = 0x0b;
const WILL_DELAY_INTERVAL: u8 = 0x18;
const TOPIC_ALIAS: u8 = 0x23;
const USER_PROPERTY: u8 = 0x26;

#[cfg(test)]
mod tests {
    use super::*;

    fn lengthened(properties: &[u8]) -> Vec<u8> {
        let mut octets = properties.to_vec();
        lengthen_zero(&mut octets);
        octets
    }

    #[test]
    fn an_interval_of_0_becomes_one_of_1() {
        let before = b"\x01\x01\x26\0\x01a\0\x01b\x02\0\0\0\0\x23\0\x07";
        let after = b"\x01\x01\x26\0\x01a\0\x01b\x02\0\0\0\x01\x23\0\x07";
        assert_eq!(lengthened(before), after);
    }

    #[test]
    fn nothing_else_is_touched() {
        let others: [&[u8]; 8] = [
            b"",
            b"\x02\0\0\0\x05",
            b"\x02\0\0\0",
            b"\x18\0\0\0\0",
            b"\x09\0\x05\x02\0\0\0\0",
            b"\x26\0\x05\x02\0\0\0\0\0\0",
            b"\x0b\xff\xff",
            b"\x7f\x02\0\0\0\0",
        ];
        for octets in others {
            assert_eq!(lengthened(octets), octets);
        }
    }
}
