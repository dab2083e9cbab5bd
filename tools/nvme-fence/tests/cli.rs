// SPDX-License-Identifier: GPL-2.0
//! What users see: transcripts of sessions, each on a host of its own.
//!
//! `TRYCMD=overwrite cargo test` brings the transcripts up to date. trycmd takes every backslash
//! for a slash, so the trees in them look a little different.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::Host;
use std::path::PathBuf;
use trycmd::TestCases;

/// Replays a transcript on a host.
fn replay(host: &Host, transcript: &str) {
    let place = |path: PathBuf| path.to_str().unwrap().to_owned();
    let sysfs = place(host.sysfs());
    let cases = TestCases::new();
    cases
        .env("NVME_FENCE_SYSFS", &sysfs)
        .env("NVME_FENCE_PROC", place(host.proc()))
        .env("NVME_FENCE_DEV", place(host.path("dev")))
        // An hour ahead of UTC.
        .env("TZ", "CET-1")
        .insert_var("[SYSFS]", sysfs)
        .unwrap();
    cases.case(format!("tests/cli/{transcript}.trycmd"));
}

#[test]
fn status() {
    let host = Host::fencing();
    replay(&host, "status");
    // Its connections are not terminated yet.
    let fence = "sys/class/nvme/nvme0/fence";
    host.file(&format!("{fence}/state"), "lost");
    host.file(&format!("{fence}/deadline_ms"), "none");
    host.file(&format!("{fence}/held_without_deadline"), "4");
    // It has just been attached.
    host.file("sys/class/nvme/nvme1/fence/identity", "none");
    host.file("sys/class/nvme/nvme1/fence/ciu", "none");
    host.file("sys/class/nvme/nvme1/fence/ccrl", "none");
    host.file("sys/class/nvme/nvme1/fence/state", "closed");
    replay(&host, "status-lost");
}

#[test]
fn check() {
    replay(&Host::fencing(), "check");
    replay(&Host::stock(), "check-stock");
    replay(&Host::local(), "check-local");
    replay(&Host::empty(), "check-none");
}

#[test]
fn what_is_missing() {
    replay(&Host::empty(), "no-subsystem");
    replay(&Host::stock(), "no-hooks");
    replay(&Host::hooked(), "no-module");
    replay(&Host::local(), "local");
}

#[test]
fn what_is_not_protected() {
    let host = Host::fencing();
    for (number, transport, kind) in [
        (3, "tcp", "io"),
        (4, "rdma", "io"),
        (5, "tcp", "discovery"),
        (6, "fc", "admin"),
    ] {
        host.subsystem(number, &format!("nqn.2026-01.org.example:{number}"));
        host.controller(number, number, transport, "traddr=10.0.0.9", "live");
        host.file(&format!("sys/class/nvme/nvme{number}/cntrltype"), kind);
    }
    host.subsystem(7, "nqn.2026-01.org.example:orphan");
    replay(&host, "unprotected");
    let hold = "sys/class/nvme-subsystem/nvme-subsys0/fence/hold";
    host.file(hold, "all [none]");
    replay(&host, "hold-none");
}

#[test]
fn deadlines() {
    let host = Host::fencing();
    let without = "sys/class/nvme/nvme0/fence/held_without_deadline";
    replay(&host, "deadline-all");
    host.file(without, "1");
    replay(&host, "deadline-some");
    // Keep alive was turned off.
    host.file(without, "4");
    host.file("sys/class/nvme/nvme0/fence/deadline_ms", "none");
    host.file(
        "sys/class/nvme/nvme0/fence/identity",
        "cntlid=1 ciu=0 kato_ms=0 tbkas=1 cqt_ms=0 cqt_source=default wait_ms=none",
    );
    replay(&host, "deadline-none");
    // Keep alive is on, and time does not count.
    host.file(
        "sys/class/nvme/nvme0/fence/identity",
        "cntlid=1 ciu=0 kato_ms=5000 tbkas=1 cqt_ms=0 cqt_source=default wait_ms=none",
    );
    host.file(
        "sys/class/nvme-subsystem/nvme-subsys0/fence/evidence",
        "[ccr] time [disabled]",
    );
    replay(&host, "deadline-no-time");
    // A module that is older than the tool.
    let host = Host::fencing();
    std::fs::remove_file(host.path(without)).unwrap();
    replay(&host, "deadline-older");
}

