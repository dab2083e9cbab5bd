// SPDX-License-Identifier: GPL-2.0

//! What is tracked: the blocks of commands that were sent again though their ghosts may still come,
//! and whether a new write overlaps any of them.
//!
//! A ghost does harm only if something newer was written to its blocks: a second copy of a write on
//! top of the first changes nothing. So instead of holding a cancelled write it can be enough to
//! remember its blocks, and to let newer writes to these wait.

mod blocks;
mod table;

pub use blocks::Blocks;
pub use table::{Refusal, Slot, Table, RANGES_MAX};
