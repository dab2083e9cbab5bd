// SPDX-License-Identifier: GPL-2.0

//! What `hold=overlap` wants of the shell: room for what is tracked, and that what is sent is copied.
//!
//! Both cost something, so both are there only where that is chosen. Who has no room for it has held
//! what could be tracked, and so has what was sent before without having been copied.

use crate::record::Record;
use crate::subsystem::{State, Subsystem};
use kernel::prelude::*;
use nvme_fence_policy::{AssociationId, Slot};

/// Room for what is tracked for one association.
#[derive(Default)]
pub(crate) struct Slots(KVec<Slot>);

impl Slots {
    /// Room for so many ranges. May sleep.
    fn new(ranges: usize) -> Result<Self> {
        Ok(Self(KVec::from_elem(Slot::FREE, ranges, GFP_KERNEL)?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
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

    /// An association for which something could be tracked if there was room for it.
    fn lacks_slots(&self) -> Option<AssociationId> {
        let tracks = self.knobs().hold().tracks();
        self.records()
            .filter(|_| tracks)
            .find(|record| record.slots().is_empty())
            .map(|record| record.association().id())
    }
}

impl Subsystem {
    /// Makes room for what is tracked, if anything may be. May sleep.
    pub(crate) fn lend_slots(&self) -> Result {
        loop {
            let Some(id) = self.lock().lacks_slots() else {
                return Ok(());
            };
            let mut slots = Slots::new(self.host().tracked_max())?;
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
                "nvme{instance}: no memory to track writes, they are held when its path is lost\n"
            );
        }
    }
}
