// SPDX-License-Identifier: GPL-2.0
//! A host of which `check` finds nothing, and how to spoil it.

use crate::fixture::{Host, EVIDENCE};
use std::fs;

pub const KNOBS: &str = "sys/class/nvme-subsystem/nvme-subsys0/fence";
pub const HEAD: &str = "sys/class/nvme-subsystem/nvme-subsys0/nvme0n1";
const IDENTITY: &str = "cntlid=1 ciu=3 kato_ms=5000 tbkas=1 cqt_ms=5000 cqt_source=controller \
                        wait_ms=20000";

/// A host of which nothing is to be said: Linux 7.3 with series and module, and an array with two
/// paths to two ports.
pub fn protected() -> Host {
    let host = connected();
    host.file(
        "proc/kallsyms",
        "0000000000000000 T nvme_fence_register\t[nvme_core]",
    );
    host.file("sys/module/nvme_fence/parameters/hold", "all");
    for (name, text) in [
        ("hold", "[all] overlap none"),
        ("evidence", EVIDENCE),
        ("cqt_default_ms", "10000"),
        ("cqt_override_ms", "0"),
    ] {
        host.file(&format!("{KNOBS}/{name}"), text);
    }
    for number in 0..2 {
        let controller = format!("sys/class/nvme/nvme{number}");
        identified(&host, number);
        host.file(&format!("{controller}/cntrltype"), "io");
        host.file(&format!("{controller}/io_timeout"), "5000");
    }
    host
}

/// Has the module know a controller.
pub fn identified(host: &Host, number: u32) {
    let fence = format!("sys/class/nvme/nvme{number}/fence");
    for (name, text) in [("identity", IDENTITY), ("ciu", "3"), ("ccrl", "4")] {
        host.file(&format!("{fence}/{name}"), text);
    }
}

/// What Linux has had since 5.15, which is what it is without the rest. Made up: that kernel was
/// not booted for it.
pub fn connected() -> Host {
    let host = Host::empty();
    host.file(
        "proc/kallsyms",
        "0000000000000000 T nvme_setup_cmd\t[nvme_core]",
    );
    host.file("proc/sys/kernel/hung_task_timeout_secs", "120");
    host.file("sys/module/nvme_core/parameters/multipath", "Y");
    host.file("sys/module/nvme_core/parameters/io_timeout", "30");
    host.subsystem(0, "nqn.2026-01.org.example:array");
    for (name, text) in [("nsid", "1"), ("wwid", "eui.0"), ("size", "2048")] {
        host.file(&format!("{HEAD}/{name}"), text);
    }
    fs::create_dir(host.path(&format!("{HEAD}/holders"))).unwrap();
    for number in 0..2 {
        let address = format!("traddr=10.0.{number}.1,trsvcid=4420");
        host.controller(0, number, "tcp", &address, "live");
        let controller = format!("sys/class/nvme/nvme{number}");
        for (name, text) in [
            ("kato", "5"),
            ("ctrl_loss_tmo", "600"),
            ("fast_io_fail_tmo", "off"),
        ] {
            host.file(&format!("{controller}/{name}"), text);
        }
        let path = format!("{controller}/nvme0c{number}n1");
        for (name, text) in [
            ("nsid", "1"),
            ("wwid", "eui.0"),
            ("ana_state", "optimized"),
            ("ana_grpid", "1"),
            ("queue/io_timeout", "5000"),
        ] {
            host.file(&format!("{path}/{name}"), text);
        }
    }
    host
}

/// Removes a file or a directory of a host.
pub fn remove(host: &Host, path: &str) {
    let path = host.path(path);
    match path.is_dir() {
        true => fs::remove_dir_all(path).unwrap(),
        false => fs::remove_file(path).unwrap(),
    }
}

/// Gives both controllers another identity.
pub fn identify(host: &Host, times: &str) {
    for number in 0..2 {
        let identity = format!("cntlid=1 ciu=3 tbkas=1 {times}");
        host.file(
            &format!("sys/class/nvme/nvme{number}/fence/identity"),
            &identity,
        );
    }
}

/// Sets an attribute of both controllers.
pub fn set(host: &Host, attribute: &str, value: &str) {
    for number in 0..2 {
        host.file(&format!("sys/class/nvme/nvme{number}/{attribute}"), value);
    }
}

/// Takes away what the module shows.
pub fn unload(host: &Host) {
    for path in [
        "sys/module/nvme_fence",
        KNOBS,
        "sys/class/nvme/nvme0/fence",
        "sys/class/nvme/nvme1/fence",
    ] {
        remove(host, path);
    }
}
