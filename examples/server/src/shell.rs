//! Commands as the server prints them: to be run as they stand, in a terminal in any directory.

use std::borrow::Cow;
use std::env;
use std::path::{Path, PathBuf};

/// How a program of Fieldgate is called: by its name where the path leads to it, else by the place
/// beside this one, where a build puts all of them.
pub(crate) fn program(name: &str) -> String {
    let own = env::current_exe().ok();
    let beside = own.map(|own| own.with_file_name(name));
    match beside.filter(|beside| beside.is_file()) {
        Some(beside) if !is_on_path(&beside, name) => quoted(&beside.to_string_lossy()).into(),
        _ => name.to_owned(),
    }
}

/// Whether the shell finds this very file by its name.
fn is_on_path(file: &Path, name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).map(|directory| directory.join(name));
    let found: Option<PathBuf> = places.find(|place| place.is_file());
    found.is_some_and(|found| found.canonicalize().ok() == file.canonicalize().ok())
}

/// A text as one word of a shell, in quotes only where it needs them.
pub(crate) fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted("/var/lib/fieldgate-1"), "/var/lib/fieldgate-1");
        assert_eq!(quoted("/a b/$(x)"), "'/a b/$(x)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_program_that_is_nowhere_keeps_its_name() {
        assert_eq!(program("fieldgate-of-nowhere"), "fieldgate-of-nowhere");
    }
}
