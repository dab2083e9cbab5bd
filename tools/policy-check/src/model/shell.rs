// SPDX-License-Identifier: GPL-2.0-only

//! What the kernel is around the policy: it keeps what is held, has work items that send it on, tells
//! the policy what happens and does what the policy says. It decides nothing.

use super::bounds::Bounds;
use super::property::Violation;
use super::state::{Phase, Place, State};
use super::tracking::blocks;
use nvme_fence_policy::{
    AssociationId, Command, ControllerId, Evidence, Fate, Input, Kind, Offer, Opened, Output,
};
use std::sync::Arc;

/// Length of every write.
pub(super) const BYTES: u32 = 4096;

/// A status with which the controller itself answered.
const ANSWERED: u16 = 0x303;

/// What the policy calls an association.
pub(super) fn association_id(on: u8) -> AssociationId {
    AssociationId(u64::from(on))
}

/// What the policy calls a controller.
pub(super) fn controller_id(controller: u8) -> ControllerId {
    ControllerId(u64::from(controller))
}

/// A write to a block that may have been sent and got this status from the host.
fn cancelled(status: u16, block: u8, elsewhere: bool) -> Command {
    Command {
        kind: Kind::Write,
        status,
        sent: true,
        bytes: BYTES,
        blocks: blocks(block),
        fails: false,
        elsewhere,
        repeatable: true,
        holdable: true,
    }
}

/// The work item of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Work {
    /// Never queued.
    Idle,
    /// Queued, because of this.
    Queued,
    /// It has sent on so many commands, and is about to say so.
    Sending(u32, u64),
    /// It has run.
    Done,
}

/// What is held for an association.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Record {
    /// The writes that are held, those that are tracked or wait included.
    pub(super) bios: u8,
    pub(super) work: Work,
    /// Those of them that will be sent again: one bit each.
    pub(super) tracked: u8,
    pub(super) repeat: Work,
    /// The writes whose ghosts newer ones have to wait for: one bit each.
    pub(super) remembered: u8,
    /// The writes that are held for blocks which could not be used elsewhere since: one bit each.
    pub(super) unmoved: u8,
    /// A block that a write is held for could be used elsewhere then.
    pub(super) elsewhere: bool,
}

impl Record {
    /// Nothing is held yet.
    pub(super) fn new() -> Self {
        Self {
            bios: 0,
            work: Work::Idle,
            tracked: 0,
            repeat: Work::Idle,
            remembered: 0,
            unmoved: 0,
            elsewhere: false,
        }
    }

    /// Could all blocks that something is held for be used elsewhere since?
    pub(super) fn has_moved(&self) -> bool {
        self.work == Work::Idle && self.bios != 0 && self.unmoved == 0
    }

    /// The policy releases it.
    pub(super) fn queue(&mut self) -> Result<(), Violation> {
        if self.work != Work::Idle {
            return Err(Violation::ReleasedTwice);
        }
        self.work = Work::Queued;
        self.remembered = 0;
        Ok(())
    }

    /// The policy has what is tracked sent again.
    fn queue_repeat(&mut self) -> Result<(), Violation> {
        if self.repeat != Work::Idle {
            return Err(Violation::ReleasedTwice);
        }
        self.repeat = Work::Queued;
        Ok(())
    }

    /// The work item takes out what is to be sent on, which is so much as the policy counts, if there
    /// is one. Returns the writes.
    fn start_draining(&mut self, held: Option<(u32, u64)>) -> Result<u8, Violation> {
        let bios = std::mem::take(&mut self.bios);
        self.tracked = 0;
        let beside = match self.repeat {
            Work::Sending(commands, _) => commands,
            Work::Idle | Work::Queued | Work::Done => 0,
        };
        let count = bios.count_ones() + beside;
        if held.is_some_and(|held| held != (count, u64::from(count) * u64::from(BYTES))) {
            return Err(Violation::Miscounted);
        }
        self.work = sending(bios);
        Ok(bios)
    }

