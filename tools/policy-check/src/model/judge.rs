// SPDX-License-Identifier: GPL-2.0-only

//! Is it right what the policy decides about held writes? The policy is not asked for reasons: what
//! counts is what really happened.

use super::bounds::{Assumption, Bounds};
use super::property::Violation;
use super::state::{Link, Phase, State};
use super::truth::Copy;
use nvme_fence_policy::{Belief, Evidence, Fate, Hold};

impl State {
    /// Is a release right?
    pub(super) fn judge(&mut self, bounds: &Bounds, on: u8, evidence: Evidence) {
        if bounds.dropped.is_some() {
            // It shall be seen what comes of it.
            return;
        }
        let now = self.now;
        // What has moved is fenced, and not the association: it may go on to execute other writes.
        if self.holds_what_may_execute(bounds, on) {
            self.blame(Violation::NoEvidence);
            return;
        }
        let link = &self.links[usize::from(on)];
        if evidence != Evidence::Target && link.truth.may_execute(bounds, now) {
            self.blame(Violation::NoEvidence);
            return;
        }
        let happened = match evidence {
            Evidence::Ccr => link.told_reset && self.settings.believes(Belief::Ccr),
            Evidence::Time => [link.due, link.may_be_due]
                .into_iter()
                .flatten()
                .any(|due| now >= due),
            Evidence::Reconnect => !bounds.nameless && self.is_proven_by_reconnect(on),
            Evidence::ReconnectById => self.is_proven_by_reconnect(on),
            Evidence::Disabled => link.disabled,
            Evidence::Target => {
                let record = link.record.as_ref();
                link.phase == Phase::Closed
                    && self.settings.believes(Belief::Target)
                    && record.is_some_and(|record| record.has_moved() && !record.elsewhere)
            }
            Evidence::Admin => link.vouched,
        };
        if !happened {
            self.blame(Violation::WrongEvidence);
        }
    }

    /// Has its controller been connected again, and does that count?
    fn is_proven_by_reconnect(&self, on: u8) -> bool {
        let controller = self.links[usize::from(on)].controller;
        let newer = &self.links[usize::from(on) + 1..];
        newer.iter().any(|link| link.controller == controller)
            && (self.settings.believes(Belief::Reconnect)
                || self.settings.believes(Belief::ReconnectById))
    }

    /// Is it right what is to become of a write that was in flight on an association?
    pub(super) fn judge_fate(&mut self, bounds: &Bounds, write: u8, on: u8, fate: Fate) {
        let holds = self.settings.holds;
        let is_known = self.link(on).record.is_some();
        match fate {
            Fate::Hold | Fate::Track if !holds => self.blame(Violation::NeedlessHold),
            Fate::Hold => self.judge_held(bounds, write, on),
            Fate::Track if !self.settings.tracks => {
                self.blame(Violation::NoEvidence);
            }
            // It would be kept for a moment that is over.
            Fate::Track if self.link(on).emptied => self.blame(Violation::NeedlessHold),
            Fate::Track => {}
            // Nothing was held when the association was closed, so nobody waits for its end.
            Fate::Unknown if !is_known => self.counted |= 1 << write,
            // The administrator had them pass, and knows what may come of it.
            Fate::Pass(_) if !holds && bounds.hold != Hold::None => self.counted |= 1 << write,
            Fate::Pass(_) if !holds => {}
            Fate::Pass(_) | Fate::Unknown => {
                if bounds.dropped.is_none() && self.may_still_execute(bounds, write, on) {
                    self.blame(Violation::NoEvidence);
                }
            }
        }
    }

    /// May a write that is held for an association still be executed there?
    fn holds_what_may_execute(&self, bounds: &Bounds, on: u8) -> bool {
        let record = self.links[usize::from(on)].record.as_ref();
        let bios = record.map_or(0, |record| record.bios);
        (0..self.issued)
            .any(|write| bios & 1 << write != 0 && self.may_still_execute(bounds, write, on))
    }

    /// May a write still be executed on an association?
    fn may_still_execute(&self, bounds: &Bounds, write: u8, on: u8) -> bool {
        let truth = &self.links[usize::from(on)].truth;
        match truth.copies[usize::from(write)] {
            Copy::Underway | Copy::Arrived => truth.may_execute(bounds, self.now),
            Copy::None | Copy::Executed => false,
        }
    }

    /// The administrator sees to it that nothing can execute any more on what the host has given up
    /// of these controllers.
    pub(super) fn vouch_for(&mut self, bounds: &Bounds, of: impl Fn(u8) -> bool) {
        for link in self.links.iter_mut().filter(|link| of(link.controller)) {
            // Of what is not closed yet it counts when that is.
            if link.is_given_up() {
                link.vouched = true;
                link.truth.dead |= bounds.assumes(Assumption::HonestAdministrator);
            }
        }
    }

    /// Is anything still held that the administrator has vouched for, and that is closed? Or whose
    /// controller is connected again?
    pub(super) fn check_heard(&mut self, bounds: &Bounds) {
        let unheard =
            |link: &Link| link.vouched && link.phase == Phase::Closed && link.is_waiting();
        let proven = |on: u8| {
            bounds.cleans_up
                && (!bounds.nameless || self.settings.believes(Belief::ReconnectById))
                && self.is_proven_by_reconnect(on)
                && self.links[usize::from(on)].is_waiting()
        };
        if self.links.iter().any(unheard) || (0..self.links.len() as u8).any(proven) {
            self.blame(Violation::Unheard);
        }
    }
}
