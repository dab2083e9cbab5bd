// SPDX-License-Identifier: GPL-2.0
//! What controllers that were removed still hold: `removed/` in the directory of the module.

use anyhow::Result;
use std::path::PathBuf;

use super::held::Held;
use super::part;
use crate::host::Host;

/// Where it is.
pub(crate) fn directory(host: &Host) -> PathBuf {
    host.sysfs("module/nvme_fence/removed")
}

/// Reads what they hold, in sum; `None` = the module is not loaded, or is one that does not tell.
pub(crate) fn read(host: &Host) -> Result<Option<Held>> {
    let directory = directory(host);
    part::read(|| directory.is_dir(), || Held::read(&directory))
}
