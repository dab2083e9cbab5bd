// SPDX-License-Identifier: GPL-2.0
//! What controllers that were removed still hold: `removed/` in the directory of the module.

use anyhow::Result;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

use super::attribute;
use crate::host::Host;
use crate::units::{Bytes, Count, Milliseconds};

/// Where it is.
pub(crate) fn directory(host: &Host) -> PathBuf {
    host.sysfs("module/nvme_fence/removed")
}

/// What they hold, in sum.
#[derive(Debug, Serialize)]
pub(crate) struct Removed {
    /// The commands held now.
    pub(crate) held: u64,
    /// Their bytes.
    pub(crate) held_bytes: u64,
    /// How long until time has fenced the last record; `None` = time will not.
    pub(crate) deadline_ms: Option<u64>,
}

impl Removed {
    /// Reads it; `None` = the module is not loaded, or is one that does not tell.
    pub(crate) fn read(host: &Host) -> Result<Option<Self>> {
        let directory = directory(host);
        directory
            .is_dir()
            .then(|| Self::read_from(&directory))
            .transpose()
    }

    /// Reads it from its directory.
    fn read_from(directory: &Path) -> Result<Self> {
        Ok(Self {
            held: attribute::read_number(&directory.join("held"))?,
            held_bytes: attribute::read_number(&directory.join("held_bytes"))?,
            deadline_ms: attribute::read_optional_number(&directory.join("deadline_ms"))?,
        })
    }
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = Count(self.held, "command");
        write!(f, "{held} held, {}", Bytes(self.held_bytes))?;
        match self.deadline_ms.map(Milliseconds) {
            Some(left) => write!(f, ", fenced by time in {left}"),
            None => write!(f, ", time will not fence it"),
        }
    }
}
