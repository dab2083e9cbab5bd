// SPDX-License-Identifier: GPL-2.0

//! What tracking wants of the shell: room for what is tracked and, with `hold=overlap`, that what is sent
//! is copied.
//!
//! Both cost something, so there is no more of it than is chosen. Who has no room for it has held what
//! could be tracked, and so has what was sent before without having been copied. What can not be held
//! is tracked with any setting that holds: that is little, and where there is no room for it, all newer
//! writes wait.

use crate::record::Record;
use crate::subsystem::{State, Subsystem};
use kernel::prelude::*;
use nvme_fence_policy::{AssociationId, Hold, Slot};

/// So many ranges of what can not be held: one program with a queue of passthrough commands.
const UNHELD_RANGES: usize = 64;

/// Room for what is tracked for one association.
#[derive(Default)]
pub(crate) struct Slots(KVec<Slot>);

impl Slots {
    /// Room for so many ranges. May sleep.
    fn new(ranges: usize) -> Result<Self> {
        Ok(Self(KVec::from_elem(Slot::FREE, ranges, GFP_KERNEL)?))
    }

    /// For so many ranges.
    fn len(&self) -> usize {
        self.0.len()
    }

    /// If there is more room than in `used`, whatever is there gets the same place here.
    pub(crate) fn take_over(&mut self, used: &Self) -> bool {
        let Some((same, _)) = self.0.split_at_mut_checked(used.len()) else {
            return false;
        };
        same.copy_from_slice(&used.0);
        self.len() > used.len()
    }

    /// All of it.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [Slot] {
        &mut self.0
    }
}

/// Commands that are tracked and were not sent again yet.
#[derive(Clone, Copy, Default)]
pub(crate) struct Kept {
    /// Number of commands.
    pub(crate) commands: u32,
    /// Sum of their lengths.
    pub(crate) bytes: u64,
}

impl Kept {
    /// One more of so many bytes.
    pub(crate) fn add(&mut self, bytes: u32) {
        self.commands += 1;
        self.bytes += u64::from(bytes);
    }
}

impl State {
    /// Has all controllers be sent copies if what is cancelled may be tracked. Atomic.
    pub(crate) fn choose_copies(&self) {
        for ctrl in self.records().filter_map(Record::ctrl) {
            ctrl.copy_data(self.knobs().hold().tracks());
        }
    }

    /// For how many ranges there is to be room in each record, if there can be at most so many.
    fn ranges_wanted(&self, tracked_max: usize) -> usize {
        match self.knobs().hold() {
            Hold::Overlap => tracked_max,
            Hold::All => tracked_max.min(UNHELD_RANGES),
            Hold::None => 0,
        }
    }

    /// An association for which less can be tracked than there is to be room for, and that.
    fn lacks_slots(&self, tracked_max: usize) -> Option<(AssociationId, usize)> {
        let wanted = self.ranges_wanted(tracked_max);
        self.records()
            .find(|record| record.slots().len() < wanted)
            .map(|record| (record.association().id(), wanted))
    }
}

impl Subsystem {
    /// Makes room for what is tracked, if anything may be. May sleep.
    pub(crate) fn lend_slots(&self) -> Result {
        loop {
            let lacks = self.lock().lacks_slots(self.host().tracked_max());
            let Some((id, wanted)) = lacks else {
                return Ok(());
            };
            let mut slots = Slots::new(wanted)?;
            // If it is gone by now, or has room, nothing is freed under the lock.
            if let Some(record) = self.lock().record(id) {
                record.lend(&mut slots);
            }
        }
    }

    /// The same for a new association, which does without if there is no memory. May sleep.
    pub(crate) fn lend_slots_if_possible(&self, instance: i32) {
        if self.lend_slots().is_err() {
            pr_warn!(
                "nvme{instance}: no memory to track writes: when its path is lost, they are held, or all newer ones wait\n"
            );
        }
    }
}
