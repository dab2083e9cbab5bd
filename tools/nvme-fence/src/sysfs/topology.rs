// SPDX-License-Identifier: GPL-2.0
//! The subsystems of this host and their controllers.

use anyhow::{Context, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::attribute;
use crate::host::Host;

/// What nvme-core calls an NVM subsystem. Known by its name only: whatever else is read may be gone
/// by then, and what goes must not be in the way of what is asked about another one.
#[derive(Clone, Debug)]
pub(crate) struct Subsystem {
    /// nvme-subsysX
    pub(crate) name: String,
    /// Its directory in sysfs.
    path: PathBuf,
}

impl Subsystem {
    /// Whether it is still there.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Its directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How it spreads commands over its paths; `None` = the kernel has no multipath.
    pub(crate) fn iopolicy(&self) -> Result<Option<String>> {
        attribute::read_if_there(&self.path.join("iopolicy"))
    }

    /// The serial number that its controllers report.
    pub(crate) fn serial(&self) -> Result<Option<String>> {
        attribute::read_if_there(&self.path.join("serial"))
    }

    /// The model number that its controllers report.
    pub(crate) fn model(&self) -> Result<Option<String>> {
        attribute::read_if_there(&self.path.join("model"))
    }

    /// Its qualified name. Unique for all but discovery subsystems.
    pub(crate) fn nqn(&self) -> Result<String> {
        attribute::read(&self.path.join("subsysnqn"))
    }

    /// The names of its controllers, in their numbers' order.
    pub(crate) fn controllers(&self) -> Result<Vec<String>> {
        // The directory also has namespaces (nvmeXnY): only a bare number is a controller.
        numbered_entries(&self.path, "nvme")
    }

    /// Whether it lists this controller. The list may be longer than the controller's life.
    pub(crate) fn lists(&self, controller: &str) -> bool {
        self.controller(controller).symlink_metadata().is_ok()
    }

    /// Where the module keeps this subsystem's knobs.
    pub(crate) fn fence(&self) -> PathBuf {
        self.path.join("fence")
    }

    /// Where the module counts for all controllers of this subsystem, those that are gone included.
    pub(crate) fn totals(&self) -> PathBuf {
        self.fence().join("totals")
    }

    /// Where sysfs keeps a controller of this subsystem.
    pub(crate) fn controller(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// All subsystems, in their numbers' order.
pub(crate) fn subsystems(host: &Host) -> Result<Vec<Subsystem>> {
    let class = host.sysfs("class/nvme-subsystem");
    let subsystem = |name| Subsystem {
        path: class.join(&name),
        name,
    };
    let names = numbered_entries(&class, "nvme-subsys")?;
    Ok(names.into_iter().map(subsystem).collect())
}

/// The entries of a directory that are `prefix` and a number, in the numbers' order.
fn numbered_entries(directory: &Path, prefix: &str) -> Result<Vec<String>> {
    let context = || format!("cannot read {}", directory.display());
    let entries = match directory.read_dir() {
        // nvme-core is not there.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(context)?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.with_context(context)?.file_name();
        numbers.extend(name.to_str().and_then(|name| number(name, prefix)));
    }
    numbers.sort_unstable();
    Ok(numbers
        .into_iter()
        .map(|number| format!("{prefix}{number}"))
        .collect())
}

/// The number in a name that consists of `prefix` and a number.
pub(crate) fn number(name: &str, prefix: &str) -> Option<u32> {
    let digits = name.strip_prefix(prefix)?;
    // parse() would accept a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (name, expected) in [
            ("nvme0", Some(0)),
            ("nvme12", Some(12)),
            ("nvme", None),
            ("nvme+1", None),
            ("nvme0n1", None),
            ("nvme-subsys0", None),
        ] {
            assert_eq!(number(name, "nvme"), expected, "{name}");
        }
    }

    #[test]
    fn no_nvme_core_is_no_subsystem() {
        let root = tempfile::tempdir().unwrap();
        assert!(subsystems(&Host::below(root.path())).unwrap().is_empty());
    }
}
