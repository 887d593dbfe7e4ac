//! Why the program ends early, and the exit status that says so.

use std::fmt::Display;
use std::process::ExitCode;

/// Why the program ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The operator asked for something that cannot be: exit status 2.
    Configuration(anyhow::Error),
    /// It was asked for right, and went wrong: exit status 1.
    Runtime(anyhow::Error),
}

impl Failure {
    /// A mistake in the configuration.
    pub(crate) fn configuration(message: impl Display) -> Self {
        Self::Configuration(anyhow::anyhow!("{message}"))
    }

    /// Something that went wrong while running.
    pub(crate) fn runtime(message: impl Display) -> Self {
        Self::Runtime(anyhow::anyhow!("{message}"))
    }

    /// The exit status.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Configuration(_) => ExitCode::from(2),
            Self::Runtime(_) => ExitCode::from(1),
        }
    }

    /// What went wrong and why, in one line without control characters.
    pub(crate) fn line(&self) -> String {
        let (Self::Configuration(error) | Self::Runtime(error)) = self;
        let text = format!("{error:#}");
        text.chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .collect()
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Runtime(error)
    }
}
