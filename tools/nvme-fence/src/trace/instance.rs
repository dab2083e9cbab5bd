// SPDX-License-Identifier: GPL-2.0
//! A trace buffer of our own, which disturbs nobody else's tracing.

use anyhow::{bail, Context, Result};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crate::cli::EventArgs;
use crate::host::Host;
use crate::missing;
use crate::sysfs::attribute;

/// Only I/O commands that `report` can use: write, write zeroes, dataset management.
const WRITES: &str = "qid > 0 && (opcode == 1 || opcode == 8 || opcode == 9)";

/// A tracefs instance. Exists as long as this value does.
pub(crate) struct Instance {
    /// Its directory.
    path: PathBuf,
}

impl Instance {
    /// Makes an instance. It records nothing yet.
    pub(crate) fn create(host: &Host) -> Result<Self> {
        if let Some(missing) = missing::module(host) {
            bail!(missing);
        }
        let tracefs = host.tracefs()?;
        if !tracefs.join("events/nvme_fence").is_dir() {
            bail!("the module nvme_fence has no trace events: the kernel was built without them");
        }
        let name = format!("nvme-fence-{}", std::process::id());
        let path = tracefs.join("instances").join(name);
        fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let instance = Self { path };
        // The module's own times are on this clock.
        attribute::write(&instance.path.join("trace_clock"), "mono")?;
        Ok(instance)
    }

    /// Opens the reading end; reads from it do not block.
    pub(crate) fn open_pipe(&self) -> Result<File> {
        let path = self.path.join("trace_pipe");
        OpenOptions::new()
            .read(true)
            .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))
    }

    /// Begins to record.
    pub(crate) fn start(&self, events: &EventArgs) -> Result<()> {
        if events.all_io {
            let setup = self.path.join("events/nvme/nvme_setup_cmd");
            attribute::write(&setup.join("filter"), WRITES)?;
            attribute::write(&setup.join("enable"), "1")?;
        }
        attribute::write(&self.path.join("events/nvme_fence/enable"), "1")
    }

    /// Stops recording. What has been recorded can still be read.
    pub(crate) fn stop(&self) -> Result<()> {
        attribute::write(&self.path.join("tracing_on"), "0")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.path) {
            eprintln!("nvme-fence: cannot remove {}: {error}", self.path.display());
        }
    }
}
