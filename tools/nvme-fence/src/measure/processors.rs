// SPDX-License-Identifier: GPL-2.0
//! How long the processors of the host were busy.

use anyhow::{Context, Result};
use std::path::PathBuf;

use crate::host::Host;
use crate::sysfs::attribute;
use crate::units::Nanos;

/// The unit of /proc/stat on all machines that Linux runs on: USER_HZ is 100 for programs.
const TICK: i64 = 10_000_000;

/// Of the numbers behind `cpu`, those in which a processor does something: user, nice, system, irq,
/// softirq. Idle, waiting for a disk, and what another virtual machine took are no work; guest time
/// is in user.
const WORK: [usize; 5] = [0, 1, 2, 5, 6];

/// Reads it again and again.
pub(crate) struct Processors {
    /// /proc/stat
    path: PathBuf,
    /// What it said last.
    last: Nanos,
}

impl Processors {
    /// Begins to count.
    pub(crate) fn new(host: &Host) -> Result<Self> {
        let mut processors = Self {
            path: host.proc("stat"),
            last: Nanos(0),
        };
        processors.busy()?;
        Ok(processors)
    }

    /// How long they were busy since the last time, in sum.
    pub(crate) fn busy(&mut self) -> Result<Nanos> {
        let text = attribute::read(&self.path)?;
        let now = sum(&text).with_context(|| format!("{} has no sum", self.path.display()))?;
        let last = std::mem::replace(&mut self.last, now);
        // Processors that are switched off take their time with them.
        Ok(Nanos(now.since(last).0.max(0)))
    }
}

/// The busy time in /proc/stat since the machine was started.
fn sum(stat: &str) -> Option<Nanos> {
    let numbers = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let numbers: Vec<i64> = numbers
        .split_ascii_whitespace()
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let ticks = |index: &usize| numbers.get(*index).copied().unwrap_or_default();
    Some(Nanos(WORK.iter().map(ticks).sum::<i64>() * TICK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_no_work() {
        let stat = "cpu  1 2 4 1000 2000 8 16 3000 1 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n";
        assert_eq!(sum(stat), Some(Nanos(31 * TICK)));
        assert_eq!(sum("cpu  1 x\n"), None);
        assert_eq!(sum("intr 1\n"), None);
    }
}
