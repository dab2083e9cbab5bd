// SPDX-License-Identifier: GPL-2.0

//! What the administrator is told in the kernel log.
//!
//! What the policy wants told comes under the lock of the subsystem, and under locks of nvme-core. Consoles
//! are slow, so it is noted then, and said when no lock is held.

use kernel::prelude::*;

/// Two controllers that are in use have the same ID.
#[derive(Clone, Copy)]
pub(crate) struct RepeatedId {
    /// The ID.
    pub(crate) cntlid: u16,
    /// N of `nvmeN`, of the one that was there first.
    pub(crate) first: i32,
    /// That of the other one.
    pub(crate) second: i32,
}

/// What is to be said of a subsystem. The policy has each of it said once.
#[derive(Clone, Copy, Default)]
pub(crate) struct Warnings {
    pub(crate) repeated_id: Option<RepeatedId>,
    /// N of `nvmeN`, of a controller that was lost when there was another path to one of its namespaces.
    pub(crate) paths_shared: Option<i32>,
}

impl Warnings {
    /// Whether there is anything to be said.
    pub(crate) fn any(&self) -> bool {
        self.repeated_id.is_some() || self.paths_shared.is_some()
    }

    /// Says it. Not to be called with a lock held.
    pub(crate) fn say(&self) {
        if let Some(RepeatedId {
            cntlid,
            first,
            second,
        }) = self.repeated_id
        {
            pr_warn!(
                "nvme{first} and nvme{second} have the same controller ID, {cntlid}, and both are in use: in this subsystem, it is no evidence any more that a controller is connected again\n"
            );
        }
        if let Some(instance) = self.paths_shared {
            pr_warn!(
                "nvme{instance} was lost when a namespace could be used through another port as well: in this subsystem, it is no evidence any more that the array has moved what is held\n"
            );
        }
    }
}
