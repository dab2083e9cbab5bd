// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence metrics` on made-up hosts, held against parsers that are not ours.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::prometheus::{checked, promtool, samples, value};
use fixture::volumes::Kernel;
use fixture::Host;
use std::collections::BTreeSet;

/// The metrics of a host.
fn metrics(host: &Host) -> String {
    let output = host.run(&["metrics"]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_held_and_what_was() {
    let text = metrics(&Host::fencing());
    for (sample, expected) in [
        ("nvme_fence_module_loaded", 1.0),
        ("nvme_fence_unreadable", 0.0),
        (
            "nvme_fence_info{evidence=ccr time reconnect disabled,hold=all,nqn=nqn.2026-01.org.example:array,subsystem=nvme-subsys0}",
            1.0,
        ),
        ("nvme_fence_protected{subsystem=nvme-subsys0}", 0.0),
        ("nvme_fence_protected{subsystem=nvme-subsys2}", 1.0),
        (
            "nvme_fence_findings{code=no-path,severity=error,subsystem=nvme-subsys0}",
            1.0,
        ),
        (
            "nvme_fence_wait_seconds{controller=nvme0,subsystem=nvme-subsys0}",
            25.0,
        ),
        (
            "nvme_fence_held_commands{controller=nvme0,subsystem=nvme-subsys0}",
            4.0,
        ),
        (
            "nvme_fence_held_bytes{controller=nvme0,subsystem=nvme-subsys0}",
            16384.0,
        ),
        (
            "nvme_fence_oldest_held_seconds{controller=nvme0,subsystem=nvme-subsys0}",
            3.001,
        ),
        (
            "nvme_fence_held_commands{controller=nvme1,subsystem=nvme-subsys0}",
            0.0,
        ),
        (
            "nvme_fence_lost_total{controller=nvme0,subsystem=nvme-subsys0}",
            2.0,
        ),
        (
            "nvme_fence_holds_total{controller=nvme0,subsystem=nvme-subsys0}",
            6.0,
        ),
        (
            "nvme_fence_fenced_total{controller=nvme0,evidence=time,subsystem=nvme-subsys0}",
            1.0,
        ),
        (
            "nvme_fence_fenced_total{controller=nvme0,evidence=ccr,subsystem=nvme-subsys0}",
            0.0,
        ),
        (
            "nvme_fence_fenced_total{controller=nvme0,evidence=reconnect-by-id,subsystem=nvme-subsys0}",
            0.0,
        ),
        (
            "nvme_fence_noticed_total{controller=nvme0,subsystem=nvme-subsys0}",
            0.0,
        ),
        (
            "nvme_fence_released_commands_total{controller=nvme0,subsystem=nvme-subsys0}",
            2.0,
        ),
    ] {
        assert_eq!(value(&text, sample), Some(expected), "{sample}: {text}");
    }
    // nqn is in one metric only, the others get it by a join.
    let with_nqn = samples(&text)
        .into_iter()
        .filter(|(s, _)| s.contains("nqn="));
    assert!(with_nqn
        .map(|(s, _)| s)
        .all(|s| s.starts_with("nvme_fence_info{")));
}

#[test]
fn what_is_tracked_and_what_waits() {
    let host = Host::fencing();
    host.tracking(4, 1);
    host.removed(0, "none");
    host.file("sys/module/nvme_fence/removed/tracked", "2");
    let text = metrics(&host);
    promtool(&["check", "metrics"], &text);
    for (sample, expected) in [
        ("tracked_commands", 4.0),
        ("tracked_bytes", 16384.0),
        ("waiting_commands", 1.0),
        ("tracks_total", 4.0),
        ("waits_total", 1.0),
    ] {
        let sample = format!("nvme_fence_{sample}{{controller=nvme0,subsystem=nvme-subsys0}}");
        assert_eq!(value(&text, &sample), Some(expected), "{sample}: {text}");
    }
    let removed = value(&text, "nvme_fence_removed_tracked_commands");
    assert_eq!(removed, Some(2.0));
    // Of a module that does not tell, nothing is said.
    let text = metrics(&Host::fencing());
    assert!(!text.contains("tracked_") && !text.contains("tracks_"));
}

#[test]
fn what_has_happened_stays_when_a_controller_goes() {
    let host = Host::fencing();
    let totals = "sys/class/nvme-subsystem/nvme-subsys0/fence/totals";
    host.file(totals, "lost 3\nheld 6\nreleased 2\ntime 1");
    let before = metrics(&host);
    promtool(&["check", "metrics"], &before);
    std::fs::remove_dir_all(host.sysfs().join("devices/virtual/nvme-fabrics/ctl/nvme0")).unwrap();
    let after = metrics(&host);
    for (sample, expected) in [
        ("lost_total{", 3.0),
        ("holds_total{", 6.0),
        ("fenced_total{evidence=time,", 1.0),
        ("released_commands_total{", 2.0),
    ] {
        let sample = format!("nvme_fence_{sample}subsystem=nvme-subsys0}}");
        for text in [&before, &after] {
            assert_eq!(value(text, &sample), Some(expected), "{sample}: {text}");
        }
    }
    // A sum has nothing twice.
    let counted = |(sample, _): &(String, f64)| sample.contains("_total{");
    let mut counters = samples(&before).into_iter().filter(counted);
    assert!(counters.all(|(sample, _)| !sample.contains("controller=")));
}

#[test]
fn it_agrees_with_check() {
    for (host, status) in [
        (Host::fencing(), 4),
        (Host::stock(), 4),
        (Host::local(), 0),
        (Host::empty(), 0),
    ] {
        let text = metrics(&host);
        let all = samples(&text);
        let protected: Vec<f64> = all
            .iter()
            .filter(|(sample, _)| sample.starts_with("nvme_fence_protected{"))
            .map(|(_, value)| *value)
            .collect();
        assert_eq!(host.run(&["check"]).status.code(), Some(status));
        assert_eq!(protected.contains(&0.0), status == 4, "{text}");
    }
}

#[test]
fn paths_are_counted_by_volume() {
    let host = Host::array(Kernel::V7_3);
    host.file("sys/class/nvme/nvme0/state", "connecting");
    let text = metrics(&host);
    for (sample, expected) in [
        (
            "nvme_fence_paths_usable{device=nvme0n1,subsystem=nvme-subsys0}",
            1.0,
        ),
        (
            "nvme_fence_paths_optimized{device=nvme0n1,subsystem=nvme-subsys0}",
            0.0,
        ),
        (
            "nvme_fence_paths_usable{device=nvme0n2,subsystem=nvme-subsys0}",
            1.0,
        ),
    ] {
        assert_eq!(value(&text, sample), Some(expected), "{sample}: {text}");
    }
}

#[test]
fn what_removed_controllers_hold() {
    let host = Host::fencing();
    host.removed(3, "12345");
    let text = metrics(&host);
    assert_eq!(value(&text, "nvme_fence_removed_held_commands"), Some(3.0));
    assert_eq!(value(&text, "nvme_fence_removed_held_bytes"), Some(12288.0));
}

#[test]
fn other_programs_understand_it() {
    for host in [Host::fencing(), Host::array(Kernel::V5_15), Host::empty()] {
        host.removed(1, "none");
        let text = metrics(&host);
        checked(&text);
        // No sample is there twice.
        let names: Vec<String> = samples(&text).into_iter().map(|(name, _)| name).collect();
        let different: BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{text}");
        promtool(&["check", "metrics"], &text);
    }
}

#[test]
fn strange_names_are_escaped() {
    let host = Host::fencing();
    let nqn = "nqn.2026-01.org.example:\"a\\b";
    host.file("sys/class/nvme-subsystem/nvme-subsys0/subsysnqn", nqn);
    let text = metrics(&host);
    promtool(&["check", "metrics"], &text);
    assert!(
        text.contains(r#"nqn="nqn.2026-01.org.example:\"a\\b""#),
        "{text}"
    );
}

#[test]
fn a_file_is_replaced_at_once() {
    let host = Host::fencing();
    let file = host.path("nvme.prom");
    std::fs::write(&file, "old").unwrap();
    let output = host.run(&["metrics", "--textfile", file.to_str().unwrap()]);
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), metrics(&host));
    let output = host.run(&["metrics", "--textfile", "/nowhere/nvme.prom"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
