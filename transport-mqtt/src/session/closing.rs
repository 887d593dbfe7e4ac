//! The duty to note the end of a session that was opened.

use std::sync::Arc;
use std::time::Duration;

use fieldgate_core::transport::SessionHandle;
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::connection::Serving;

/// A session that was opened and whose end has to be noted, exactly once, come what may: where
/// this is dropped unclosed, because the session's task was aborted or has panicked, a task of its
/// own takes over.
pub(crate) struct OpenSession {
    serving: Arc<Serving>,
    handle: SessionHandle,
    is_closed: bool,
    is_live: bool,
    is_last_resort: bool,
}

impl OpenSession {
    pub(crate) fn new(serving: Arc<Serving>, handle: SessionHandle) -> Self {
        let counters = &serving.shared.counters;
        counters.sessions_opened.increment();
        counters.sessions_live.increment();
        Self {
            serving,
            handle,
            is_closed: false,
            is_live: true,
            is_last_resort: false,
        }
    }

    pub(crate) const fn handle(&self) -> &SessionHandle {
        &self.handle
    }

    /// Notes the end; tries again until it is noted.
    pub(crate) async fn close(mut self) {
        self.end();
        let max = self.serving.shared.options.close_pause_max;
        let mut pause = Duration::ZERO;
        while let Err(error) = self.serving.inbox.close_session(&self.handle).await {
            if pause.is_zero() {
                let device = self.handle.device_id;
                tracing::warn!(%device, %error, "the end of a session cannot be noted yet");
            }
            pause = (pause * 2).clamp(max / 50, max);
            sleep(pause).await;
        }
        self.is_closed = true;
    }

    fn end(&mut self) {
        if self.is_live {
            self.is_live = false;
            let counters = &self.serving.shared.counters;
            counters.sessions_live.decrement();
            counters.sessions_closing.increment();
        }
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.end();
        self.serving.shared.counters.sessions_closing.decrement();
        if self.is_closed || self.is_last_resort {
            return;
        }
        // Without a runtime, or one that runs on, the process is about to stop: its next start
        // settles the session.
        if let Ok(runtime) = Handle::try_current() {
            let counters = &self.serving.shared.counters;
            counters.sessions_closing.increment();
            let rest = Self {
                serving: Arc::clone(&self.serving),
                handle: self.handle,
                is_closed: false,
                is_live: false,
                is_last_resort: true,
            };
            runtime.spawn(rest.close());
        }
    }
}
