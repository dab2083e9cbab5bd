// SPDX-License-Identifier: GPL-2.0-only

//! What `Documentation/nvme-fence/model.rst` says of mutants, for the tests that compare it.

use std::collections::BTreeMap;

const PAGE: &str = include_str!("../../../../Documentation/nvme-fence/model.rst");

/// What stands below a heading and above another one.
fn section(heading: &str, next: &str) -> &'static str {
    let line = |heading: &str| format!("\n{heading}\n{}\n", "=".repeat(heading.len()));
    let (_, below) = PAGE.split_once(&line(heading)).expect(heading);
    let (section, _) = below.split_once(&line(next)).expect(next);
    section
}

/// About the mutants of the policy.
pub(super) fn policy() -> &'static str {
    section("Mutants", "Mutants of the shell")
}

/// About the mutants of the shell.
pub(super) fn shell() -> &'static str {
    section("Mutants of the shell", "Replay")
}

/// The rows of the table in a section, each by the name of its mutant: the other columns.
pub(super) fn rows(section: &'static str) -> BTreeMap<&'static str, &'static str> {
    let mut rows = BTreeMap::new();
    // Rules are above and below the head, and below the last row.
    let mut parts = section.split("\n==");
    let body = parts.nth(2).expect("a table");
    for row in body.lines().skip(1) {
        let (name, rest) = row.split_once("  ").expect(row);
        assert_eq!(rows.insert(name, rest.trim_start()), None, "{name}");
    }
    rows
}

/// What the model does not notice, and why: the list in a section.
pub(super) fn unnoticed(section: &'static str) -> BTreeMap<&'static str, String> {
    let mut reasons = BTreeMap::new();
    let (_, list) = section
        .split_once("\nWhat the model does not notice:\n")
        .expect("a list");
    for entry in list.split("\n``").skip(1) {
        let (name, reason) = entry.split_once("``\n").expect(entry);
        let words: Vec<_> = reason.split_whitespace().collect();
        assert_eq!(reasons.insert(name, words.join(" ")), None, "{name}");
    }
    reasons
}
