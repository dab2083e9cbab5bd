// SPDX-License-Identifier: GPL-2.0
//! `check`: each finding on a host that has it, and on one that has not.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;
#[path = "checking/host.rs"]
mod host;
#[path = "checking/spoilt.rs"]
mod spoilt;

use fixture::Host;
use host::{connected, protected, remove, unload, HEAD, KNOBS};
use serde_json::Value;
use spoilt::SPOILT;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

/// The answer of a host as JSON, which the schema describes, and the exit status.
fn check(host: &Host) -> (Value, i32) {
    let output = host.run(&["check", "-o", "json"]);
    let answer = fixture::schema::checked("check-1", &output);
    (answer, output.status.code().unwrap())
}

/// The codes that were found of all subsystems.
fn codes(answer: &Value) -> Vec<&str> {
    answer["subsystems"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|subsystem| subsystem["findings"].as_array().unwrap())
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

#[test]
fn each_finding_is_found_where_it_is_and_nowhere_else() {
    let (answer, status) = check(&protected());
    assert_eq!(codes(&answer), Vec::<&str>::new());
    assert_eq!((&answer["verdict"], status), (&"protected".into(), 0));
    for (code, expected, spoil) in SPOILT {
        let host = protected();
        spoil(&host);
        let (answer, status) = check(&host);
        assert_eq!(codes(&answer), [*code], "{answer}");
        assert_eq!(status, *expected, "{answer}");
    }
}

#[test]
fn every_code_of_the_schema_has_a_host() {
    let schema = fs::read_to_string("schemas/check-1.schema.json").unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let codes = &schema["$defs"]["finding"]["properties"]["code"]["examples"];
    let spoilt: Vec<_> = SPOILT.iter().map(|(code, ..)| *code).collect();
    assert_eq!(*codes, serde_json::json!(spoilt));
}

#[test]
fn what_is_off_is_no_limit() {
    for (path, value) in [
        ("proc/sys/kernel/hung_task_timeout_secs", "0"),
        ("sys/class/nvme/nvme0/ctrl_loss_tmo", "off"),
    ] {
        let host = protected();
        host.file(path, value);
        assert_eq!(check(&host).1, 0, "{path}");
    }
}

#[test]
fn bios_of_dm_multipath_are_held() {
    let host = protected();
    host.file("sys/block/dm-0/dm/uuid", "mpath-a");
    host.link(&format!("{HEAD}/holders/dm-0"), "sys/block/dm-0");
    assert_eq!(check(&host).1, 0);
}

#[test]
fn old_kernels_answer_too() {
    let host = connected();
    let (answer, status) = check(&host);
    assert_eq!((codes(&answer), status), (vec!["series-missing"], 4));
    // That kernel does not say what kind of controller it is.
    let discovery = "nqn.2014-08.org.nvmexpress.discovery";
    host.subsystem(3, discovery);
    host.controller(3, 3, "tcp", "traddr=10.0.0.1,trsvcid=8009", "live");
    host.file("sys/class/nvme/nvme3/subsysnqn", discovery);
    let (answer, _) = check(&host);
    assert_eq!(answer["subsystems"][1]["verdict"], "needs-no-fence");
    // The queues tell their timeout; without one, the next one's is known.
    for number in 0..2 {
        remove(
            &host,
            &format!("sys/class/nvme/nvme{number}/nvme0c{number}n1"),
        );
    }
    remove(&host, HEAD);
    let found = codes(&check(&host).0).join(" ");
    assert_eq!(found, "series-missing io-timeout-over-kato");
    // A kernel that was built without multipath has no such parameter.
    remove(&host, "sys/module/nvme_core/parameters/multipath");
    assert!(codes(&check(&host).0).contains(&"multipath-off"));
}

#[test]
fn a_device_is_its_subsystem() {
    let host = protected();
    host.subsystem(1, "nqn.2026-01.org.example:orphan");
    assert_eq!(check(&host).1, 4);
    for device in ["nvme0", "nvme-subsys0", "nqn.2026-01.org.example:array"] {
        let status = host.run(&["check", device]).status;
        assert_eq!(status.code(), Some(0), "{device}");
    }
    assert_eq!(host.run(&["check", "nvme9"]).status.code(), Some(1));
    assert_eq!(host.run(&["check", "sda"]).status.code(), Some(2));
}

#[test]
fn local_disks_need_no_fence() {
    let host = Host::local();
    let (answer, status) = check(&host);
    assert_eq!((&answer["verdict"], status), (&"needs-no-fence".into(), 0));
    let (answer, status) = check(&Host::empty());
    assert_eq!((&answer["verdict"], status), (&"needs-no-fence".into(), 0));
}

#[test]
fn what_could_not_be_read_is_no_protection() {
    let host = protected();
    host.file("sys/class/nvme/nvme1/fence/identity", "cntlid=x");
    let (answer, status) = check(&host);
    assert_eq!((&answer["verdict"], status), (&"could-not-tell".into(), 1));
    let output = String::from_utf8(host.run(&["check"]).stdout).unwrap();
    assert!(output.contains("the field cntlid is missing"), "{output}");
    // What is known to be wrong is wrong all the same.
    host.file(&format!("{KNOBS}/hold"), "all [none]");
    assert_eq!(check(&host).1, 4);
    // Nobody knows whether these fences hold anything.
    let host = protected();
    remove(&host, KNOBS);
    assert_eq!(check(&host).1, 1);
    // The host itself.
    let host = protected();
    host.file("proc/sys/kernel/hung_task_timeout_secs", "soon");
    assert_eq!(check(&host).1, 1);
}

#[test]
fn names_do_nothing_to_a_terminal_or_a_shell() {
    let host = protected();
    unload(&host);
    host.file("sys/class/nvme/nvme1/transport", "rdma");
    let nqn = host.path("sys/class/nvme-subsystem/nvme-subsys0/subsysnqn");
    fs::write(nqn, b"nqn.\x1b[2J\nforged;reboot\n").unwrap();
    let output = String::from_utf8(host.run(&["check"]).stdout).unwrap();
    assert!(!output.contains('\x1b'), "{output}");
    let quoted = r"--nqn='nqn.\u{1b}[2J\nforged;reboot' --traddr=ADDRESS";
    assert!(output.contains(quoted), "{output}");
    let long = |line: &&str| line.chars().count() > 80 && !line.starts_with("    # ");
    assert_eq!(output.lines().find(long), None);
}

/// The race of controllers that come and go; each of their files goes on its own, as in sysfs.
#[test]
fn a_controller_that_comes_and_goes_is_no_failure() {
    let host = protected();
    host.link("sys/class/nvme-subsystem/nvme-subsys0/nvme7", "nowhere");
    let path = host.path("sys/class/nvme-subsystem/nvme-subsys0/nvme8");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                fs::create_dir(&path).unwrap();
                fs::write(path.join("transport"), "pcie").unwrap();
                fs::create_dir(path.join("nvme0c8n1")).unwrap();
                fs::remove_dir(path.join("nvme0c8n1")).unwrap();
                fs::remove_file(path.join("transport")).unwrap();
                fs::remove_dir(&path).unwrap();
            }
        });
        for round in 0..100 {
            let output = host.run(&["check"]);
            if output.status.code() != Some(0) {
                stop.store(true, Ordering::Relaxed);
                panic!("round {round}: {output:?}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}
