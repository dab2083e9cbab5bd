// SPDX-License-Identifier: GPL-2.0
//! The status for people: of each subsystem what all paths have in common, and a line a path.

use std::collections::BTreeSet;
use std::fmt;

use super::table::{Row, Table};
use super::{ana, details, ControllerStatus, NamespaceStatus, Status, SubsystemStatus};
use crate::sysfs::fence::{Fence, State};
use crate::sysfs::held::{Held, TimeRule};
use crate::sysfs::knobs::Knobs;
use crate::text::{OneLine, Wrapped};
use crate::units::{Bytes, Seconds};

/// What is printed for what could not be read, or is not there.
pub(super) const UNKNOWN: &str = "-";

/// What the lines of a subsystem begin with, below its name.
const INDENT: &str = "  ";

/// How many names are printed where more can be asked for.
const NAMES: usize = 4;

/// The columns of a path, and those of its fence.
pub(super) const HEADINGS: [&str; 8] = [
    "PATH",
    "STATE",
    "ANA",
    "FENCE",
    "HELD",
    "BYTES",
    "FREE-IN",
    "LAST FENCE",
];

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.removed.as_ref().filter(|held| held.is_any());
        if self.subsystems.is_empty() && held.is_none() {
            writeln!(f, "there is no NVMe subsystem on this host")?;
        }
        for (index, subsystem) in self.subsystems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            subsystem.write(f, self.verbose)?;
        }
        if let Some(held) = held {
            let gap = if self.subsystems.is_empty() { "" } else { "\n" };
            writeln!(f, "{gap}removed controllers - {held}")?;
        }
        for error in &self.errors {
            writeln!(f, "removed controllers - {}", OneLine(error))?;
        }
        Ok(())
    }
}

/// Writes a line below the name of a subsystem, broken where it has to be.
fn line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "{}", Wrapped::below(INDENT, text))
}

impl SubsystemStatus {
    /// Writes its lines.
    fn write(&self, f: &mut fmt::Formatter<'_>, verbose: bool) -> fmt::Result {
        let nqn = self.nqn.as_deref().unwrap_or(UNKNOWN);
        writeln!(f, "{} - NQN={}", self.name, OneLine(nqn))?;
        let common = self.common(verbose);
        if !common.is_empty() {
            line(f, &common)?;
        }
        if let (Some(settings), true) = (&self.settings, verbose) {
            line(f, &details::of_settings(settings))?;
        }
        let is_off = self.settings.as_ref().is_some_and(Knobs::holds_nothing);
        if is_off {
            line(f, "NOT PROTECTED: hold is none")?;
        }
        if self.orphaned {
            line(f, "orphaned: no controller is left")?;
        }
        if !self.controllers.is_empty() {
            write!(f, "{}", self.table(is_off, verbose))?;
        }
        for group in ana::told_apart(&self.namespaces) {
            let states = group.states.iter();
            let states: Vec<_> = states
                .map(|(path, ana)| format!("{ana} on {path}"))
                .collect();
            line(
                f,
                &format!("{}: {}", names(&group.names, verbose), states.join(", ")),
            )?;
        }
        for controller in &self.controllers {
            controller.write_notes(f)?;
        }
        for error in &self.errors {
            line(f, &format!("{}: {error}", self.name))?;
        }
        Ok(())
    }

