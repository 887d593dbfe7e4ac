//! Looking many records up, without keeping the writer waiting for long.

use std::ops::ControlFlow;

use fieldgate_core::model::page::{Page, PageLimit};

use crate::change::{Source as _, View};
use crate::error::Error;
use crate::keys::Range;
use crate::store::Shared;

/// In which order keys are looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// Looks records up on a thread that may wait for the disk.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    shared: &'a Shared,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    /// One look: no batch is applied meanwhile, so it has to be short.
    pub(crate) fn look<T>(
        &self,
        work: impl FnOnce(View<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.shared.look(work)
    }

    /// Shows each key and value of a range, in several looks where they are many.
    pub(crate) fn each(
        &self,
        mut range: Range,
        order: Order,
        mut visit: impl FnMut(View<'_>, &[u8], &[u8]) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        loop {
            let last = self.look(|view| {
                let mut entries = view.entries(range.clone());
                let mut last = None;
                for _ in 0..LOOK_MAX {
                    let entry = match order {
                        Order::Ascending => entries.next(),
                        Order::Descending => entries.next_back(),
                    };
                    let Some(entry) = entry else {
                        return Ok(None);
                    };
                    let (key, value) = entry?;
                    if visit(view, &key, &value)?.is_break() {
                        return Ok(None);
                    }
                    last = Some(key.to_vec());
                }
                Ok(last)
            })?;
            let Some(last) = last else {
                return Ok(());
            };
            range = match order {
                Order::Ascending => range.after(Some(last)),
                Order::Descending => range.before(Some(last)),
            };
        }
    }

    /// A page of what `pick` finds in a range.
    pub(crate) fn page<T>(
        &self,
        range: Range,
        order: Order,
        limit: PageLimit,
        mut pick: impl FnMut(View<'_>, &[u8], &[u8]) -> Result<Option<T>, Error>,
    ) -> Result<Page<T>, Error> {
        let mut found = Vec::new();
        self.each(range, order, |view, key, value| {
            found.extend(pick(view, key, value)?);
            Ok(if found.len() > limit.as_usize() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(Page::cut(found, limit))
    }
}

/// How many records a look may take in.
const LOOK_MAX: usize = 256;
