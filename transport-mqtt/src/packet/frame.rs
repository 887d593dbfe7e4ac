//! The fixed header of a packet, checked before anything of the packet is kept.

use crate::packet::cursor::variable_byte_integer;
use crate::packet::{Version, Violation};

/// How large packets may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameLimits {
    /// A PUBLISH, all of it.
    pub(crate) publish_max: usize,
    /// Any other packet.
    pub(crate) control_max: usize,
}

/// Where a packet lies in the octets that have come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Frame {
    /// The type and flags.
    pub(crate) first_octet: u8,
    /// How long the fixed header is.
    pub(crate) header_length: usize,
    /// How long the packet is with its header.
    pub(crate) length: usize,
}

impl Frame {
    /// Reads the fixed header of the packet that begins here; `None` where there is not enough of
    /// it yet. `version` is `None` before the CONNECT, which then has to come.
    pub(crate) fn read(
        octets: &[u8],
        version: Option<Version>,
        limits: FrameLimits,
    ) -> Result<Option<Self>, Violation> {
        let Some((&first_octet, rest)) = octets.split_first() else {
            return Ok(None);
        };
        check_type(first_octet, version)?;
        let Some((remaining, taken)) = variable_byte_integer(rest)? else {
            return Ok(None);
        };
        let header_length = 1 + taken;
        let length = header_length + remaining;
        // The client is told of the larger limit only: there is but one Maximum Packet Size.
        if length > limits.publish_max {
            return Err(Violation::too_large("a packet larger than any may be"));
        }
        if first_octet >> 4 != PUBLISH && length > limits.control_max {
            return Err(Violation::limit(
                "a packet larger than one of its kind may be",
            ));
        }
        Ok(Some(Self {
            first_octet,
            header_length,
            length,
        }))
    }

    /// Whether all of it is among these octets.
    pub(crate) const fn is_complete(&self, octets: &[u8]) -> bool {
        octets.len() >= self.length
    }

    /// The packet without its fixed header. The frame has to be complete.
    pub(crate) fn body<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        &octets[self.header_length..self.length]
    }
}

/// Refuses types that a client does not send, and flags that are not as they must be.
const fn check_type(first_octet: u8, version: Option<Version>) -> Result<(), Violation> {
    let (packet_type, flags) = (first_octet >> 4, first_octet & 0x0f);
    let flags_fit = match packet_type {
        PUBLISH => flags & 0b0110 != 0b0110,
        PUBREL | SUBSCRIBE | UNSUBSCRIBE => flags == 0b0010,
        _ => flags == 0,
    };
    if !flags_fit {
        return Err(Violation::malformed(
            "reserved flags that are not as they must be",
        ));
    }
    if packet_type == PUBLISH && flags & 0b1110 == 0b1000 {
        return Err(Violation::malformed("DUP on a message of QoS 0"));
    }
    match (version, packet_type) {
        (_, 0) => Err(Violation::malformed("no such packet type")),
        (None, CONNECT) => Ok(()),
        (None, _) => Err(Violation::protocol("the first packet is not a CONNECT")),
        (Some(_), CONNECT) => Err(Violation::protocol("a second CONNECT")),
        (Some(_), CONNACK | SUBACK | UNSUBACK | PINGRESP) => {
            Err(Violation::protocol("a packet that only a server sends"))
        }
        (Some(_), AUTH) => Err(Violation::protocol("AUTH without an authentication method")),
        (Some(_), _) => Ok(()),
    }
}

pub(crate) const CONNECT: u8 = 1;
const CONNACK: u8 = 2;
pub(crate) const PUBLISH: u8 = 3;
pub(crate) const PUBREL: u8 = 6;
pub(crate) const SUBSCRIBE: u8 = 8;
const SUBACK: u8 = 9;
const UNSUBSCRIBE: u8 = 10;
const UNSUBACK: u8 = 11;
pub(crate) const PINGREQ: u8 = 12;
const PINGRESP: u8 = 13;
pub(crate) const DISCONNECT: u8 = 14;
const AUTH: u8 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FrameLimits = FrameLimits {
        publish_max: 300,
        control_max: 100,
    };

    fn read(octets: &[u8]) -> Result<Option<Frame>, Violation> {
        Frame::read(octets, Some(Version::V5), LIMITS)
    }

    #[test]
    fn a_length_is_judged_before_the_packet_has_come() {
        assert!(read(&[0x30, 0xa9, 0x02]).unwrap().is_some()); // 297 + 3
        assert!(read(&[0x30, 0xaa, 0x02]).is_err());
        assert!(read(&[0x82, 98]).unwrap().is_some());
        assert!(read(&[0x82, 99]).is_err());
    }

    #[test]
    fn the_first_packet_is_a_connect_and_no_later_one_is() {
        assert!(Frame::read(&[0x10], None, LIMITS).unwrap().is_none());
        assert!(Frame::read(&[0x30], None, LIMITS).is_err());
        assert!(read(&[0x10]).is_err());
    }

    #[test]
    fn types_and_flags_are_those_of_a_client() {
        for first in [
            0x00, 0x20, 0x36, 0x38, 0x41, 0x60, 0x80, 0x90, 0xa0, 0xb0, 0xc1, 0xd0, 0xe1, 0xf0,
        ] {
            assert!(read(&[first, 0]).is_err(), "{first:#x}");
        }
        for first in [
            0x30, 0x31, 0x32, 0x3b, 0x40, 0x50, 0x62, 0x70, 0x82, 0xa2, 0xc0, 0xe0,
        ] {
            assert!(read(&[first, 0]).is_ok(), "{first:#x}");
        }
    }
}
