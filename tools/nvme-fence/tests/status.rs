// SPDX-License-Identifier: GPL-2.0
//! `status` for programs, and what of it does not fit into a transcript.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::schema::checked;
use fixture::volumes::{Kernel, SUBSYSTEM};
use fixture::Host;
use serde_json::{json, Value};
use std::fs;

/// Where the settings of the array are, and the fence of its first path.
const SETTINGS: &str = "sys/class/nvme-subsystem/nvme-subsys0/fence";
const FENCE: &str = "sys/class/nvme/nvme0/fence";

/// The answer as JSON, which the schema describes.
fn status(host: &Host, arguments: &[&str]) -> Value {
    checked(
        "status-1",
        &host.run(&[&["status", "-o", "json"], arguments].concat()),
    )
}

/// The first controller of the first subsystem.
fn controller(host: &Host) -> Value {
    status(host, &[])["subsystems"][0]["controllers"][0].clone()
}

/// The answer for people.
fn text(host: &Host, arguments: &[&str]) -> String {
    let output = host.run(&[&["status"], arguments].concat());
    String::from_utf8(output.stdout).unwrap()
}

/// A host of which one thing is asked under several conditions, each of them a file.
fn each<T: Into<Value>>(
    host: &Host,
    cases: impl IntoIterator<Item = (&'static str, &'static str, &'static str, T)>,
) {
    for (file, content, pointer, expected) in cases {
        host.file(file, content);
        let status = status(host, &[]);
        let found = status["subsystems"][0].pointer(pointer);
        assert_eq!(found, Some(&expected.into()), "{file}: {content}");
    }
}

#[test]
fn all_that_is_held_is_told_to_programs() {
    let host = Host::fencing();
    host.removed(2, "none");
    let status = status(&host, &[]);
    assert_eq!(
        status["removed"],
        json!({
            "held_commands": 2,
            "held_bytes": 8192,
            "held_without_deadline": 2,
            "held_for_ms": null,
            "tracked_commands": null,
            "tracked_blocks": null,
            "waiting_commands": null,
            "time_rule": "none",
            "fenced_by_time_in_ms": null,
            "deadline_rule": null
        })
    );
    let subsystem = &status["subsystems"][0];
    assert_eq!(subsystem["orphaned"], false);
    assert_eq!(
        subsystem["settings"],
        json!({
            "hold": "all",
            "evidence": ["ccr", "time", "reconnect", "disabled"],
            "cqt_default_ms": 10000,
            "cqt_override_ms": null
        })
    );
    assert_eq!(
        subsystem["controllers"][0]["fence"],
        json!({
            "state": "holding",
            "held_commands": 4,
            "held_bytes": 16384,
            "held_without_deadline": 0,
            "held_for_ms": 3001,
            "tracked_commands": null,
            "tracked_blocks": null,
            "waiting_commands": null,
            "time_rule": "running",
            "fenced_by_time_in_ms": 12345,
            "deadline_rule": "traffic",
            "last_evidence": "time",
            "identity": { "cntlid": 1, "ciu": 3, "tbkas": true, "cqt_reported_ms": null },
            "ccrl": 4,
            "wait": { "cqt_ms": 10000, "cqt_source": "default", "wait_ms": 25000 },
            "counters": {
                "lost": 2, "held": 6, "held_bytes": 24576, "released": 2, "released_bytes": 8192,
                "ccr": 0, "ccr_asked": 1, "ccr_unmatched": 0, "ccr_log_errors": 0,
                "time": 1, "reconnect": 0, "reconnect_by_id": 0, "disabled": 0, "target": 0,
                "admin": 0, "noticed": 0
            }
        })
    );
    assert_eq!(subsystem["controllers"][1]["fence"]["state"], "idle");
    let ssd = &status["subsystems"][1];
    assert_eq!(ssd["settings"], Value::Null);
    assert_eq!(ssd["controllers"][0]["fence"], Value::Null);
    assert_eq!(ssd["controllers"][0]["unfenced"], "local-disk");
}

#[test]
fn none_is_not_zero() {
    let host = Host::fencing();
    let fence = "/controllers/0/fence";
    let identity = "cntlid=1 ciu=0 kato_ms=0 tbkas=0 cqt_ms=0 cqt_source=default wait_ms=none";
    host.file(&format!("{FENCE}/identity"), identity);
    host.file(&format!("{FENCE}/ciu"), "0");
    host.file(&format!("{FENCE}/ccrl"), "0");
    let subsystem = &status(&host, &[])["subsystems"][0];
    for key in [
        "identity/ciu",
        "identity/cqt_reported_ms",
        "ccrl",
        "wait/wait_ms",
    ] {
        let found = subsystem.pointer(&format!("{fence}/{key}"));
        assert_eq!(found, Some(&Value::Null), "{key}");
    }
    let kato = subsystem.pointer("/controllers/0/timers/kato_ms");
    assert_eq!(kato, Some(&"off".into()));
    each(
        &host,
        [(
            "sys/class/nvme-subsystem/nvme-subsys0/fence/cqt_override_ms",
            "7",
            "/settings/cqt_override_ms",
            7,
        )],
    );
}

#[test]
fn the_quiesce_time_in_force_is_shown_with_its_source() {
    let host = Host::fencing();
    host.file(&format!("{SETTINGS}/cqt_override_ms"), "20000");
    for (source, ms, shown) in [
        ("controller", 700, "CQT 0.700 s (reported)"),
        ("default", 10_000, "CQT 10 s (default)"),
        ("override", 20_000, "CQT 20 s (override)"),
    ] {
        for number in 0..2 {
            let identity = format!(
                "cntlid=1 ciu=3 kato_ms=5000 tbkas=1 cqt_ms=700 cqt_source={source} wait_ms=25000"
            );
            host.file(
                &format!("sys/class/nvme/nvme{number}/fence/identity"),
                &identity,
            );
        }
        let wait = &controller(&host)["fence"]["wait"];
        assert_eq!(
            *wait,
            json!({ "cqt_ms": ms, "cqt_source": source, "wait_ms": 25000 })
        );
        let text = text(&host, &["nvme-subsys0"]);
        let unbroken = text.replace("\n  ", " ");
        let line = format!("evidence ccr time reconnect disabled, {shown} PATH");
        assert!(unbroken.contains(&line), "{text}");
    }
}

#[test]
fn time_rules_are_told_apart() {
    let host = Host::fencing();
    let rule = "/controllers/0/fence/time_rule";
    each(
        &host,
        [
            (
                "sys/class/nvme/nvme0/fence/state",
                "fencing",
                rule,
                "running",
            ),
            (
                "sys/class/nvme/nvme0/fence/deadline_ms",
                "none",
                rule,
                "none",
            ),
            (
                "sys/class/nvme/nvme0/fence/state",
                "lost",
                rule,
                "not-terminated",
            ),
            ("sys/class/nvme/nvme0/fence/held", "0", rule, "idle"),
        ],
    );
}

#[test]
fn what_moved_the_deadline_is_said() {
    let host = Host::fencing();
    let rule = "/controllers/0/fence/deadline_rule";
    let file = "sys/class/nvme/nvme0/fence/deadline_rule";
    each(
        &host,
        [
            (file, "command", rule, "command"),
            (file, "dowsing", rule, "dowsing"),
            (file, "ccr-failed", rule, "ccr-failed"),
        ],
    );
    let said = "  nvme0: 4 commands held, 16.0 KiB, the oldest for 3.001 s, fenced by time in\n  \
                12.345 s; the loss was noticed: a Cross-Controller Reset of it was begun, and\n  \
                failed\n";
    let shown = text(&host, &[]);
    assert!(shown.contains(said), "{shown}");
    host.file(file, "traffic");
    let shown = text(&host, &[]);
    assert!(!shown.contains("noticed"), "{shown}");
}

#[test]
fn what_is_tracked_has_a_deadline_and_belongs_to_another_loss() {
    let host = Host::fencing();
    host.tracking(2, 0);
    let shown = |options: &[&str]| {
        let text = text(&host, options);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said =
        "nvme0: 2 cancelled commands went on at once; newer ones to their 8.0 KiB wait, none \
                does; the last deadline in 12.345 s";
    let verbose = shown(&["--verbose"]);
    assert!(verbose.contains(said), "{verbose}");
    let last = "an earlier loss was fenced by time";
    assert!(verbose.contains(last), "{verbose}");
    // Why there is no deadline is said of the deadline.
    host.file("sys/class/nvme/nvme0/fence/deadline_ms", "none");
    host.file(
        "sys/class/nvme/nvme0/fence/identity",
        "cntlid=1 ciu=0 kato_ms=0 tbkas=1 cqt_ms=0 cqt_source=default wait_ms=none",
    );
    let why = "none does; no deadline: keep alive";
    let normal = shown(&[]);
    assert!(normal.contains(why), "{normal}");
}

#[test]
fn words_are_about_the_path() {
    let host = Host::fencing();
    let word = "/controllers/0/fence/state";
    let file = "sys/class/nvme/nvme0/fence/state";
    each(
        &host,
        [
            (file, "open", word, "idle"),
            (file, "closed", word, "down"),
            (file, "lost", word, "lost"),
            (file, "fencing", word, "holding"),
            // Of a newer module.
            (file, "dreaming", word, "dreaming"),
        ],
    );
    let text = text(&host, &[]);
    assert!(
        text.contains("  nvme0  connecting  -    dreaming  4 "),
        "{text}"
    );
}

#[test]
fn timers_are_those_in_force() {
    for kernel in [Kernel::V5_15, Kernel::V7_3, Kernel::WithoutMultipath] {
        let host = Host::array(kernel);
        let timers = |host: &Host| controller(host)["timers"].clone();
        assert_eq!(timers(&host)["ctrl_loss_ms"], Value::Null);
        for (name, value) in [
            ("kato", "5"),
            ("ctrl_loss_tmo", "600"),
            ("reconnect_delay", "10"),
            ("fast_io_fail_tmo", "off"),
        ] {
            host.file(&format!("sys/class/nvme/nvme0/{name}"), value);
        }
        host.file("sys/module/nvme_core/parameters/io_timeout", "30");
        let mut expected = json!({
            "kato_ms": 5000,
            "ctrl_loss_ms": 600_000,
            "reconnect_delay_ms": 10_000,
            "fast_io_fail_ms": "off",
            "io_timeout_ms": 30_000
        });
        assert_eq!(timers(&host), expected, "{kernel:?}");
        let shown = "    timers    KATO=5 s, io_timeout=30 s, reconnect_delay=10 s,\n\
                     \x20             ctrl_loss_tmo=600 s, fast_io_fail_tmo=off\n";
        let text = text(&host, &["--verbose"]);
        assert!(text.contains(shown), "{text}");
        host.file("sys/class/nvme/nvme0/io_timeout", "3000");
        expected["io_timeout_ms"] = 3000.into();
        assert_eq!(timers(&host), expected);
    }
}

#[test]
fn namespaces_and_their_paths_are_shown() {
    for kernel in Kernel::ALL {
        let host = Host::array(kernel);
        let node = |disk: &str| host.path("dev").join(disk).display().to_string();
        let answer = status(&host, &[]);
        let namespace = &answer["subsystems"][0]["namespaces"][0];
        assert_eq!(namespace["device"], node("nvme0n1"));
        assert_eq!(namespace["paths"][1]["name"], "nvme0c1n1");
        let text = text(&host, &[]);
        // Where lines end depends on how long the path of the host is.
        let words: Vec<_> = text.split_whitespace().collect();
        let common = [
            &node("nvme0n1"),
            &format!("{},", node("nvme0n2")),
            "iopolicy",
            "numa",
        ];
        assert!(words.windows(4).any(|part| part == common), "{text}");
        assert!(
            text.contains("\n  nvme0  live   optimized      NOT "),
            "{text}"
        );
        assert!(
            text.contains("\n  nvme1  live   non-optimized  NOT "),
            "{text}"
        );
        assert!(!text.contains(" on nvme"), "{text}");
    }
    let text = text(&Host::array(Kernel::WithoutMultipath), &[]);
    let mut words = text.split_whitespace();
    assert!(words.any(|word| word.ends_with("nvme1n2,")), "{text}");
    assert_eq!(
        (words.next(), words.next()),
        (Some("no"), Some("multipath")),
        "{text}"
    );
}

#[test]
fn namespaces_whose_states_differ_are_told_apart() {
    for kernel in Kernel::ALL {
        let host = Host::array(kernel);
        host.ana(0, 2, "inaccessible");
        let all = text(&host, &[]);
        for line in [
            "  nvme0  live   mixed          NOT PROTECTED: the module is not loaded",
            "  nvme1  live   non-optimized  NOT PROTECTED: the module is not loaded",
            "  nvme0n1: optimized on nvme0, non-optimized on nvme1",
            "  nvme0n2: inaccessible on nvme0, non-optimized on nvme1",
        ] {
            assert!(all.lines().any(|l| l == line), "{line}: {all}");
        }
        // Of one namespace, nothing is mixed.
        let one = text(&host, &["nvme0n2"]);
        assert!(
            one.contains("\n  nvme0  live   inaccessible   NOT "),
            "{one}"
        );
        let namespaces = status(&host, &["nvme0n1p1"])["subsystems"][0]["namespaces"].clone();
        assert_eq!(namespaces.as_array().unwrap().len(), 1);
        assert_eq!(namespaces[0]["name"], "nvme0n1");
        // Of one controller, its paths.
        let namespaces = status(&host, &["nvme1"])["subsystems"][0]["namespaces"].clone();
        assert_eq!(namespaces[0]["paths"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn the_disk_of_a_path_is_that_path() {
    for kernel in Kernel::ALL {
        let host = Host::array(kernel);
        let answer = status(&host, &["nvme0c1n2"]);
        let subsystem = &answer["subsystems"][0];
        let one = |key: &str| match subsystem[key].as_array().unwrap().as_slice() {
            [one] => one["name"].clone(),
            several => panic!("{several:?}"),
        };
        assert_eq!(one("controllers"), "nvme1");
        assert_eq!(one("namespaces"), "nvme0n2");
        assert_eq!(subsystem["namespaces"][0]["paths"][0]["name"], "nvme0c1n2");
    }
}

#[test]
fn many_namespaces_are_a_few_and_a_number() {
    let host = Host::fencing();
    for number in 2..=40 {
        host.file(
            &format!("{SUBSYSTEM}/nvme0n{number}/nsid"),
            &number.to_string(),
        );
    }
    let shown = text(&host, &["nvme-subsys0"]);
    let line = "  nvme0n1 nvme0n2 nvme0n3 nvme0n4 and 36 more, evidence ccr time reconnect\n";
    assert!(shown.contains(line), "{shown}");
    let shown = text(&host, &["-v", "nvme-subsys0"]);
    assert!(shown.contains(" nvme0n40, evidence"), "{shown}");
}

#[test]
fn a_subsystem_without_controllers_is_orphaned() {
    for kernel in Kernel::ALL {
        let host = Host::array(kernel);
        host.disconnect(0);
        assert_eq!(status(&host, &[])["subsystems"][0]["orphaned"], false);
        host.disconnect(1);
        // Somebody has the disks open.
        let answer = status(&host, &[]);
        assert_eq!(answer["subsystems"][0]["orphaned"], true);
        assert_eq!(answer["subsystems"][0]["namespaces"][1]["name"], "nvme0n2");
        let text = text(&host, &[]);
        assert!(
            text.ends_with("  orphaned: no controller is left\n"),
            "{text}"
        );
    }
}

#[test]
fn a_line_is_a_path_and_fits() {
    let host = Host::fencing();
    host.file("sys/class/nvme/nvme0/state", "deleting (no IO)");
    for (name, text) in [
        ("held", "12345"),
        ("held_bytes", "1073741823"),
        ("evidence", "disabled"),
    ] {
        host.file(&format!("{FENCE}/{name}"), text);
    }
    host.file(&format!("{SUBSYSTEM}/nvme0n1/nsid"), "1");
    let path = "sys/class/nvme/nvme0/nvme0c0n1";
    host.file(&format!("{path}/nsid"), "1");
    host.file(&format!("{path}/ana_state"), "persistent-loss");
    let text = text(&host, &[]);
    let line = "  nvme0 deleting persistent-loss holding 12345 1024.0 MiB 12.4 s  disabled";
    assert!(text.lines().any(|l| l == line), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_eq!(controller(&host)["state"], "deleting (no IO)");
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_shown() {
    let controller = format!("{SUBSYSTEM}/nvme0");
    for (name, file) in [
        ("nvme0", format!("{controller}/fence/held")),
        ("nvme0", format!("{controller}/kato")),
        ("nvme-subsys0", format!("{SUBSYSTEM}/fence/cqt_default_ms")),
        ("nvme-subsys0", format!("{SUBSYSTEM}/nvme0n1/size")),
    ] {
        let host = Host::fencing();
        host.file(&file, "much");
        let output = host.run(&["status"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let line = format!(" {name}: {}: `much` is not", host.path(&file).display());
        let unbroken = text.replace("\n  ", " ");
        assert!(unbroken.contains(&line), "{line}: {text}");
        assert!(text.contains("\n  nvme1  live "), "{text}");
        let answer = status(&host, &[]);
        let errors = |part: &Value| part["errors"].as_array().unwrap().len();
        let subsystem = &answer["subsystems"][0];
        let of_controller = errors(&subsystem["controllers"][0]);
        assert_eq!(errors(subsystem) + of_controller, 1, "{answer}");
    }
    // What cannot be read is not unfenced.
    let host = Host::fencing();
    fs::remove_file(host.path(&format!("{FENCE}/held"))).unwrap();
    let shown = text(&host, &[]);
    assert!(
        shown.contains("  nvme0  connecting  -    unknown\n"),
        "{shown}"
    );
    let unbroken = shown.replace('\n', " ");
    assert!(unbroken.contains(" nvme0: cannot read "), "{shown}");
    // A module of another kind has other settings.
    let host = Host::fencing();
    fs::remove_file(host.path(&format!("{SETTINGS}/hold"))).unwrap();
    let shown = text(&host, &[]);
    assert!(shown.contains("\n  nvme1  live "), "{shown}");
    let words: Vec<_> = shown.split_whitespace().collect();
    let misfit = "nvme-subsys0: the module nvme_fence that is loaded does not fit this tool:";
    assert!(words.join(" ").contains(misfit), "{shown}");
    // Nobody knows which Command Quiesce Time is in force.
    let host = Host::fencing();
    fs::remove_dir_all(host.path(SETTINGS)).unwrap();
    let subsystem = &status(&host, &[])["subsystems"][0];
    let wait = &subsystem["controllers"][1]["fence"]["wait"];
    assert_eq!(wait["cqt_ms"], Value::Null);
}

#[test]
fn what_several_parts_need_is_one_thing_that_cannot_be_read() {
    let host = Host::array(Kernel::V7_3);
    fs::remove_file(host.path("sys/class/nvme/nvme0/state")).unwrap();
    let answer = status(&host, &[]);
    let subsystem = &answer["subsystems"][0];
    assert_eq!(subsystem["errors"], json!([]));
    let errors = subsystem["controllers"][0]["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
}

/// nvme-core counts since Linux 7.2: for the controller, and for its path to each namespace.
#[test]
fn what_the_kernel_has_counted_is_added_up() {
    let host = Host::array(Kernel::V7_3);
    let counter = |path: &str, name: &str, count: u64| {
        let file = format!("sys/class/nvme/nvme0/{path}diag/{name}_count");
        host.file(&file, &count.to_string());
    };
    for (name, count) in [("reset", 1), ("reconnect", 7), ("command_error", 0)] {
        counter("", name, count);
    }
    for (path, factor) in [("nvme0c0n1/", 1), ("nvme0c0n2/", 10)] {
        for (name, count) in [
            ("command_error", 2),
            ("command_retries", 3),
            ("multipath_failover", 4),
        ] {
            counter(path, name, factor * count);
        }
    }
    assert_eq!(
        controller(&host)["diag"],
        json!({
            "resets": 1, "reconnects": 7, "admin_errors": 0,
            "io_errors": 22, "retries": 33, "failovers": 44
        })
    );
    let line = "    diag      resets=1 reconnects=7 io_errors=22 retries=33 failovers=44\n";
    let all = text(&host, &["--verbose"]);
    assert!(all.contains(line), "{all}");
    // The other one has no counters, and so no line.
    assert_eq!(all.matches("    diag ").count(), 1, "{all}");
    // Another transport does not reconnect.
    fs::remove_file(host.path("sys/class/nvme/nvme0/diag/reconnect_count")).unwrap();
    assert_eq!(controller(&host)["diag"]["reconnects"], Value::Null);
}
