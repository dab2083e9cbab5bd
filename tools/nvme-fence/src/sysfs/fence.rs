// SPDX-License-Identifier: GPL-2.0
//! The fence of a controller: `fence/` in its directory.

use anyhow::{Context, Result};
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::Path;

use super::attribute;
use super::ccr::Ccr;
use super::held::Held;
use super::identity::Identity;
use super::knobs::Knobs;
use crate::fields::if_any;

/// What the fence of a controller is doing. The kernel's words are about the association: to people,
/// an open fence would be one that protects nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// `open`: the path is in use, and nothing is held.
    Idle,
    /// `lost`: the path was given up, and its connections are not terminated yet.
    Lost,
    /// `fencing`: commands are held, or being sent on.
    Holding,
    /// `closed`: there is no path, and nothing is held.
    Down,
    /// A word of a module that is newer than this tool.
    #[serde(untagged)]
    Other(String),
}

impl State {
    /// What a word of the kernel means.
    fn of(word: String) -> Self {
        match word.as_str() {
            "open" => Self::Idle,
            "lost" => Self::Lost,
            "fencing" => Self::Holding,
            "closed" => Self::Down,
            _ => Self::Other(word),
        }
    }

    /// The word for it.
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Idle => "idle",
            Self::Lost => "lost",
            Self::Holding => "holding",
            Self::Down => "down",
            Self::Other(word) => word,
        }
    }
}

/// What a controller's associations are going through.
#[derive(Debug, Serialize)]
pub(crate) struct Fence {
    /// What it is doing.
    pub(crate) state: State,
    /// What all records of the controller hold.
    #[serde(flatten)]
    pub(crate) held: Held,
    /// What fenced a record last: ccr, time, reconnect, ...; `None` = none was. If something
    /// is held, that is another record.
    pub(crate) last_evidence: Option<String>,
    /// What the controller said about itself; `None` = it has not been identified yet.
    pub(crate) identity: Option<Identity>,
    /// What it takes for Cross-Controller Resets; `None` = as for `identity`.
    #[serde(rename = "ccrl")]
    pub(crate) ccr: Option<Ccr>,
    /// What the wait for the controller is; `None` = as for `identity`.
    pub(crate) wait: Option<Terms>,
    /// What has happened since the controller exists.
    pub(crate) counters: Counters,
}

/// What is in force for a controller.
#[derive(Debug, Serialize)]
pub(crate) struct Terms {
    /// Its Command Quiesce Time; `None` = the settings could not be read.
    pub(crate) cqt_ms: Option<u32>,
    /// Where that comes from: controller, default or override.
    pub(crate) cqt_source: String,
    /// How long is waited after the last command; `None` = time fences nothing, keep alive is off.
    pub(crate) wait_ms: Option<u64>,
}

impl Terms {
    /// What is in force for a controller that said this.
    fn of(identity: &Identity, knobs: Option<&Knobs>) -> Self {
        Self {
            cqt_ms: knobs.map(|knobs| identity.cqt_ms(knobs)),
            cqt_source: identity.cqt_source.clone(),
            wait_ms: identity.wait_ms,
        }
    }
}

impl Fence {
    /// Reads a `fence/` directory of a subsystem with these knobs.
    pub(crate) fn read(fence: &Path, knobs: Option<&Knobs>) -> Result<Self> {
        let identity = read_identity(&fence.join("identity"))?;
        Ok(Self {
            state: State::of(attribute::read(&fence.join("state"))?),
            held: Held::read(fence)?,
            last_evidence: if_any(&attribute::read(&fence.join("evidence"))?).map(str::to_owned),
            wait: identity.as_ref().map(|identity| Terms::of(identity, knobs)),
            identity,
            ccr: Ccr::read(fence)?,
            counters: Counters::read(&fence.join("counters"))?,
        })
    }
}

/// Reads `identity`, which the kernel has none of while the first association is being made.
pub(crate) fn read_identity(path: &Path) -> Result<Option<Identity>> {
    let text = attribute::read(path)?;
    let identity = if_any(&text).map(str::parse::<Identity>).transpose();
    identity.with_context(|| path.display().to_string())
}

/// What may fence an association, for each of which the module has a counter.
pub(crate) const EVIDENCE: [&str; 7] = [
    "ccr",
    "time",
    "reconnect",
    "reconnect-by-id",
    "disabled",
    "target",
    "admin",
];

/// The name of the counter of those that were fenced by this evidence.
pub(crate) fn counter_of(evidence: &str) -> String {
    evidence.replace('-', "_")
}

/// Counters with their names, in the kernel's order. A newer module may count more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters(Vec<(String, u64)>);

impl Counters {
    /// The value of a counter; `None` = the module has no such counter.
    pub(crate) fn get(&self, name: &str) -> Option<u64> {
        let counter = self.0.iter().find(|(its, _)| its == name);
        counter.map(|(_, value)| *value)
    }

    /// Whether a counter is smaller than it was before: then all of them began anew.
    pub(crate) fn began_anew(&self, before: &Self) -> bool {
        let is_smaller = |(name, value): &(String, u64)| before.get(name) > Some(*value);
        self.0.iter().any(is_smaller)
    }

    /// Reads the file of a controller.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::of(&attribute::read(path)?, path)
    }

    /// Reads such a file, which not everything has, or not every module.
    pub(crate) fn read_if_there(path: &Path) -> Result<Option<Self>> {
        let text = attribute::read_if_there(path)?;
        text.map(|text| Self::of(&text, path)).transpose()
    }

    /// What the text of a file says.
    fn of(text: &str, path: &Path) -> Result<Self> {
        Self::parse(text).with_context(|| format!("{}: malformed", path.display()))
    }

    /// Reads lines of a name and a value.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let line = |line: &str| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        text.lines().map(line).collect::<Option<_>>().map(Self)
    }
}

/// Those that count something.
impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .0
            .iter()
            .filter(|(_, value)| *value > 0)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        match words.as_slice() {
            [] => f.write_str("all 0"),
            words => f.write_str(&words.join(" ")),
        }
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters() {
        let counters = Counters::parse("lost 2\nadmin 0\nheld 4\n").unwrap();
        assert_eq!(counters.to_string(), "lost=2 held=4");
        assert_eq!(
            serde_json::to_string(&counters).unwrap(),
            r#"{"lost":2,"admin":0,"held":4}"#
        );
        assert_eq!(Counters::parse("lost 0").unwrap().to_string(), "all 0");
        let counters = Counters::parse("reconnect_by_id 3\n").unwrap();
        assert_eq!(counters.get(&counter_of("reconnect-by-id")), Some(3));
        assert_eq!(counters.get(&counter_of("reconnect")), None);
        let before = |text| Counters::parse(text).unwrap();
        assert!(!counters.began_anew(&before("reconnect_by_id 3\nlost 1")));
        assert!(counters.began_anew(&before("reconnect_by_id 4\n")));
        assert_eq!(Counters::parse("lost"), None);
        assert_eq!(Counters::parse("lost many"), None);
    }
}
