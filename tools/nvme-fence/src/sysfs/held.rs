// SPDX-License-Identifier: GPL-2.0
//! What is held, and when time fences it: attributes that a controller's fence has, and all removed
//! controllers together.

use anyhow::Result;
use serde::Serialize;
use std::fmt;
use std::path::Path;

use super::attribute;
use crate::deadline_rule::DeadlineRule;
use crate::units::{Bytes, Count, Milliseconds};

/// What time does for what is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TimeRule {
    /// Nothing is held.
    #[default]
    Idle,
    /// The connections are not terminated yet: from then on it is known.
    NotTerminated,
    /// It fences all of it, or some.
    Running,
    /// It fences nothing of it.
    None,
}

/// What is held.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Held {
    /// The commands held now, or being sent on.
    #[serde(rename = "held_commands")]
    pub(crate) commands: u64,
    /// Their bytes.
    #[serde(rename = "held_bytes")]
    pub(crate) bytes: u64,
    /// How many of the commands have no deadline; `None` = the module does not tell.
    #[serde(rename = "held_without_deadline")]
    pub(crate) without_deadline: Option<u64>,
    /// For how long the oldest of them has been held; `None` = nothing is, or the module does not
    /// tell.
    pub(crate) held_for_ms: Option<u64>,
    /// The cancelled commands that went on at once: newer ones to their blocks wait; `None` = the
    /// module does not tell.
    #[serde(rename = "tracked_commands")]
    pub(crate) tracked: Option<u64>,
    /// Their blocks, of 512 bytes.
    #[serde(rename = "tracked_blocks")]
    pub(crate) tracked_blocks: Option<u64>,
    /// Those of the held commands that are newer.
    #[serde(rename = "waiting_commands")]
    pub(crate) waiting: Option<u64>,
    /// What time does for them.
    pub(crate) time_rule: TimeRule,
    /// How long until time has fenced the last record that it will fence, while it is running.
    #[serde(rename = "fenced_by_time_in_ms")]
    pub(crate) left_ms: Option<u64>,
    /// By which rule that was found, if the module tells.
    pub(crate) deadline_rule: Option<DeadlineRule>,
}

impl Held {
    /// Reads the attributes in a directory.
    pub(crate) fn read(directory: &Path) -> Result<Self> {
        let without_deadline = directory.join("held_without_deadline");
        let commands = attribute::read_number(&directory.join("held"))?;
        let number = |name: &str| attribute::read_number_if_there(&directory.join(name));
        let tracked = number("tracked")?;
        let deadline_ms = attribute::read_optional_number(&directory.join("deadline_ms"))?;
        // Only one controller's commands have one state.
        let state = attribute::read_if_there(&directory.join("state"))?;
        let time_rule = match (deadline_ms, state.as_deref()) {
            _ if commands == 0 && tracked.unwrap_or(0) == 0 => TimeRule::Idle,
            (Some(_), _) => TimeRule::Running,
            (None, Some("lost")) => TimeRule::NotTerminated,
            (None, _) => TimeRule::None,
        };
        let rule = attribute::read_if_there(&directory.join("deadline_rule"))?;
        let held_for_ms = match attribute::read_if_there(&directory.join("held_for_ms"))? {
            Some(_) => attribute::read_optional_number(&directory.join("held_for_ms"))?,
            None => None,
        };
        let is_running = time_rule == TimeRule::Running;
        Ok(Self {
            commands,
            bytes: attribute::read_number(&directory.join("held_bytes"))?,
            without_deadline: attribute::read_number_if_there(&without_deadline)?,
            held_for_ms,
            tracked,
            tracked_blocks: number("tracked_blocks")?,
            waiting: number("waiting")?,
            time_rule,
            left_ms: deadline_ms.filter(|_| is_running),
            deadline_rule: rule.filter(|_| is_running).map(|w| DeadlineRule::of(&w)),
        })
    }

    /// Whether anything is held, or newer commands to some blocks would be.
    pub(crate) fn is_any(&self) -> bool {
        self.commands > 0 || self.tracked.unwrap_or(0) > 0
    }

