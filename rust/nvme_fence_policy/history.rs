// SPDX-License-Identifier: GPL-2.0

//! The last fencings of a subsystem, as the administrator is shown them.
//!
//! Nothing here decides anything. It is fixed memory, so that who fences allocates nothing, and each
//! fencing has a number, so that who reads them one after the other sees which are gone.

mod fencing;
#[cfg(test)]
mod tests;

pub use fencing::{Fencing, Line, Sentence};

/// So many are kept.
pub const FENCINGS_KEPT: usize = 16;

// All lines are read at once from a file in sysfs, which has the size of a page: 4096 bytes at least.
const _: () = assert!(FENCINGS_KEPT * Line::BYTES_MAX <= 4096);

/// The last fencings. They are numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Fencing N is at (N - 1) modulo their number.
    kept: [Option<Fencing>; FENCINGS_KEPT],
    /// Number of the last one, 0 if there was none.
    latest: u32,
}

impl History {
    /// Nothing was fenced yet.
    pub const EMPTY: Self = Self {
        kept: [None; FENCINGS_KEPT],
        latest: 0,
    };

    /// Keeps one more, in place of the oldest one if there is no room.
    pub fn add(&mut self, fencing: Fencing) {
        // At the end of all numbers, only the last one is replaced.
        self.latest = self.latest.saturating_add(1);
        self.kept[place(self.latest)] = Some(fencing);
    }

    /// The oldest one that is kept and has a higher number, with its number.
    pub fn after(&self, number: u32) -> Option<(u32, Fencing)> {
        let oldest = self.latest.saturating_sub(FENCINGS_KEPT as u32);
        let next = number.max(oldest).checked_add(1)?;
        if next > self.latest {
            return None;
        }
        self.kept[place(next)].map(|fencing| (next, fencing))
    }
}

/// Where the fencing of this number is kept.
const fn place(number: u32) -> usize {
    (number as usize - 1) % FENCINGS_KEPT
}
