// SPDX-License-Identifier: GPL-2.0
//! What is in use is not to be disconnected, and what could not be seen is not free.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::schema::checked;
use fixture::volumes::{Kernel, NQN, SUBSYSTEM};
use fixture::Host;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;

/// The answer for a name: the codes of the reasons with their objects, and the exit status.
fn ask(host: &Host, name: &str) -> (Vec<(String, String)>, Option<i32>) {
    let output = host.run(&["can-disconnect", "-o", "json", name]);
    let answer = checked("can-disconnect-1", &output);
    let code = output.status.code();
    let verdict = answer["verdict"].as_str().unwrap();
    let exit = match verdict {
        "yes" => 0,
        "no" => 4,
        _ => 1,
    };
    assert_eq!(code, Some(exit), "{answer}");
    let reasons = answer["reasons"].as_array().unwrap();
    assert_eq!(verdict == "no", !reasons.is_empty());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let reason = |reason: &Value| (text(&reason["code"]), text(&reason["object"]));
    (reasons.iter().map(reason).collect(), code)
}

/// Reasons as they are compared.
fn reasons(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |&(code, object): &(&str, &str)| (code.to_owned(), object.to_owned());
    expected.iter().map(own).collect()
}

/// Mounts the partition of volume 1.
fn mount(host: &Host, file: &str) {
    let line = "36 22 259:11 / /srv/a\\040b rw - ext4 /dev/nvme0n1p1 rw";
    host.file(file, line);
}

#[test]
fn what_nobody_uses_can_go() {
    for kernel in [Kernel::V5_15, Kernel::V7_3, Kernel::WithoutMultipath] {
        let host = Host::array(kernel);
        for name in [NQN, "nvme-subsys0", "nvme0", "nvme1", "/dev/nvme1"] {
            assert_eq!(
                ask(&host, name),
                (Vec::new(), Some(0)),
                "{kernel:?}: {name}"
            );
        }
    }
}

#[test]
fn what_is_used_needs_a_path() {
    for kernel in Kernel::ALL {
        let host = Host::array(kernel);
        mount(&host, "proc/self/mountinfo");
        // There is another path.
        assert_eq!(ask(&host, "nvme0"), (Vec::new(), Some(0)));
        let mounted = reasons(&[("mounted", "nvme0n1p1")]);
        assert_eq!(ask(&host, NQN), (mounted, Some(4)));
        // There is none that could be used.
        host.state(1, "connecting");
        let last = reasons(&[("last-path", "nvme0n1"), ("mounted", "nvme0n1p1")]);
        assert_eq!(ask(&host, "nvme0"), (last.clone(), Some(4)));
        assert_eq!(ask(&host, "nvme1"), (Vec::new(), Some(0)));
        host.state(1, "live");
        host.ana(1, 1, "inaccessible");
        assert_eq!(ask(&host, "nvme0"), (last, Some(4)));
    }
}

