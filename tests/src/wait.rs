//! Waiting for something to become true.

use std::fmt::Display;
use std::future::Future;
use std::time::{Duration, Instant};

/// Asks `probe` until it has an answer, which is returned.
///
/// # Panics
///
/// When there is none after a time in which there should long have been one.
pub async fn eventually<T, F>(what: impl Display, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: still not so after {} s",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Waits for a future that should be ready soon.
///
/// # Panics
///
/// When it is not ready after a time in which it should long have been.
pub async fn soon<T>(what: impl Display, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: still not so after {} s", PATIENCE.as_secs()),
    }
}

/// Far beyond what anything here takes, so that only what never comes is given up.
pub const PATIENCE: Duration = Duration::from_secs(45);

const INTERVAL: Duration = Duration::from_millis(20);
