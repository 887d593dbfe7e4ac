//! How many files and sockets the test process itself may have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard one, so that a test may hold as many sockets as a flood has.
///
/// A server that is started afterwards inherits it; one that has been started raises its own.
///
/// # Panics
///
/// Where there may still not be `needed` of them.
pub fn many(needed: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("up to the hard limit everybody may");
    assert!(
        limit.maximum.is_none_or(|maximum| maximum >= needed),
        "`ulimit -Hn` is {:?}, and the test needs {needed} open files",
        limit.maximum
    );
}
