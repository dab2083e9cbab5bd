// SPDX-License-Identifier: GPL-2.0-only

//! What is tracked instead of being held: the host tells when nothing of an association is left in
//! it, sends again what is tracked, and has new writes checked. And what could go wrong with that:
//! the host's own copies, other hosts, and applications that do not wait for their writes.

use super::action::Action;
use super::bounds::{Assumption, Bounds};
use super::property::Violation;
use super::shell::{BYTES, Record, Work, association_id};
use super::state::{Phase, Place, State};
use super::truth::Content;
use nvme_fence_policy::{AssociationId, Blocks, Input};
use std::sync::Arc;

/// What a write to a block of the model changes, as the policy is told.
pub(super) fn blocks(block: u8) -> Option<Blocks> {
    Blocks::new(1, u64::from(block) * 8, 8)
}

impl State {
    /// Collects what can happen because of the host's own copies, and of what is tracked.
    pub(super) fn enabled_tracking(&self, bounds: &Bounds, on: u8, actions: &mut Vec<Action>) {
        let link = &self.links[usize::from(on)];
        for write in 0..self.issued {
            if link.truth.buffered & 1 << write != 0 {
                actions.push(Action::Leave { write, on });
            }
        }
        let Some(record) = &link.record else {
            return;
        };
        // What is released is sent on anyway.
        let kept = record.tracked != 0 && record.work == Work::Idle;
        let awaits = kept || (bounds.slots > 0 && self.any_in_flight(on));
        let empty = link.truth.buffered == 0 || !bounds.assumes(Assumption::EmptySockets);
        let listens = !self.unloaded && !link.emptied;
        if link.phase == Phase::Closed && awaits && empty && listens {
            actions.push(Action::Empty { on });
        }
        match record.repeat {
            Work::Queued => actions.push(Action::Repeat { on }),
            Work::Sending(..) => actions.push(Action::Repeated { on }),
            Work::Idle | Work::Done => {}
        }
    }

    /// Collects what others may do to the blocks, or to the memory of a write.
    pub(super) fn enabled_others(&self, bounds: &Bounds, actions: &mut Vec<Action>) {
        let write = self.issued;
        if self.left.foreign > 0 && write < bounds.writes {
            // Hosts that share blocks agree on who writes, and go by what is acknowledged.
            let free = (0..bounds.blocks).filter(|block| !self.is_outstanding(*block));
            actions.extend(free.map(|block| Action::ForeignWrite { write, block }));
        }
        if !bounds.assumes(Assumption::SameContent) {
            let alterable = (0..self.issued).filter(|write| self.is_alterable(*write));
            actions.extend(alterable.map(|write| Action::Alter { write }));
        }
    }

    /// Is there a write to this block of which the application does not know that it is done?
    pub(super) fn is_outstanding(&self, block: u8) -> bool {
        let issued = &self.writes[..usize::from(self.issued)];
        let mut there = issued.iter().filter(|write| write.block == block);
        there.any(|write| write.place != Place::Done)
    }

    /// Can the application change the memory of a write that is not done?
    fn is_alterable(&self, write: u8) -> bool {
        self.altered & 1 << write == 0 && self.writes[usize::from(write)].place != Place::Done
    }

    /// What is in the memory of a write.
    fn memory(&self, write: u8) -> Content {
        if self.writes[usize::from(write)].place == Place::Done {
            Content::Reused
        } else if self.altered & 1 << write != 0 {
            Content::Changed
        } else {
            Content::Original
        }
    }

    /// A write leaves the host, with what is in its memory now.
    pub(super) fn leave(&mut self, write: u8, on: u8) {
        let content = self.memory(write);
        let truth = &mut self.link(on).truth;
        truth.buffered &= !(1 << write);
        truth.contents[usize::from(write)] = content;
    }

    /// Another host writes, and that is done at once.
    pub(super) fn foreign_write(&mut self, write: u8, block: u8) {
        self.left.foreign -= 1;
        self.issued += 1;
        self.write(write).block = block;
        self.write(write).place = Place::Done;
        self.stored[usize::from(block)] = write + 1;
        self.acknowledged[usize::from(block)] = write + 1;
    }

