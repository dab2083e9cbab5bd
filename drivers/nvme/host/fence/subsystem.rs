// SPDX-License-Identifier: GPL-2.0

//! The settings of a subsystem.

use crate::fence::{Fence, State};
use crate::sys::{self, Dir};
use kernel::prelude::*;
use kernel::sync::{Arc, LockedBy};
use nvme_fence_policy::Knobs;

/// An NVM subsystem.
pub(crate) struct Subsystem {
    fence: Arc<Fence>,
    /// N of `nvme-subsysN`.
    instance: i32,
    /// Guarded by the lock of the fence.
    knobs: LockedBy<Knobs, State>,
}

impl Subsystem {
    pub(crate) fn new(fence: Arc<Fence>, instance: i32, knobs: Knobs) -> Result<Arc<Self>> {
        let knobs = LockedBy::new(fence.state(), knobs);
        Ok(Arc::new(
            Self {
                fence,
                instance,
                knobs,
            },
            GFP_KERNEL,
        )?)
    }

    /// N of `nvme-subsysN`.
    pub(crate) fn instance(&self) -> i32 {
        self.instance
    }

    /// The settings in force.
    pub(crate) fn knobs(&self, state: &State) -> Knobs {
        *self.knobs.access(state)
    }

    /// The settings in force, for who does not have the lock.
    pub(crate) fn current_knobs(&self) -> Knobs {
        self.knobs(&self.fence.lock())
    }

    /// Changes the settings by `f`, which returns false if it can not.
    pub(crate) fn set_knobs(&self, f: impl FnOnce(&mut Knobs) -> bool) -> Result {
        if f(self.knobs.access_mut(&mut self.fence.lock())) {
            // More may be to be done now than before.
            sys::queue_ask();
            Ok(())
        } else {
            Err(EINVAL)
        }
    }
}

/// A subsystem that has controllers, and its directory in sysfs.
pub(crate) struct ListedSubsystem {
    dir: Dir<Subsystem>,
    controllers: u32,
}

impl ListedSubsystem {
    pub(crate) fn new(dir: Dir<Subsystem>) -> Self {
        Self {
            dir,
            controllers: 0,
        }
    }

    /// Whether it is `nvme-subsysN` with N = `instance`.
    pub(crate) fn is(&self, instance: i32) -> bool {
        self.dir.object().instance() == instance
    }

    /// The subsystem, for one more controller.
    pub(crate) fn get(&mut self) -> Arc<Subsystem> {
        self.controllers += 1;
        self.dir.object().clone()
    }

    /// One controller less. Returns whether there are any left.
    pub(crate) fn put(&mut self) -> bool {
        self.controllers -= 1;
        self.controllers != 0
    }
}
