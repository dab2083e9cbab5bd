// SPDX-License-Identifier: GPL-2.0
//! The status for people: the tree that `nvme list-subsys` prints, with the fences in it.

use std::fmt;

use super::{ControllerStatus, Status, SubsystemStatus};
use crate::sysfs::fence::Fence;
use crate::units::{Bytes, Count, Milliseconds};

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, subsystem) in self.subsystems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{subsystem}")?;
        }
        match &self.removed {
            Some(removed) if removed.held > 0 => {
                let gap = if self.subsystems.is_empty() { "" } else { "\n" };
                writeln!(f, "{gap}removed controllers - {removed}")
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for SubsystemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = self.name.len() + " - ".len();
        writeln!(f, "{} - NQN={}", self.name, self.nqn)?;
        match &self.fence {
            Some(knobs) => writeln!(
                f,
                "{:indent$}mode={} cqt_default_ms={} cqt_override_ms={} trust_notification={}",
                "",
                knobs.mode,
                knobs.cqt_default_ms,
                knobs.cqt_override_ms,
                knobs.trust_word()
            )?,
            None => writeln!(f, "{:indent$}not managed by nvme_fence", "")?,
        }
        let Some((last, others)) = self.controllers.split_last() else {
            return writeln!(f, "{:indent$}no controllers", "");
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
        writeln!(
            f,
            " +- {} {} {} {}",
            self.name, self.transport, self.address, self.state
        )?;
        let Some(fence) = &self.fence else {
            return writeln!(f, "{branch}  fence     not managed by nvme_fence");
        };
        writeln!(f, "{branch}  fence     {}", Summary(fence))?;
        writeln!(f, "{branch}  evidence  {}", fence.evidence)?;
        match &fence.identity {
            Some(identity) => writeln!(f, "{branch}  identity  {identity}")?,
            None => writeln!(f, "{branch}  identity  none")?,
        }
        match &fence.ccr {
            Some(ccr) => writeln!(f, "{branch}  ccr       {ccr}")?,
            None => writeln!(f, "{branch}  ccr       none")?,
        }
        writeln!(f, "{branch}  counters  {}", fence.counters)
    }
}

/// The line that answers "why does my I/O hang, and for how long?"
struct Summary<'a>(&'a Fence);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fence = self.0;
        write!(f, "{}", fence.state)?;
        if fence.held > 0 {
            let held = Count(fence.held, "command");
            write!(f, ", {held} held, {}", Bytes(fence.held_bytes))?;
        }
        let left = fence.deadline_ms.map(Milliseconds);
        match (fence.state.as_str(), left) {
            ("lost", None) => write!(f, ", not closed yet"),
            // Only what is closed has a deadline.
            ("lost", Some(left)) => {
                write!(
                    f,
                    ", not closed yet, the one before fenced by time in {left}"
                )
            }
            (_, Some(left)) => write!(f, ", fenced by time in {left}"),
            ("fencing", None) => write!(f, ", time will not fence it"),
            (_, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sysfs::fence::Counters;

    #[test]
    fn summaries() {
        for (state, held, deadline_ms, text) in [
            ("open", 0, None, "open"),
            ("closed", 0, None, "closed"),
            ("lost", 0, None, "lost, not closed yet"),
            (
                "lost",
                4,
                None,
                "lost, 4 commands held, 16.0 KiB, not closed yet",
            ),
            (
                "lost",
                4,
                Some(12_345),
                "lost, 4 commands held, 16.0 KiB, not closed yet, the one before fenced by time in 12.345 s",
            ),
            (
                "fencing",
                4,
                Some(12_345),
                "fencing, 4 commands held, 16.0 KiB, fenced by time in 12.345 s",
            ),
            (
                "fencing",
                1,
                None,
                "fencing, 1 command held, 4.0 KiB, time will not fence it",
            ),
        ] {
            let fence = Fence {
                state: state.to_owned(),
                held,
                held_bytes: held * 4096,
                deadline_ms,
                evidence: "none".to_owned(),
                identity: None,
                ccr: None,
                counters: Counters::default(),
            };
            assert_eq!(Summary(&fence).to_string(), text);
        }
    }
}
