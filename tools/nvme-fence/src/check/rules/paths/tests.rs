// SPDX-License-Identifier: GPL-2.0
//! Each finding about paths on a subsystem that has it, and on one that has not.

use super::super::super::address::Address;
use super::super::sample::{self, told};
use super::*;

#[test]
fn without_controllers_it_is_orphaned() {
    let told = told(orphaned, |subsystem| subsystem.paths.clear());
    assert_eq!(
        told[0].command,
        "nvme connect --transport=TRANSPORT --nqn=nqn.2026-01.org.example:array --traddr=ADDRESS"
    );
}

#[test]
fn nothing_live_is_said_once() {
    let told = told(no_path, |subsystem| {
        for path in &mut subsystem.paths {
            path.state = "connecting".to_owned();
        }
        subsystem.namespaces[0].usable = 0;
    });
    assert_eq!(told.len(), 1);
    let states = "no path is live: nvme0 is connecting, nvme1 is connecting";
    assert_eq!(told[0].sentence, states);
}

#[test]
fn namespaces_are_told_apart() {
    let inaccessible = told(no_path, |subsystem| {
        subsystem.namespaces[0].usable = 0;
        subsystem.namespaces[0].optimized = 0;
    });
    assert_eq!(inaccessible[0].objects, ["nvme0n1"]);
    let detour = told(no_optimized_path, |subsystem| {
        subsystem.namespaces[0].optimized = 0
    });
    assert_eq!(detour[0].command, "nvme list-subsys /dev/nvme0n1");
}

#[test]
fn multipath_is_off_or_not() {
    let mut host = sample::host();
    for (multipath, findings) in [(None, 0), (Some(true), 0), (Some(false), 1)] {
        host.multipath = multipath;
        let told = multipath_off(&host, &sample::subsystem());
        assert_eq!(told.len(), findings, "{multipath:?}");
    }
}

#[test]
fn one_path_is_one_that_is_live() {
    let told_of_one = told(one_path, |subsystem| {
        subsystem.paths.pop();
        subsystem.paths[0].transport = "rdma".to_owned();
    });
    assert!(told_of_one[0].sentence.starts_with("it has one path only"));
    assert!(told_of_one[0].command.contains("--transport=rdma"));
    let told_of_two = told(one_path, |subsystem| {
        subsystem.paths[0].state = "connecting".to_owned();
    });
    let sentence = &told_of_two[0].sentence;
    assert!(
        sentence.starts_with("of 2 paths only nvme1 is live"),
        "{sentence}"
    );
}

#[test]
fn ports_are_compared_and_not_paths() {
    let same = |subsystem: &mut SubsystemFacts| {
        let address = subsystem.paths[0].address.clone();
        subsystem.paths[1].address = Address {
            host_traddr: Some("10.0.0.9".to_owned()),
            ..address
        };
    };
    let sentence = &told(one_port, same)[0].sentence;
    assert!(sentence.contains("10.0.0.1 (service 4420)"), "{sentence}");
    // A path that is alone has a finding of its own.
    let alone = told(one_port, |subsystem| drop(subsystem.paths.pop()));
    assert!(alone.is_empty());
    // Of a transport without addresses nothing is known.
    let unknown = told(one_port, |subsystem| {
        for path in &mut subsystem.paths {
            path.address = Address::default();
        }
    });
    assert!(unknown.is_empty());
}

#[test]
fn one_of_two_is_superseded() {
    let address = |subsystem: &mut SubsystemFacts, rest: [&str; 2]| {
        for (path, rest) in subsystem.paths.iter_mut().zip(rest) {
            path.address = Address::parse(&format!("traddr=10.0.0.1,trsvcid=4420{rest}"));
        }
    };
    for (states, addresses, superseded_ones) in [
        (["live", "live"], ["", ""], &["nvme0"][..]),
        (["connecting", "live"], ["", ""], &["nvme0"]),
        (["live", "connecting"], ["", ""], &["nvme1"]),
        (["connecting", "connecting"], ["", ""], &[]),
        // Both live, and only one says where from: two paths.
        (["live", "live"], ["", ",host_iface=a"], &[]),
        (["connecting", "live"], ["", ",host_iface=a"], &["nvme0"]),
        (
            ["connecting", "live"],
            [",host_iface=b", ",host_iface=a"],
            &[],
        ),
    ] {
        let told = told(superseded, |subsystem| {
            address(subsystem, addresses);
            for (path, state) in subsystem.paths.iter_mut().zip(states) {
                path.state = state.to_owned();
            }
        });
        let objects: Vec<_> = told.iter().flat_map(|told| &told.objects).collect();
        assert_eq!(objects, superseded_ones, "{states:?} {addresses:?}");
    }
}
