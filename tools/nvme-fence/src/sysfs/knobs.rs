// SPDX-License-Identifier: GPL-2.0
//! The knobs of a subsystem: `fence/` in its directory.

use anyhow::{bail, ensure, Context, Result};
use clap::ValueEnum;
use serde::Serialize;
use std::ops::RangeInclusive;
use std::path::Path;

use super::attribute;
use crate::json::none_if_zero;

/// What the module accepts for `cqt_default_ms`.
pub(crate) const CQT_DEFAULT_MS: RangeInclusive<i64> = 1..=3_600_000;
/// What the module accepts for `cqt_override_ms`.
pub(crate) const CQT_OVERRIDE_MS: RangeInclusive<i64> = 0..=3_600_000;

/// What can be written to `mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Whatever evidence comes first: also a Cross-Controller Reset
    Auto,
    /// The wait of TP4129; that it was disabled; the administrator's word
    Time,
    /// Nothing is held: a stock kernel, ghost writes included
    Off,
}

impl Mode {
    /// The word that the kernel knows it by.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Time => "time",
            Self::Off => "off",
        }
    }
}

/// Whether it means that the controller has noticed if all connections were closed from the other
/// end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Trust {
    /// The controller has noticed: only its Command Quiesce Time is waited
    Yes,
    /// Something in between may have closed it: the keep alive timeouts are waited, too
    No,
}

impl Trust {
    /// The word that the kernel knows it by.
    fn word(self) -> &'static str {
        match self {
            Self::Yes => "1",
            Self::No => "0",
        }
    }
}

/// The knobs as they are.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Knobs {
    /// The mode in force. Text, because a newer module may have modes that this tool cannot set.
    pub(crate) mode: String,
    /// The Command Quiesce Time for controllers that report none.
    pub(crate) cqt_default_ms: u32,
    /// The Command Quiesce Time that replaces what controllers report; 0 = none does.
    #[serde(serialize_with = "none_if_zero")]
    pub(crate) cqt_override_ms: u32,
    /// Whether it means that the controller has noticed if all connections were closed from the other
    /// end; `None` = the module is older than this knob, and takes one of them for that.
    pub(crate) trust_notification: Option<bool>,
}

/// The values to be written; `None` leaves a knob as it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    /// `mode`
    pub(crate) mode: Option<Mode>,
    /// `cqt_default_ms`
    pub(crate) cqt_default_ms: Option<u32>,
    /// `cqt_override_ms`
    pub(crate) cqt_override_ms: Option<u32>,
    /// `trust_notification`
    pub(crate) trust_notification: Option<Trust>,
}

impl Knobs {
    /// Reads them from a `fence/` directory.
    pub(crate) fn read(fence: &Path) -> Result<Self> {
        let mode_path = fence.join("mode");
        let modes = attribute::read(&mode_path)?;
        let mode = selected(&modes)
            .with_context(|| format!("{}: no mode is marked in `{modes}`", mode_path.display()))?;
        Ok(Self {
            mode: mode.to_owned(),
            cqt_default_ms: attribute::read_number(&fence.join("cqt_default_ms"))?,
            cqt_override_ms: attribute::read_number(&fence.join("cqt_override_ms"))?,
            trust_notification: read_trust(&fence.join("trust_notification"))?,
        })
    }

    /// `trust_notification` in the words of the option that sets it.
    pub(crate) fn trust_word(&self) -> &'static str {
        match self.trust_notification {
            Some(true) => "yes",
            Some(false) => "no",
            None => "absent",
        }
    }
}

/// Reads `trust_notification`, which older modules lack.
fn read_trust(path: &Path) -> Result<Option<bool>> {
    if !path.exists() {
        return Ok(None);
    }
    match attribute::read(path)?.as_str() {
        "0" => Ok(Some(false)),
        "1" => Ok(Some(true)),
        text => bail!("{}: `{text}` is neither 0 nor 1", path.display()),
    }
}

