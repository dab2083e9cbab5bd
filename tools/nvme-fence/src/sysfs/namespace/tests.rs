// SPDX-License-Identifier: GPL-2.0
//! Trees made up after the sources of nvme-core; none was taken from a machine.

use super::*;
use crate::host::Host;
use crate::sysfs::topology::subsystems;
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

const SUBSYSTEM: &str = "sys/class/nvme-subsystem/nvme-subsys3";
const UUID: &str = "6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a01";
const NGUID: &str = "00112233-4455-6677-8899-aabbccddeeff";

/// A host with subsystem 3 and its controllers 0 (live) and 1 (connecting).
fn host() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (controller, state) in [("nvme0", "live"), ("nvme1", "connecting")] {
        let directory = format!("sys/devices/{controller}");
        put(&root, &directory, &[("state", state)]);
        fs::create_dir_all(root.path().join(SUBSYSTEM)).unwrap();
        let link = root.path().join(SUBSYSTEM).join(controller);
        symlink(root.path().join(directory), link).unwrap();
    }
    root
}

/// Puts attributes into a directory.
fn put(root: &TempDir, directory: &str, attributes: &[(&str, &str)]) {
    let directory = root.path().join(directory);
    fs::create_dir_all(&directory).unwrap();
    for (name, text) in attributes {
        fs::write(directory.join(name), format!("{text}\n")).unwrap();
    }
}

/// What is read there.
fn read_all(root: &TempDir) -> Namespaces {
    let all = subsystems(&Host::below(root.path())).unwrap();
    namespaces(&all[0])
}

/// The names that most arrays give.
fn named(nsid: &'static str) -> [(&'static str, &'static str); 4] {
    [
        ("nsid", nsid),
        ("wwid", "uuid.6e1ad4a3-0f83-4b3e-9f7a-6b1f0c1c9a01"),
        ("uuid", UUID),
        ("size", "2048"),
    ]
}

#[test]
fn names_of_disks() {
    let disk = |instance, controller, namespace| {
        Ok(DiskName {
            instance,
            namespace,
            controller,
        })
    };
    for (name, expected) in [
        ("nvme3n1", disk(3, None, 1)),
        ("nvme3c10n12", disk(3, Some(10), 12)),
        ("nvme3", Err(())),
        ("nvme3n1p1", Err(())),
        ("nvme3c1", Err(())),
        ("nvme3cn1", Err(())),
        ("nvmen1", Err(())),
        ("ng3n1", Err(())),
        ("nvme-subsys3", Err(())),
    ] {
        assert_eq!(name.parse(), expected, "{name}");
    }
    assert_eq!(
        "nvme3c10n12".parse::<DiskName>().unwrap().namespace(),
        "nvme3n12"
    );
}

