// SPDX-License-Identifier: GPL-2.0

//! What is known of controllers at one moment.
//!
//! Who holds commands waits for the lock with interrupts off, and anybody may read the files in sysfs.
//! So numbers are copied under the lock, and made into text when it is free again.

use crate::controller::{Controller, Counters};
use crate::fence::{Fence, State};
use nvme_fence_policy::{self as policy, Evidence, Identity, Knobs, Nanos, Offer, Terms};

/// What the records of some controllers have in sum.
#[derive(Default)]
pub(crate) struct Sum {
    /// Commands that are held or being sent on.
    pub(crate) held: u64,
    /// Bytes of these.
    pub(crate) held_bytes: u64,
    /// Commands that the administrator has released, and whose association is not closed yet.
    pub(crate) vouched: u64,
    /// The last deadline of all.
    pub(crate) deadline: Option<Nanos>,
    /// Commands that are held by records that have no deadline.
    pub(crate) held_without_deadline: u64,
}

impl Sum {
    /// Of the controllers that `of` returns true for. Takes the lock.
    pub(crate) fn new(fence: &Fence, of: impl Fn(&Controller, &State) -> bool) -> Self {
        Self::locked(&fence.lock(), of)
    }

    fn locked(state: &State, of: impl Fn(&Controller, &State) -> bool) -> Self {
        let mut sum = Self::default();
        for record in state.records() {
            if of(record.controller(), state) {
                let association = record.association(state);
                sum.held += u64::from(association.held());
                sum.held_bytes += association.held_bytes();
                sum.vouched += u64::from(association.vouched());
                sum.deadline = core::cmp::max(sum.deadline, association.deadline());
                if association.deadline().is_none() {
                    sum.held_without_deadline += u64::from(association.held());
                }
            }
        }
        sum
    }
}

/// What is known of one controller.
pub(crate) struct Snapshot {
    /// Of all its records.
    pub(crate) sum: Sum,
    /// Where the association that is in use is in its life.
    pub(crate) current: Option<policy::State>,
    /// What the last association said of itself.
    pub(crate) latest: Option<(Identity, Terms, Offer)>,
    /// What last proved that one of its associations can execute nothing any more.
    pub(crate) evidence: Option<Evidence>,
    pub(crate) counters: Counters,
    /// The settings of its subsystem.
    pub(crate) knobs: Knobs,
}

impl Snapshot {
    /// Takes the lock.
    pub(crate) fn new(controller: &Controller) -> Self {
        let state = controller.fence().lock();
        let current = controller.current(&state);
        Self {
            sum: Sum::locked(&state, |other, _| core::ptr::eq(other, controller)),
            current: current.map(|record| record.association(&state).state()),
            latest: controller.latest(&state),
            evidence: controller.evidence(&state),
            counters: controller.counters(&state),
            knobs: controller.subsystem().knobs(&state),
        }
    }
}
