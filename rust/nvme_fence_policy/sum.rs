// SPDX-License-Identifier: GPL-2.0

//! What several associations have in sum, as the administrator is shown it.

use crate::association::Association;
use crate::ccr::resets::Lent;
use crate::wait::Deadline;

/// What some associations have in sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Commands that are held or being sent on.
    pub held: u64,
    /// Bytes of these.
    pub held_bytes: u64,
    /// Ranges that are tracked: newer writes to these wait.
    pub tracked: u64,
    /// Blocks in them.
    pub tracked_blocks: u64,
    /// New writes that wait.
    pub waiting: u64,
    /// Commands that the administrator has released, and whose association is not closed yet.
    pub vouched: u64,
    /// The last deadline of all, and how it was found.
    pub deadline: Option<Deadline>,
    /// Commands that are held by associations that have no deadline.
    pub held_without_deadline: u64,
}

impl Sum {
    /// Takes one more association into account.
    pub fn add(&mut self, association: &Association<impl Lent>) {
        self.held += u64::from(association.held());
        self.held_bytes += association.held_bytes();
        let tracked = association.tracked();
        self.tracked += u64::from(tracked.ranges());
        self.tracked_blocks = self.tracked_blocks.saturating_add(tracked.blocks());
        self.waiting += u64::from(tracked.waiting());
        self.vouched += u64::from(association.vouched());
        self.deadline = later(self.deadline, association.wait());
        if association.wait().is_none() {
            self.held_without_deadline += u64::from(association.held());
        }
    }

    /// Takes another sum into account.
    pub fn join(&mut self, other: &Self) {
        self.held += other.held;
        self.held_bytes += other.held_bytes;
        self.tracked += other.tracked;
        self.tracked_blocks = self.tracked_blocks.saturating_add(other.tracked_blocks);
        self.waiting += other.waiting;
        self.vouched += other.vouched;
        self.deadline = later(self.deadline, other.deadline);
        self.held_without_deadline += other.held_without_deadline;
    }
}

/// The later one of two deadlines, if there are any.
fn later(a: Option<Deadline>, b: Option<Deadline>) -> Option<Deadline> {
    let at = |deadline: Option<Deadline>| deadline.map(|deadline| deadline.at());
    if at(b) > at(a) {
        b
    } else {
        a
    }
}
