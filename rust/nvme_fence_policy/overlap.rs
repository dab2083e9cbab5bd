// SPDX-License-Identifier: GPL-2.0

//! What is tracked: the blocks of commands that were sent again though their ghosts may still come,
//! and whether a new write overlaps any of them.
//!
//! A ghost does harm only if something newer was written to its blocks: a second copy of a write on
//! top of the first changes nothing. So a cancelled write need not be held until there is evidence, if
//! its blocks are remembered, and newer writes to these wait in its place ([`Hold::Overlap`]).
//!
//! - The first copies of the host itself have to be gone before: when a write is acknowledged, its
//!   memory is used for something else, and what still leaves is not that write any more. So what is
//!   tracked is sent again when its association is closed *and emptied*: when nothing that was sent
//!   on it is left anywhere in the host. Who never says so has it held.
//! - What does something else when it executes twice is held, and what is to be completed with an
//!   error: that may be said when it is known that it will not come true after all.
//! - If cancelled commands of one association overlap each other, all that is tracked there is held.
//! - What does not fit in the table is held.
//! - What can not be held has failed, and is not sent again. Its blocks are tracked all the same, with any
//!   setting that holds, and from then on: newer writes wait. If there is no room for them, all do.
//! - What is sent again is not checked against the tables: it would wait for itself. What has waited
//!   is, as it may overlap what is tracked for another association.
//!
//! All of that is right only as long as
//!
//! - no other host writes to the namespace, and nobody does past the check;
//! - the application does not write to a block before it knows of the write before that it is done;
//! - the memory of a write is not changed before that either, so that both copies are the same.
//!
//! That is why an administrator has to choose it. None of it is needed for what is held, and only that
//! nobody writes past the check for what can not be held.
//!
//! [`Hold::Overlap`]: crate::knobs::Hold::Overlap

mod blocks;
mod table;
mod tracked;

pub use blocks::Blocks;
pub use table::{Refusal, Slot, Table, RANGES_MAX};
pub use tracked::Tracked;
