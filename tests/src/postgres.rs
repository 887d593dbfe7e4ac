//! A database of PostgreSQL for a server of a test.

use std::future::Future;
use std::thread;

use fieldgate_storage_sqlx::testing::{TestCluster, TestDatabase};
use tokio::runtime::Builder;

/// A new database, which goes with the value.
pub(crate) fn database() -> TestDatabase {
    wait_for(TestDatabase::fresh())
}

/// The same on a server of the test's own.
pub(crate) fn database_on(cluster: &TestCluster) -> TestDatabase {
    wait_for(TestDatabase::fresh_on(cluster))
}

/// The password of a database, and all that is stored in it.
pub(crate) fn content(database: &TestDatabase) -> (&'static str, String) {
    (database.password(), wait_for(database.dump()))
}

/// See [`TestDatabase::execute`].
pub(crate) fn change(database: &TestDatabase, statements: &str) {
    wait_for(database.execute(statements.to_owned()));
}

/// See [`TestDatabase::size`].
pub(crate) fn size(database: &TestDatabase) -> u64 {
    wait_for(database.size())
}

/// Waits on a thread of its own, as a server is started also where others wait already.
fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(future)
        });
        waiting.join().expect("there is a database for the test")
    })
}