#[test]
fn paths_are_below_their_controllers() {
    let root = host();
    put(&root, &format!("{SUBSYSTEM}/nvme3n1"), &named("7"));
    put(&root, &format!("{SUBSYSTEM}/ng3n1"), &[]);
    for (disk, ana_state) in [
        ("sys/devices/nvme0/nvme3c0n1", "non-optimized"),
        ("sys/devices/nvme1/nvme3c1n1", "optimized"),
    ] {
        put(&root, disk, &named("7"));
        put(&root, disk, &[("ana_state", ana_state), ("ana_grpid", "5")]);
    }
    // Of 7.2 and later.
    put(&root, &format!("{SUBSYSTEM}/nvme3n1/multipath"), &[]);
    let Namespaces { found, errors } = read_all(&root);
    assert_eq!(errors, [""; 0]);
    let [namespace] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(namespace.name, "nvme3n1");
    assert!(namespace
        .disk
        .as_ref()
        .unwrap()
        .ends_with("nvme-subsys3/nvme3n1"));
    assert_eq!(namespace.identifiers.nsid, Some(7));
    assert_eq!(namespace.identifiers.uuid.as_deref(), Some(UUID));
    assert_eq!(namespace.identifiers.nguid, None);
    assert_eq!(namespace.size_bytes, Some(1 << 20));
    let states: Vec<_> = namespace
        .paths
        .iter()
        .map(|p| {
            (
                p.name.as_str(),
                p.controller.as_str(),
                p.is_usable(),
                p.is_optimized(),
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            ("nvme3c0n1", "nvme0", true, false),
            ("nvme3c1n1", "nvme1", false, false)
        ]
    );
    assert_eq!(namespace.paths[0].ana_grpid, Some(5));
}

#[test]
fn without_multipath_a_namespace_is_its_own_path() {
    let root = host();
    put(&root, "sys/devices/nvme0/nvme0n1", &named("1"));
    put(&root, "sys/devices/nvme1/nvme1n1", &named("1"));
    let found = read_all(&root).found;
    let seen: Vec<_> = found
        .iter()
        .map(|n| (n.name.as_str(), n.disk.is_some(), n.paths[0].is_optimized()))
        .collect();
    assert_eq!(seen, [("nvme0n1", true, true), ("nvme1n1", true, false)]);
}

#[test]
fn a_namespace_without_a_disk_is_known_by_its_paths() {
    let root = host();
    let path = "sys/devices/nvme0/nvme3c0n2";
    put(&root, path, &named("2"));
    put(&root, path, &[("ana_state", "inaccessible")]);
    let found = read_all(&root).found;
    assert_eq!(found[0].name, "nvme3n2");
    assert_eq!(found[0].disk, None);
    assert_eq!(found[0].identifiers.nsid, Some(2));
    assert!(!found[0].paths[0].is_usable());
}

#[test]
fn a_namespace_may_outlive_its_paths() {
    let root = host();
    put(&root, &format!("{SUBSYSTEM}/nvme3n1"), &named("1"));
    let found = read_all(&root).found;
    assert!(found[0].disk.is_some());
    assert!(found[0].paths.is_empty());
}

#[test]
fn what_only_repeats_the_nguid_is_no_uuid() {
    let root = host();
    let head = format!("{SUBSYSTEM}/nvme3n1");
    let attributes = [
        ("nsid", "1"),
        ("uuid", NGUID),
        ("nguid", NGUID),
        ("eui", "00 25 38 b1 23 45 67 89"),
        ("wwid", "eui.00112233445566778899aabbccddeeff"),
    ];
    put(&root, &head, &attributes);
    let identifiers = read_all(&root).found.remove(0).identifiers;
    assert_eq!(identifiers.uuid, None);
    assert_eq!(identifiers.nguid.as_deref(), Some(NGUID));
    assert_eq!(identifiers.eui64.as_deref(), Some("002538b123456789"));
    // Whoever gave the same number to both has a UUID.
    put(&root, &head, &[("wwid", &format!("uuid.{NGUID}"))]);
    let identifiers = read_all(&root).found.remove(0).identifiers;
    assert_eq!(identifiers.uuid.as_deref(), Some(NGUID));
}

#[test]
fn what_is_broken_is_noted_and_the_rest_is_read() {
    let root = host();
    put(&root, &format!("{SUBSYSTEM}/nvme3n1"), &named("seven"));
    put(&root, &format!("{SUBSYSTEM}/nvme3n2"), &named("2"));
    let found = read_all(&root).found;
    assert_eq!(found.len(), 2);
    assert!(found[0].errors[0].contains("`seven` is not the number"));
    assert_eq!(found[0].size_bytes, Some(1 << 20));
    assert_eq!(found[1].errors, [""; 0]);
    assert_eq!(found[1].identifiers.nsid, Some(2));
}

#[test]
fn a_controller_that_is_gone_has_no_paths() {
    let root = host();
    put(&root, &format!("{SUBSYSTEM}/nvme3n1"), &named("1"));
    put(&root, "sys/devices/nvme0/nvme3c0n1", &named("1"));
    // Its link is taken away later than its directory.
    fs::remove_dir_all(root.path().join("sys/devices/nvme1")).unwrap();
    let Namespaces { found, errors } = read_all(&root);
    assert_eq!(errors, [""; 0]);
    assert_eq!(found[0].paths.len(), 1);
}
