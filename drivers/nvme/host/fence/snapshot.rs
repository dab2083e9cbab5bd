// SPDX-License-Identifier: GPL-2.0

//! What is known of a controller at one moment.
//!
//! Who holds commands waits for the lock with interrupts off, and anybody may read the files in sysfs.
//! So numbers are copied under the lock, and made into text when it is free again.

use crate::controller::{Controller, Latest};
use nvme_fence_policy::{Knobs, Nanos, Scope, State, Sum};

/// What is known of a controller.
pub(crate) struct Snapshot {
    /// What its associations have in sum.
    pub(crate) sum: Sum,
    /// When the first of the commands was held that are held for it now.
    pub(crate) held_since: Option<Nanos>,
    /// Where the association that it has is in its life.
    pub(crate) current: Option<State>,
    /// What is last known of it.
    pub(crate) latest: Latest,
    /// The settings of its subsystem.
    pub(crate) knobs: Knobs,
}

impl Snapshot {
    /// Takes the lock of the subsystem.
    pub(crate) fn new(controller: &Controller) -> Self {
        let state = controller.subsystem().lock();
        Self {
            sum: state.sum(Scope::Controller(controller.id())),
            held_since: state.held_since(controller.id()),
            current: state
                .current(controller.id())
                .map(|current| current.state()),
            latest: controller.latest(&state),
            knobs: *state.knobs(),
        }
    }
}