    /// The bytes of what is tracked; `None` = the module does not tell.
    pub(crate) fn tracked_bytes(&self) -> Option<u64> {
        self.tracked_blocks.map(|blocks| blocks.saturating_mul(512))
    }

    /// What is tracked, in words; `None` = nothing.
    pub(crate) fn tracked_in_words(&self) -> Option<String> {
        let tracked = self.tracked.filter(|&tracked| tracked > 0)?;
        let bytes = Bytes(self.tracked_bytes().unwrap_or(0));
        let waiting = match self.waiting.unwrap_or(0) {
            0 => "none does".to_owned(),
            1 => "1 does".to_owned(),
            waiting => format!("{waiting} do"),
        };
        Some(format!(
            "{} went on at once; newer ones to their {bytes} wait, {waiting}",
            Count(tracked, "cancelled command")
        ))
    }

    /// How it is known that the controller has noticed the loss, if that has moved the deadline.
    pub(crate) fn noticed(&self) -> Option<&'static str> {
        self.deadline_rule.as_ref()?.noticed()
    }

    /// How many commands have a deadline, and how many have none, if that is known, and some have
    /// one. Of what is tracked it is not known.
    pub(crate) fn parts(&self) -> Option<(u64, u64)> {
        let without = self.without_deadline.filter(|_| self.commands > 0)?;
        let with = self.commands.saturating_sub(without);
        self.left_ms.map(|_| (with, without))
    }
}

