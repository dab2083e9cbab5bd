// SPDX-License-Identifier: GPL-2.0

//! The host: all subsystems that it has associations with.

use crate::listed::ListedSubsystem;
use crate::subsystem::Subsystem;
use crate::sys::{self, CtrlInfo};
use kernel::new_mutex;
use kernel::prelude::*;
use kernel::sync::atomic::{Atomic, Relaxed};
use kernel::sync::{Arc, Mutex};
use nvme_fence_policy::{AssociationId, ControllerId, Input, Knobs, Scope, Sum};

/// There is one.
#[pin_data]
pub(crate) struct Host {
    /// Subsystems that have controllers or records.
    #[pin]
    subsystems: Mutex<KVec<ListedSubsystem>>,
    /// Number of the next association.
    next_association: Atomic<u64>,
    /// Number of the next controller.
    next_controller: Atomic<u32>,
    /// The settings of new subsystems.
    default_knobs: Knobs,
    /// So many ranges can be tracked for each association.
    tracked_max: usize,
}

impl Host {
    /// Without any subsystems yet.
    pub(crate) fn new(default_knobs: Knobs, tracked_max: usize) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                subsystems <- new_mutex!(KVec::new()),
                next_association: Atomic::new(1),
                next_controller: Atomic::new(1),
                default_knobs,
                tracked_max,
            }),
            GFP_KERNEL,
        )
    }

    /// So many ranges can be tracked for each association.
    pub(crate) fn tracked_max(&self) -> usize {
        self.tracked_max
    }

    /// Names a new association.
    pub(crate) fn next_association(&self) -> AssociationId {
        AssociationId(self.next_association.fetch_add(1, Relaxed))
    }

    /// Names a controller that comes: `nvmeN` with N = `instance`, which others may have been before.
    pub(crate) fn next_controller(&self, instance: u32) -> ControllerId {
        let serial = self.next_controller.fetch_add(1, Relaxed);
        ControllerId(u64::from(serial) << 32 | u64::from(instance))
    }

    /// The subsystem of a controller that comes. If it has been here before, and something is still
    /// held, it is the same. May sleep.
    pub(crate) fn attach(self: &Arc<Self>, info: &CtrlInfo<'_>) -> Result<Arc<Subsystem>> {
        let mut subsystems = self.subsystems.lock();
        subsystems.retain(ListedSubsystem::is_needed);
        if let Some(listed) = subsystems.iter_mut().find(|listed| listed.is(info)) {
            return listed.attach(info);
        }
        subsystems.reserve(1, GFP_KERNEL)?;
        let subsystem = Subsystem::new(self.clone(), self.default_knobs)?;
        let mut listed = ListedSubsystem::new(info, subsystem)?;
        let subsystem = listed.attach(info)?;
        subsystems.push(listed, GFP_KERNEL)?;
        Ok(subsystem)
    }

    /// A controller of a subsystem goes. May sleep.
    pub(crate) fn detach(&self, subsystem: &Subsystem) {
        let mut subsystems = self.subsystems.lock();
        for listed in subsystems.iter_mut() {
            if listed.lists(subsystem) {
                listed.detach();
            }
        }
        subsystems.retain(ListedSubsystem::is_needed);
    }

    /// Forgets all subsystems. There may be no records any more, and no controller attached.
    pub(crate) fn clear(&self) {
        self.subsystems.lock().clear();
    }

    /// What the associations with controllers that were removed have in sum, and what is left of a
    /// time when this module was loaded before. May sleep.
    pub(crate) fn removed(&self) -> Sum {
        let mut sum = sys::orphans();
        for listed in self.subsystems.lock().iter() {
            sum.join(&listed.subsystem().sum(Scope::Removed));
        }
        sum
    }

    /// The administrator says that nothing of that can execute any more. May sleep.
    pub(crate) fn release_removed(&self) {
        sys::release_orphans();
        for listed in self.subsystems.lock().iter() {
            listed.subsystem().handle(Input::Release(Scope::Removed));
        }
    }
}

/// N of `nvmeN`, the controller of this name.
pub(crate) fn instance(controller: ControllerId) -> i32 {
    controller.0 as u32 as i32
}
