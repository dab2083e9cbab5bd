// SPDX-License-Identifier: GPL-2.0
//! What happens to the paths of a disk. The kernel announces some of it, and some of it shows in
//! sysfs only, so sysfs is looked at again and again, and whenever something is announced.

use serde::Serialize;
use std::fmt;

use crate::sysfs::namespace::{namespaces, NamespacePath};
use crate::sysfs::topology::Subsystem;
use crate::units::Nanos;

/// The state of a controller that is connected.
const LIVE: &str = "live";

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Its controller is not connected any more.
    Lost,
    /// Its controller is connected again.
    Back,
    /// Its controller has changed between two states in neither of which it is connected.
    State,
    /// Its ANA state has changed.
    Ana,
    /// There is a path that was not there.
    Added,
    /// It is not there any more.
    Removed,
}

/// Something that happened to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathEvent {
    /// When it had not happened yet.
    pub(crate) after: Nanos,
    /// When it was noticed.
    pub(crate) noticed: Nanos,
    /// The controller of the path.
    pub(crate) controller: String,
    /// What happened.
    pub(crate) kind: Kind,
    /// The state before; `None` = there was none, or it was not known.
    pub(crate) from: Option<String>,
    /// And after.
    pub(crate) to: Option<String>,
}

impl fmt::Display for PathEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.kind {
            Kind::Lost => "lost",
            Kind::Back => "back",
            Kind::State => "not connected",
            Kind::Ana => "ANA state",
            Kind::Added => "added",
            Kind::Removed => "removed",
        };
        write!(f, "{} {word}", self.controller)?;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, " ({from} -> {to})"),
            (Some(state), None) | (None, Some(state)) => write!(f, " ({state})"),
            (None, None) => Ok(()),
        }
    }
}

/// The paths of a disk as they were seen last.
pub(crate) struct Paths {
    /// The subsystem of the disk.
    subsystem: Subsystem,
    /// nvmeXnY
    disk: String,
    /// When they were looked at last.
    seen: Nanos,
    /// What there was.
    paths: Vec<NamespacePath>,
}

impl Paths {
    /// Looks for the first time.
    pub(crate) fn new(subsystem: Subsystem, disk: &str, now: Nanos) -> Self {
        let mut paths = Self {
            subsystem,
            disk: disk.to_owned(),
            seen: now,
            paths: Vec::new(),
        };
        paths.paths = paths.read();
        paths
    }

    /// Looks again. Returns what has happened.
    pub(crate) fn look(&mut self, now: Nanos) -> Vec<PathEvent> {
        let paths = self.read();
        let after = std::mem::replace(&mut self.seen, now);
        let events = changes(&self.paths, &paths, after, now);
        self.paths = paths;
        events
    }

    /// Reads what there is.
    fn read(&self) -> Vec<NamespacePath> {
        let found = namespaces(&self.subsystem).found.into_iter();
        let mut ours = found.filter(|namespace| namespace.name == self.disk);
        ours.next().map(|disk| disk.paths).unwrap_or_default()
    }
}

/// What has changed.
fn changes(
    old: &[NamespacePath],
    new: &[NamespacePath],
    after: Nanos,
    noticed: Nanos,
) -> Vec<PathEvent> {
    let event =
        |path: &NamespacePath, kind, from: &Option<String>, to: &Option<String>| PathEvent {
            after,
            noticed,
            controller: path.controller.clone(),
            kind,
            from: from.clone(),
            to: to.clone(),
        };
    let find = |paths: &'_ [NamespacePath], name: &str| -> Option<NamespacePath> {
        paths.iter().find(|path| path.name == name).cloned()
    };
    let mut events = Vec::new();
    for was in old {
        let Some(is) = find(new, &was.name) else {
            events.push(event(was, Kind::Removed, &was.controller_state, &None));
            continue;
        };
        // What cannot be read at the moment says nothing.
        let (from, to) = (&was.controller_state, &is.controller_state);
        if from != to && from.is_some() && to.is_some() {
            let kind = match (from.as_deref() == Some(LIVE), to.as_deref() == Some(LIVE)) {
                (true, _) => Kind::Lost,
                (_, true) => Kind::Back,
                _ => Kind::State,
            };
            events.push(event(&is, kind, from, to));
        }
        if was.ana_state != is.ana_state {
            events.push(event(&is, Kind::Ana, &was.ana_state, &is.ana_state));
        }
    }
    for is in new {
        if find(old, &is.name).is_none() {
            events.push(event(is, Kind::Added, &None, &is.controller_state));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path through a controller.
    fn path(controller: &str, state: &str, ana_state: &str) -> NamespacePath {
        NamespacePath {
            name: controller.replace("nvme", "nvme0c") + "n1",
            controller: controller.to_owned(),
            controller_state: Some(state.to_owned()),
            ana_state: Some(ana_state.to_owned()),
            ana_grpid: None,
        }
    }

    #[test]
    fn what_changes_is_told() {
        let old = [
            path("nvme0", "live", "optimized"),
            path("nvme1", "connecting", "optimized"),
            path("nvme2", "resetting", "optimized"),
            path("nvme3", "live", "optimized"),
            path("nvme4", "live", "optimized"),
        ];
        let new = [
            path("nvme0", "connecting", "optimized"),
            path("nvme1", "live", "optimized"),
            path("nvme2", "connecting", "optimized"),
            path("nvme3", "live", "inaccessible"),
            path("nvme5", "live", "optimized"),
        ];
        let events = changes(&old, &new, Nanos(1), Nanos(2));
        let words: Vec<String> = events.iter().map(PathEvent::to_string).collect();
        assert_eq!(
            words,
            [
                "nvme0 lost (live -> connecting)",
                "nvme1 back (connecting -> live)",
                "nvme2 not connected (resetting -> connecting)",
                "nvme3 ANA state (optimized -> inaccessible)",
                "nvme4 removed (live)",
                "nvme5 added (live)",
            ]
        );
        assert_eq!((events[0].after, events[0].noticed), (Nanos(1), Nanos(2)));
        assert_eq!(changes(&new, &new, Nanos(2), Nanos(3)), []);
    }
}
