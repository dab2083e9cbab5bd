// SPDX-License-Identifier: GPL-2.0
//! Why a controller has no fence: because it needs none, or because something is missing.

use anyhow::{anyhow, Result};
use serde::Serialize;
use std::fmt;
use std::path::Path;

use super::attribute;
use super::topology::Subsystem;
use crate::missing::Missing;

/// The transports of disks that are part of this machine. Their reset is the end of their commands.
const LOCAL: [&str; 2] = ["pcie", "apple-nvme"];
/// The transports of which the module can fence controllers.
const FENCED: [&str; 1] = ["tcp"];

/// The name under which any discovery controller can be connected.
const DISCOVERY_NQN: &str = "nqn.2014-08.org.nvmexpress.discovery";

/// Why. What is harmless comes first, and the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unfenced {
    /// It is a disk of this machine.
    LocalDisk,
    /// It is asked for other controllers only.
    Discovery,
    /// It has no namespaces.
    Administrative,
    /// Its transport is none that the module fences.
    Transport,
    /// The module is there, and could.
    NotAttached,
    /// The module is not loaded: nvme-core holds without it, and waits for time alone.
    TimeAlone,
    /// The module is not loaded, and nvme-core does not hold without it.
    NoModule,
    /// The kernel could not load it.
    NoSeries,
}

impl Unfenced {
    /// Why the controller in `path` has none, on a host that lacks `missing`.
    pub(crate) fn of(path: &Path, transport: &str, missing: Option<Missing>) -> Result<Self> {
        // Older kernels have no such attribute. What they know by this name is no other kind.
        let kind = attribute::read_if_there(&path.join("cntrltype"))?;
        let nqn = attribute::read_if_there(&path.join("subsysnqn"))?;
        Ok(match (kind.as_deref(), missing) {
            _ if LOCAL.contains(&transport) => Self::LocalDisk,
            (Some("discovery"), _) => Self::Discovery,
            (None, _) if nqn.as_deref() == Some(DISCOVERY_NQN) => Self::Discovery,
            (Some("admin"), _) => Self::Administrative,
            (_, Some(Missing::Hooks)) => Self::NoSeries,
            (_, Some(Missing::Module | Missing::Subsystem)) => Self::NoModule,
            _ if !FENCED.contains(&transport) => Self::Transport,
            (_, Some(Missing::AllButTime)) => Self::TimeAlone,
            _ => Self::NotAttached,
        })
    }

    /// Whether no write can be lost for want of a fence.
    pub(crate) fn is_harmless(self) -> bool {
        self <= Self::Administrative
    }
}

/// Why a controller has no fence, as an error.
pub(crate) fn controller(path: &Path, name: &str, missing: Option<Missing>) -> anyhow::Error {
    if let Some(missing) = missing {
        return missing.into();
    }
    let reason = attribute::read(&path.join("transport"))
        .and_then(|transport| Unfenced::of(path, &transport, missing));
    match reason {
        Ok(reason) => anyhow!("{name} is not managed by nvme_fence: {reason}"),
        Err(error) => error.context(format!("{name} is not managed by nvme_fence")),
    }
}

/// Why a subsystem has no settings, as an error.
pub(crate) fn subsystem(subsystem: &Subsystem, missing: Option<Missing>) -> anyhow::Error {
    if let Some(missing) = missing {
        return missing.into();
    }
    let reasons = subsystem.controllers().into_iter().flatten();
    // The gravest counts.
    let reason = reasons
        .filter_map(|name| {
            let path = subsystem.controller(&name);
            let transport = attribute::read(&path.join("transport")).ok()?;
            Unfenced::of(&path, &transport, missing).ok()
        })
        .max();
    let name = &subsystem.name;
    match reason {
        Some(reason) => anyhow!("{name} is not managed by nvme_fence: {reason}"),
        None => anyhow!("{name} is not managed by nvme_fence: it has no controllers"),
    }
}

impl fmt::Display for Unfenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_harmless() && *self != Self::TimeAlone {
            f.write_str("NOT PROTECTED: ")?;
        }
        f.write_str(match self {
            Self::LocalDisk => "local disk, needs no fence",
            Self::Discovery => "discovery controller, needs no fence",
            Self::Administrative => "administrative controller, needs no fence",
            Self::Transport => "its transport is not fenced",
            Self::NotAttached => "not attached, see kernel log",
            Self::TimeAlone => "by time alone, module not loaded",
            Self::NoModule => "the module is not loaded",
            Self::NoSeries => "kernel without the series",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons() {
        let path = tempfile::tempdir().unwrap();
        for (transport, kind, missing, reason) in [
            ("pcie", None, Some(Missing::Module), Unfenced::LocalDisk),
            ("pcie", Some("io"), None, Unfenced::LocalDisk),
            ("tcp", Some("discovery"), None, Unfenced::Discovery),
            ("tcp", Some("admin"), None, Unfenced::Administrative),
            ("tcp", Some("io"), None, Unfenced::NotAttached),
            ("tcp", None, Some(Missing::Module), Unfenced::NoModule),
            ("tcp", None, Some(Missing::AllButTime), Unfenced::TimeAlone),
            ("rdma", None, Some(Missing::AllButTime), Unfenced::Transport),
            ("rdma", None, Some(Missing::Hooks), Unfenced::NoSeries),
            ("rdma", Some("io"), None, Unfenced::Transport),
        ] {
            let file = path.path().join("cntrltype");
            match kind {
                Some(kind) => std::fs::write(&file, kind).unwrap(),
                None => drop(std::fs::remove_file(&file)),
            }
            let found = Unfenced::of(path.path(), transport, missing).unwrap();
            assert_eq!(found, reason, "{transport} {kind:?} {missing:?}");
            let alarming = found.to_string().starts_with("NOT PROTECTED: ");
            let is_held = found.is_harmless() || found == Unfenced::TimeAlone;
            assert_eq!(alarming, !is_held);
        }
    }
}