impl Changes {
    /// Writes them to a `fence/` directory.
    pub(crate) fn write(&self, fence: &Path) -> Result<()> {
        let trust_path = fence.join("trust_notification");
        ensure!(
            self.trust_notification.is_none() || trust_path.exists(),
            "the module that is loaded is older than trust_notification; nothing was changed"
        );
        // The mode goes last: a new one must find the others in force.
        let values = [
            (
                "cqt_default_ms",
                self.cqt_default_ms.map(|ms| ms.to_string()),
            ),
            (
                "cqt_override_ms",
                self.cqt_override_ms.map(|ms| ms.to_string()),
            ),
            (
                "trust_notification",
                self.trust_notification.map(|trust| trust.word().to_owned()),
            ),
            ("mode", self.mode.map(|mode| mode.word().to_owned())),
        ];
        let mut written: Vec<String> = Vec::new();
        for (name, value) in values {
            let Some(value) = value else { continue };
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

/// The word in brackets of a list like `[auto] time off`.
fn selected(list: &str) -> Option<&str> {
    list.split_ascii_whitespace()
        .find_map(|word| word.strip_prefix('[')?.strip_suffix(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selected_word() {
        for (list, word) in [
            ("[auto] time off", Some("auto")),
            ("auto time [off]", Some("off")),
            ("auto time [target] off", Some("target")),
            ("auto time off", None),
            ("", None),
        ] {
            assert_eq!(selected(list), word, "{list}");
        }
    }

    #[test]
    fn only_changes_are_written() {
        let fence = tempfile::tempdir().unwrap();
        let names = [
            "mode",
            "cqt_default_ms",
            "cqt_override_ms",
            "trust_notification",
        ];
        for name in names {
            std::fs::write(fence.path().join(name), "as it was").unwrap();
        }
        let changes = Changes {
            mode: Some(Mode::Time),
            cqt_default_ms: None,
            cqt_override_ms: Some(0),
            trust_notification: Some(Trust::No),
        };
        changes.write(fence.path()).unwrap();
        let texts = names.map(|name| std::fs::read_to_string(fence.path().join(name)).unwrap());
        assert_eq!(texts, ["time", "as it was", "0", "0"]);
    }

    #[test]
    fn what_was_set_before_a_refusal_is_named() {
        let fence = tempfile::tempdir().unwrap();
        std::fs::write(fence.path().join("cqt_default_ms"), "as it was").unwrap();
        std::fs::write(fence.path().join("cqt_override_ms"), "as it was").unwrap();
        let mode = fence.path().join("mode");
        std::os::unix::fs::symlink("/dev/full", &mode).unwrap();
        let changes = |cqt_default_ms| Changes {
            mode: Some(Mode::Time),
            cqt_default_ms,
            cqt_override_ms: cqt_default_ms,
            trust_notification: None,
        };
        let refused = format!("the kernel refused `time` for {}", mode.display());
        let error = |ms| format!("{:#}", changes(ms).write(fence.path()).unwrap_err());
        assert!(error(None).starts_with(&refused), "{}", error(None));
        let stays = "cqt_default_ms=7 cqt_override_ms=7 set before, and in force: ";
        assert!(error(Some(7)).starts_with(&(stays.to_owned() + &refused)));
    }

    #[test]
    fn an_older_module_is_told_nothing() {
        let fence = tempfile::tempdir().unwrap();
        let mode = fence.path().join("mode");
        std::fs::write(&mode, "as it was").unwrap();
        let changes = Changes {
            mode: Some(Mode::Off),
            cqt_default_ms: None,
            cqt_override_ms: None,
            trust_notification: Some(Trust::Yes),
        };
        assert!(changes.write(fence.path()).is_err());
        assert_eq!(std::fs::read_to_string(mode).unwrap(), "as it was");
    }

    #[test]
    fn trust_is_0_or_1_or_not_there() {
        let fence = tempfile::tempdir().unwrap();
        let path = fence.path().join("trust_notification");
        assert_eq!(read_trust(&path).unwrap(), None);
        for (text, trust) in [("0\n", Some(false)), ("1\n", Some(true))] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_trust(&path).unwrap(), trust);
        }
        std::fs::write(&path, "Y\n").unwrap();
        assert!(read_trust(&path).is_err());
    }

    #[test]
    fn words_are_the_options() {
        for mode in Mode::value_variants() {
            assert_eq!(mode.to_possible_value().unwrap().get_name(), mode.word());
        }
    }
}
