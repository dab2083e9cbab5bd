// SPDX-License-Identifier: GPL-2.0
//! The answer for people: a line for each subsystem, and then what was found, the worst first.

use std::fmt;

use super::finding::{Finding, RULES};
use super::{Check, SubsystemCheck};
use crate::text::{OneLine, Wrapped, COLUMNS};

/// What is printed for what could not be read.
const UNKNOWN: &str = "-";
/// What the lines below the heading of a finding begin with.
const INDENT: &str = "    ";

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.subsystems.is_empty() && self.errors.is_empty() {
            return writeln!(f, "there is no NVMe subsystem on this host");
        }
        if !self.subsystems.is_empty() {
            write_row(f, ["SUBSYSTEM", "VERDICT", "LIVE", "NQN"])?;
        }
        for subsystem in &self.subsystems {
            let live = match subsystem.paths {
                0 => UNKNOWN.to_owned(),
                paths => format!("{}/{paths}", subsystem.live),
            };
            let nqn = subsystem.nqn.as_deref().unwrap_or(UNKNOWN);
            let verdict = subsystem.verdict.words();
            write_row(f, [&subsystem.name, verdict, &live, nqn])?;
        }
        for finding in in_order(&self.subsystems) {
            write!(f, "\n{finding}")?;
        }
        let errors = self.subsystems.iter().flat_map(|s| &s.errors);
        let errors: Vec<&String> = errors.chain(&self.errors).collect();
        if !errors.is_empty() {
            writeln!(f, "\ncould not be read:")?;
        }
        for text in errors {
            write_text(f, text)?;
        }
        Ok(())
    }
}

/// A line of the table, with as much of the last column as fits: its end, since that is where
/// names of the same maker differ.
fn write_row(f: &mut fmt::Formatter<'_>, [name, verdict, live, nqn]: [&str; 4]) -> fmt::Result {
    let front = format!("{name:<15} {verdict:<23} {live:<5} ");
    let nqn = OneLine(nqn).to_string();
    let width = nqn.chars().count();
    let room = COLUMNS.saturating_sub(front.chars().count());
    if width <= room {
        return writeln!(f, "{front}{nqn}");
    }
    let rest: String = nqn.chars().skip(width - room.saturating_sub(3)).collect();
    writeln!(f, "{front}...{rest}")
}

/// The findings of all subsystems, the worst first; what is the same for several is one.
fn in_order(subsystems: &[SubsystemCheck]) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for finding in subsystems.iter().flat_map(|subsystem| &subsystem.findings) {
        let same = |other: &&mut Finding| {
            (other.code, &other.sentence, &other.command)
                == (finding.code, &finding.sentence, &finding.command)
        };
        match all.iter_mut().find(same) {
            Some(other) => other.objects.extend_from_slice(&finding.objects),
            None => all.push(finding.clone()),
        }
    }
    all.sort_by_key(|finding| RULES.iter().position(|rule| rule.code == finding.code));
    all
}

/// A text below a heading.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "{}", Wrapped::below(INDENT, text))
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = format!("{}: {}: ", self.severity.word(), self.code);
        let text = &self.objects.join(" ");
        let others = INDENT;
        let heading = Wrapped {
            first: &first,
            others,
            text,
        };
        write!(f, "{heading}")?;
        write_text(f, &self.sentence)?;
        // In one piece, to be copied.
        writeln!(f, "{INDENT}# {}", OneLine(&self.command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Severity;
    use crate::check::verdict::Verdict;

    /// A subsystem of which one thing was found.
    fn subsystem(name: &str, nqn: &str, code: &'static str) -> SubsystemCheck {
        SubsystemCheck {
            name: name.to_owned(),
            nqn: Some(nqn.to_owned()),
            verdict: Verdict::ProtectedWithWarnings,
            paths: 2,
            live: 1,
            findings: vec![Finding {
                code,
                severity: Severity::Warning,
                objects: vec![name.to_owned()],
                sentence: "sentence".to_owned(),
                command: "command".to_owned(),
            }],
            errors: Vec::new(),
        }
    }

    #[test]
    fn lines_fit_and_the_worst_comes_first() {
        let nqn = format!("nqn.\u{1b}[2J{}:the-end", "x".repeat(223));
        let check = Check::new(
            vec![
                subsystem("nvme-subsys0", &nqn, "one-path"),
                subsystem("nvme-subsys1234", "nqn.b", "cqt-assumed"),
                subsystem("nvme-subsys2", "nqn.c", "one-path"),
            ],
            Vec::new(),
        );
        let text = check.to_string();
        assert!(
            text.lines().all(|line| line.chars().count() <= COLUMNS),
            "{text}"
        );
        assert!(!text.contains('\u{1b}'));
        assert!(text.lines().nth(1).unwrap().ends_with("x:the-end"));
        let headings: Vec<_> = text
            .lines()
            .filter(|l| l.starts_with("warning: "))
            .collect();
        assert_eq!(
            headings,
            [
                "warning: cqt-assumed: nvme-subsys1234",
                "warning: one-path: nvme-subsys0 nvme-subsys2",
            ]
        );
    }
}
