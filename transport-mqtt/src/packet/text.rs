//! The texts of MQTT: what the standard forbids in them, and what it lets a server refuse.

use crate::packet::Violation;

/// Refuses what section 1.5.4 of MQTT 5 forbids or advises against: U+0000, control characters and
/// noncharacters. (Surrogates are no UTF-8 in the first place.)
pub(crate) fn check_text(text: &str) -> Result<(), Violation> {
    if text.chars().any(is_forbidden) {
        return Err(Violation::malformed(
            "a text with U+0000, a control character or a noncharacter",
        ));
    }
    Ok(())
}

/// Refuses U+0000, which no text of MQTT has, in a text that is otherwise ignored.
pub(crate) fn check_ignored_text(text: &str) -> Result<(), Violation> {
    if text.contains('\0') {
        return Err(Violation::malformed("a text with U+0000"));
    }
    Ok(())
}

/// Refuses what is no topic name: it has a character at least, and no wildcards.
pub(crate) fn check_topic_name(name: &str) -> Result<(), Violation> {
    check_text(name)?;
    if name.is_empty() {
        return Err(Violation::topic("an empty topic name"));
    }
    if name.contains(['+', '#']) {
        return Err(Violation::topic("a topic name with a wildcard"));
    }
    Ok(())
}

fn is_forbidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{fdd0}'..='\u{fdef}')
        || u32::from(char) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_noncharacters_are_refused() {
        for text in [
            "a\0",
            "\u{1}",
            "\u{1f}",
            "\u{7f}",
            "\u{9f}",
            "\u{fdd0}",
            "\u{fffe}",
            "\u{1ffff}",
        ] {
            assert!(check_text(text).is_err(), "{text:?}");
        }
        assert!(check_text("grün/東京/\u{1f600}").is_ok());
    }

    #[test]
    fn a_topic_name_has_no_wildcards() {
        for name in ["", "+", "a/#", "a+b"] {
            assert!(check_topic_name(name).is_err(), "{name}");
        }
        assert!(check_topic_name("v1/readings/a").is_ok());
    }
}
