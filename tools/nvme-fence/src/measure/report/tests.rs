// SPDX-License-Identifier: GPL-2.0
//! The report of what a kernel recorded; see tests/data/measure/README.md.

use super::super::incident::incidents;
use super::super::ledger::tests::recorded;
use super::*;
use crate::host::Host;
use crate::schema;
use crate::sysfs::topology::subsystems;
use serde_json::json;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Output};

/// The report of what a kernel recorded. The path event is made up.
fn report(nqn: &str) -> Report {
    let root = tempfile::tempdir().unwrap();
    let class = root.path().join("sys/class/nvme-subsystem/nvme-subsys0");
    fs::create_dir_all(&class).unwrap();
    fs::write(class.join("subsysnqn"), format!("{nqn}\n")).unwrap();
    let disk = Disk {
        subsystem: subsystems(&Host::below(root.path())).unwrap().remove(0),
        name: "nvme0n1".to_owned(),
        numbers: Vec::new(),
        multipath: true,
    };
    let mut ledger = recorded();
    ledger.timeline.busy(Nanos(30_000_000_000), Nanos(70));
    let lost = PathEvent {
        after: Nanos(4_280_000_000),
        noticed: Nanos(4_340_000_000),
        controller: "nvme0".to_owned(),
        kind: Kind::Lost,
        from: Some("live".to_owned()),
        to: Some("connecting".to_owned()),
    };
    let incidents = incidents(vec![lost], &ledger.timeline, &ledger.starts());
    Report::new(&disk, &ledger, incidents, Nanos(30_000_000_000), Some(7))
}

#[test]
fn json_is_as_it_is_described() {
    let stdout = serde_json::to_vec(&report("nqn.2026-01.org.example:array")).unwrap();
    let output = Output {
        status: ExitStatus::from_raw(0),
        stdout,
        stderr: Vec::new(),
    };
    let value = schema::checked("measure-1", &output);
    let incident = &value["incidents"][0];
    assert_eq!(incident["events"][0]["kind"], "lost");
    assert_eq!(
        incident["during"]["writes"]["max_ns"],
        json!(27_579_481_088_i64)
    );
    assert_eq!(incident["during"]["from_ns"], 0);
    assert_eq!(incident["during"]["to_ns"], json!(27_700_000_000_i64));
    assert_eq!(incident["after"]["writes"]["commands"], 0);
    assert_eq!(value["whole"]["busy_per_command_ns"], 10);
    assert_eq!(value["exit_status"], 7);
}

#[test]
fn the_text_fits_a_terminal() {
    let text = report("nqn.2026-01.org.example:array").to_string();
    let wide = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(wide, None, "{text}");
    for line in [
        "incident 1: 27.700 s from +0 s on",
        "     +4.340 s  nvme0 lost (live -> connecting)",
        "  before  not measured",
        "  during  write      0.1        2 us    27.579 s    27.579 s    27.579 s",
        "  after   nothing ended in 2.400 s",
        "  100 s |",
        "   10 s |                                                       W",
    ] {
        let found = text.lines().any(|other| other == line);
        assert!(found, "{line} is not in\n{text}");
    }
    // It is for logs, too, and for terminals that have no colours.
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text}");
}

#[test]
fn the_picture_is_xml_whatever_the_names_are() {
    let nqn = "nqn.<&\">\u{1b}";
    let svg = report(nqn).svg();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let texts = |class| {
        let of = move |node: &roxmltree::Node| node.attribute("class") == Some(class);
        document.descendants().filter(of)
    };
    let title = texts("title").next().unwrap().text().unwrap();
    assert_eq!(title, "nvme0n1 nqn.<&\">\u{fffd}");
    // One in each plot.
    assert_eq!(texts("hurt").count(), 2);
    assert_eq!(texts("event").count(), 2);
    let said = |text: &str| texts("label").any(|node| node.text() == Some(text));
    assert!(
        said("incident 1, +4.340 s: nvme0 lost (live -> connecting)"),
        "{svg}"
    );
}
