//! Clears away what an interrupted start of sled has left half done.

use std::path::Path;
use std::{fs, io};

/// Removes the snapshots of its log that sled began to write and did not finish.
///
/// As it opens, sled writes one under such a name, syncs it and gives it its own name. When the
/// process or the power ends meanwhile, sled takes what is there for the newest snapshot, finds it
/// damaged and never opens again. Without it, it makes another one from the log.
pub(crate) fn remove(dir: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(SNAPSHOT) && name.ends_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

const SNAPSHOT: &str = "snap.";
const UNFINISHED: &str = ".generating";