#[test]
fn every_use_is_seen() {
    let host = Host::array(Kernel::V7_3);
    let swaps = format!(
        "Filename Type Size Used Priority\n{} partition 1048572 0 -2",
        host.path("dev/nvme0n1p1").display()
    );
    host.file("proc/swaps", &swaps);
    host.file("sys/class/block/dm-0/dm/name", "vg-lv");
    host.file(&format!("{SUBSYSTEM}/nvme0n1/nvme0n1p1/holders/dm-0"), "");
    host.file(&format!("{SUBSYSTEM}/nvme0n2/holders/md127"), "");
    host.file("sys/fs/btrfs/3f2a/devices/nvme0n2", "");
    let all = [
        ("swap", "nvme0n1p1"),
        ("holder", "nvme0n1p1"),
        ("holder", "nvme0n2"),
        ("btrfs", "nvme0n2"),
    ];
    assert_eq!(ask(&host, NQN), (reasons(&all), Some(4)));
    let output = host.run(&["can-disconnect", NQN]);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in [
        "nvme-subsys0: must not be disconnected",
        "holder nvme0n1p1: used by dm-0 (vg-lv); dmsetup remove vg-lv, or ",
        "holder nvme0n2: used by md127; mdadm --stop ",
        "swap nvme0n1p1: used as swap; swapoff ",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn containers_mount_too() {
    let host = Host::array(Kernel::V7_3);
    for (process, namespace) in [("self", "mnt:[1]"), ("7", "mnt:[1]"), ("8", "mnt:[2]")] {
        fs::create_dir_all(host.path(&format!("proc/{process}/ns"))).unwrap();
        let link = host.path(&format!("proc/{process}/ns/mnt"));
        symlink(namespace, link).unwrap();
    }
    assert_eq!(ask(&host, NQN), (Vec::new(), Some(0)));
    mount(&host, "proc/8/mountinfo");
    let mounted = reasons(&[("mounted", "nvme0n1p1")]);
    assert_eq!(ask(&host, NQN), (mounted, Some(4)));
    let output = host.run(&["can-disconnect", NQN]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = "mounted at /srv/a b in the mount namespace of process 8; nsenter -t 8 ";
    assert!(text.contains(line), "{text}");
}

#[test]
fn what_is_held_stays() {
    let host = Host::array(Kernel::V7_3);
    let fence = "sys/class/nvme/nvme0/fence";
    let hold = |held: &str| {
        host.file(&format!("{fence}/held"), held);
        host.file(&format!("{fence}/held_bytes"), "4096");
        host.file(&format!("{fence}/deadline_ms"), "none");
    };
    hold("1");
    for name in ["nvme0", NQN] {
        assert_eq!(ask(&host, name), (reasons(&[("held", "nvme0")]), Some(4)));
    }
    assert_eq!(ask(&host, "nvme1"), (Vec::new(), Some(0)));
    hold("0");
    assert_eq!(ask(&host, NQN), (Vec::new(), Some(0)));
    // It is not known whose.
    host.removed(2, "none");
    assert_eq!(ask(&host, NQN).1, Some(1));
    assert_eq!(ask(&host, "nvme0").1, Some(0));
}

#[test]
fn what_is_tracked_stays() {
    let host = Host::array(Kernel::V7_3);
    let fence = "sys/class/nvme/nvme0/fence";
    let track = |held: &str, tracked: &str| {
        for (name, text) in [
            ("held", held),
            ("held_bytes", "0"),
            ("deadline_ms", "7"),
            ("tracked", tracked),
            ("tracked_blocks", "8"),
            ("waiting", held),
        ] {
            host.file(&format!("{fence}/{name}"), text);
        }
    };
    track("0", "1");
    for name in ["nvme0", NQN] {
        let tracked = reasons(&[("tracked", "nvme0")]);
        assert_eq!(ask(&host, name), (tracked, Some(4)));
    }
    assert_eq!(ask(&host, "nvme1"), (Vec::new(), Some(0)));
    // A newer one waits.
    track("1", "1");
    assert_eq!(ask(&host, NQN), (reasons(&[("held", "nvme0")]), Some(4)));
    track("0", "0");
    assert_eq!(ask(&host, NQN), (Vec::new(), Some(0)));
    // It is not known whose.
    host.removed(0, "none");
    host.file("sys/module/nvme_fence/removed/tracked", "1");
    assert_eq!(ask(&host, NQN).1, Some(1));
    assert_eq!(ask(&host, "nvme0").1, Some(0));
}

#[test]
fn what_could_not_be_seen_is_no_yes() {
    let host = Host::array(Kernel::V5_15);
    fs::remove_file(host.path("proc/self/mountinfo")).unwrap();
    let output = host.run(&["can-disconnect", NQN]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("1 thing could not be seen, see above"),
        "{stderr}"
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with("nvme-subsys0: may be in use, or not\ncannot read "),
        "{text}"
    );
}

#[test]
fn what_is_not_there_is_no_yes() {
    let host = Host::array(Kernel::V7_3);
    for (name, exit) in [
        ("nvme9", 1),
        ("nqn.2026-01.org.example:x", 1),
        ("nvme0n1", 2),
        ("sda", 2),
    ] {
        let output = host.run(&["can-disconnect", name]);
        assert_eq!(output.status.code(), Some(exit), "{name}: {output:?}");
        assert!(output.stdout.is_empty());
    }
}