    /// The work item takes out what is to be sent again. Returns the writes.
    pub(super) fn start_repeating(&mut self) -> u8 {
        let writes = std::mem::take(&mut self.tracked);
        self.bios &= !writes;
        self.repeat = sending(writes);
        writes
    }

    /// Does it hold or track something for which there is no evidence yet?
    pub(super) fn is_waiting(&self) -> bool {
        self.work == Work::Idle && (self.bios | self.remembered) != 0
    }

    /// Has it anything that must not be forgotten?
    pub(super) fn is_busy(&self) -> bool {
        self.bios != 0
            || matches!(self.work, Work::Queued | Work::Sending(..))
            || matches!(self.repeat, Work::Sending(1.., _))
    }
}

/// These writes are being sent on.
fn sending(writes: u8) -> Work {
    let commands = writes.count_ones();
    Work::Sending(commands, u64::from(commands) * u64::from(BYTES))
}

impl State {
    /// Tells the policy of a new association.
    pub(super) fn tell_open(&mut self, bounds: &Bounds, on: u8) {
        if self.unloaded {
            return;
        }
        let controller = self.link(on).controller;
        let opened = Opened {
            id: association_id(on),
            controller: controller_id(controller),
            connected: Some(bounds.nanos(self.now)),
            at: bounds.nanos(self.now),
            identity: bounds.identity(controller, on),
            terms: bounds.terms(),
            // All have the same address: there is no choice to be made for that.
            offer: Offer {
                ccrl: bounds.ccrl,
                lost_host_log: bounds.lost_host_logs,
                ..Offer::default()
            },
        };
        let association = Arc::make_mut(&mut self.policy).open(opened);
        self.carry_out(bounds);
        Arc::make_mut(&mut self.policy).keep(association, bounds.slots);
        self.tell(bounds, Input::Resumed(controller_id(controller)));
        self.look_elsewhere(bounds);
    }

    /// Tells the policy what happens, and does what follows.
    pub(super) fn tell(&mut self, bounds: &Bounds, input: Input<'_>) {
        if self.unloaded {
            return;
        }
        let now = bounds.nanos(self.now);
        Arc::make_mut(&mut self.policy).handle(now, input);
        self.carry_out(bounds);
    }

    /// Does what the policy says.
    pub(super) fn carry_out(&mut self, bounds: &Bounds) {
        while let Some(output) = Arc::make_mut(&mut self.policy).next_output() {
            match output {
                Output::Repeat(id) => self.queue_repeat(id),
                Output::Release(id, evidence) => self.release(bounds, id, evidence),
                Output::Discard(id) => self.discard(id),
                Output::Lost(_)
                | Output::ResetStep { .. }
                | Output::Deadline(..)
                | Output::LogUnmatched(..)
                | Output::LogUnreadable(_)
                | Output::RepeatedId(..)
                | Output::PathsShared(_) => {}
            }
        }
    }

    fn release(&mut self, bounds: &Bounds, id: AssociationId, evidence: Evidence) {
        let on = id.0 as u8;
        self.judge(bounds, on, evidence);
        let released = match &mut self.link(on).record {
            Some(record) => record.queue(),
            None => Err(Violation::ReleasedTwice),
        };
        if let Err(violation) = released {
            self.blame(violation);
        }
    }

    fn queue_repeat(&mut self, id: AssociationId) {
        let queued = match &mut self.link(id.0 as u8).record {
            Some(record) => record.queue_repeat(),
            None => Err(Violation::Forgotten),
        };
        if let Err(violation) = queued {
            self.blame(violation);
        }
    }

    fn discard(&mut self, id: AssociationId) {
        Arc::make_mut(&mut self.policy).discard(id);
        let record = self.link(id.0 as u8).record.take();
        if record.is_some_and(|record| record.is_busy()) {
            self.blame(Violation::Forgotten);
        }
    }

