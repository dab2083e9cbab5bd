// SPDX-License-Identifier: GPL-2.0

//! Which blocks a command changes.

use core::cmp::Ordering;

/// A range of blocks of one namespace. There is at least one block in it.
///
/// Who uses the crate decides what a block is, as long as all ranges of a namespace are counted in the
/// same unit. A range that covers more than the command changes is never wrong: something may wait
/// that need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    namespace: u32,
    first: u64,
    /// Not the first one behind: a range may end with block 2^64 - 1.
    last: u64,
}

impl Blocks {
    /// So many blocks of this namespace from `first` on, up to block 2^64 - 1 at most; [`None`] if
    /// there is no block in it.
    pub const fn new(namespace: u32, first: u64, length: u64) -> Option<Self> {
        if length == 0 {
            return None;
        }
        Some(Self {
            namespace,
            first,
            last: first.saturating_add(length - 1),
        })
    }

    /// The whole namespace.
    pub const fn all(namespace: u32) -> Self {
        Self {
            namespace,
            first: 0,
            last: u64::MAX,
        }
    }

    /// How many blocks these are; of all 2^64 one less, as that is no number of 64 bits.
    pub const fn count(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }

    /// Whether any block is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.side_of(other).is_none()
    }

    /// Whether all blocks of `other` are in it.
    pub fn covers(&self, other: &Self) -> bool {
        self.namespace == other.namespace && self.first <= other.first && self.last >= other.last
    }

    /// On which side of `other` it lies; [`None`]: they overlap.
    pub(super) fn side_of(&self, other: &Self) -> Option<Ordering> {
        if self.namespace != other.namespace {
            return Some(self.namespace.cmp(&other.namespace));
        }
        if self.last < other.first {
            Some(Ordering::Less)
        } else if self.first > other.last {
            Some(Ordering::Greater)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
