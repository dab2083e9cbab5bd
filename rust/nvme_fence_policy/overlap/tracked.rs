// SPDX-License-Identifier: GPL-2.0

//! What is tracked for one association, and what becomes of it.

use super::blocks::Blocks;
use super::table::{Refusal, Slot, Table};

/// What is tracked for one association.
///
/// Its commands wait until the host has no copy of them any more, and are sent again then. That
/// happens once: what is cancelled later is held. What can not be held has failed, and there is nothing
/// to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked {
    table: Table,
    /// How many of the ranges are of commands that are sent again.
    kept: u16,
    /// Commands that have failed, and whose blocks are in no range. Any new write may overlap these.
    unlisted: u16,
    /// Commands that were cancelled overlap each other. In which order they executed nobody knows, so
    /// none of them may be sent again, and as the table does not tell which they are, none at all.
    clashed: bool,
    /// The host has no copy any more of what it sent.
    emptied: bool,
    /// New writes that wait for the association.
    waiting: u32,
}

impl Tracked {
    /// Nothing is tracked.
    pub const NOTHING: Self = Self {
        table: Table::EMPTY,
        kept: 0,
        unlisted: 0,
        clashed: false,
        emptied: false,
        waiting: 0,
    };

    /// Whether nothing is tracked.
    pub const fn is_empty(&self) -> bool {
        self.ranges() == 0
    }

    /// Number of ranges that are tracked, each command counting for one that is in none.
    pub const fn ranges(&self) -> u16 {
        self.table.ranges().saturating_add(self.unlisted)
    }

    /// Number of blocks in them.
    pub const fn blocks(&self) -> u64 {
        if self.unlisted != 0 {
            return u64::MAX;
        }
        self.table.blocks()
    }

    /// Number of ranges that are in the table.
    pub const fn listed(&self) -> u16 {
        self.table.ranges()
    }

    /// New writes that wait for the association.
    pub const fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Tracks the blocks of a cancelled command, if that is possible. Else it is to be held.
    pub(crate) fn add(&mut self, slots: &mut [Slot], blocks: Blocks) -> bool {
        if self.clashed || self.emptied {
            self.meets(slots, &blocks);
            return false;
        }
        match self.table.insert(slots, blocks) {
            Ok(()) => {
                self.kept += 1;
                true
            }
            Err(Refusal::Overlaps) => {
                self.clashed = true;
                false
            }
            // It is in no table, so nothing tells whether the next one overlaps it. But there is no
            // room for that one either.
            Err(Refusal::Full) => false,
        }
    }

    /// Tracks the blocks of a command that was cancelled and can not be held. Nothing is sent again, so
    /// that is always possible: if there is no room for them, everything overlaps them.
    pub(crate) fn add_unheld(&mut self, slots: &mut [Slot], blocks: Option<Blocks>) {
        let listed = match blocks.map(|blocks| (blocks, self.table.insert(slots, blocks))) {
            Some((_, Ok(()))) => true,
            Some((blocks, Err(Refusal::Overlaps))) => {
                self.clashed = true;
                self.table.covers(slots, &blocks)
            }
            Some((_, Err(Refusal::Full))) => false,
            None => false,
        };
        // Nothing tells whether it overlaps another one.
        self.clashed |= blocks.is_none();
        self.unlisted = self.unlisted.saturating_add(u16::from(!listed));
    }

    /// Takes note of a command that was cancelled, and that can not be tracked.
    pub(crate) fn meets(&mut self, slots: &[Slot], blocks: &Blocks) {
        self.clashed |= self.table.overlaps(slots, blocks);
    }

    /// Whether a new write overlaps what is tracked.
    pub(crate) fn overlaps(&self, slots: &[Slot], write: &Blocks) -> bool {
        self.unlisted != 0 || self.table.overlaps(slots, write)
    }

    /// Has a new write wait, if it overlaps what is tracked.
    pub(crate) fn detain(&mut self, slots: &[Slot], write: &Blocks) -> bool {
        let overlaps = self.overlaps(slots, write);
        self.waiting = self.waiting.saturating_add(u32::from(overlaps));
        overlaps
    }

    /// The host has no copy any more of what it sent. Returns whether what is tracked is to be sent
    /// again.
    pub(crate) fn set_emptied(&mut self) -> bool {
        let first = !core::mem::replace(&mut self.emptied, true);
        first && !self.clashed && self.kept != 0
    }
}
