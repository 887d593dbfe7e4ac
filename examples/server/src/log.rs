//! The log: to standard error, one event a line, in which nobody can fake another line.

use std::io::{self, IsTerminal as _, Write};

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failure;
use crate::settings::LogFormat;

/// Begins to log.
///
/// # Errors
///
/// [`Failure`] if the process logs already.
pub(crate) fn start(format: LogFormat, level: tracing::Level) -> Result<(), Failure> {
    // Libraries may log what they carry, keys and tokens with it; Fieldgate's own code never does.
    let filter = Targets::new()
        .with_default(tracing::Level::WARN.min(level))
        .with_target("fieldgate", level);
    let human = match format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(EscapedStderr);
    let layer = if human {
        // Colors are control characters too.
        layer.with_ansi(false).with_target(false).boxed()
    } else {
        layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed()
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .map_err(|_| Failure::runtime("the log was started before"))?;
    std::panic::set_hook(Box::new(|panic| {
        // The message could hold anything; the place says enough.
        let at = panic.location().map(ToString::to_string);
        tracing::error!(at, "a task panicked: this is a mistake in the program");
    }));
    Ok(())
}

/// Standard error, with control characters written as escapes.
#[derive(Clone, Copy, Debug)]
struct EscapedStderr;

impl Write for EscapedStderr {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(escaped(event).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for EscapedStderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// An event comes in one piece, and only the line feed at its end is meant to end a line. In JSON
/// the escapes say the same as the characters.
fn escaped(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let mut safe = String::with_capacity(line.len() + 1);
    for letter in line.chars() {
        if letter.is_control() || is_direction(letter) {
            safe.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            safe.push(letter);
        }
    }
    safe.push('\n');
    safe
}

/// Characters by which a text shows in another order than it has, or breaks a line.
const fn is_direction(letter: char) -> bool {
    matches!(
        letter,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event = "name=a\nERROR forged\r\u{1b}[31m\u{9b}31m\u{202e}\u{2028}b\n";
        let line = escaped(event.as_bytes());
        assert_eq!(
            line,
            "name=a\\u000aERROR forged\\u000d\\u001b[31m\\u009b31m\\u202e\\u2028b\n"
        );
    }

    #[test]
    fn letters_stay() {
        assert_eq!(
            escaped("Gewächshaus 温室\n".as_bytes()),
            "Gewächshaus 温室\n"
        );
    }
}
