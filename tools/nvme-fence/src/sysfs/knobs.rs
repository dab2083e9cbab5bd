// SPDX-License-Identifier: GPL-2.0
//! The knobs of a subsystem: `fence/` in its directory.

use anyhow::{ensure, Context, Result};
use serde::{Serialize, Serializer};
use std::ops::RangeInclusive;
use std::path::Path;

use super::attribute;
use super::evidence::Wanted;
use super::words::{Word, Words};
use crate::json::none_if_zero;

/// What the module accepts for `cqt_default_ms`.
pub(crate) const CQT_DEFAULT_MS: RangeInclusive<i64> = 1..=3_600_000;
/// What the module accepts for `cqt_override_ms`.
pub(crate) const CQT_OVERRIDE_MS: RangeInclusive<i64> = 0..=3_600_000;

/// The knobs as they are.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Knobs {
    /// Which cancelled commands wait: always one word is in force.
    #[serde(serialize_with = "the_word")]
    pub(crate) hold: Words,
    /// What counts as evidence.
    pub(crate) evidence: Words,
    /// The Command Quiesce Time for controllers that report none.
    pub(crate) cqt_default_ms: u32,
    /// The Command Quiesce Time that replaces what controllers report; 0 = none does.
    #[serde(serialize_with = "none_if_zero")]
    pub(crate) cqt_override_ms: u32,
}

/// The values to be written; `None` leaves a knob as it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// `hold`
    pub(crate) hold: Option<Word>,
    /// `evidence`
    pub(crate) evidence: Option<Wanted>,
    /// `cqt_default_ms`
    pub(crate) cqt_default_ms: Option<u32>,
    /// `cqt_override_ms`
    pub(crate) cqt_override_ms: Option<u32>,
}

impl Knobs {
    /// Reads them from a `fence/` directory.
    pub(crate) fn read(fence: &Path) -> Result<Self> {
        let hold = read_words(&fence.join("hold"))?;
        let in_force = hold.in_force().count();
        ensure!(
            in_force == 1,
            "{}: {in_force} words are in force in `{hold}`, not one",
            fence.join("hold").display()
        );
        Ok(Self {
            hold,
            evidence: read_words(&fence.join("evidence"))?,
            cqt_default_ms: attribute::read_number(&fence.join("cqt_default_ms"))?,
            cqt_override_ms: attribute::read_number(&fence.join("cqt_override_ms"))?,
        })
    }

    /// Which cancelled commands wait.
    pub(crate) fn hold(&self) -> &str {
        self.hold.in_force().next().unwrap_or_default()
    }

    /// Whether none waits. What other words a module has: some do.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.hold() == "none"
    }

    /// Whether cancelled commands go on at once, and only newer ones to their blocks wait.
    pub(crate) fn repeats_at_once(&self) -> bool {
        self.hold() == "overlap"
    }

    /// What counts as evidence, in one line.
    pub(crate) fn evidence_line(&self) -> String {
        let in_force: Vec<&str> = self.evidence.in_force().collect();
        in_force.join(" ")
    }

    /// Whether evidence of this kind counts.
    pub(crate) fn believes(&self, evidence: &str) -> bool {
        self.evidence.has(evidence)
    }
}

/// Reads words that the module lists. Those that this tool is made for have the file.
fn read_words(path: &Path) -> Result<Words> {
    let text = attribute::read_if_there(path)?.with_context(|| {
        format!(
            "the module nvme_fence that is loaded does not fit this tool: there is no {}",
            path.display()
        )
    })?;
    Ok(Words::parse(&text))
}

/// Writes the one word that is in force for programs.
fn the_word<S: Serializer>(words: &Words, serializer: S) -> Result<S::Ok, S::Error> {
    words.in_force().next().serialize(serializer)
}

impl Changes {
    /// What is to be written, in this order, where the knobs are as they are `now`.
    ///
    /// What the module does not list is refused.
    pub(crate) fn values(&self, now: &Knobs) -> Result<Vec<(&'static str, String)>> {
        if let Some(word) = &self.hold {
            now.hold.ensure_listed("hold", word)?;
        }
        let evidence = self
            .evidence
            .as_ref()
            .map(|wanted| wanted.of(&now.evidence));
        // What is to wait goes last: it must find the others in force.
        let values = [
            (
                "cqt_default_ms",
                self.cqt_default_ms.map(|ms| ms.to_string()),
            ),
            (
                "cqt_override_ms",
                self.cqt_override_ms.map(|ms| ms.to_string()),
            ),
            ("evidence", evidence.transpose()?),
            ("hold", self.hold.as_ref().map(|w| w.as_str().to_owned())),
        ];
        let given = values.into_iter();
        Ok(given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect())
    }

