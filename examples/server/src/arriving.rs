//! The body of a request while it arrives.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::connections::{Activity, Busy};

/// The body of a request, which notes on its connection when all of it is there.
///
/// Until then the connection is no busier than one that asks for nothing: a client that sends its
/// body octet by octet holds no place that a newcomer could have.
pub(crate) struct Arriving {
    body: Incoming,
    activity: Arc<Activity>,
    whole: Arc<OnceLock<Busy>>,
}

impl Arriving {
    /// The body, and what holds its connection's place from the moment when all of it is there.
    pub(crate) fn new(body: Incoming, activity: &Arc<Activity>) -> (Self, Arc<OnceLock<Busy>>) {
        let whole = Arc::default();
        let arriving = Self {
            body,
            activity: Arc::clone(activity),
            whole: Arc::clone(&whole),
        };
        activity.asked();
        if arriving.body.is_end_stream() {
            arriving.note();
        }
        (arriving, whole)
    }

    fn note(&self) {
        self.whole.get_or_init(|| self.activity.begin());
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        // One in chunks does not know before that it has ended.
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.note();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
