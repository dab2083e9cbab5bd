// SPDX-License-Identifier: GPL-2.0
//! The disk that is measured.

use anyhow::{bail, Context, Result};
use std::path::Path;

use crate::find::Wanted;
use crate::host::Host;
use crate::sysfs::attribute;
use crate::sysfs::namespace::namespaces;
use crate::sysfs::part;
use crate::sysfs::topology::{subsystems, Subsystem};

/// A namespace as a disk of this host.
pub(crate) struct Disk {
    /// The subsystem of the namespace.
    pub(crate) subsystem: Subsystem,
    /// nvmeXnY
    pub(crate) name: String,
    /// What the kernel calls it in events: its number, and then those of its partitions.
    pub(crate) numbers: Vec<u32>,
    /// Whether it has paths that are disks of their own.
    pub(crate) multipath: bool,
}

impl Disk {
    /// Finds the one disk of a name.
    pub(crate) fn find(host: &Host, wanted: &Wanted) -> Result<Self> {
        let target = wanted.target();
        let mut found = Vec::new();
        for subsystem in subsystems(host)? {
            let nqn = subsystem.nqn().ok();
            let serial = subsystem.serial().ok().flatten();
            let all_of_it = target.is_subsystem(&subsystem, nqn.as_deref(), serial.as_deref());
            for namespace in namespaces(&subsystem).found {
                if all_of_it || target.is_namespace(&namespace) {
                    found.push((subsystem.clone(), namespace));
                }
            }
        }
        if found.len() > 1 {
            let names: Vec<&str> = found.iter().map(|(_, n)| n.name.as_str()).collect();
            let names = names.join(", ");
            bail!("{wanted} is the name of several: say which of {names}");
        }
        let missing = || format!("there is no namespace {wanted} on this host");
        let (subsystem, namespace) = found.pop().with_context(missing)?;
        let name = namespace.name;
        let missing = || format!("{name} has no disk: none of its paths could be used so far");
        let directory = namespace.disk.with_context(missing)?;
        Ok(Self {
            numbers: numbers(&directory, &name)?,
            multipath: namespace.paths.iter().any(|path| path.name != name),
            subsystem,
            name,
        })
    }
}

/// The numbers of a disk and of its partitions.
fn numbers(directory: &Path, name: &str) -> Result<Vec<u32>> {
    let mut numbers = vec![number(directory)?];
    for entry in part::names(directory)? {
        let is_partition = entry.strip_prefix(name).is_some_and(|p| p.starts_with('p'));
        if is_partition {
            numbers.push(number(&directory.join(entry))?);
        }
    }
    Ok(numbers)
}

/// The number of a block device as the kernel has it: `259:1` is 259 << 20 | 1.
fn number(directory: &Path) -> Result<u32> {
    let path = directory.join("dev");
    let text = attribute::read(&path)?;
    let number = || -> Option<u32> {
        let (major, minor) = text.split_once(':')?;
        let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
        Some(major << 20 | minor)
    };
    number().with_context(|| format!("{}: `{text}` is no device number", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_disk_has_the_numbers_of_its_partitions() {
        let directory = tempfile::tempdir().unwrap();
        for (name, number) in [("", "259:3"), ("nvme0n1p1", "259:4"), ("nvme0n1x", "1:1")] {
            let directory = directory.path().join(name);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("dev"), format!("{number}\n")).unwrap();
        }
        let numbers = numbers(directory.path(), "nvme0n1").unwrap();
        assert_eq!(numbers, [259 << 20 | 3, 259 << 20 | 4]);
    }
}
