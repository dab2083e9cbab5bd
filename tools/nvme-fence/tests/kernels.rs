// SPDX-License-Identifier: GPL-2.0
//! The tool on hosts of five kernels, each with two live paths to one volume of the kernel's target.
//! They were taken from machines, but for those of 5.15 and 7.2, which are made up; see
//! `tests/data/hosts/README.md`.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::schema::checked;
use fixture::Host;
use serde_json::{json, Value};

/// What a kernel is, as far as the tool can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Without the series.
    Stock,
    /// With series and module.
    Fenced,
}

/// The hosts.
const HOSTS: [(&str, Kind); 6] = [
    ("5.15", Kind::Stock),
    ("6.1", Kind::Stock),
    ("6.12", Kind::Stock),
    ("7.2", Kind::Stock),
    ("7.3", Kind::Stock),
    ("7.3-fenced", Kind::Fenced),
];

/// The name of the volume.
const NQN: &str = "nqn.2026-11.test:fence";

/// Runs a command that has JSON of this version on each host.
fn on_each(arguments: &[&str], schema: &str, each: impl Fn(&str, Kind, Value, Option<i32>)) {
    for (name, kind) in HOSTS {
        let host = Host::taken(name);
        host.file("dev/nvme0n1", "");
        // Who uses the volume is not of the kernel.
        host.file("proc/self/mountinfo", "22 1 0:21 / /proc rw - proc proc rw");
        let output = host.run(&[arguments, &["-o", "json"][..]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lacking = "nvme-fence: this kernel lacks the nvme-fence series";
        assert!(
            stderr.is_empty() || stderr.starts_with(lacking),
            "{name}: {stderr}"
        );
        each(name, kind, checked(schema, &output), output.status.code());
    }
}

#[test]
fn check_knows_whether_it_is_protected() {
    on_each(&["check"], "check-1", |name, kind, answer, status| {
        let findings = answer["subsystems"][0]["findings"].as_array().unwrap();
        let codes: Vec<_> = findings
            .iter()
            .map(|f| f["code"].as_str().unwrap())
            .collect();
        match kind {
            Kind::Stock => assert_eq!((codes[0], status), ("series-missing", Some(4)), "{name}"),
            Kind::Fenced => assert!(
                status == Some(0) || status == Some(5),
                "{name}: {status:?} {codes:?}"
            ),
        }
        // Both paths are optimized, and lead to two ports.
        for wrong in ["multipath-off", "one-path", "one-port", "no-optimized-path"] {
            assert!(!codes.contains(&wrong), "{name}: {wrong}");
        }
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(0), "{name}");
    });
}

#[test]
fn find_knows_where_the_volume_is() {
    on_each(&["find", NQN], "find-1", |name, _, answer, status| {
        let volume = &answer["volumes"][0];
        assert_eq!(status, Some(0), "{name}");
        assert_eq!(volume["namespace"], "nvme0n1", "{name}");
        assert_eq!(volume["state"], "usable", "{name}");
        assert_eq!(volume["paths_optimized"], 2, "{name}");
        let wwid = volume["wwid"].as_str().unwrap();
        assert!(wwid.starts_with("uuid."), "{name}: {wwid}");
        let host = Host::taken(name);
        for known_as in [wwid, volume["uuid"].as_str().unwrap(), "nvme0c1n1"] {
            let output = host.run(&["find", known_as]);
            assert_eq!(output.status.code(), Some(0), "{name}: {known_as}");
        }
    });
}

#[test]
fn status_shows_both_paths() {
    on_each(&["status"], "status-1", |name, kind, answer, status| {
        let controllers = answer["subsystems"][0]["controllers"].as_array().unwrap();
        assert_eq!(controllers.len(), 2, "{name}");
        for controller in controllers {
            assert_eq!(controller["state"], "live", "{name}");
            assert_eq!(controller["transport"], "tcp", "{name}");
            assert_eq!(controller["fence"].is_null(), kind == Kind::Stock, "{name}");
            // nvme-core counts since 7.2. Nothing has happened to either path.
            let counted = match name.starts_with('7') {
                true => json!({
                    "resets": 0, "reconnects": 0, "admin_errors": 0,
                    "io_errors": 0, "retries": 0, "failovers": 0
                }),
                false => Value::Null,
            };
            assert_eq!(controller["diag"], counted, "{name}");
        }
        let expected = match kind {
            Kind::Stock => Some(3),
            Kind::Fenced => Some(0),
        };
        assert_eq!(status, expected, "{name}");
    });
}

#[test]
fn a_path_can_be_disconnected() {
    on_each(
        &["can-disconnect", "nvme0"],
        "can-disconnect-1",
        |name, _, _, status| {
            assert_eq!(status, Some(0), "{name}");
        },
    );
}
