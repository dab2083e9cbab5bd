// SPDX-License-Identifier: GPL-2.0
//! The knobs of a subsystem: `fence/` in its directory.

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde::Serialize;
use std::ops::RangeInclusive;
use std::path::Path;

use super::attribute;

/// What the module accepts for `cqt_default_ms`.
pub(crate) const CQT_DEFAULT_MS: RangeInclusive<i64> = 1..=3_600_000;
/// What the module accepts for `cqt_override_ms`.
pub(crate) const CQT_OVERRIDE_MS: RangeInclusive<i64> = 0..=3_600_000;

/// What can be written to `mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Any evidence releases, whichever comes first
    Auto,
    /// Only the wait of TP4129 releases
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

/// The knobs as they are.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Knobs {
    /// The mode in force. Text, because a newer module may have modes that this tool cannot set.
    pub(crate) mode: String,
    /// The Command Quiesce Time for controllers that report none.
    pub(crate) cqt_default_ms: u32,
    /// The Command Quiesce Time that replaces what controllers report; 0 = none does.
    pub(crate) cqt_override_ms: u32,
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
        })
    }
}

impl Changes {
    /// Writes them to a `fence/` directory.
    pub(crate) fn write(&self, fence: &Path) -> Result<()> {
        // The times go first: a new mode must find them in force.
        for (name, value) in [
            ("cqt_default_ms", self.cqt_default_ms),
            ("cqt_override_ms", self.cqt_override_ms),
        ] {
            if let Some(value) = value {
                attribute::write(&fence.join(name), &value.to_string())?;
            }
        }
        if let Some(mode) = self.mode {
            attribute::write(&fence.join("mode"), mode.word())?;
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
        let names = ["mode", "cqt_default_ms", "cqt_override_ms"];
        for name in names {
            std::fs::write(fence.path().join(name), "as it was").unwrap();
        }
        let changes = Changes {
            mode: Some(Mode::Time),
            cqt_default_ms: None,
            cqt_override_ms: Some(0),
        };
        changes.write(fence.path()).unwrap();
        let texts = names.map(|name| std::fs::read_to_string(fence.path().join(name)).unwrap());
        assert_eq!(texts, ["time", "as it was", "0"]);
    }

    #[test]
    fn words_are_the_options() {
        for mode in Mode::value_variants() {
            assert_eq!(mode.to_possible_value().unwrap().get_name(), mode.word());
        }
    }
}
