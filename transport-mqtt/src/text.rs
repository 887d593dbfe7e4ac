//! Texts of devices on their way into logs and answers.

/// At most 200 characters of a text, with what would not print escaped.
pub(crate) fn clip(text: &str) -> String {
    let mut clipped = String::new();
    let mut chars = text.chars();
    for char in chars.by_ref().take(CLIP_CHARS) {
        match char {
            '"' | '\'' | '`' => clipped.push(char),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => {
                clipped.extend(char.escape_unicode());
            }
            _ => clipped.extend(char.escape_debug()),
        }
    }
    if chars.next().is_some() {
        clipped.push('…');
    }
    clipped
}

const CLIP_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_device_breaks_a_line_or_hides_text() {
        assert_eq!(clip("a\nb\u{1b}[31m\u{202e}"), "a\\nb\\u{1b}[31m\\u{202e}");
        assert_eq!(clip("unknown field `x`"), "unknown field `x`");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(clip(&"ü".repeat(200)).chars().count(), 200);
        assert_eq!(clip(&"ü".repeat(201)).chars().count(), 201);
        assert!(clip(&"ü".repeat(201)).ends_with('…'));
    }
}
