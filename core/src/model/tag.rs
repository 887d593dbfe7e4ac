//! Tags, and the selectors that group devices by them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::model::Invalid;
use crate::model::text::Name;

/// A short mark on a device, component or sensor: 1 to 64 characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag(Box<str>);

impl Tag {
    /// The greatest number of characters.
    pub const MAX_CHARS: usize = 64;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.chars().nth(Self::MAX_CHARS).is_some() {
            return Err(Invalid::new("a tag has 1 to 64 characters"));
        }
        let name: Name = text.parse().map_err(|_| {
            Invalid::new(
                "a tag has 1 to 64 characters, no control characters and no white space at its ends",
            )
        })?;
        Ok(Self(name.as_str().into()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of at most 64 tags.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tags(BTreeSet<Tag>);

impl Tags {
    /// The greatest number of tags.
    pub const MAX: usize = 64;

    /// Takes a set.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for more than 64 tags.
    pub fn new(tags: BTreeSet<Tag>) -> Result<Self, Invalid> {
        if tags.len() > Self::MAX {
            return Err(Invalid::new("there are at most 64 tags"));
        }
        Ok(Self(tags))
    }

    /// The tags in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter()
    }

    /// Whether the tag is there.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Chooses devices by their tags. A part that is empty chooses all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TagSelector {
    /// Each of these tags is there.
    pub all: Tags,
    /// At least one of these is there.
    pub any: Tags,
    /// None of these is there.
    pub none: Tags,
}

impl TagSelector {
    /// Whether a device with these tags is chosen.
    #[must_use]
    pub fn matches(&self, tags: &Tags) -> bool {
        self.all.iter().all(|tag| tags.contains(tag))
            && (self.any.is_empty() || self.any.iter().any(|tag| tags.contains(tag)))
            && !self.none.iter().any(|tag| tags.contains(tag))
    }
}

/// Counts in one walk over the devices how many of them each of some selectors chooses.
#[derive(Debug)]
pub struct SelectorTally<'a> {
    selectors: &'a [TagSelector],
    /// The selectors that choose nothing without one of their tags, by that tag.
    by_tag: BTreeMap<&'a Tag, Vec<usize>>,
    /// The others, which any device has to be held against.
    untagged: Vec<usize>,
    counts: Vec<u64>,
}

impl<'a> SelectorTally<'a> {
    /// Begins at 0 for each selector.
    #[must_use]
    pub fn new(selectors: &'a [TagSelector]) -> Self {
        let mut tally = Self {
            selectors,
            by_tag: BTreeMap::new(),
            untagged: Vec::new(),
            counts: vec![0; selectors.len()],
        };
        for (index, selector) in selectors.iter().enumerate() {
            let mut all = selector.all.iter();
            if let Some(tag) = all.next() {
                tally.by_tag.entry(tag).or_default().push(index);
            } else if selector.any.is_empty() {
                tally.untagged.push(index);
            } else {
                for tag in selector.any.iter() {
                    tally.by_tag.entry(tag).or_default().push(index);
                }
            }
        }
        tally
    }

    /// Counts a number of devices that have these tags.
    pub fn add(&mut self, tags: &Tags, devices: u64) {
        let by_tag = tags.iter().filter_map(|tag| self.by_tag.get(tag));
        // One of several `any` tags is enough, and the device still counts once.
        let asked: BTreeSet<usize> = by_tag.flatten().chain(&self.untagged).copied().collect();
        for index in asked {
            if self.selectors[index].matches(tags) {
                self.counts[index] += devices;
            }
        }
    }

    /// How many devices each selector chose, in the order of the selectors.
    #[must_use]
    pub fn counts(self) -> Vec<u64> {
        self.counts
    }
}