    /// The host gives up a write: the policy is asked.
    pub(super) fn cancel(&mut self, bounds: &Bounds, write: u8, on: u8, status: u16) {
        if self.unloaded {
            self.cancel_without_policy(write, on);
            return;
        }
        if self.holds_needlessly(on, status) {
            self.blame(Violation::NeedlessHold);
        }
        let association = association_id(on);
        let block = self.writes[usize::from(write)].block;
        let elsewhere = self.is_usable_elsewhere(bounds, on, block);
        let command = cancelled(status, block, elsewhere);
        let fate = Arc::make_mut(&mut self.policy).hold(association, &command);
        self.carry_out(bounds);
        self.judge_fate(bounds, write, on, fate);
        if matches!(fate, Fate::Hold | Fate::Track) {
            self.note_held(bounds, write, on, elsewhere);
        }
        self.write(write).place = match fate {
            Fate::Hold | Fate::Track => {
                if let Some(record) = &mut self.link(on).record {
                    record.bios |= 1 << write;
                    let tracked = u8::from(fate == Fate::Track) << write;
                    record.tracked |= tracked;
                    record.remembered |= tracked;
                }
                Place::Held(on)
            }
            Fate::Pass(_) | Fate::Unknown => Place::Queued,
        };
    }

    /// Would the policy hold any of the commands that can do no harm?
    fn holds_needlessly(&self, on: u8, status: u16) -> bool {
        let write = cancelled(status, 0, false);
        let harmless = [
            Command {
                kind: Kind::Read,
                ..write
            },
            Command {
                kind: Kind::Flush,
                ..write
            },
            Command {
                sent: false,
                ..write
            },
            Command {
                status: ANSWERED,
                ..write
            },
        ];
        let mut policy = self.policy.clone();
        harmless.iter().any(|command| {
            let fate = Arc::make_mut(&mut policy).hold(association_id(on), command);
            fate == Fate::Hold
        })
    }

    /// The work item of a record begins to send on what was held.
    pub(super) fn send_on(&mut self, on: u8) {
        let held = (!self.unloaded).then(|| self.policy.held(association_id(on)));
        let Some(record) = &mut self.link(on).record else {
            return;
        };
        match record.start_draining(held) {
            Ok(bios) => {
                for write in 0..self.issued {
                    if bios & 1 << write != 0 {
                        self.write(write).place = Place::Queued;
                    }
                }
            }
            Err(violation) => self.blame(violation),
        }
    }

    /// The work item of a record says that it has sent on everything.
    pub(super) fn drained(&mut self, bounds: &Bounds, on: u8) {
        let Some(record) = &mut self.link(on).record else {
            return;
        };
        if let Work::Sending(commands, bytes) = record.work {
            record.work = Work::Done;
            let association = association_id(on);
            let drained = Input::Drained {
                association,
                commands,
                bytes,
            };
            self.tell(bounds, drained);
        }
    }

    /// The timer fires.
    pub(super) fn timeout(&mut self, bounds: &Bounds) {
        self.tell(bounds, Input::Timeout);
        let now = self.now;
        let late = self.links.iter().any(|link| {
            let due = link.due.is_some_and(|due| now >= due);
            link.phase == Phase::Closed && link.is_waiting() && due
        });
        if late {
            self.blame(Violation::Late);
        }
        let now = bounds.nanos(now);
        if self.policy.next_deadline().is_some_and(|at| at <= now) {
            self.blame(Violation::Restless);
        }
    }

    /// Is the timer armed for when the time rule is fulfilled, at the latest?
    pub(super) fn check_timer(&mut self, bounds: &Bounds) {
        let waiting = |link: &&super::state::Link| link.phase == Phase::Closed && link.is_waiting();
        let due = self
            .links
            .iter()
            .filter(waiting)
            .filter_map(|link| link.due);
        let Some(due) = due.min().map(|due| bounds.nanos(due)) else {
            return;
        };
        if self.policy.next_deadline().is_none_or(|at| at > due) {
            self.blame(Violation::Late);
        }
    }
}