#[test]
fn config() {
    let host = Host::fencing();
    replay(&host, "config");
    let knobs = "sys/class/nvme-subsystem/nvme-subsys0/fence";
    // A module that is newer than the tool.
    host.file(&format!("{knobs}/hold"), "all [overlap] none");
    host.file(
        &format!("{knobs}/evidence"),
        &format!("{} [dowsing]", fixture::EVIDENCE),
    );
    replay(&host, "config-newer");
    // A module of another kind.
    std::fs::remove_file(host.path(&format!("{knobs}/hold"))).unwrap();
    replay(&host, "config-other");
}

#[test]
fn config_writes_what_the_module_takes() {
    let host = Host::fencing();
    let knobs = "sys/class/nvme-subsystem/nvme-subsys0/fence";
    for (wanted, written) in [
        ("time,ccr", "ccr,time"),
        (
            "+reconnect-by-id,-ccr",
            "time,reconnect,reconnect-by-id,disabled",
        ),
    ] {
        let evidence = format!("{knobs}/evidence");
        host.file(&evidence, fixture::EVIDENCE);
        let output = host.run(&["config", "nvme0", "--evidence", wanted]);
        assert!(output.status.success(), "{output:?}");
        let found = std::fs::read_to_string(host.path(&evidence)).unwrap();
        assert_eq!(found, written);
    }
    host.run(&["config", "nvme0", "--hold", "none"]);
    let found = std::fs::read_to_string(host.path(&format!("{knobs}/hold")));
    assert_eq!(found.unwrap(), "none");
}

#[test]
fn release() {
    let host = Host::fencing();
    replay(&host, "release");
    let written = std::fs::read_to_string(host.path("sys/class/nvme/nvme0/fence/release"));
    assert_eq!(written.unwrap(), "1");
}

#[test]
fn removed() {
    let host = Host::empty();
    replay(&host, "removed-no-module");
    // A module that is older than the tool.
    host.file("sys/module/nvme_fence/parameters/hold", "all");
    replay(&host, "removed-older");
    host.removed(2, "12345");
    replay(&host, "removed");
    let written = std::fs::read_to_string(host.path("sys/module/nvme_fence/removed/release"));
    assert_eq!(written.unwrap(), "1");
    let host = Host::fencing();
    host.removed(1, "none");
    replay(&host, "removed-beside");
}

#[test]
fn history() {
    replay(&Host::empty(), "history");
    // A module that is older than the tool.
    replay(&Host::fencing(), "history");
}

#[test]
fn history_of_the_module() {
    let host = Host::fencing();
    let kept = "sys/class/nvme-subsystem/nvme-subsys0/fence/history";
    std::fs::write(host.path(kept), "").unwrap();
    replay(&host, "history-kept-nothing");
    // The second one is of a module that is newer than the tool.
    host.file(
        kept,
        "number=3 time=1795918321.020 path=nvme0 cntlid=1 commands=4 bytes=16384 tracked=0 waited=0 \
         evidence=time rule=traffic closing_ms=12 fencing_ms=21008 held_ms=21020\n\
         number=4 time=1795919400.500 path=nvme1 cntlid=2 commands=1 bytes=4096 tracked=3 waited=1 \
         omens=7 evidence=dowsing rule=none closing_ms=none fencing_ms=none held_ms=5\n\
         number=5 time=1795919400.500",
    );
    replay(&host, "history-kept");
}

#[test]
fn report() {
    replay(&Host::empty(), "report");
    replay(&Host::empty(), "overlap");
}

#[test]
fn usage() {
    let wide = |line: &&str| line.chars().count() > 80;
    for help in [
        &["--help"][..],
        &["check", "--help"],
        &["status", "--help"],
        &["find", "--help"],
        &["can-disconnect", "--help"],
        &["config", "--help"],
        &["config", "-h"],
        &["config", "-h"],
        &["apply", "--help"],
        &["release", "--help"],
        &["monitor", "--help"],
        &["history", "--help"],
        &["metrics", "--help"],
        &["measure", "--help"],
        &["trace", "--help"],
        &["trace", "record", "--help"],
        &["trace", "report", "--help"],
        &["trace", "export", "--help"],
    ] {
        let output = Host::empty().run(help);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().find(wide), None, "{help:?}");
    }
    replay(&Host::empty(), "usage");
}
