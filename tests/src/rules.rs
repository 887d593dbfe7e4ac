//! Reads the workspace's own files, for the house rules.

use std::fs;
use std::path::{Path, PathBuf};

use crate::binaries::workspace;

/// A text file of the workspace.
#[derive(Debug)]
pub struct SourceFile {
    /// Its path below the root of the workspace.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// All text files of the workspace, without what is built and what git keeps for itself.
///
/// # Panics
///
/// Where a directory cannot be read.
#[must_use]
pub fn text_files() -> Vec<SourceFile> {
    let root = workspace();
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files
}

/// All Rust files.
#[must_use]
pub fn rust_files() -> Vec<SourceFile> {
    let mut files = text_files();
    files.retain(|file| {
        file.path
            .extension()
            .is_some_and(|extension| extension == "rs")
    });
    files
}

/// A TOML file of the workspace.
///
/// # Panics
///
/// Where it is not there, or no TOML.
#[must_use]
pub fn toml_file(path: impl AsRef<Path>) -> toml::Table {
    let path = workspace().join(path);
    let text = fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(dir).expect("the workspace can be read") {
        let path = entry.expect("the workspace can be read").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        // In a further work tree of git `.git` is a file.
        if NOT_OURS.contains(&name) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).expect("it is below").to_owned();
            files.push(SourceFile { path, text });
        }
    }
}

const NOT_OURS: [&str; 3] = [".git", "target", "fieldgate-data"];
