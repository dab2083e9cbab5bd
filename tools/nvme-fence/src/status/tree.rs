// SPDX-License-Identifier: GPL-2.0
//! The status for people: the tree that `nvme list-subsys` prints, with the fences in it.

use std::fmt;

use super::{ControllerStatus, Status, SubsystemStatus};
use crate::sysfs::fence::Fence;
use crate::text::{OneLine, Wrapped};

/// What is printed for what could not be read, or is not there.
const UNKNOWN: &str = "-";

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.removed.as_ref().filter(|held| held.commands > 0);
        if self.subsystems.is_empty() && held.is_none() {
            writeln!(f, "there is no NVMe subsystem on this host")?;
        }
        for (index, subsystem) in self.subsystems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{subsystem}")?;
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

impl fmt::Display for SubsystemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = " ".repeat(self.name.len() + " - ".len());
        let line = |f: &mut fmt::Formatter<'_>, text: &str| {
            let (first, others) = (&indent, &indent);
            write!(
                f,
                "{}",
                Wrapped {
                    first,
                    others,
                    text
                }
            )
        };
        let nqn = self.nqn.as_deref().unwrap_or(UNKNOWN);
        writeln!(f, "{} - NQN={}", self.name, OneLine(nqn))?;
        if let Some(knobs) = &self.fence {
            let settings = format!(
                "mode={} cqt_default_ms={} cqt_override_ms={} trust_notification={}",
                knobs.mode,
                knobs.cqt_default_ms,
                knobs.cqt_override_ms,
                knobs.trust_word()
            );
            line(f, &settings)?;
            if knobs.mode == "off" {
                line(f, "NOT PROTECTED: mode is off")?;
            }
        }
        for error in &self.errors {
            line(f, error)?;
        }
        let Some((last, others)) = self.controllers.split_last() else {
            return line(f, "no controllers: no path is left");
        };
        writeln!(f, "\\")?;
        for controller in others {
            controller.write(f, " |  ")?;
        }
        last.write(f, "    ")
    }
}

impl ControllerStatus {
    /// Writes the controller's lines; those below the first begin with `branch`.
    fn write(&self, f: &mut fmt::Formatter<'_>, branch: &str) -> fmt::Result {
        let word = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or(UNKNOWN);
            OneLine(text).to_string()
        };
        writeln!(
            f,
            " +- {} {} {} {}",
            self.name,
            word(&self.transport),
            word(&self.address),
            word(&self.state)
        )?;
        let others = format!("{branch}            ");
        let mut row = |name: &str, text: &str| {
            let first = format!("{branch}  {name:<10}");
            let (first, others) = (&first, &others);
            write!(
                f,
                "{}",
                Wrapped {
                    first,
                    others,
                    text
                }
            )
        };
        if let Some(reason) = self.unfenced {
            row("fence", &reason.to_string())?;
        }
        if let Some(fence) = &self.fence {
            row("fence", &Summary(fence).to_string())?;
            row("last", &Last(fence).to_string())?;
            let none = || "not identified yet".to_owned();
            let identity = fence.identity.as_ref();
            row("identity", &identity.map_or_else(none, ToString::to_string))?;
            let ccr = fence.ccr.as_ref();
            row("ccr", &ccr.map_or_else(none, ToString::to_string))?;
            row("counters", &fence.counters.to_string())?;
        }
        for error in &self.errors {
            row("error", error)?;
        }
        Ok(())
    }
}

/// The line that answers "why does my I/O hang, and for how long?"
struct Summary<'a>(&'a Fence);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fence {
            state,
            held,
            identity,
            ..
        } = self.0;
        // The kernel's words are about the association. Here, "open" would read as "unprotected".
        let state = match state.as_str() {
            "open" => "idle",
            "closed" => "down",
            "lost" => "lost, connections not terminated yet",
            state => state,
        };
        write!(f, "{state}, {held}")?;
        if held.commands == 0 || held.deadline_ms.is_some() {
            return Ok(());
        }
        match (self.0.state.as_str(), identity) {
            ("lost", _) => f.write_str(" yet"),
            (_, Some(identity)) if identity.wait_ms.is_none() => f.write_str(": keep alive is off"),
            _ => Ok(()),
        }
    }
}

/// The line about the last record that was fenced. What is held now belongs to others.
struct Last<'a>(&'a Fence);

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(evidence) = &self.0.last_evidence else {
            return f.write_str("nothing was fenced yet");
        };
        if self.0.held.commands > 0 {
            f.write_str("an earlier loss was ")?;
        }
        write!(f, "fenced by {evidence}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fence::Counters;
    use crate::sysfs::held::Held;

    /// A controller in this state.
    fn fence(state: &str, commands: u64, last_evidence: Option<&str>) -> Fence {
        Fence {
            state: state.to_owned(),
            held: Held {
                commands,
                bytes: commands * 4096,
                ..Held::default()
            },
            last_evidence: last_evidence.map(str::to_owned),
            identity: None,
            ccr: None,
            counters: Counters::default(),
        }
    }

    #[test]
    fn summaries() {
        for (state, commands, text) in [
            ("open", 0, "idle, nothing held"),
            ("closed", 0, "down, nothing held"),
            (
                "lost",
                0,
                "lost, connections not terminated yet, nothing held",
            ),
            (
                "lost",
                4,
                "lost, connections not terminated yet, 4 commands held, 16.0 KiB, no deadline yet",
            ),
            (
                "fencing",
                1,
                "fencing, 1 command held, 4.0 KiB, no deadline",
            ),
        ] {
            assert_eq!(Summary(&fence(state, commands, None)).to_string(), text);
        }
        let identity = "cntlid=1 ciu=0 kato_ms=0 tbkas=1 cqt_ms=0 cqt_source=default wait_ms=none";
        let without_keep_alive = Fence {
            identity: Some(identity.parse().unwrap()),
            ..fence("fencing", 1, None)
        };
        assert_eq!(
            Summary(&without_keep_alive).to_string(),
            "fencing, 1 command held, 4.0 KiB, no deadline: keep alive is off"
        );
    }

    #[test]
    fn evidence_is_of_what_was_fenced() {
        for (state, commands, evidence, text) in [
            ("open", 0, None, "nothing was fenced yet"),
            ("fencing", 2, None, "nothing was fenced yet"),
            ("open", 0, Some("ccr"), "fenced by ccr"),
            (
                "fencing",
                2,
                Some("ccr"),
                "an earlier loss was fenced by ccr",
            ),
        ] {
            let fence = fence(state, commands, evidence);
            assert_eq!(Last(&fence).to_string(), text, "{state}");
        }
    }
}