    /// What all paths have in common.
    fn common(&self, verbose: bool) -> String {
        let mut parts = Vec::new();
        let device = |namespace: &'_ NamespaceStatus| {
            namespace.device.clone().unwrap_or(namespace.name.clone())
        };
        let devices: Vec<String> = self.namespaces.iter().map(device).collect();
        if !devices.is_empty() {
            parts.push(names(&devices, verbose));
        }
        // A disk that is no path of another is the only path to its namespace.
        let alone = |namespace: &NamespaceStatus| {
            namespace
                .paths
                .iter()
                .any(|path| path.name == namespace.name)
        };
        match &self.iopolicy {
            _ if self.namespaces.iter().any(alone) => parts.push("no multipath".to_owned()),
            Some(iopolicy) => parts.push(format!("iopolicy {iopolicy}")),
            None => {}
        }
        if let Some(settings) = &self.settings {
            // That all is held is what the module is for.
            match settings.hold() {
                "all" => {}
                hold => parts.push(format!("hold {hold}")),
            }
            parts.push(format!("evidence {}", settings.evidence_line()));
        }
        let fences = self.controllers.iter().filter_map(|c| c.fence.as_ref());
        let times: BTreeSet<String> = fences.filter_map(quiesce_time).collect();
        parts.extend(times);
        parts.join(", ")
    }

    /// The paths.
    fn table(&self, is_off: bool, verbose: bool) -> Table {
        // What has no fence says why, and needs no columns for more.
        let fenced = self.controllers.iter().any(|c| c.fence.is_some());
        let mut headings = Row::new(HEADINGS);
        if !fenced {
            headings.cells.truncate(4);
        }
        let mut rows = vec![headings];
        for controller in &self.controllers {
            let mut row = self.row(controller, is_off);
            if verbose {
                row.below = details::of(controller, self.settings.as_ref());
            }
            rows.push(row);
        }
        Table(rows)
    }

    /// The line of a path.
    fn row(&self, controller: &ControllerStatus, is_off: bool) -> Row {
        let state = controller.state.as_deref().unwrap_or(UNKNOWN);
        // The kernel has `deleting (no IO)`, too.
        let state = OneLine(state.split(' ').next().unwrap_or(state)).to_string();
        let ana = ana::of_path(&self.namespaces, &controller.name);
        let front = [&controller.name, state.as_str(), ana];
        let mut row = Row::new(front);
        match (&controller.fence, controller.unfenced) {
            (Some(fence), _) => row.cells.extend(cells(fence, is_off)),
            (None, Some(reason)) => row.cells.push(reason.to_string()),
            (None, None) => row.cells.push("unknown".to_owned()),
        }
        row
    }
}

impl ControllerStatus {
    /// Writes what does not fit into a line of a table: for how long it has been held, why what is
    /// held is free when it is, where there is more to that than the wait, and what could not be
    /// read.
    fn write_notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fence) = &self.fence {
            let Fence { held, identity, .. } = fence;
            let all_in_time = matches!(held.parts(), Some((_, 0)));
            let waitless = identity.as_ref().filter(|it| it.wait_ms.is_none());
            let why = match (held.time_rule, waitless) {
                (TimeRule::None, Some(identity)) => format!(": {}", identity.why_no_wait()),
                _ => String::new(),
            };
            let is_more = !all_in_time || held.noticed().is_some() || held.held_for_ms.is_some();
            if (held.commands > 0 && is_more) || held.tracked_in_words().is_some() {
                line(f, &format!("{}: {held}{why}", self.name))?;
            }
        }
        for error in &self.errors {
            line(f, &format!("{}: {error}", self.name))?;
        }
        Ok(())
    }
}

/// The cells of a fence.
fn cells(fence: &Fence, is_off: bool) -> [String; 5] {
    let Held {
        commands, bytes, ..
    } = fence.held;
    let word = match &fence.state {
        State::Idle | State::Down if is_off => "off",
        state => state.word(),
    };
    let bytes = match commands {
        0 => UNKNOWN.to_owned(),
        _ => Bytes(bytes).to_string(),
    };
    let last = fence.last_evidence.as_deref().unwrap_or(UNKNOWN);
    [
        OneLine(word).to_string(),
        commands.to_string(),
        bytes,
        free_in(&fence.held),
        OneLine(last).to_string(),
    ]
}

/// When what is held is free.
fn free_in(held: &Held) -> String {
    match (held.time_rule, held.left_ms) {
        (_, Some(ms)) => {
            let tenths = ms.div_ceil(100);
            // There is more that will not be.
            let more = if matches!(held.parts(), Some((_, 0))) {
                ""
            } else {
                "+"
            };
            format!("{}.{} s{more}", tenths / 10, tenths % 10)
        }
        (TimeRule::NotTerminated, _) => "unknown".to_owned(),
        (TimeRule::None, _) => "none".to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

/// The Command Quiesce Time in force for a controller.
fn quiesce_time(fence: &Fence) -> Option<String> {
    let wait = fence.wait.as_ref()?;
    let source = match wait.cqt_source.as_str() {
        "controller" => "reported",
        source => source,
    };
    Some(format!("CQT {} ({source})", Seconds(wait.cqt_ms?.into())))
}

/// Names in a row, or the first of many.
fn names<T: AsRef<str>>(names: &[T], all: bool) -> String {
    let shown = if all { names.len() } else { NAMES };
    let words: Vec<&str> = names.iter().take(shown).map(AsRef::as_ref).collect();
    match names.len().checked_sub(shown) {
        None | Some(0) => words.join(" "),
        Some(more) => format!("{} and {more} more", words.join(" ")),
    }
}
