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
        Ok(())
    }
}

impl fmt::Display for SubsystemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = self.name.len() + " - ".len();
        writeln!(f, "{} - NQN={}", self.name, self.nqn)?;
        match &self.fence {
            Some(knobs) => writeln!(
                f,
                "{:indent$}mode={} cqt_default_ms={} cqt_override_ms={}",
                "", knobs.mode, knobs.cqt_default_ms, knobs.cqt_override_ms
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
        writeln!(f, "{branch}  identity  {}", fence.identity)?;
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
        match fence.deadline_ms {
            Some(left_ms) => write!(f, ", fenced by time in {}", Milliseconds(left_ms)),
            None if fence.state == "fencing" => write!(f, ", time will not fence it"),
            None => Ok(()),
        }
    }
}
