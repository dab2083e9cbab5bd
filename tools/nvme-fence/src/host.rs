// SPDX-License-Identifier: GPL-2.0
//! Where this host's kernel can be talked to.

use anyhow::{bail, Result};
use std::path::PathBuf;

/// The mount points of the kernel's file systems. Tests put trees of their own here.
pub(crate) struct Host {
    /// Where sysfs is.
    sysfs: PathBuf,
    /// Where procfs is.
    proc: PathBuf,
    /// Where the device nodes are.
    dev: PathBuf,
}

impl Host {
    /// The usual places, unless the environment names others.
    pub(crate) fn from_environment() -> Self {
        let place = |variable, usual: &str| {
            std::env::var_os(variable).map_or_else(|| PathBuf::from(usual), PathBuf::from)
        };
        Self {
            sysfs: place("NVME_FENCE_SYSFS", "/sys"),
            proc: place("NVME_FENCE_PROC", "/proc"),
            dev: place("NVME_FENCE_DEV", "/dev"),
        }
    }

    /// A host whose file systems lie below `root`.
    #[cfg(test)]
    pub(crate) fn below(root: &std::path::Path) -> Self {
        Self {
            sysfs: root.join("sys"),
            proc: root.join("proc"),
            dev: root.join("dev"),
        }
    }

    /// A path in sysfs.
    pub(crate) fn sysfs(&self, path: &str) -> PathBuf {
        self.sysfs.join(path)
    }

    /// A path in procfs.
    pub(crate) fn proc(&self, path: &str) -> PathBuf {
        self.proc.join(path)
    }

    /// The path of a device node, or of a link to one.
    pub(crate) fn dev(&self, path: &str) -> PathBuf {
        self.dev.join(path)
    }

    /// The device node of a disk, if it has one.
    pub(crate) fn node(&self, disk: &str) -> Option<String> {
        let path = self.dev(disk);
        path.exists().then(|| path.display().to_string())
    }

    /// The root of tracefs.
    pub(crate) fn tracefs(&self) -> Result<PathBuf> {
        // The second place is where it was before tracefs had a mount point of its own.
        for place in ["kernel/tracing", "kernel/debug/tracing"] {
            let root = self.sysfs(place);
            if root.join("instances").is_dir() {
                return Ok(root);
            }
        }
        bail!(
            "no tracefs that this user can read: mount -t tracefs tracefs {}, and run this as root",
            self.sysfs("kernel/tracing").display()
        )
    }
}
