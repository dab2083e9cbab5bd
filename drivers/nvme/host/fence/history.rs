// SPDX-License-Identifier: GPL-2.0

//! What is kept of the last fencings of a subsystem: shown in sysfs, told in the kernel log.
//!
//! They are noted under the lock of the subsystem, and under locks of nvme-core, in memory that the
//! subsystem is made with. They are made into text one by one, each when no lock is held.

use crate::subsystem::Subsystem;
use core::fmt::{self, Write};
use kernel::prelude::*;
use nvme_fence_policy::history::{Line, Sentence};
use nvme_fence_policy::{Fencing, History, FENCINGS_KEPT};

/// The last fencings, and which of them the administrator has been told of.
pub(crate) struct Past {
    kept: History,
    /// Number of the last one that was told.
    told: u32,
}

impl Past {
    /// Nothing was fenced yet.
    pub(crate) const fn new() -> Self {
        Self {
            kept: History::EMPTY,
            told: 0,
        }
    }

    /// Notes one more. Atomic.
    pub(crate) fn add(&mut self, fencing: Fencing) {
        self.kept.add(fencing);
    }

    /// The oldest one that is kept and has a higher number, with its number.
    fn after(&self, number: u32) -> Option<(u32, Fencing)> {
        self.kept.after(number)
    }

    /// Whether there is one to be told.
    pub(crate) fn any_untold(&self) -> bool {
        self.after(self.told).is_some()
    }

    /// The next one that is to be told, and how many before it are not kept any more.
    fn next_untold(&mut self) -> Option<(u32, Fencing)> {
        let (number, fencing) = self.after(self.told)?;
        let missed = number - self.told - 1;
        self.told = number;
        Some((missed, fencing))
    }
}

impl Subsystem {
    /// Tells what was fenced: a line for each. Not to be called with a lock held.
    pub(crate) fn tell_fencings(&self) {
        loop {
            let Some((missed, fencing)) = self.lock().past().next_untold() else {
                return;
            };
            if missed != 0 {
                pr_info!("{missed} more before this, too many at once to be told\n");
            }
            pr_info!("{}\n", format_args!("{}", Sentence(&fencing)));
        }
    }

    /// Writes a line for each fencing that is kept, the oldest first. Each is as it was when it is its
    /// turn, so no more are written than are kept at once.
    pub(crate) fn show_fencings(&self, text: &mut impl Write) -> fmt::Result {
        let mut shown = 0;
        for _ in 0..FENCINGS_KEPT {
            let Some((number, fencing)) = self.lock().past().after(shown) else {
                break;
            };
            writeln!(text, "{}", Line(number, &fencing))?;
            shown = number;
        }
        Ok(())
    }
}
