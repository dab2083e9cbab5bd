// SPDX-License-Identifier: GPL-2.0
//! Every name that a device can have leads to its subsystem, and wrong names to a helpful error.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::Host;
use std::process::Output;

const ARRAY: &str = "nvme-subsys0";
const SSD: &str = "nvme-subsys2";

/// The output of `nvme-fence status` for a device.
fn status(host: &Host, device: &str) -> Output {
    host.run(&["status", "-o", "json", device])
}

#[test]
fn names_lead_to_subsystems() {
    let host = Host::fencing();
    // The SSD has no fence of its own here, but the module is loaded.
    for (device, subsystem, controllers) in [
        (
            "nqn.2026-01.org.example:array",
            ARRAY,
            &["nvme0", "nvme1"][..],
        ),
        ("nqn.2014-08.org.nvmexpress:uuid:ssd", SSD, &["nvme2"]),
        ("nvme-subsys0", ARRAY, &["nvme0", "nvme1"]),
        ("nvme0", ARRAY, &["nvme0"]),
        ("nvme1", ARRAY, &["nvme1"]),
        ("/dev/nvme1", ARRAY, &["nvme1"]),
        ("nvme0n1", ARRAY, &["nvme0", "nvme1"]),
        ("nvme0n1p1", ARRAY, &["nvme0", "nvme1"]),
        ("/dev/nvme0n1", ARRAY, &["nvme0", "nvme1"]),
        ("nvme2n1", SSD, &["nvme2"]),
    ] {
        let output = status(&host, device);
        assert!(output.status.success(), "{device}: {output:?}");
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let [found] = status["subsystems"].as_array().unwrap().as_slice() else {
            panic!("{device}: {status}");
        };
        assert_eq!(found["name"], subsystem, "{device}");
        let names: Vec<_> = found["controllers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|controller| controller["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, controllers, "{device}");
    }
}

#[test]
fn wrong_names_are_explained() {
    const DISCOVERY: &str = "nqn.2014-08.org.nvmexpress.discovery";
    let host = Host::fencing();
    host.subsystem(3, DISCOVERY);
    host.subsystem(4, DISCOVERY);
    host.link("sys/class/nvme-subsystem/nvme-subsys0/nvme7", "nowhere");
    for (device, code, message) in [
        (
            "nvme9",
            1,
            "there is no nvme9 among the NVMe subsystems of this host (nvme-subsys0: nvme0 nvme1 ",
        ),
        (
            "nqn.2026-01.org.example:x",
            1,
            "there is no nqn.2026-01.org.example:x among",
        ),
        ("nvme9n1", 1, "there is no nvme9n1: "),
        (
            DISCOVERY,
            1,
            "is the name of several: say which of nvme-subsys3, nvme-subsys4",
        ),
        (
            "/dev/disk/by-id/nvme-uuid.1",
            1,
            "cannot find /dev/disk/by-id/nvme-uuid.1: No such file or directory",
        ),
        ("nvme7", 1, "nvme7 is gone: "),
        (
            "sda",
            2,
            "give an NQN, nvme-subsysX, nvmeX, nvmeXnY, or the path of a device",
        ),
    ] {
        let output = status(&host, device);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{device}: {stderr}");
        assert!(stderr.contains(message), "{device}: {stderr}");
        assert!(output.stdout.is_empty(), "{device}");
    }
}
