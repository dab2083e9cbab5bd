// SPDX-License-Identifier: GPL-2.0
//! What has happened to each subsystem since it was first seen. Controllers come and go, and so
//! does the module, and take their counters with them; these stay. They are kept by NQN, as the
//! names of subsystems are given out again.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::replace::replace;
use crate::sysfs::fence::{counter_of, EVIDENCE};

/// The name of the file that they are kept in.
const FILE: &str = "totals.json";

/// Why a path was lost, as far as nvme-core tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cause {
    /// Its connection was given up: it failed, or was reset.
    Connection,
    /// Its controller was removed: somebody disconnected it, or it did not come back in time.
    Removed,
}

impl Cause {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Removed => "removed",
        }
    }
}

/// Of all subsystems.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Totals(BTreeMap<String, SubsystemTotals>);

/// Of one subsystem.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubsystemTotals {
    /// What it is called, or was last; `None` = another one is called so now.
    name: Option<String>,
    /// Losses of paths, by cause.
    lost: BTreeMap<Cause, u64>,
    /// Associations that were fenced, by evidence.
    fenced: BTreeMap<String, u64>,
    /// Associations of which the controller was known to have noticed the loss before time told.
    #[serde(default)]
    pub(crate) noticed: u64,
    /// Commands that were held.
    pub(crate) held: u64,
    /// Cancelled commands that were tracked: any newer one to their blocks had to wait.
    #[serde(default)]
    pub(crate) tracked: u64,
    /// The newer ones that did.
    #[serde(default)]
    pub(crate) waited: u64,
    /// Commands that were sent on.
    pub(crate) released: u64,
}

impl SubsystemTotals {
    /// How many paths were lost for this cause.
    pub(crate) fn lost(&self, cause: Cause) -> u64 {
        self.lost.get(&cause).copied().unwrap_or_default()
    }

    /// Counts a loss.
    pub(crate) fn count_lost(&mut self, cause: Cause) {
        *self.lost.entry(cause).or_default() += 1;
    }

    /// How many associations were fenced by this evidence.
    pub(crate) fn fenced(&self, evidence: &str) -> u64 {
        self.fenced.get(evidence).copied().unwrap_or_default()
    }

    /// Counts what the module has counted, of each counter so much.
    pub(crate) fn count(&mut self, of: impl Fn(&str) -> u64) {
        for evidence in EVIDENCE {
            match of(&counter_of(evidence)) {
                0 => {}
                count => *self.fenced.entry(evidence.to_owned()).or_default() += count,
            }
        }
        self.noticed += of("noticed");
        self.held += of("held");
        self.tracked += of("tracked");
        self.waited += of("waited");
        self.released += of("released");
    }
}

impl Totals {
    /// Those of the subsystem with this NQN, which has this name now.
    pub(crate) fn of(&mut self, nqn: &str, name: &str) -> &mut SubsystemTotals {
        let has_name = |totals: &SubsystemTotals| totals.name.as_deref() == Some(name);
        if !self.0.get(nqn).is_some_and(has_name) {
            for other in self.0.values_mut().filter(|other| has_name(other)) {
                other.name = None;
            }
        }
        let totals = self.0.entry(nqn.to_owned()).or_default();
        totals.name = Some(name.to_owned());
        totals
    }

    /// Those of which no other subsystem has the name, with their names.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, &SubsystemTotals)> {
        let named = |totals: &'_ SubsystemTotals| totals.name.is_some();
        self.0
            .values()
            .filter(move |totals| named(totals))
            .map(|totals| (totals.name.as_deref().unwrap_or_default(), totals))
    }

    /// Reads what a former monitor has kept in a directory.
    pub(crate) fn load(directory: &Path) -> Result<Self> {
        let file = directory.join(FILE);
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.with_context(|| format!("cannot read {}", file.display()))?,
        };
        serde_json::from_str(&text).with_context(|| {
            let file = file.display();
            format!("{file} is none of this tool; remove it, and all totals begin at 0")
        })
    }

    /// Keeps them in a directory.
    pub(crate) fn save(&self, directory: &Path) -> Result<()> {
        replace(&directory.join(FILE), &serde_json::to_string_pretty(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_outlive_the_monitor() {
        let directory = tempfile::tempdir().unwrap();
        let mut totals = Totals::load(directory.path()).unwrap();
        totals
            .of("nqn.a", "nvme-subsys0")
            .count(|counter| u64::from(counter == "time"));
        totals
            .of("nqn.a", "nvme-subsys0")
            .count_lost(Cause::Removed);
        totals.save(directory.path()).unwrap();
        assert_eq!(Totals::load(directory.path()).unwrap(), totals);
        // Those of an older monitor have not counted all of it.
        let text = fs::read_to_string(directory.path().join(FILE)).unwrap();
        let mut older = text;
        for name in ["noticed", "tracked", "waited"] {
            let newer = older;
            older = newer.replace(&format!("\"{name}\": 0,"), "");
            assert_ne!(older, newer);
        }
        fs::write(directory.path().join(FILE), older).unwrap();
        assert_eq!(Totals::load(directory.path()).unwrap(), totals);
        // They are not thrown away without a word.
        fs::write(directory.path().join(FILE), "half of i").unwrap();
        let error = Totals::load(directory.path()).unwrap_err().to_string();
        assert!(error.contains("remove it"), "{error}");
    }

    #[test]
    fn a_name_belongs_to_who_has_it_now() {
        let mut totals = Totals::default();
        totals.of("nqn.a", "nvme-subsys0").held = 1;
        totals.of("nqn.b", "nvme-subsys0").held = 2;
        let named = |totals: &Totals| -> Vec<(String, u64)> {
            totals
                .named()
                .map(|(name, its)| (name.to_owned(), its.held))
                .collect()
        };
        assert_eq!(named(&totals), [("nvme-subsys0".to_owned(), 2)]);
        totals.of("nqn.a", "nvme-subsys1").held += 1;
        assert_eq!(
            named(&totals),
            [
                ("nvme-subsys1".to_owned(), 2),
                ("nvme-subsys0".to_owned(), 2)
            ]
        );
    }
}