/// What is held, and for how many of these commands there is a deadline.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_any() {
            return f.write_str("nothing held");
        }
        let tracked = self.tracked_in_words().unwrap_or_default();
        f.write_str(&tracked)?;
        let mut gap = "; ";
        if self.commands > 0 {
            let before = if tracked.is_empty() { "" } else { gap };
            let commands = Count(self.commands, "command");
            write!(f, "{before}{commands} held, {}", Bytes(self.bytes))?;
            if let Some(held_for) = self.held_for_ms {
                write!(f, ", the oldest for {}", Milliseconds(held_for))?;
            }
            gap = ", ";
        }
        let left = match (self.time_rule, self.left_ms) {
            (TimeRule::NotTerminated, _) => {
                return write!(
                    f,
                    "{gap}no deadline yet: its connections are being terminated"
                )
            }
            (_, Some(left)) => Milliseconds(left),
            (_, None) => return write!(f, "{gap}no deadline"),
        };
        match self.parts() {
            Some((_, 0)) => write!(f, "{gap}fenced by time in {left}")?,
            Some((with, without)) => {
                write!(f, ": {with} fenced by time in {left}, ")?;
                write!(f, "{without} without a deadline")?;
            }
            // Other records may have none.
            None => write!(f, "{gap}the last deadline in {left}")?,
        }
        match self.noticed() {
            Some(how) => write!(f, "; the loss was noticed: {how}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The attributes of a directory, of a controller if there is a state.
    fn read(commands: u64, deadline_ms: &str, without: Option<u64>, state: Option<&str>) -> Held {
        let directory = tempfile::tempdir().unwrap();
        let put = |name: &str, text: String| {
            std::fs::write(directory.path().join(name), text).unwrap();
        };
        put("held", commands.to_string());
        put("held_bytes", (commands * 4096).to_string());
        put("deadline_ms", deadline_ms.to_owned());
        if let Some(without) = without {
            put("held_without_deadline", without.to_string());
        }
        if let Some(state) = state {
            put("state", state.to_owned());
        }
        Held::read(directory.path()).unwrap()
    }

    #[test]
    fn no_command_gets_a_deadline_that_it_does_not_have() {
        for (commands, deadline_ms, without, text) in [
            (0, "none", Some(0), "nothing held"),
            (
                4,
                "12345",
                Some(0),
                "4 commands held, 16.0 KiB, fenced by time in 12.345 s",
            ),
            (
                4,
                "12345",
                Some(1),
                "4 commands held, 16.0 KiB: 3 fenced by time in 12.345 s, 1 without a deadline",
            ),
            (
                4,
                "12345",
                None,
                "4 commands held, 16.0 KiB, the last deadline in 12.345 s",
            ),
            (1, "none", Some(1), "1 command held, 4.0 KiB, no deadline"),
            (1, "none", None, "1 command held, 4.0 KiB, no deadline"),
        ] {
            assert_eq!(read(commands, deadline_ms, without, None).to_string(), text);
        }
    }

    #[test]
    fn how_long_it_has_been_held_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).unwrap();
        };
        put("held", "1");
        put("held_bytes", "512");
        put("deadline_ms", "7");
        put("held_without_deadline", "0");
        for (held_for_ms, said) in [("3001", ", the oldest for 3.001 s"), ("none", "")] {
            put("held_for_ms", held_for_ms);
            let text = format!("1 command held, 512 B{said}, fenced by time in 0.007 s");
            assert_eq!(Held::read(directory.path()).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_tracked_is_said() {
        for (commands, tracked, waiting, text) in [
            (
                0,
                "4",
                "0",
                "4 cancelled commands went on at once; newer ones to their 16.0 KiB wait, none does; the last deadline in 0.007 s",
            ),
            (
                1,
                "4",
                "1",
                "4 cancelled commands went on at once; newer ones to their 16.0 KiB wait, 1 does; 1 command held, 4.0 KiB, fenced by time in 0.007 s",
            ),
            (0, "0", "0", "nothing held"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            for (name, text) in [
                ("held", commands.to_string().as_str()),
                ("held_bytes", (commands * 4096).to_string().as_str()),
                ("held_without_deadline", "0"),
                ("deadline_ms", "7"),
                ("tracked", tracked),
                ("tracked_blocks", "32"),
                ("waiting", waiting),
            ] {
                std::fs::write(directory.path().join(name), text).unwrap();
            }
            let held = Held::read(directory.path()).unwrap();
            assert_eq!(held.to_string(), text);
            assert_eq!(held.is_any(), tracked != "0");
            assert_eq!(held.left_ms.is_some(), held.is_any());
        }
    }

    #[test]
    fn what_moved_the_deadline_is_said() {
        for (word, said) in [
            ("traffic", ""),
            ("dowsing", ""),
            (
                "lost-host-log",
                "; the loss was noticed: log page 1Fh of another controller lists it",
            ),
        ] {
            let held = |deadline_ms: &str| {
                let directory = tempfile::tempdir().unwrap();
                for (name, text) in [
                    ("held", "1"),
                    ("held_bytes", "512"),
                    ("held_without_deadline", "0"),
                    ("deadline_ms", deadline_ms),
                    ("deadline_rule", word),
                ] {
                    std::fs::write(directory.path().join(name), text).unwrap();
                }
                Held::read(directory.path()).unwrap()
            };
            let text = format!("1 command held, 512 B, fenced by time in 0.007 s{said}");
            assert_eq!(held("7").to_string(), text);
            assert_eq!(held("7").deadline_rule, Some(DeadlineRule::of(word)));
            // It was that of another loss.
            assert_eq!(held("none").deadline_rule, None);
        }
    }

    #[test]
    fn that_there_is_no_deadline_has_a_reason() {
        for (commands, deadline_ms, state, rule) in [
            (0, "none", Some("open"), TimeRule::Idle),
            (0, "7", Some("fencing"), TimeRule::Idle),
            (4, "none", Some("lost"), TimeRule::NotTerminated),
            (4, "7", Some("lost"), TimeRule::Running),
            (4, "none", Some("fencing"), TimeRule::None),
            (4, "7", None, TimeRule::Running),
            (4, "none", None, TimeRule::None),
        ] {
            let held = read(commands, deadline_ms, Some(0), state);
            assert_eq!(held.time_rule, rule, "{commands} {deadline_ms} {state:?}");
            assert_eq!(held.left_ms.is_some(), rule == TimeRule::Running);
        }
    }
}
