// SPDX-License-Identifier: GPL-2.0
//! What there is to see at one moment: as little as tells what has changed, since all of it is
//! looked at every second.

use anyhow::Result;
use std::collections::BTreeMap;
use std::path::Path;

use crate::host::Host;
use crate::sysfs::attribute;
use crate::sysfs::fence::Counters;
use crate::sysfs::held::Held;
use crate::sysfs::namespace::DiskName;
use crate::sysfs::part;
use crate::sysfs::removed;
use crate::sysfs::topology::{subsystems, Subsystem};
use crate::sysfs::unfenced::Unfenced;

/// What nvme-core calls the ANA state of a path of which it does not know it yet.
const UNKNOWN: &str = "invalid state";

/// A host, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// Whether the module is loaded.
    pub(crate) module: bool,
    /// The controllers that a fence is needed for, by name.
    pub(crate) paths: BTreeMap<String, SeenPath>,
    /// What the module has counted for the subsystems that it manages, by their names. A module that is
    /// older than this tool counts by controllers only.
    pub(crate) totals: BTreeMap<String, SeenTotals>,
    /// What is kept of removed controllers.
    pub(crate) removed: Kept,
}

/// What the module has counted for a subsystem.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SeenTotals {
    /// The qualified name of the subsystem.
    pub(crate) nqn: String,
    /// What has happened to all of its controllers, those that are gone included.
    pub(crate) counters: Counters,
}

/// A controller.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SeenPath {
    /// nvme-subsysX
    pub(crate) subsystem: String,
    /// The qualified name of the subsystem.
    pub(crate) nqn: String,
    /// Its transport address.
    pub(crate) address: Option<String>,
    /// nvme-core's state of it: live, connecting, ...
    pub(crate) state: String,
    /// The ANA states of its paths to namespaces (nvmeXcYnZ).
    pub(crate) ana: BTreeMap<String, String>,
    /// Its fence; `None` = it has none.
    pub(crate) fence: Option<SeenFence>,
}

/// What the module says of a controller.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SeenFence {
    /// What is kept now.
    pub(crate) kept: Kept,
    /// What has happened.
    pub(crate) counters: Counters,
}

/// What there has to be evidence for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The commands that are held.
    pub(crate) held: Amount,
    /// Those that went on at once, while newer ones to their blocks wait.
    pub(crate) tracked: Amount,
}

/// Commands, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    /// How many commands.
    pub(crate) commands: u64,
    /// How many bytes.
    pub(crate) bytes: u64,
}

impl Kept {
    /// Whether there is anything.
    pub(crate) fn is_any(&self) -> bool {
        self.held.commands > 0 || self.tracked.commands > 0
    }
}

impl From<Held> for Kept {
    fn from(held: Held) -> Self {
        Self {
            held: Amount {
                commands: held.commands,
                bytes: held.bytes,
            },
            tracked: Amount {
                commands: held.tracked.unwrap_or_default(),
                bytes: held.tracked_bytes().unwrap_or_default(),
            },
        }
    }
}

impl SeenPath {
    /// Whether it is connected.
    pub(crate) fn is_live(&self) -> bool {
        self.state == "live"
    }

    /// Whether it is on its way out.
    pub(crate) fn is_going(&self) -> bool {
        self.state.starts_with("deleting")
    }
}

/// Looks at a host. What is there and can not be read is taken to be as it was `before`.
pub(crate) fn look(host: &Host, before: &Seen) -> Seen {
    let mut seen = Seen {
        module: host.sysfs("module/nvme_fence").is_dir(),
        removed: match removed::read(host) {
            Ok(held) => held.map(Kept::from).unwrap_or_default(),
            Err(_) => before.removed,
        },
        ..Seen::default()
    };
    match subsystems(host) {
        Ok(all) => all
            .iter()
            .for_each(|subsystem| look_at(subsystem, before, &mut seen)),
        Err(_) => {
            seen.paths.clone_from(&before.paths);
            seen.totals.clone_from(&before.totals);
        }
    }
    seen
}

/// Looks at a subsystem and its controllers.
fn look_at(subsystem: &Subsystem, before: &Seen, seen: &mut Seen) {
    let known = || before.totals.get(&subsystem.name).cloned();
    let Ok(Some(nqn)) = part::read(|| subsystem.exists(), || subsystem.nqn()) else {
        if subsystem.exists() {
            let its = |(_, path): &(&String, &SeenPath)| path.subsystem == subsystem.name;
            let paths = before.paths.iter().filter(its);
            seen.paths
                .extend(paths.map(|(name, path)| (name.clone(), path.clone())));
            seen.totals
                .extend(known().map(|totals| (subsystem.name.clone(), totals)));
        }
        return;
    };
    for name in subsystem.controllers().unwrap_or_default() {
        let directory = subsystem.controller(&name);
        let path = part::read(|| directory.exists(), || path(&directory));
        let path = match path {
            Ok(path) => path.flatten().map(|path| SeenPath {
                subsystem: subsystem.name.clone(),
                nqn: nqn.clone(),
                ..path
            }),
            Err(_) => before.paths.get(&name).cloned(),
        };
        seen.paths.extend(path.map(|path| (name, path)));
    }
    let file = subsystem.totals();
    let totals = match part::read(|| file.exists(), || Counters::read_if_there(&file)) {
        Ok(counters) => counters
            .flatten()
            .map(|counters| SeenTotals { nqn, counters }),
        Err(_) => known(),
    };
    seen.totals
        .extend(totals.map(|totals| (subsystem.name.clone(), totals)));
}

/// Looks at a controller; `None` = it needs no fence.
fn path(directory: &Path) -> Result<Option<SeenPath>> {
    let transport = attribute::read(&directory.join("transport"))?;
    if Unfenced::of(directory, &transport, None)?.is_harmless() {
        return Ok(None);
    }
    let fence = directory.join("fence");
    let mut ana = BTreeMap::new();
    for name in part::names(directory)? {
        if name.parse::<DiskName>().is_ok() {
            let state = attribute::read_if_there(&directory.join(&name).join("ana_state"))?;
            ana.extend(state.filter(|s| s != UNKNOWN).map(|state| (name, state)));
        }
    }
    Ok(Some(SeenPath {
        address: attribute::read_if_there(&directory.join("address"))?,
        state: attribute::read(&directory.join("state"))?,
        ana,
        fence: part::read(|| fence.is_dir(), || self::fence(&fence))?,
        ..SeenPath::default()
    }))
}

/// Looks at what the module says of a controller.
fn fence(directory: &Path) -> Result<SeenFence> {
    // In this order: what is held and released meanwhile is in both or in the second one, and in
    // none of them it never is.
    Ok(SeenFence {
        kept: Held::read(directory)?.into(),
        counters: Counters::read(&directory.join("counters"))?,
    })
}
