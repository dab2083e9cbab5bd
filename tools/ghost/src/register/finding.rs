// SPDX-License-Identifier: GPL-2.0

//! What the oracle found, and the log of it.

use std::fmt;
use std::io::{self, Write};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::clock::Seconds;
use super::content::Damage;
use super::oracle::Violation;

/// One read that no atomic register could have answered like this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The block that was read.
    pub block: u64,
    /// When the read returned.
    pub read_ns: u64,
    /// What kind of inconsistency it is.
    pub kind: Kind,
    /// What was read and what contradicts it, for people.
    pub message: String,
}

/// The kinds of inconsistency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A generation older than one that was already known.
    Ghost,
    /// Something this run has not written to this block.
    Foreign,
    /// More than one generation in one block, not all of which can be there.
    Torn,
}

impl Finding {
    /// A read of `block` returned a generation it must not return.
    pub fn violation(block: u64, read_ns: u64, violation: Violation) -> Self {
        let kind = match violation {
            Violation::Ghost { .. } => Kind::Ghost,
            Violation::NeverSubmitted { .. } => Kind::Foreign,
        };
        Finding {
            block,
            read_ns,
            kind,
            message: violation.to_string(),
        }
    }

    /// A read of `block` returned something that is not one generation.
    pub fn damage(block: u64, read_ns: u64, damage: Damage) -> Self {
        let kind = match damage {
            Damage::NoStamp { .. } | Damage::OtherRun { .. } | Damage::OtherBlock { .. } => {
                Kind::Foreign
            }
            Damage::Torn { .. } => Kind::Torn,
        };
        Finding {
            block,
            read_ns,
            kind,
            message: damage.to_string(),
        }
    }

    fn repeats(&self, earlier: &Finding) -> bool {
        self.block == earlier.block && self.kind == earlier.kind && self.message == earlier.message
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = match self.kind {
            Kind::Ghost => "GHOST WRITE",
            Kind::Foreign => "FOREIGN CONTENT",
            Kind::Torn => "TORN BLOCK",
        };
        let Finding { block, message, .. } = self;
        write!(
            f,
            "block {block}: {message}: {label} (read at {})",
            Seconds(self.read_ns)
        )
    }
}

/// Collects findings and prints each one on standard error when it is made.
#[derive(Debug, Default)]
pub struct FindingLog {
    findings: Mutex<Vec<Finding>>,
}

impl FindingLog {
    /// Takes a finding, unless it says again what is known: a ghost stays where it is until the
    /// block is overwritten, and every read in between sees it.
    pub fn add(&self, finding: Finding) {
        let mut findings = self.findings.lock().expect("no holder of this lock panics");
        if findings.iter().any(|earlier| finding.repeats(earlier)) {
            return;
        }
        // The finding also goes into the report: a closed standard error loses nothing.
        let _ = writeln!(io::stderr(), "{finding}");
        findings.push(finding);
    }

    /// All findings, oldest first.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
            .into_inner()
            .expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torn(block: u64, read_ns: u64) -> Finding {
        Finding::damage(
            block,
            read_ns,
            Damage::Torn {
                oldest: 1,
                newest: 2,
            },
        )
    }

    #[test]
    fn a_finding_reads_as_one_line() {
        assert_eq!(
            torn(3, 8_040_000_000).to_string(),
            "block 3: read generations 1 to 2 in one block: TORN BLOCK (read at 8.040000000)"
        );
    }

    #[test]
    fn the_same_finding_is_logged_once() {
        let log = FindingLog::default();
        log.add(torn(3, 1));
        log.add(torn(3, 2));
        log.add(torn(4, 3));
        assert_eq!(log.into_findings(), [torn(3, 1), torn(4, 3)]);
    }
}
