// SPDX-License-Identifier: GPL-2.0
//! What lies on top of a disk: maps of dm-multipath.
//!
//! The module covers those that pass on bios, and not those that pass on requests, which is the
//! default of dm-multipath. Nothing in `dm/` of a map says which kind it is (`use_blk_mq` is always
//! 1). But what takes requests is a blk-mq device, and each of these has a directory `mq`; a device
//! that takes bios has none. Read in the source of 7.3.4, and tried there (39-dm-multipath).

use anyhow::Result;
use std::path::Path;

use crate::sysfs::attribute;
use crate::sysfs::part;

/// What the UUID of a map begins with that is one of dm-multipath.
const MULTIPATH: &str = "mpath-";

/// The maps of request-based dm-multipath that hold a disk, by name, in order.
pub(crate) fn request_maps(disk: &Path) -> Result<Vec<String>> {
    let holders = disk.join("holders");
    let names = part::read(|| holders.is_dir(), || part::names(&holders))?;
    let mut maps = Vec::new();
    for name in names.unwrap_or_default() {
        let map = holders.join(&name);
        let uuid = part::read(
            || map.exists(),
            || attribute::read_if_there(&map.join("dm/uuid")),
        )?;
        let is_multipath = uuid
            .flatten()
            .is_some_and(|uuid| uuid.starts_with(MULTIPATH));
        if is_multipath && map.join("mq").is_dir() {
            maps.push(name);
        }
    }
    maps.sort();
    Ok(maps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_what_passes_on_requests_is_meant() {
        let disk = tempfile::tempdir().unwrap();
        assert!(request_maps(disk.path()).unwrap().is_empty());
        for (name, uuid, takes_requests) in [
            ("dm-3", "mpath-a", true),
            ("dm-2", "mpath-b", false),
            ("dm-1", "LVM-c", false),
            ("dm-0", "mpath-d", true),
        ] {
            let map = disk.path().join("holders").join(name);
            fs::create_dir_all(map.join("dm")).unwrap();
            fs::write(map.join("dm/uuid"), uuid).unwrap();
            if takes_requests {
                fs::create_dir(map.join("mq")).unwrap();
            }
        }
        // md has no `dm`.
        fs::create_dir(disk.path().join("holders/md0")).unwrap();
        assert_eq!(request_maps(disk.path()).unwrap(), ["dm-0", "dm-3"]);
    }
}