    /// A write enters the multipath device, or enters it again: it is checked, and sent or kept.
    pub(super) fn submit(&mut self, bounds: &Bounds, write: u8, on: u8) {
        if self.unloaded && self.repeated & 1 << write == 0 {
            return match self.check_without_policy() {
                Some(of) => self.detain_without_policy(write, of),
                None => self.send(bounds, write, on),
            };
        }
        match self.check(write) {
            Some(id) => self.detain(bounds, write, id.0 as u8),
            None => self.send(bounds, write, on),
        }
    }

    /// The association that a write has to wait for. What is sent again is not checked.
    fn check(&mut self, write: u8) -> Option<AssociationId> {
        // What nobody can hit is not asked for: the static key is off.
        if self.repeated & 1 << write != 0 || !self.policy.tracks() {
            return None;
        }
        let blocks = blocks(self.writes[usize::from(write)].block)?;
        Arc::make_mut(&mut self.policy).check(&blocks, BYTES)
    }

    /// A write waits for an association.
    fn detain(&mut self, bounds: &Bounds, write: u8, on: u8) {
        let writes = self.writes;
        let block = writes[usize::from(write)].block;
        self.write(write).place = Place::Held(on);
        let Some(record) = &mut self.link(on).record else {
            self.blame(Violation::Forgotten);
            return;
        };
        record.bios |= 1 << write;
        let ghost = |one: &usize| record.remembered & 1 << one != 0 && writes[*one].block == block;
        if !(0..writes.len()).any(|one| ghost(&one)) && bounds.dropped.is_none() {
            self.blame(Violation::NeedlessHold);
        }
    }

    /// Is it right that a write is held, and not tracked?
    pub(super) fn judge_held(&mut self, bounds: &Bounds, write: u8, on: u8) {
        let block = self.writes[usize::from(write)].block;
        let (writes, settings) = (self.writes, self.settings);
        let link = self.link(on);
        let Some(record) = &link.record else {
            return;
        };
        let others = record.bios | record.remembered;
        let of_block = |one: usize| writes[one].block == block && one != usize::from(write);
        let clashes = (0..writes.len()).any(|one| others & 1 << one != 0 && of_block(one));
        let full = record.remembered.count_ones() >= u32::from(bounds.slots);
        let trackable = settings.tracks && !clashes && !full && !link.emptied;
        if trackable && bounds.dropped.is_none() {
            self.blame(Violation::NeedlessHold);
        }
    }

    /// The host tells that nothing of an association is left in it.
    pub(super) fn empty(&mut self, bounds: &Bounds, on: u8) {
        self.link(on).emptied = true;
        self.tell(bounds, Input::Emptied(association_id(on)));
        let left = |record: &Record| record.tracked != 0 && record.repeat == Work::Idle;
        let link = self.link(on);
        let waits = link.is_waiting() && link.record.as_ref().is_some_and(left);
        if waits && bounds.dropped.is_none() {
            self.blame(Violation::NeedlessHold);
        }
    }

    /// The work item of a record begins to send again what is tracked.
    pub(super) fn repeat(&mut self, on: u8) {
        let Some(record) = &mut self.link(on).record else {
            return;
        };
        let writes = record.start_repeating();
        self.repeated |= writes;
        for write in (0..self.issued).filter(|write| writes & 1 << write != 0) {
            self.write(write).place = Place::Queued;
        }
    }

    /// It says that it has done so.
    pub(super) fn repeated(&mut self, bounds: &Bounds, on: u8) {
        let Some(record) = &mut self.link(on).record else {
            return;
        };
        if let Work::Sending(commands, bytes) = record.repeat {
            record.repeat = Work::Done;
            let association = association_id(on);
            let repeated = Input::Repeated {
                association,
                commands,
                bytes,
            };
            self.tell(bounds, repeated);
        }
    }
}
