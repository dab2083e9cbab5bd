// SPDX-License-Identifier: GPL-2.0-only

//! The module is unloaded: what is held waits for time then, by nvme-core alone, and its tables are
//! gone. This is not the policy, but what nvme-core has to do for it to be no evidence that it goes:
//! everything overlaps what was tracked.

use super::action::Action;
use super::bounds::{Assumption, Bounds};
use super::property::Violation;
use super::settings;
use super::shell::{Record, Work};
use super::state::{Phase, Place, State};
use nvme_fence_policy::Evidence;
use std::sync::Arc;

impl State {
    /// Collects what can happen because the module goes, or is gone.
    pub(super) fn enabled_unload(&self, bounds: &Bounds, actions: &mut Vec<Action>) {
        if self.left.unloads > 0 {
            actions.push(Action::Unload);
        }
        if self.unloaded {
            let due = (0..self.links.len() as u8).filter(|on| self.is_due(*on));
            actions.extend(due.map(|on| Action::Expire { on }));
        }
        debug_assert!(bounds.unloads == 0 || bounds.ccrl == 0, "resets end, too");
    }

    /// The module is unloaded.
    pub(super) fn unload(&mut self, bounds: &Bounds) {
        self.left.unloads -= 1;
        self.unloaded = true;
        self.policy = Arc::new(settings::policy(bounds));
        if !bounds.assumes(Assumption::RememberedWhenUnloaded) {
            for link in &mut self.links {
                if let Some(record) = &mut link.record {
                    record.remembered = 0;
                }
            }
        }
    }

    /// Has an association for which something waits been fenced by time?
    fn is_due(&self, on: u8) -> bool {
        let link = &self.links[usize::from(on)];
        let due = link.due.is_some_and(|due| self.now >= due);
        link.phase == Phase::Closed && link.is_waiting() && due
    }

    /// nvme-core releases what waits for an association, or was tracked for it.
    pub(super) fn expire(&mut self, bounds: &Bounds, on: u8) {
        self.judge(bounds, on, Evidence::Time);
        if let Some(record) = &mut self.link(on).record {
            record.queue().expect("it is waiting");
        }
    }

    /// The host gives up a write: nvme-core holds it, unless it is too late for that.
    pub(super) fn cancel_without_policy(&mut self, write: u8, on: u8) {
        let now = self.now;
        let link = self.link(on);
        let over = link.phase == Phase::Closed && link.due.is_some_and(|due| now >= due);
        let record = link.record.get_or_insert_with(Record::new);
        if over || record.work != Work::Idle {
            self.write(write).place = Place::Queued;
            return;
        }
        record.bios |= 1 << write;
        self.write(write).place = Place::Held(on);
    }

    /// The association that a new write has to wait for: any for which something was tracked.
    pub(super) fn check_without_policy(&self) -> Option<u8> {
        let tracks = |on: &u8| {
            let record = self.links[usize::from(*on)].record.as_ref();
            record.is_some_and(|record| record.work == Work::Idle && record.remembered != 0)
        };
        (0..self.links.len() as u8).find(tracks)
    }

    /// A new write waits for an association that something was tracked for.
    pub(super) fn detain_without_policy(&mut self, write: u8, on: u8) {
        self.write(write).place = Place::Held(on);
        match &mut self.link(on).record {
            Some(record) => record.bios |= 1 << write,
            None => self.blame(Violation::Forgotten),
        }
    }
}
