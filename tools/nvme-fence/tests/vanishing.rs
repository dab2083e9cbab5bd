// SPDX-License-Identifier: GPL-2.0
//! What comes and goes on a host is not in the way of what is asked about the rest.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::Host;
use std::fs;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};

/// What was printed, and how it ended.
fn said(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
    (
        text(&output.stdout),
        text(&output.stderr),
        output.status.code(),
    )
}

/// A host of which only subsystem 0 is as it should be.
fn broken_elsewhere() -> Host {
    let host = Host::fencing();
    // It is being removed: its files have gone already, its directory has not.
    fs::create_dir(host.path("sys/class/nvme-subsystem/nvme-subsys9")).unwrap();
    // It says of itself what it likes.
    host.subsystem(10, "");
    let nqn = host.path("sys/class/nvme-subsystem/nvme-subsys10/subsysnqn");
    fs::write(nqn, b"nqn.\xff\x1b[2Jforged\nnvme-subsys0\n").unwrap();
    host.controller(10, 5, "loop", "", "live");
    fs::remove_file(host.path("sys/class/nvme/nvme5/address")).unwrap();
    // Its module is being unloaded.
    host.controller(10, 6, "tcp", "traddr=10.0.0.6", "live");
    host.file("sys/class/nvme/nvme6/fence/state", "open");
    host
}

#[test]
fn others_can_be_changed() {
    let host = broken_elsewhere();
    for device in [
        "nvme0",
        "nvme-subsys0",
        "nqn.2026-01.org.example:array",
        "nvme0n1",
    ] {
        let output = host.run(&["config", device, "--cqt-default-ms", "7"]);
        assert!(output.status.success(), "{device}: {output:?}");
        let output = host.run(&["status", device]);
        assert!(output.status.success(), "{device}: {output:?}");
    }
    let output = host.run(&["release", "nvme1", "--force"]);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn status_shows_the_rest_and_what_is_wrong() {
    let host = broken_elsewhere();
    let (stdout, stderr, code) = said(&host.run(&["status"]));
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    assert_eq!(
        stderr,
        "nvme-fence: 2 things could not be read, see above\n"
    );
    for line in [
        "nvme-subsys0 - NQN=nqn.2026-01.org.example:array",
        "  nvme0  connecting  -    holding  4     16.0 KiB  12.4 s   time",
        "nvme-subsys9 - NQN=-",
        r"nvme-subsys10 - NQN=nqn.\xff\u{1b}[2Jforged\nnvme-subsys0",
        "  nvme5  live   -    NOT PROTECTED: its transport is not fenced",
        "  nvme6  live   -    unknown",
    ] {
        assert!(stdout.lines().any(|l| l == line), "{line}: {stdout}");
    }
    // Broken into lines as they are, the paths are in one piece.
    for path in ["/nvme-subsys9/subsysnqn:", "/nvme6/fence/identity:"] {
        assert!(stdout.contains(path), "{path}: {stdout}");
    }
    assert!(!stdout.contains('\x1b'));

    let (json, _, code) = said(&host.run(&["status", "-o", "json"]));
    assert_eq!(code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let subsystems = json["subsystems"].as_array().unwrap();
    let errors: Vec<_> = subsystems
        .iter()
        .map(|subsystem| subsystem["errors"].as_array().unwrap().len())
        .collect();
    assert_eq!(errors, [0, 0, 1, 0]);
}

#[test]
fn a_link_to_nothing_is_no_controller() {
    let host = Host::fencing();
    host.link("sys/class/nvme-subsystem/nvme-subsys0/nvme7", "nowhere");
    let (stdout, _, code) = said(&host.run(&["status"]));
    assert_eq!(code, Some(1));
    assert!(
        stdout.contains("\n  nvme7  -           -    unknown\n"),
        "{stdout}"
    );
    assert!(stdout.contains("\n  nvme7: cannot read"), "{stdout}");
    let (_, stderr, code) = said(&host.run(&["release", "nvme7", "--force"]));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("nvme7 is gone: "), "{stderr}");
}

/// The race of a subsystem that is connected and disconnected again and again. Each of its files
/// goes on its own, as in sysfs.
#[test]
fn a_subsystem_that_comes_and_goes_is_in_nobodys_way() {
    let host = Host::fencing();
    let class = host.path("sys/class/nvme-subsystem/nvme-subsys9");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                fs::create_dir(&class).unwrap();
                fs::write(class.join("subsysnqn"), "nqn.2026-01.org.example:other").unwrap();
                fs::remove_file(class.join("subsysnqn")).unwrap();
                fs::remove_dir(&class).unwrap();
            }
        });
        for round in 0..40 {
            for arguments in [
                &["status"][..],
                &["config", "nqn.2026-01.org.example:array"],
                &["release", "nvme1", "--force"],
            ] {
                let output = host.run(arguments);
                if !output.status.success() {
                    stop.store(true, Ordering::Relaxed);
                    panic!("round {round}, {arguments:?}: {output:?}");
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}
