// SPDX-License-Identifier: GPL-2.0
//! When the module comes and goes, as the kernel announces it: by uevents.

use anyhow::{Context, Result};
use std::os::fd::{AsFd, BorrowedFd};

use crate::uevents::{Uevents, KERNEL};

/// Announcements of the kernel, from the moment on at which this was made.
pub(crate) struct News(Uevents);

impl News {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self> {
        Uevents::listen(KERNEL)
            .map(Self)
            .context("cannot listen to the kernel's uevents")
    }

    /// Takes all that have arrived. Returns whether one of them may have been about the module.
    pub(crate) fn take(&self) -> Result<bool> {
        self.0
            .take(is_about_module)
            .context("cannot read the kernel's uevents")
    }
}

impl AsFd for News {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether a uevent says that the module has come or gone.
fn is_about_module(uevent: &[u8]) -> bool {
    uevent
        .split(|&byte| byte == 0)
        .any(|field| field == b"DEVPATH=/module/nvme_fence")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_module() {
        for (uevent, expected) in [
            (&b"add@/module/nvme_fence\0ACTION=add\0DEVPATH=/module/nvme_fence\0SUBSYSTEM=module\0"[..], true),
            (b"add@/module/nvme_fence_x\0ACTION=add\0DEVPATH=/module/nvme_fence_x\0", false),
            (b"change@/devices/virtual/nvme0\0DEVPATH=/devices/virtual/nvme0\0", false),
            (b"", false),
        ] {
            assert_eq!(is_about_module(uevent), expected);
        }
    }
}
