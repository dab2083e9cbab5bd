// SPDX-License-Identifier: GPL-2.0
//! The examples for Prometheus and Grafana: they use what there is, and promtool takes them.

#[allow(dead_code)] // Each test binary uses its own part of it.
mod fixture;

use fixture::prometheus::{expressions, package, promtool, DASHBOARD, RULES};
use fixture::volumes::Kernel;
use fixture::Host;
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::fs;

/// A file of this package.
fn read(name: &str) -> String {
    fs::read_to_string(package().join(name)).unwrap()
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("nvme_fence_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn they_name_what_is_measured() {
    let mut measured = BTreeSet::new();
    let fencing = Host::fencing();
    fencing.file(
        "sys/class/nvme/nvme0/fence/counters",
        "lost 0\nheld 0\nreleased 0\ntime 0",
    );
    fencing.file("sys/class/nvme/nvme0/fence/tracked", "0");
    for host in [fencing, Host::array(Kernel::V7_3)] {
        host.removed(1, "none");
        let output = host.run(&["metrics"]);
        measured.extend(named(&String::from_utf8(output.stdout).unwrap()));
    }
    for example in [RULES, DASHBOARD] {
        let named = named(&read(example));
        assert!(named.len() >= 5, "{named:?}");
        let unknown: Vec<_> = named.difference(&measured).collect();
        assert!(unknown.is_empty(), "{example}: {unknown:?}");
    }
}

#[test]
fn alerts_are_raised_when_they_are_to_be() {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, text: String| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let rules = put("nvme-fence.rules.yml", read(RULES));
    let tests = put("alerts.test.yml", read("tests/data/alerts.test.yml"));
    promtool(&["check", "rules", &rules], "");
    promtool(&["test", "rules", &tests], "");
    // Each has a test.
    for name in read(RULES)
        .lines()
        .filter_map(|line| line.split_once("alert: "))
    {
        let tested = read("tests/data/alerts.test.yml").matches(name.1).count();
        assert!(tested >= 2, "{}: {tested}", name.1);
    }
}

#[test]
fn the_dashboard_asks_what_prometheus_understands() {
    let rule = |expression: &String| json!({ "record": "panel", "expr": expression });
    let rules: Vec<Value> = expressions().iter().map(rule).collect();
    assert!(rules.len() >= 8);
    // JSON is YAML.
    let file = tempfile::NamedTempFile::new().unwrap();
    let groups = json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    fs::write(file.path(), groups.to_string()).unwrap();
    promtool(&["check", "rules", file.path().to_str().unwrap()], "");
}
