// SPDX-License-Identifier: GPL-2.0
//! What is held, and when time fences it: attributes that a controller's fence has, and all removed
//! controllers together.

use anyhow::Result;
use serde::Serialize;
use std::fmt;
use std::path::Path;

use super::attribute;
use crate::units::{Bytes, Count, Milliseconds};

/// What is held.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Held {
    /// The commands held now, or being sent on.
    #[serde(rename = "held")]
    pub(crate) commands: u64,
    /// Their bytes.
    #[serde(rename = "held_bytes")]
    pub(crate) bytes: u64,
    /// How long until time has fenced the last record that it will fence; `None` = there is no such
    /// record.
    pub(crate) deadline_ms: Option<u64>,
    /// How many of the commands have no deadline; `None` = the module does not tell.
    #[serde(rename = "held_without_deadline")]
    pub(crate) without_deadline: Option<u64>,
}

impl Held {
    /// Reads the attributes in a directory.
    pub(crate) fn read(directory: &Path) -> Result<Self> {
        let without_deadline = directory.join("held_without_deadline");
        Ok(Self {
            commands: attribute::read_number(&directory.join("held"))?,
            bytes: attribute::read_number(&directory.join("held_bytes"))?,
            deadline_ms: attribute::read_optional_number(&directory.join("deadline_ms"))?,
            without_deadline: without_deadline
                .exists()
                .then(|| attribute::read_number(&without_deadline))
                .transpose()?,
        })
    }
}

/// What is held, and for how many of these commands there is a deadline.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.commands == 0 {
            return f.write_str("nothing held");
        }
        let commands = Count(self.commands, "command");
        write!(f, "{commands} held, {}", Bytes(self.bytes))?;
        let left = self.deadline_ms.map(Milliseconds);
        match (left, self.without_deadline) {
            (None, _) => f.write_str(", no deadline"),
            (Some(left), Some(0)) => write!(f, ", fenced by time in {left}"),
            (Some(left), Some(without)) => {
                let with = self.commands.saturating_sub(without);
                write!(f, ": {with} fenced by time in {left}, ")?;
                write!(f, "{without} without a deadline")
            }
            // Other records may have none.
            (Some(left), None) => write!(f, ", the last deadline in {left}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_gets_a_deadline_that_it_does_not_have() {
        for (commands, deadline_ms, without_deadline, text) in [
            (0, None, Some(0), "nothing held"),
            (
                4,
                Some(12_345),
                Some(0),
                "4 commands held, 16.0 KiB, fenced by time in 12.345 s",
            ),
            (
                4,
                Some(12_345),
                Some(1),
                "4 commands held, 16.0 KiB: 3 fenced by time in 12.345 s, 1 without a deadline",
            ),
            (
                4,
                Some(12_345),
                None,
                "4 commands held, 16.0 KiB, the last deadline in 12.345 s",
            ),
            (1, None, Some(1), "1 command held, 4.0 KiB, no deadline"),
            (1, None, None, "1 command held, 4.0 KiB, no deadline"),
        ] {
            let held = Held {
                commands,
                bytes: commands * 4096,
                deadline_ms,
                without_deadline,
            };
            assert_eq!(held.to_string(), text);
        }
    }
}
