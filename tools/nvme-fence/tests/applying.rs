// SPDX-License-Identifier: GPL-2.0
//! Arrays get the settings that a file has for their model.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::schema::checked;
use fixture::{Host, EVIDENCE};
use std::fs;
use std::process::Output;

const KNOBS: &str = "sys/class/nvme-subsystem/nvme-subsys0/fence";

/// A host with two arrays, subsystems 0 and 1, that the module manages, and a file.
fn host(file: &str) -> Host {
    let host = Host::fencing();
    host.file("sys/class/nvme-subsystem/nvme-subsys0/model", "Flash 9");
    host.subsystem(1, "nqn.2026-01.org.example:other");
    host.file("sys/class/nvme-subsystem/nvme-subsys1/model", "Other");
    for (name, text) in [
        ("hold", "[all] overlap none"),
        ("evidence", EVIDENCE),
        ("cqt_default_ms", "10000"),
        ("cqt_override_ms", "0"),
    ] {
        host.file(
            &format!("sys/class/nvme-subsystem/nvme-subsys1/fence/{name}"),
            text,
        );
    }
    host.file("arrays.conf", file);
    host
}

/// Applies the file of a host.
fn apply(host: &Host, arguments: &[&str]) -> Output {
    let file = host.path("arrays.conf");
    let file = ["apply", "--file", file.to_str().unwrap()];
    let command = [&file[..], arguments].concat();
    host.run(&command)
}

/// What one of the knobs of subsystem 0 says.
fn knob(host: &Host, name: &str) -> String {
    let text = fs::read_to_string(host.path(&format!("{KNOBS}/{name}"))).unwrap();
    text.trim_end().to_owned()
}

const FLASH: &str = "[[array]]\nmodel = 'Flash*'\ncqt-default-ms = 5000\n\
                     evidence = '+reconnect-by-id,-ccr'\n";

#[test]
fn each_array_gets_what_its_entry_says() {
    let host = host(FLASH);
    let output = apply(&host, &[]);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "nvme-subsys0: model `Flash 9`: set cqt_default_ms=5000 \
         evidence=time,reconnect,reconnect-by-id,disabled\n\
         nvme-subsys1: model `Other`: no entry in FILE\n"
            .replace("FILE", host.path("arrays.conf").to_str().unwrap())
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(knob(&host, "cqt_default_ms"), "5000");
    assert_eq!(
        knob(&host, "evidence"),
        "time,reconnect,reconnect-by-id,disabled"
    );
    assert_eq!(knob(&host, "hold"), "[all] overlap none", "it is not named");
}

#[test]
fn one_device_is_one_subsystem() {
    let host = host("[[array]]\nmodel = '*'\ncqt-override-ms = 7\n");
    let answer = checked("apply-1", &apply(&host, &["nvme-subsys1", "-o", "json"]));
    assert_eq!(answer["subsystems"].as_array().unwrap().len(), 1);
    assert_eq!(answer["subsystems"][0]["entry"], "*");
    assert_eq!(answer["subsystems"][0]["set"][0][1], "7");
    assert_eq!(knob(&host, "cqt_override_ms"), "0");
}

#[test]
fn dry_runs_set_nothing() {
    let host = host(FLASH);
    let answer = checked("apply-1", &apply(&host, &["--dry-run", "-o", "json"]));
    assert_eq!(answer["dry_run"], true);
    assert_eq!(answer["subsystems"][0]["set"][0][0], "cqt_default_ms");
    assert_eq!(answer["subsystems"][1]["entry"], serde_json::Value::Null);
    assert_eq!(knob(&host, "cqt_default_ms"), "10000");
}

#[test]
fn with_a_mistake_in_the_file_nothing_is_set() {
    let host = host(&format!(
        "{FLASH}[[array]]\nmodel = 'Other'\nhold = 'NONE'\n"
    ));
    let output = apply(&host, &[]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr.ends_with("arrays.conf, line 7: `NONE` is no word\n"),
        "{stderr}"
    );
    assert_eq!(knob(&host, "cqt_default_ms"), "10000");
}

#[test]
fn an_entry_that_never_counts_is_said_and_not_in_the_way_of_the_others() {
    let host = host(&format!("{FLASH}{FLASH}"));
    let output = apply(&host, &["-o", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let answer = checked("apply-1", &output);
    let warning = answer["warnings"][0].as_str().unwrap();
    assert!(warning.contains("arrays.conf, line 6: the entry of `Flash*` never counts"));
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(knob(&host, "cqt_default_ms"), "5000");
    let said = String::from_utf8(apply(&host, &[]).stdout).unwrap();
    assert!(said.lines().any(|line| line == warning), "{said}");
}

#[test]
fn a_model_is_found_with_the_blanks_that_pad_it() {
    let host = host("[[array]]\nmodel = 'Flash 9 '\ncqt-default-ms = 5000\n");
    let padded = format!("{:<40}", "Flash 9");
    host.file("sys/class/nvme-subsystem/nvme-subsys0/model", &padded);
    let answer = checked("apply-1", &apply(&host, &["nvme-subsys0", "-o", "json"]));
    assert_eq!(answer["subsystems"][0]["entry"], "Flash 9");
    assert_eq!(knob(&host, "cqt_default_ms"), "5000");
}

#[test]
fn what_one_array_refuses_is_not_in_the_way_of_the_others() {
    let host = host("[[array]]\nmodel = '*'\nhold = 'some'\n");
    host.file(
        "sys/class/nvme-subsystem/nvme-subsys1/fence/hold",
        "[all] some none",
    );
    let output = apply(&host, &["-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let answer = checked("apply-1", &output);
    assert_eq!(answer["subsystems"][0]["name"], "nvme-subsys1");
    let error = answer["errors"][0].as_str().unwrap();
    assert!(
        error.starts_with("nvme-subsys0: the module has no `some` for hold"),
        "{error}"
    );
}

#[test]
fn what_is_missing_is_said() {
    let host = host(FLASH);
    let status = |arguments: &[&str]| host.run(arguments).status.code();
    // A file that was named must be there; the usual one need not.
    assert_eq!(
        status(&["apply", "--file", "/nowhere/arrays.conf"]),
        Some(1)
    );
    assert_eq!(status(&["apply", "nvme2"]), Some(1), "a local disk");
    assert_eq!(Host::hooked().run(&["apply"]).status.code(), Some(3));
    assert_eq!(
        Host::stock().run(&["apply", "nvme-subsys0"]).status.code(),
        Some(3)
    );
}
