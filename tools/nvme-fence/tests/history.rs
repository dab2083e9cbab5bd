// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence history` on hosts of which not everything can be read: what cannot is named, and the
//! rest is shown.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::{schema, Host};
use std::fs;

/// What the module has kept of the array.
const KEPT: &str = "sys/class/nvme-subsystem/nvme-subsys0/fence/history";

/// A fencing, as the module writes it.
const LINE: &str = "number=3 time=1795918321.020 path=nvme0 cntlid=1 commands=4 bytes=16384 \
                    tracked=0 waited=0 evidence=time rule=traffic closing_ms=12 fencing_ms=21008 \
                    held_ms=21020";

/// A record with events.
const RECORD: &str = "tests/data/record";

/// What is said, on standard output and as an error, of a record in a directory.
fn said(host: &Host, directory: &str) -> (String, String, Option<i32>) {
    let output = host.run(&["history", "--directory", directory]);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        text(output.stdout),
        text(output.stderr),
        output.status.code(),
    )
}

#[test]
fn what_the_module_keeps_and_cannot_be_read_is_named() {
    // What cannot be read, and what cannot even be reached.
    let directory: fn(&Host) = |host| fs::create_dir(host.path(KEPT)).unwrap();
    let circle: fn(&Host) = |host| host.link(KEPT, KEPT);
    for spoil in [directory, circle] {
        let host = Host::fencing();
        spoil(&host);
        let named = "nvme-subsys0/fence/history: ";
        let (stdout, stderr, code) = said(&host, "tests/no/such/directory");
        assert_eq!((stdout.as_str(), code), ("", Some(1)));
        assert!(stderr.contains(named), "{stderr}");
        assert!(stderr.contains("; there is no record in "), "{stderr}");
        // What another subsystem has, or the record, is shown beside it.
        let (stdout, _, code) = said(&host, RECORD);
        assert_eq!(code, Some(0));
        assert!(stdout.contains("  fenced   21.020 s  "), "{stdout}");
        assert!(stdout.contains(named), "{stdout}");
        host.file("sys/class/nvme-subsystem/nvme-subsys2/fence/history", LINE);
        let (stdout, _, code) = said(&host, "tests/no/such/directory");
        assert_eq!(code, Some(0));
        assert!(
            stdout.contains("  nvme-subsys2  nvme0  21.020 s  "),
            "{stdout}"
        );
        assert!(stdout.contains(named), "{stdout}");
    }
}

#[test]
fn what_cannot_be_read_is_not_said_to_be_nothing() {
    let host = Host::fencing();
    host.file("sys/class/nvme-subsystem/nvme-subsys2/fence/history", "");
    let first = |directory: &str| said(&host, directory).0.lines().next().map(str::to_owned);
    let empty = host.path("record");
    fs::create_dir(&empty).unwrap();
    fs::write(empty.join("events-1.jsonl"), "").unwrap();
    let empty = empty.to_str().unwrap();
    for (kept, reservation) in [("", ""), ("number=3", " that could be read")] {
        host.file(KEPT, kept);
        let fenced = format!("the module has kept no fencing{reservation}");
        assert_eq!(first("tests/no/such/directory"), Some(fenced));
        let happened = format!("nothing was recorded{reservation}");
        assert_eq!(first(empty), Some(happened));
    }
}

#[test]
fn subsystems_that_cannot_be_listed_do_not_hide_the_record() {
    let host = Host::empty();
    host.file("sys/class/nvme-subsystem", "no directory");
    let (stdout, _, code) = said(&host, RECORD);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("  fenced   21.020 s  "), "{stdout}");
    assert!(stdout.contains("/sys/class/nvme-subsystem: "), "{stdout}");
    schema::checked(
        "history-1",
        &host.run(&["history", "-o", "json", "--directory", RECORD]),
    );
    let (_, stderr, code) = said(&host, "tests/no/such/directory");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("/sys/class/nvme-subsystem: "), "{stderr}");
    assert!(stderr.contains("; there is no record in "), "{stderr}");
}

#[test]
fn a_record_that_cannot_be_read_does_not_hide_what_the_module_keeps() {
    let host = Host::fencing();
    host.file(KEPT, LINE);
    host.file("record", "no directory");
    let record = host.path("record");
    let (stdout, _, code) = said(&host, record.to_str().unwrap());
    assert_eq!(code, Some(0));
    assert!(
        stdout.contains("  nvme-subsys0  nvme0  21.020 s  "),
        "{stdout}"
    );
    assert!(
        stdout.contains(&format!("cannot read {}", record.display())),
        "{stdout}"
    );
}
