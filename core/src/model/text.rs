//! Short texts from outside: bounded and free of control characters.

use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;

fn check(what: &str, text: &str, max_chars: usize) -> Result<(), Invalid> {
    if text.is_empty() || text.chars().nth(max_chars).is_some() {
        return Err(Invalid::new(format!(
            "{what} has 1 to {max_chars} characters"
        )));
    }
    if text.chars().any(is_forbidden) {
        return Err(Invalid::new(format!(
            "{what} has no control characters, line separators, bidirectional overrides and \
             noncharacters"
        )));
    }
    if text.trim() != text {
        return Err(Invalid::new(format!(
            "{what} does not begin or end with white space"
        )));
    }
    Ok(())
}

fn check_time_zone(text: &str) -> Result<(), Invalid> {
    let is_fit = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'+' | b'-');
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(is_fit);
    if text.split('/').all(is_part) {
        return Ok(());
    }
    Err(Invalid::new(
        "a time zone has a name like `Europe/Berlin`: letters, digits, `_`, `+`, `-` and `/`",
    ))
}

/// Whether a character has no place in a short text: controls, line and paragraph separators,
/// bidirectional overrides (which can make a name look like another one) and the noncharacters of
/// Unicode.
fn is_forbidden(char: char) -> bool {
    let is_noncharacter =
        matches!(char, '\u{FDD0}'..='\u{FDEF}') || u32::from(char) & 0xFFFE == 0xFFFE;
    let is_separator = matches!(char, '\u{2028}' | '\u{2029}');
    let is_override = matches!(char, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    char.is_control() || is_separator || is_override || is_noncharacter
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $max:literal $(, $form:ident)?;)+) => {$(
        $(#[$doc])*
        ///
        #[doc = concat!("1 to ", $max, " characters, none of them a control character, a line separator, a bidirectional override or a noncharacter; no white space at either end.")]
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Box<str>);

        impl $name {
            /// The greatest number of characters.
            pub const MAX_CHARS: usize = $max;

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                check($what, text, $max)?;
                $($form(text)?;)?
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

texts! {
    /// A longer remark of an operator, for example what a site is for.
    Description: "a description", 1024;
    /// The version of a device's firmware, as the device says it.
    FirmwareVersion: "a firmware version", 128;
    /// What a place is called.
    LocationLabel: "a location's label", 128;
    /// What a person calls a thing.
    Name: "a name", 128;
    /// The name of a time zone in the IANA database, for example `Europe/Zurich`. Its form is
    /// checked, not that there is one of this name; nothing here interprets it.
    TimeZone: "a time zone", 64, check_time_zone;
    /// A unit of measure as a UCUM code, for example `Cel` or `kW.h`. It is kept as it is given:
    /// nothing here interprets it, and no more is checked than of any other text.
    Unit: "a unit", 64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_count_characters_not_octets() {
        assert!("ü".repeat(128).parse::<Name>().is_ok());
        assert!("ü".repeat(129).parse::<Name>().is_err());
        assert!("".parse::<Name>().is_err());
    }

    #[test]
    fn a_time_zone_has_the_form_of_a_name_of_iana() {
        for text in [
            "UTC",
            "Europe/Berlin",
            "Etc/GMT+5",
            "America/Argentina/Buenos_Aires",
        ] {
            assert_eq!(text.parse::<TimeZone>().unwrap().as_str(), text);
        }
        for text in ["<b>", "Europe/", "/UTC", "Europe Berlin", "..", "Zürich"] {
            assert!(text.parse::<TimeZone>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_refused_and_markup_is_text() {
        for text in [
            "a\nb",
            "a\u{0}b",
            "\u{1b}[31m",
            "a\u{2028}b",
            "a\u{202e}b",
            "a\u{fdd0}b",
            "a\u{fffe}b",
            "a\u{10ffff}b",
            " a",
            "a ",
        ] {
            assert!(text.parse::<Name>().is_err(), "{text:?}");
        }
        let markup = "<script>alert(1)</script>";
        assert_eq!(markup.parse::<Name>().unwrap().as_str(), markup);
    }
}
