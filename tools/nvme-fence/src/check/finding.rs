// SPDX-License-Identifier: GPL-2.0
//! What is wrong, from the worst on: one table of all that can be found.

use serde::Serialize;

use super::facts::{HostFacts, SubsystemFacts};
use super::rules::{evidence, fence, paths, stack, times};

/// What a finding means for the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// Ghost writes are possible, or nothing can be written at all.
    Error,
    /// It is protected, but something is not as it should be.
    Warning,
    /// Nothing is wrong; this only might be better.
    Note,
}

impl Severity {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What a rule has to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The devices that it is about.
    pub(crate) objects: Vec<String>,
    /// What is wrong, and why that matters.
    pub(crate) sentence: String,
    /// The command that mends it, or shows what is to be mended. Words in capital letters are to be
    /// filled in.
    pub(crate) command: String,
}

/// A rule: what can be found, and how.
pub(crate) struct Rule {
    /// What the finding is called.
    pub(crate) code: &'static str,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// Finds it.
    find: fn(&HostFacts, &SubsystemFacts) -> Vec<Told>,
}

/// A finding in the output. The names of the fields are the keys of the JSON output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What it is called: one of `RULES`.
    pub(crate) code: &'static str,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// The devices that it is about.
    pub(crate) objects: Vec<String>,
    /// What is wrong, and why that matters.
    pub(crate) sentence: String,
    /// The command that mends it.
    pub(crate) command: String,
}

/// A row of the table.
const fn rule(
    code: &'static str,
    severity: Severity,
    find: fn(&HostFacts, &SubsystemFacts) -> Vec<Told>,
) -> Rule {
    Rule {
        code,
        severity,
        find,
    }
}

/// All that can be found, the worst first.
pub(crate) static RULES: [Rule; 27] = [
    rule("series-missing", Severity::Error, fence::series_missing),
    rule("module-missing", Severity::Error, fence::module_missing),
    rule("hold-none", Severity::Error, fence::hold_none),
    rule("path-unfenced", Severity::Error, fence::path_unfenced),
    rule(
        "transport-unfenced",
        Severity::Error,
        fence::transport_unfenced,
    ),
    rule(
        "override-below-report",
        Severity::Error,
        times::override_below_report,
    ),
    rule("orphaned", Severity::Error, paths::orphaned),
    rule("no-path", Severity::Error, paths::no_path),
    rule("dm-on-top", Severity::Warning, stack::dm_on_top),
    rule("time-alone", Severity::Warning, fence::time_alone),
    rule("kato-off", Severity::Warning, times::kato_off),
    rule(
        "time-not-believed",
        Severity::Warning,
        evidence::time_not_believed,
    ),
    rule(
        "notification-believed",
        Severity::Warning,
        evidence::notification_believed,
    ),
    rule(
        "reconnect-by-id-believed",
        Severity::Warning,
        evidence::reconnect_by_id_believed,
    ),
    rule(
        "target-believed",
        Severity::Warning,
        evidence::target_believed,
    ),
    rule("hold-overlap", Severity::Warning, fence::hold_overlap),
    rule("cqt-assumed", Severity::Warning, times::cqt_assumed),
    rule("multipath-off", Severity::Warning, paths::multipath_off),
    rule(
        "no-optimized-path",
        Severity::Warning,
        paths::no_optimized_path,
    ),
    rule("one-path", Severity::Warning, paths::one_path),
    rule("one-port", Severity::Warning, paths::one_port),
    rule("superseded", Severity::Warning, paths::superseded),
    rule(
        "wait-over-ctrl-loss",
        Severity::Warning,
        times::wait_over_ctrl_loss,
    ),
    rule("fast-io-fail", Severity::Warning, times::fast_io_fail),
    rule(
        "wait-over-hung-task",
        Severity::Warning,
        times::wait_over_hung_task,
    ),
    rule(
        "ccr-not-believed",
        Severity::Note,
        evidence::ccr_not_believed,
    ),
    rule(
        "io-timeout-over-kato",
        Severity::Note,
        times::io_timeout_over_kato,
    ),
];

/// All that is found of a subsystem, in the order of the table.
pub(crate) fn findings(host: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Finding> {
    let told = |rule: &'static Rule| {
        let finding = |told: Told| Finding {
            code: rule.code,
            severity: rule.severity,
            objects: told.objects,
            sentence: told.sentence,
            command: told.command,
        };
        (rule.find)(host, subsystem).into_iter().map(finding)
    };
    RULES.iter().flat_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(RULES.is_sorted_by_key(|rule| rule.severity));
        let mut codes: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), RULES.len());
    }

    #[test]
    fn the_schema_names_the_codes() {
        let schema = include_str!("../../schemas/check-1.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let codes = &schema["$defs"]["finding"]["properties"]["code"]["examples"];
        let in_table: Vec<_> = RULES.iter().map(|rule| rule.code).collect();
        assert_eq!(*codes, serde_json::json!(in_table));
    }

    #[test]
    fn of_nothing_nothing_is_found_but_that_it_is_orphaned() {
        let found = findings(&HostFacts::default(), &SubsystemFacts::default());
        let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["orphaned"]);
    }
}
