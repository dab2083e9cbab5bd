// SPDX-License-Identifier: GPL-2.0
//! Who uses a disk or one of its partitions, as far as sysfs and procfs tell.

use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};

use super::mounts::{self, Mount};
use super::Reason;
use crate::host::Host;
use crate::sysfs::attribute;
use crate::sysfs::namespace::Namespace;
use crate::sysfs::part::{self, noted};

/// What of this host can use disks.
pub(super) struct System<'a> {
    /// Where the rest is looked up.
    host: &'a Host,
    /// All mounted file systems.
    mounts: Vec<Mount>,
    /// The names of block devices that are swapped to.
    swaps: Vec<String>,
}

impl<'a> System<'a> {
    /// Reads what is to be read once.
    pub(super) fn read(host: &'a Host, errors: &mut Vec<String>) -> Self {
        let swaps = noted(swaps(host).map(Some), errors);
        Self {
            host,
            mounts: mounts::read(host, errors),
            swaps: swaps.unwrap_or_default(),
        }
    }

    /// Who uses a namespace. One that has no disk is used by nobody.
    pub(super) fn uses(&self, namespace: &Namespace, errors: &mut Vec<String>) -> Vec<Reason> {
        let Some(disk) = &namespace.disk else {
            return Vec::new();
        };
        let present = || disk.exists();
        let mut devices = vec![(namespace.name.clone(), disk.clone())];
        let partitions = part::read(present, || partitions(&namespace.name, disk));
        devices.extend(noted(partitions, errors).unwrap_or_default());
        let mut reasons = Vec::new();
        for (name, directory) in devices {
            let found = part::read(|| directory.exists(), || self.of_device(&name, &directory));
            reasons.extend(noted(found, errors).unwrap_or_default());
        }
        reasons
    }

    /// Who uses a disk or partition itself.
    fn of_device(&self, name: &str, directory: &Path) -> Result<Vec<Reason>> {
        let reason = |code, text: String, advice: String| Reason {
            code,
            object: name.to_owned(),
            text,
            advice,
        };
        let mut reasons = Vec::new();
        let number = attribute::read(&directory.join("dev"))?;
        for mount in self
            .mounts
            .iter()
            .filter(|mount| mount.is_of(name, &number))
        {
            let point = &mount.point;
            let quoted = quoted(point);
            let (place, advice) = match mount.process {
                None => (String::new(), format!("umount {quoted}")),
                Some(process) => (
                    format!(" in the mount namespace of process {process}"),
                    format!("nsenter -t {process} -m umount {quoted}, or end what uses it"),
                ),
            };
            reasons.push(reason(
                "mounted",
                format!("mounted at {point}{place}"),
                advice,
            ));
        }
        if self.swaps.iter().any(|swap| swap == name) {
            let node = self.host.dev(name);
            let advice = format!("swapoff {}", node.display());
            reasons.push(reason("swap", "used as swap".to_owned(), advice));
        }
        for holder in names_if_there(&directory.join("holders"))? {
            let (text, advice) = self.holder(&holder)?;
            reasons.push(reason("holder", text, advice));
        }
        for uuid in names_if_there(&self.host.sysfs("fs/btrfs"))? {
            let devices = self.host.sysfs("fs/btrfs").join(&uuid).join("devices");
            if devices.join(name).symlink_metadata().is_ok() {
                let advice = "umount it, or remove the device from it (btrfs device remove)";
                reasons.push(reason(
                    "btrfs",
                    format!("part of the btrfs {uuid}"),
                    advice.to_owned(),
                ));
            }
        }
        Ok(reasons)
    }

    /// A block device on top of another one, and how it is taken down.
    fn holder(&self, holder: &str) -> Result<(String, String)> {
        let directory = self.host.sysfs("class/block").join(holder);
        let mapped = attribute::read_if_there(&directory.join("dm/name"))?;
        Ok(match mapped {
            Some(name) => (
                format!("used by {holder} ({name})"),
                format!(
                    "dmsetup remove {name}, or the tool that made it (lvchange -an, multipath -f)"
                ),
            ),
            None if holder.starts_with("md") => (
                format!("used by {holder}"),
                format!("mdadm --stop {}", self.host.dev(holder).display()),
            ),
            None => (
                format!("used by {holder}"),
                format!("take {holder} down first"),
            ),
        })
    }
}

/// The partitions of a disk and their directories.
fn partitions(disk: &str, directory: &Path) -> Result<Vec<(String, PathBuf)>> {
    let prefix = format!("{disk}p");
    let mut partitions: Vec<_> = part::names(directory)?
        .into_iter()
        .filter(|name| name.starts_with(&prefix))
        .map(|name| (name.clone(), directory.join(name)))
        .filter(|(_, directory)| directory.join("partition").exists())
        .collect();
    partitions.sort();
    Ok(partitions)
}

/// The names in a directory that not every device has, or not every kernel.
fn names_if_there(directory: &Path) -> Result<Vec<String>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut names = part::names(directory)?;
    names.sort();
    Ok(names)
}

/// The block devices in /proc/swaps. A kernel without swap has no such file.
fn swaps(host: &Host) -> Result<Vec<String>> {
    let text = attribute::read_if_there(&host.proc("swaps"))?.unwrap_or_default();
    // "Filename Type Size Used Priority", and a line for each.
    let files = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next());
    Ok(files.map(block_device).collect())
}

/// A path as a shell takes it, since whoever mounts something chooses its name.
fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@,".contains(c);
    if path.chars().all(is_plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

/// The name of the block device at a path, which may be a link.
pub(super) fn block_device(path: &str) -> String {
    let followed = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let name = followed.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_shells() {
        for (path, word) in [
            ("/srv/data-1", "/srv/data-1"),
            ("/srv/a b", "'/srv/a b'"),
            ("/srv/$(x)", "'/srv/$(x)'"),
            ("/srv/it's", r"'/srv/it'\''s'"),
        ] {
            assert_eq!(quoted(path), word);
        }
    }
}
