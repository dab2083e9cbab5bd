// SPDX-License-Identifier: GPL-2.0

//! A subsystem in the list of the [`Host`](crate::host::Host).

use crate::subsystem::Subsystem;
use crate::sys::{CtrlInfo, Dir};
use kernel::prelude::*;
use kernel::sync::Arc;

/// A subsystem that has controllers or records. One that comes back is known by its NQN.
pub(crate) struct ListedSubsystem {
    nqn: KVec<u8>,
    subsystem: Arc<Subsystem>,
    /// Its directory in sysfs: there is one as long as it has controllers.
    dir: Option<Dir<Subsystem>>,
    controllers: u32,
}

impl ListedSubsystem {
    /// A subsystem without controllers yet. May sleep.
    pub(crate) fn new(info: &CtrlInfo<'_>, subsystem: Arc<Subsystem>) -> Result<Self> {
        let mut nqn = KVec::new();
        nqn.extend_from_slice(info.nqn(), GFP_KERNEL)?;
        Ok(Self {
            nqn,
            subsystem,
            dir: None,
            controllers: 0,
        })
    }

    /// Whether it is that of this controller.
    pub(crate) fn is(&self, info: &CtrlInfo<'_>) -> bool {
        *self.nqn == *info.nqn()
    }

    /// Whether this is it.
    pub(crate) fn lists(&self, subsystem: &Subsystem) -> bool {
        core::ptr::eq(&*self.subsystem, subsystem)
    }

    pub(crate) fn subsystem(&self) -> &Subsystem {
        &self.subsystem
    }

    /// One controller more. Nothing changes if that fails. May sleep.
    pub(crate) fn attach(&mut self, info: &CtrlInfo<'_>) -> Result<Arc<Subsystem>> {
        if self.dir.is_none() {
            self.dir = Some(info.subsys_dir(self.subsystem.clone())?);
        }
        self.controllers += 1;
        Ok(self.subsystem.clone())
    }

    /// One controller less. May sleep.
    pub(crate) fn detach(&mut self) {
        self.controllers -= 1;
        if self.controllers == 0 {
            self.dir = None;
        }
    }

    /// Whether it is to be kept.
    pub(crate) fn is_needed(&mut self) -> bool {
        self.controllers != 0 || !self.subsystem.is_empty()
    }
}

impl Drop for ListedSubsystem {
    fn drop(&mut self) {
        // Nothing happens in it any more that would start the clock.
        self.subsystem.clock.stop();
        // Who would have said it may not have begun.
        self.subsystem.say();
    }
}
