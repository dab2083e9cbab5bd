// SPDX-License-Identifier: GPL-2.0
//! What is printed for programs is as the descriptions say that are installed.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::schema::checked;
use fixture::Host;
use std::fs;

#[test]
fn settings_are() {
    let host = Host::fencing();
    let settings = checked("config-1", &host.run(&["config", "nvme0", "-o", "json"]));
    assert_eq!(settings["hold"], "all");
    assert_eq!(settings["cqt_override_ms"], serde_json::Value::Null);
    let command = ["config", "nvme0", "--cqt-override-ms", "7", "-o", "json"];
    assert_eq!(
        checked("config-1", &host.run(&command))["cqt_override_ms"],
        7
    );
}

#[test]
fn what_the_module_has_kept_is() {
    let host = Host::fencing();
    host.file(
        "sys/class/nvme-subsystem/nvme-subsys0/fence/history",
        "number=3 time=1795918321.020 path=nvme0 cntlid=1 commands=4 bytes=16384 tracked=0 waited=0 \
         evidence=time rule=traffic closing_ms=12 fencing_ms=21008 held_ms=21020\n\
         number=4 time=1795919400.500 path=nvme1 cntlid=2 commands=1 bytes=4096 tracked=3 waited=1 \
         evidence=disabled rule=none closing_ms=none fencing_ms=none held_ms=5",
    );
    let command = ["history", "--directory", "tests/data/record", "-o", "json"];
    let history = checked("history-1", &host.run(&command));
    assert_eq!(history["fencings"].as_array().unwrap().len(), 2);
    assert_eq!(history["errors"], serde_json::json!([]));
    assert!(!history["events"].as_array().unwrap().is_empty());
}

#[test]
fn reports_of_traces_are() {
    let mut records = 0;
    for entry in fs::read_dir("tests/data").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "trace")
            || path.metadata().unwrap().len() == 0
        {
            continue;
        }
        let command = ["trace", "report", path.to_str().unwrap(), "-o", "json"];
        let report = checked("report-1", &Host::empty().run(&command));
        records += report["records"].as_array().unwrap().len();
    }
    assert!(records >= 5, "{records}");
}

/// A description for each command that has JSON.
#[test]
fn all_commands_are() {
    for parent in [&[][..], &["trace"]] {
        let help = Host::empty().run(&[parent, &["--help"]].concat());
        let help = String::from_utf8(help.stdout).unwrap();
        let names = help
            .lines()
            .skip_while(|line| *line != "Commands:")
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
            .filter_map(|line| line.split(' ').next())
            .filter(|name| *name != "help");
        for name in names {
            let help = Host::empty().run(&[parent, &[name, "-h"]].concat());
            let has_json = String::from_utf8(help.stdout).unwrap().contains("json");
            let described = fs::exists(format!("schemas/{name}-1.schema.json")).unwrap();
            assert_eq!(described, has_json, "{name}");
        }
    }
}