    /// Writes them to a `fence/` directory in which the knobs are as they are `now`; nothing, if
    /// the module would refuse a word.
    pub(crate) fn write(&self, fence: &Path, now: &Knobs) -> Result<()> {
        let mut written: Vec<String> = Vec::new();
        for (name, value) in self.values(now)? {
            let result = attribute::write(&fence.join(name), &value);
            if written.is_empty() {
                result?;
            } else {
                let before = written.join(" ");
                result.with_context(|| format!("{before} set before, and in force"))?;
            }
            written.push(format!("{name}={value}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// The files, in no particular order, and what they say first.
    const FILES: [(&str, &str); 4] = [
        ("hold", "[all] none"),
        ("evidence", "[ccr] [time] [disabled] notification"),
        ("cqt_default_ms", "10000"),
        ("cqt_override_ms", "0"),
    ];

    /// A `fence/` directory.
    fn fence() -> TempDir {
        let fence = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            fs::write(fence.path().join(name), text).unwrap();
        }
        fence
    }

    /// What the files say.
    fn texts(fence: &TempDir) -> [String; 4] {
        FILES.map(|(name, _)| fs::read_to_string(fence.path().join(name)).unwrap())
    }

    /// Changes the knobs; the error, if there is one.
    fn change(fence: &TempDir, changes: &Changes) -> Option<String> {
        let now = Knobs::read(fence.path()).unwrap();
        let result = changes.write(fence.path(), &now);
        result.err().map(|error| format!("{error:#}"))
    }

    #[test]
    fn only_changes_are_written() {
        let fence = fence();
        let changes = Changes {
            evidence: Some("-ccr,+notification".parse().unwrap()),
            cqt_override_ms: Some(7),
            ..Changes::default()
        };
        assert_eq!(change(&fence, &changes), None);
        let evidence = "time,disabled,notification";
        assert_eq!(texts(&fence), ["[all] none", evidence, "10000", "7"]);
    }

    #[test]
    fn nothing_is_written_if_a_word_is_not_listed() {
        for (hold, evidence) in [("some", "+ccr"), ("none", "luck"), ("none", "-luck")] {
            let fence = fence();
            let changes = Changes {
                hold: Some(hold.parse().unwrap()),
                evidence: Some(evidence.parse().unwrap()),
                cqt_default_ms: Some(7),
                cqt_override_ms: Some(7),
            };
            let error = change(&fence, &changes).unwrap();
            assert!(error.ends_with("; nothing was changed"), "{error}");
            assert_eq!(texts(&fence), FILES.map(|(_, text)| text));
        }
    }

    #[test]
    fn words_of_a_newer_module_can_be_set() {
        let fence = fence();
        fs::write(fence.path().join("hold"), "[all] overlap none").unwrap();
        let changes = Changes {
            hold: Some("overlap".parse().unwrap()),
            ..Changes::default()
        };
        assert_eq!(change(&fence, &changes), None);
        assert_eq!(texts(&fence)[0], "overlap");
    }

    #[test]
    fn what_was_set_before_a_refusal_is_named() {
        let fence = fence();
        let now = Knobs::read(fence.path()).unwrap();
        let hold = fence.path().join("hold");
        fs::remove_file(&hold).unwrap();
        std::os::unix::fs::symlink("/dev/full", &hold).unwrap();
        let error = |cqt_default_ms, evidence: Option<&str>| {
            let changes = Changes {
                hold: Some("none".parse().unwrap()),
                evidence: evidence.map(|text| text.parse().unwrap()),
                cqt_default_ms,
                cqt_override_ms: cqt_default_ms,
            };
            format!("{:#}", changes.write(fence.path(), &now).unwrap_err())
        };
        let refused = format!("the kernel refused `none` for {}", hold.display());
        assert!(error(None, None).starts_with(&refused));
        let stays = "cqt_default_ms=7 cqt_override_ms=7 evidence=ccr,time set before, and in \
                     force: ";
        let error = error(Some(7), Some("time,ccr"));
        assert!(error.starts_with(&(stays.to_owned() + &refused)), "{error}");
    }

    #[test]
    fn one_word_is_in_force_for_hold() {
        for text in ["all none", "[all] [none]", ""] {
            let fence = fence();
            fs::write(fence.path().join("hold"), text).unwrap();
            assert!(Knobs::read(fence.path()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_held_is_decided_by_one_word() {
        let knobs = |hold: &str| {
            let fence = fence();
            fs::write(fence.path().join("hold"), hold).unwrap();
            Knobs::read(fence.path()).unwrap()
        };
        assert!(knobs("all [none]").holds_nothing());
        assert!(!knobs("[all] none").holds_nothing());
        assert!(!knobs("all [dreams] none").holds_nothing());
        assert_eq!(knobs("all [dreams] none").hold(), "dreams");
    }

    #[test]
    fn a_module_that_does_not_fit_is_named() {
        for name in ["hold", "evidence"] {
            let fence = fence();
            fs::remove_file(fence.path().join(name)).unwrap();
            let error = Knobs::read(fence.path()).unwrap_err().to_string();
            assert!(error.contains("does not fit this tool"), "{error}");
            assert!(error.ends_with(name), "{error}");
        }
    }
}
