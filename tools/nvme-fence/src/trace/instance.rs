// SPDX-License-Identifier: GPL-2.0
//! A trace buffer of our own, which disturbs nobody else's tracing.

use anyhow::{bail, Context, Result};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::cli::EventArgs;
use crate::host::Host;
use crate::missing;
use crate::sysfs::attribute;

/// Only I/O commands that `report` can use: write, write zeroes, dataset management.
const WRITES: &str = "qid > 0 && (opcode == 1 || opcode == 8 || opcode == 9)";

/// How the names of our instances begin. The rest is the number of the process.
const PREFIX: &str = "nvme-fence-";

/// A tracefs instance. Exists as long as this value does.
pub(crate) struct Instance {
    /// Its directory.
    path: PathBuf,
    /// Whether the module's events were there when we last looked.
    hears_module: bool,
}

impl Instance {
    /// Makes an instance for the module's events. It records nothing yet.
    pub(crate) fn create(host: &Host) -> Result<Self> {
        if let Some(missing) = missing::module(host) {
            bail!(missing);
        }
        if !host.tracefs()?.join("events/nvme_fence").is_dir() {
            bail!("the module nvme_fence has no trace events: the kernel was built without them");
        }
        let mut instance = Self::create_bare(host)?;
        instance.hears_module = true;
        Ok(instance)
    }

    /// Makes an instance for the events of any kernel. It records nothing yet.
    pub(crate) fn create_bare(host: &Host) -> Result<Self> {
        let instances = host.tracefs()?.join("instances");
        clear_up(host, &instances);
        let path = instances.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&path).map_err(|error| {
            attribute::advise(error, &format!("cannot create {}", path.display()))
        })?;
        let instance = Self {
            path,
            hears_module: false,
        };
        // The module's own times are on this clock.
        attribute::write(&instance.path.join("trace_clock"), "mono")?;
        Ok(instance)
    }

    /// Its directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the reading end; reads from it do not block.
    pub(crate) fn open_pipe(&self) -> Result<File> {
        open_nonblocking(&self.path.join("trace_pipe"))
    }

    /// Begins to record.
    pub(crate) fn start(&self, events: &EventArgs) -> Result<()> {
        if events.all_io {
            let setup = self.path.join("events/nvme/nvme_setup_cmd");
            attribute::write(&setup.join("filter"), WRITES)?;
            attribute::write(&setup.join("enable"), "1")?;
        }
        attribute::write(&self.module_events(), "1")
    }

    /// What switches the module's events on. It goes with the module, and comes back switched off.
    fn module_events(&self) -> PathBuf {
        self.path.join("events/nvme_fence/enable")
    }

    /// Sees whether the module has gone or come, and switches its events on if it has come. Returns
    /// what there is to say about it.
    pub(crate) fn look_for_module(&mut self) -> Option<&'static str> {
        let state = attribute::read(&self.module_events());
        match (self.hears_module, state.as_deref()) {
            (true, Err(_)) => {
                self.hears_module = false;
                Some("the module nvme_fence was unloaded: nothing to record until it is loaded")
            }
            (false, Err(_)) => None,
            // It may have gone and come between two looks.
            (true, Ok(state)) if state != "0" => None,
            (_, Ok(_)) => {
                // If it goes again at this moment, that will be announced as well.
                self.hears_module = attribute::write(&self.module_events(), "1").is_ok();
                self.hears_module.then_some(
                    "the module nvme_fence was loaded anew: what it did until now is missing",
                )
            }
        }
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

/// Opens a file; reads from it do not block.
pub(crate) fn open_nonblocking(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits())
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

/// Removes the instances of processes that were killed. They would record for ever.
fn clear_up(host: &Host, instances: &Path) {
    for entry in instances.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let Some(process) = process.and_then(|number| number.parse::<u32>().ok()) else {
            continue;
        };
        if host.proc(&process.to_string()).exists() {
            continue;
        }
        // That of a process that only seems to be dead, as from a container, is in use: it stays.
        if fs::remove_dir(entry.path()).is_ok() {
            eprintln!("nvme-fence: removed the trace instance that process {process} left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hears_the_module_again() {
        let directory = tempfile::tempdir().unwrap();
        let events = directory.path().join("events/nvme_fence");
        let enable = events.join("enable");
        let load = || {
            fs::create_dir_all(&events).unwrap();
            fs::write(&enable, "0\n").unwrap();
        };
        let mut instance = Instance {
            path: directory.path().to_owned(),
            hears_module: true,
        };
        load();
        fs::write(&enable, "1\n").unwrap();
        assert_eq!(instance.look_for_module(), None);
        for _ in 0..2 {
            fs::remove_dir_all(&events).unwrap();
            let notice = instance.look_for_module().unwrap();
            assert!(notice.contains("unloaded"), "{notice}");
            assert_eq!(instance.look_for_module(), None);
            load();
            let notice = instance.look_for_module().unwrap();
            assert!(notice.contains("loaded anew"), "{notice}");
            assert_eq!(fs::read_to_string(&enable).unwrap(), "1");
            assert_eq!(instance.look_for_module(), None);
        }
        // Both between two looks.
        load();
        assert!(instance.look_for_module().unwrap().contains("loaded anew"));
        // There is nothing in tracefs that this process made.
        std::mem::forget(instance);
    }

    #[test]
    fn what_the_dead_left_behind_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let host = Host::below(root.path());
        fs::create_dir_all(host.proc("7")).unwrap();
        let instances = root.path().join("instances");
        for name in [
            "nvme-fence-7",
            "nvme-fence-8",
            "nvme-fence-9",
            "nvme-fence-x",
            "mine",
        ] {
            fs::create_dir_all(instances.join(name)).unwrap();
        }
        // Not to be removed, as one that is in use.
        fs::write(instances.join("nvme-fence-9/open"), "").unwrap();
        clear_up(&host, &instances);
        let mut left: Vec<_> = instances
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(
            left,
            ["mine", "nvme-fence-7", "nvme-fence-9", "nvme-fence-x"]
        );
    }
}
