// SPDX-License-Identifier: GPL-2.0
//! What the findings come to.

use serde::Serialize;
use std::process::ExitCode;

use super::finding::{Finding, Severity};

/// An answer, the better the lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// It is a disk of this machine, or no disk at all.
    NeedsNoFence,
    /// It is protected.
    Protected,
    /// It is, but something is not as it should be.
    ProtectedWithWarnings,
    /// Something that could be decisive could not be read.
    CouldNotTell,
    /// It is not.
    NotProtected,
}

impl Verdict {
    /// The verdict on a subsystem.
    pub(crate) fn of(needs_no_fence: bool, findings: &[Finding], has_errors: bool) -> Self {
        // Whoever is known not to be protected is not, whatever else could not be read.
        match findings.iter().map(|finding| finding.severity).min() {
            Some(Severity::Error) => Self::NotProtected,
            _ if has_errors => Self::CouldNotTell,
            Some(Severity::Warning) => Self::ProtectedWithWarnings,
            Some(Severity::Note) | None if needs_no_fence => Self::NeedsNoFence,
            Some(Severity::Note) | None => Self::Protected,
        }
    }

    /// The words for it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NeedsNoFence => "needs no fence",
            Self::Protected => "protected",
            Self::ProtectedWithWarnings => "protected with warnings",
            Self::CouldNotTell => "could not tell",
            Self::NotProtected => "NOT PROTECTED",
        }
    }

    /// The exit status for it (cli.rs has the table).
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::NeedsNoFence | Self::Protected => ExitCode::SUCCESS,
            Self::CouldNotTell => ExitCode::FAILURE,
            Self::NotProtected => 4.into(),
            Self::ProtectedWithWarnings => 5.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts() {
        use Severity::{Error, Note, Warning};
        for (severities, needs_no_fence, has_errors, verdict) in [
            (&[][..], true, false, Verdict::NeedsNoFence),
            (&[], false, false, Verdict::Protected),
            (&[Note], false, false, Verdict::Protected),
            (
                &[Note, Warning],
                false,
                false,
                Verdict::ProtectedWithWarnings,
            ),
            (&[Warning], false, true, Verdict::CouldNotTell),
            (&[], true, true, Verdict::CouldNotTell),
            (&[Warning, Error], false, true, Verdict::NotProtected),
        ] {
            let finding = |severity: &Severity| Finding {
                code: "code",
                severity: *severity,
                objects: Vec::new(),
                sentence: String::new(),
                command: String::new(),
            };
            let findings: Vec<_> = severities.iter().map(finding).collect();
            let found = Verdict::of(needs_no_fence, &findings, has_errors);
            assert_eq!(found, verdict, "{severities:?}");
        }
    }
}
