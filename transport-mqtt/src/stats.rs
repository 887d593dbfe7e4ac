//! What an endpoint counts.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// What an endpoint has counted since it was made.
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        #[non_exhaustive]
        pub struct Stats {$(
            $(#[$doc])*
            pub $name: u64,
        )+}

        #[derive(Debug, Default)]
        pub(crate) struct Counters {$(
            pub(crate) $name: Counter,
        )+}

        impl Counters {
            pub(crate) fn snapshot(&self) -> Stats {
                Stats {$(
                    $name: self.$name.get(),
                )+}
            }
        }
    };
}

counters! {
    /// TCP connections that were accepted.
    connections_accepted,
    /// Accepts that failed, for example for want of file descriptors.
    accepts_failed,
    /// Unfinished connections that went because others came.
    connections_evicted,
    /// Connections that were closed at once, because there were as many sessions as there may be.
    connections_refused,
    /// TLS handshakes that failed or took too long.
    handshakes_failed,
    /// Connections whose CONNECT did not come in time, or not at all.
    connects_missing,
    /// CONNECTs refused for their client id.
    refused_client_id,
    /// CONNECTs refused because the device may not come in.
    refused_not_authorized,
    /// CONNECTs refused because the storage did not answer.
    refused_unavailable,
    /// CONNECTs refused for their will.
    refused_will,
    /// CONNECTs refused for their version, or for breaking the standard.
    refused_protocol,
    /// Sessions that there are now.
    sessions_live,
    /// Sessions that were opened.
    sessions_opened,
    /// Sessions whose end waits to be noted.
    sessions_closing,
    /// Messages that came in.
    publishes,
    /// Messages whose effect is durable.
    publishes_stored,
    /// How long these took from the time that they came in, together, in microseconds.
    store_micros,
    /// Messages that could not be stored and were not acknowledged.
    publishes_failed,
    /// Payloads that went to the quarantine as a whole.
    payloads_quarantined,
    /// Answers to commands that there are not.
    responses_ignored,
    /// PUBLISHes and wills to topics that are not the device's.
    publishes_denied,
    /// SUBSCRIBEs to topics that are not the device's; one for each filter.
    subscribes_denied,
    /// Messages to devices that were not sent, because they take no packet of that size.
    replies_dropped,
    /// Sessions that ended because the device broke the standard, or a limit.
    protocol_errors,
    /// Sessions that ended because their keep-alive ran out.
    keep_alive_timeouts,
    /// Sessions that ended because the device did not read.
    slow_readers,
    /// Sessions that ended because a newer one took their place.
    takeovers,
    /// Takeovers that had to wait, because there were many: perhaps a copied key.
    takeovers_delayed,
    /// Sessions that the core ended.
    kicks,
}

/// A number that goes up; a few go down again.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn increment(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn decrement(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
