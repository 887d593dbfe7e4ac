//! sled itself, behind the back of this crate.

use std::fs::File;
use std::path::Path;

/// Opens what lies in the directory of a storage, as this crate does, once nobody has it open any
/// more.
pub(crate) fn open(dir: &Path) -> sled::Db {
    let dir = dir.join("db");
    // A thread of the one before may not have let go yet: this waits until it does.
    if let Ok(log) = File::open(dir.join("db")) {
        log.lock().unwrap();
    }
    let config = sled::Config::new();
    let config = config.path(dir).segment_size(4 * 1024 * 1024);
    config.open().unwrap()
}
