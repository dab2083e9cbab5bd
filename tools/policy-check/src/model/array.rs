// SPDX-License-Identifier: GPL-2.0-only

//! An array that arbitrates paths itself: each block is a namespace of its own, which can be used
//! through one controller at a time. The array moves it to another one when nothing can be executed
//! any more of what came through the one before. The host sees at once where a block can be used, and
//! tells the policy what that means for what is held.

use super::action::Action;
use super::bounds::{Assumption, Bounds};
use super::property::Violation;
use super::shell::association_id;
use super::state::{Link, Phase, State};
use super::truth::Copy;
use nvme_fence_policy::{Belief, Input};

impl State {
    /// Can a block be used through this controller?
    fn serves(&self, bounds: &Bounds, controller: u8, block: u8) -> bool {
        !bounds.arbitrates || self.owners[usize::from(block)] == controller
    }

    /// Can a block be used on this association, as the host sees it?
    pub(super) fn is_usable(&self, bounds: &Bounds, on: u8, block: u8) -> bool {
        self.serves(bounds, self.links[usize::from(on)].controller, block)
    }

    /// Can a block be used through another controller than that of this association?
    pub(super) fn is_usable_elsewhere(&self, bounds: &Bounds, on: u8, block: u8) -> bool {
        let controller = self.links[usize::from(on)].controller;
        let serves = |link: &Link| {
            link.phase == Phase::Open
                && link.controller != controller
                && self.serves(bounds, link.controller, block)
        };
        self.looks_elsewhere(bounds) && self.links.iter().any(serves)
    }

    /// Does it make a difference where blocks can be used?
    fn looks_elsewhere(&self, bounds: &Bounds) -> bool {
        (bounds.arbitrates || bounds.evidence.contains(Belief::Target)) && !self.unloaded
    }

    /// A write is held for an association.
    pub(super) fn note_held(&mut self, bounds: &Bounds, write: u8, on: u8, elsewhere: bool) {
        self.paths_shared |= elsewhere && self.settings.believes(Belief::Target);
        let looks = self.looks_elsewhere(bounds);
        if let (true, Some(record)) = (looks, &mut self.link(on).record) {
            record.unmoved |= 1 << write;
            record.elsewhere |= elsewhere;
        }
    }

    /// The array may move a block, to a controller that the host may use.
    pub(super) fn enabled_array(&self, bounds: &Bounds, actions: &mut Vec<Action>) {
        if self.left.moves == 0 {
            return;
        }
        for block in 0..bounds.blocks {
            let others = (0..bounds.controllers)
                .filter(|to| !self.removed[usize::from(*to)])
                .filter(|to| self.owners[usize::from(block)] != *to);
            actions.extend(others.map(|to| Action::Move { block, to }));
        }
    }

    /// The array moves a block to another controller.
    pub(super) fn move_block(&mut self, bounds: &Bounds, block: u8, to: u8) {
        self.left.moves -= 1;
        self.owners[usize::from(block)] = to;
        if bounds.assumes(Assumption::HonestArray) {
            let writes = self.writes;
            for link in self.links.iter_mut().filter(|link| link.controller != to) {
                for (copy, write) in link.truth.copies.iter_mut().zip(writes) {
                    if write.block == block && matches!(copy, Copy::Underway | Copy::Arrived) {
                        *copy = Copy::None;
                    }
                }
            }
        }
        self.look_elsewhere(bounds);
    }

    /// Paths may have become usable: the policy is told what has moved.
    pub(super) fn look_elsewhere(&mut self, bounds: &Bounds) {
        if !self.looks_elsewhere(bounds) {
            return;
        }
        for on in 0..self.links.len() as u8 {
            self.tell_moved(bounds, on);
        }
    }

    /// The policy is told if all that is held for an association has moved.
    pub(super) fn tell_moved(&mut self, bounds: &Bounds, on: u8) {
        if !self.looks_elsewhere(bounds) {
            return;
        }
        let moved: u8 = (0..self.issued)
            .filter(|write| {
                let block = self.writes[usize::from(*write)].block;
                self.is_usable_elsewhere(bounds, on, block)
            })
            .fold(0, |moved, write| moved | 1 << write);
        let Some(record) = &mut self.link(on).record else {
            return;
        };
        record.unmoved &= !moved;
        if record.has_moved() {
            self.tell(bounds, Input::Moved(association_id(on)));
        }
    }

    /// Is anything still held of what has moved, though that counts?
    pub(super) fn check_moved(&mut self, bounds: &Bounds) {
        if self.paths_shared || !self.looks_elsewhere(bounds) {
            return;
        }
        let moved = |link: &Link| {
            let record = link.record.as_ref();
            link.phase == Phase::Closed
                && link.is_waiting()
                && record.is_some_and(|record| record.has_moved() && !record.elsewhere)
        };
        if self.settings.believes(Belief::Target) && self.links.iter().any(moved) {
            self.blame(Violation::Unheard);
        }
    }
}
