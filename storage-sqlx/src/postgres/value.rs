//! Keeps values of readings so that each comes back exactly as it was.

use fieldgate_core::model::Invalid;
use fieldgate_core::model::reading::{Finite, Value, ValueText};

use crate::error::Error;
use crate::postgres::row::Columns;

/// Values as columns, one per type: of each value one is there.
#[derive(Debug, Default)]
pub(super) struct ValueColumns {
    pub(super) bigint: Vec<Option<i64>>,
    pub(super) boolean: Vec<Option<bool>>,
    pub(super) double: Vec<Option<f64>>,
    pub(super) text: Vec<Option<String>>,
}

impl ValueColumns {
    /// Adds a row, of NULLs where there is no value.
    pub(super) fn push(&mut self, value: Option<&Value>) {
        let (mut bigint, mut boolean, mut double, mut text) = (None, None, None, None);
        match value {
            None => {}
            Some(Value::BigInt(integer)) => bigint = Some(*integer),
            Some(Value::Boolean(truth)) => boolean = Some(*truth),
            Some(Value::Double(number)) => double = Some(number.as_f64()),
            Some(Value::Text(it)) => text = Some(escape(it.as_str())),
        }
        self.bigint.push(bigint);
        self.boolean.push(boolean);
        self.double.push(double);
        self.text.push(text);
    }
}

impl Columns<'_> {
    /// The next four columns, which are a value or NULL.
    pub(super) fn value_optional(&mut self) -> Result<Option<Value>, Error> {
        let bigint: Option<i64> = self.plain()?;
        let boolean: Option<bool> = self.plain()?;
        let double = self.parse_optional_with(Finite::new)?;
        let text = self.parse_optional_with(|text: &str| ValueText::new(unescape(text)?))?;
        match (bigint, boolean, double, text) {
            (None, None, None, None) => Ok(None),
            (Some(integer), None, None, None) => Ok(Some(Value::BigInt(integer))),
            (None, Some(truth), None, None) => Ok(Some(Value::Boolean(truth))),
            (None, None, Some(number), None) => Ok(Some(Value::Double(number))),
            (None, None, None, Some(text)) => Ok(Some(Value::Text(text))),
            _ => Err(self.contradiction("more than one value")),
        }
    }

    /// The same, which are not NULL.
    pub(super) fn value(&mut self) -> Result<Value, Error> {
        let value = self.value_optional()?;
        value.ok_or_else(|| self.contradiction("a value is not NULL"))
    }

    /// A text that was stored by [`escape`].
    pub(super) fn escaped(&mut self) -> Result<String, Error> {
        self.parse_with(unescape)
    }
}

/// A text without the character 0, which PostgreSQL does not have.
pub(super) fn escape(text: &str) -> String {
    text.replace('\u{1}', "\u{1}1").replace('\0', "\u{1}0")
}

/// The text that [`escape`] was given.
pub(super) fn unescape(text: &str) -> Result<String, Invalid> {
    let mut pieces = text.split('\u{1}');
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (char, rest) = match (piece.strip_prefix('0'), piece.strip_prefix('1')) {
            (Some(rest), _) => ('\0', rest),
            (_, Some(rest)) => ('\u{1}', rest),
            _ => return Err(Invalid::new("no such escape")),
        };
        whole.push(char);
        whole.push_str(rest);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::{escape, unescape};

    #[test]
    fn every_text_comes_back_and_none_has_the_character_0() {
        for text in [
            "",
            "plain",
            "\0",
            "a\0b",
            "\u{1}",
            "\u{1}0",
            "\0\u{1}\0\u{1}1",
            "1\u{1}",
        ] {
            let escaped = escape(text);
            assert!(!escaped.contains('\0'), "{text:?}");
            assert_eq!(unescape(&escaped).unwrap_or_default(), text);
        }
        assert!(unescape("\u{1}2").is_err());
        assert!(unescape("\u{1}").is_err());
    }
}
