//! Pages of lists.

use crate::model::Invalid;

/// How many items a page holds at most: 1 to 500, 50 unless said otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PageLimit(u16);

impl PageLimit {
    /// The greatest limit.
    pub const MAX: Self = Self(500);

    /// Takes a number.
    ///
    /// # Errors
    ///
    /// [`Invalid`] outside 1 to 500.
    pub fn new(limit: u16) -> Result<Self, Invalid> {
        if !(1..=500).contains(&limit) {
            return Err(Invalid::new("a limit is between 1 and 500"));
        }
        Ok(Self(limit))
    }

    /// The number.
    #[must_use]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}

/// Which page of a list is wanted: what comes after the position `after`, in the list's order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PageRequest<K> {
    /// The position of the last item of the page before; `None` for the first page.
    pub after: Option<K>,
    /// How many items at most.
    pub limit: PageLimit,
}

impl<K> PageRequest<K> {
    /// The first page.
    #[must_use]
    pub const fn first(limit: PageLimit) -> Self {
        Self { after: None, limit }
    }
}

/// A page of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page<T> {
    /// The items in the list's order.
    pub items: Vec<T>,
    /// Whether there are more behind the last item.
    pub more: bool,
}

impl<T> Page<T> {
    /// Makes a page out of what a look-up for `limit + 1` items found.
    #[must_use]
    pub fn cut(mut found: Vec<T>, limit: PageLimit) -> Self {
        let more = found.len() > limit.as_usize();
        found.truncate(limit.as_usize());
        Self { items: found, more }
    }
}
