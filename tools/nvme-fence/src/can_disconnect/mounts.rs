// SPDX-License-Identifier: GPL-2.0
//! The file systems that are mounted: here, and in the mount namespaces of other processes, as of
//! containers. A mount namespace that no process of this PID namespace is in is not seen.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::uses::block_device;
use crate::host::Host;
use crate::sysfs::attribute;
use crate::sysfs::part::{self, noted};
use crate::units::Count;

/// One mounted file system.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// A process that sees it; `None` = this one does.
    pub(super) process: Option<u32>,
    /// Where it is, as that process sees it.
    pub(super) point: String,
    /// The block device that it is on, MAJOR:MINOR. Some file systems make one up, as btrfs does.
    number: String,
    /// The name of the block device that was mounted.
    source: String,
}

impl Mount {
    /// Whether it is on a block device.
    pub(super) fn is_of(&self, name: &str, number: &str) -> bool {
        self.number == number || self.source == name
    }
}

/// Reads all mounts that are seen from here. A disk that is mounted at a place in many namespaces is
/// listed for one.
pub(super) fn read(host: &Host, errors: &mut Vec<String>) -> Vec<Mount> {
    let mut seen = BTreeSet::new();
    let mut mounts = Vec::new();
    let own = attribute::read(&host.proc("self/mountinfo"));
    let own = noted(own.map(Some), errors).unwrap_or_default();
    mounts.extend(own.lines().filter_map(|line| parse(line, None)));
    seen.extend(host.proc("self/ns/mnt").read_link());
    let mut hidden = 0;
    for process in processes(host, errors) {
        let directory = host.proc(&process.to_string());
        match namespace_mounts(&directory, &mut seen) {
            Ok(text) => {
                let more = text.lines().filter_map(|line| parse(line, Some(process)));
                mounts.extend(more);
            }
            Err(ErrorKind::PermissionDenied) => hidden += 1,
            // It has ended.
            Err(_) => {}
        }
    }
    if hidden > 0 {
        let programs = Count(hidden, "other program");
        errors.push(format!(
            "cannot see what {programs} may have mounted (run this as root)"
        ));
    }
    let place = |mount: &Mount| {
        (
            mount.point.clone(),
            mount.number.clone(),
            mount.source.clone(),
        )
    };
    mounts.sort_by_cached_key(|mount| (place(mount), mount.process));
    mounts.dedup_by_key(|mount| place(mount));
    mounts
}

/// The numbers of all processes that are seen.
fn processes(host: &Host, errors: &mut Vec<String>) -> BTreeSet<u32> {
    let names = noted(part::names(&host.proc("")).map(Some), errors);
    let numbers = names.unwrap_or_default().into_iter();
    numbers.filter_map(|name| name.parse().ok()).collect()
}

/// The mounts that a process sees, if its mount namespace is not known yet.
fn namespace_mounts(directory: &Path, seen: &mut BTreeSet<PathBuf>) -> Result<String, ErrorKind> {
    let namespace = directory.join("ns/mnt").read_link();
    let namespace = namespace.map_err(|error| error.kind())?;
    if seen.contains(&namespace) {
        return Ok(String::new());
    }
    let bytes = std::fs::read(directory.join("mountinfo")).map_err(|error| error.kind())?;
    seen.insert(namespace);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Takes a line of mountinfo apart; `None` = it is none.
///
/// `36 35 98:0 / /mnt rw,noatime shared:1 - ext3 /dev/root rw`
fn parse(line: &str, process: Option<u32>) -> Option<Mount> {
    let (mount, file_system) = line.split_once(" - ")?;
    let mut mount = mount.split(' ').skip(2);
    let number = mount.next()?.to_owned();
    let point = unescape(mount.nth(1)?);
    let source = unescape(file_system.split(' ').nth(1)?);
    // Others are names that file systems give themselves.
    let source = match source.starts_with('/') {
        true => block_device(&source),
        false => String::new(),
    };
    Some(Mount {
        process,
        point,
        number,
        source,
    })
}

/// Undoes what the kernel does to blanks in paths: a backslash and three octal digits.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let code = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(code.unwrap_or(*first));
        rest = &after[if code.is_some() { 3 } else { 0 }..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_apart() {
        let line = r"36 35 259:3 / /mnt/a\040b rw shared:1 master:2 - ext4 /dev/nvme3n1p1 rw";
        let mount = parse(line, None).unwrap();
        assert_eq!(mount.point, "/mnt/a b");
        assert!(mount.is_of("nvme9n9", "259:3"));
        assert!(mount.is_of("nvme3n1p1", "259:9"));
        assert!(!mount.is_of("nvme3n1", "259:9"));
        let other = parse("22 1 0:21 / /proc rw - proc proc rw", Some(7)).unwrap();
        assert!(!other.is_of("proc", "259:3"));
        assert_eq!(parse("36 35 98:0", None), None);
        assert_eq!(parse("", None), None);
    }

    #[test]
    fn only_what_was_escaped_is_undone() {
        for (text, path) in [
            (r"/a\040b", "/a b"),
            (r"/a\134b", r"/a\b"),
            (r"/a\9", r"/a\9"),
            (r"\", r"\"),
            (r"/\303\244", "/ä"),
        ] {
            assert_eq!(unescape(text), path, "{text}");
        }
    }
}
