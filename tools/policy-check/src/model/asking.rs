// SPDX-License-Identifier: GPL-2.0-only

//! What the host may ask for, and what it must not leave unasked, by what it was told so far.

use super::bounds::Bounds;
use super::property::Violation;
use super::service::{Ccrs, Failure, How, Page, Read, Reply, ResetsPage, Retry};
use super::state::{Link, Phase, State};
use nvme_fence_policy::Belief;

/// Whether the host can be sure that what it has read is about what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// It can.
    Sure,
    /// It may believe it, and need not.
    Unsure,
}

impl State {
    /// A source is asked to have `of` reset: is there any sense in that?
    pub(super) fn check_asked(&mut self, bounds: &Bounds, of: u8, by: u8) {
        let (impacted, source) = (&self.links[usize::from(of)], &self.links[usize::from(by)]);
        let underway = source.service.underway().count();
        let has_slot = source.service.commands.len() + underway < usize::from(bounds.ccrl);
        let useful = !source.is_given_up() && !source.disabled && has_slot;
        // Before it is closed, the host may be resetting it itself.
        let useful = useful && impacted.phase == Phase::Closed && impacted.is_waiting();
        // What has failed is tried again after five seconds.
        let too_soon = bounds.horizon() < 5 && impacted.asked & 1 << by != 0;
        let itself = impacted.controller == source.controller;
        // A read of the log page that is under way may be older than the question.
        let reading = matches!(
            source.service.read,
            Some(Read::Underway(How::Resets { .. }) | Read::Answered(Page::Resets(_)))
        );
        let forbidden = !impacted.may_be_tried_on(by, source.controller);
        if !useful || too_soon || itself || forbidden || !self.settings.believes(Belief::Ccr) {
            self.blame(Violation::AskedInVain);
        }
        if self.any_unanswered() {
            self.blame(Violation::ManyUnanswered);
        }
        let bit = 1 << by;
        let link = self.link(of);
        link.asked |= bit;
        link.awaited |= bit;
        if reading {
            link.unfresh |= bit;
        }
    }

    /// A source has answered the command about `of`.
    pub(super) fn note_answer(&mut self, bounds: &Bounds, source: u8, of: u8, reply: Reply) {
        let bit = 1 << source;
        self.link(source).quiet_since = self.now;
        match reply {
            // If it is in use all the same, the result was about an earlier loss.
            Reply::Immediate => self.link(of).asked &= !bit,
            Reply::Accepted | Reply::InProgress if bounds.failures_tell => {
                self.link(of).accepted[0] |= bit;
            }
            Reply::Accepted | Reply::InProgress => {}
            Reply::Refused => self.link(of).awaited &= !bit,
            Reply::LogFull | Reply::LimitExceeded => {
                self.link(of).awaited &= !bit;
                self.link(of).asked &= !bit;
                self.link(source).rests_until = self.now + 1;
            }
            Reply::Failed => {
                self.link(of).awaited &= !bit;
                // Nobody knows how far it got.
                self.link(source).rests_until = u8::MAX;
            }
        }
    }

    /// The command about `of` could not be sent. It was not the fault of the source.
    pub(super) fn note_not_sent(&mut self, source: u8, of: u8) {
        let bit = 1 << source;
        self.link(of).awaited &= !bit;
        self.link(of).asked &= !bit;
        self.link(source).rests_until = self.now + 1;
    }

    /// Those whose reset a source has accepted before now: one bit each.
    pub(super) fn accepted_by(&self, source: u8) -> u8 {
        let accepted = |link: &Link| link.accepted[1] & 1 << source != 0;
        let links = self.links.iter().enumerate();
        let of = links.filter(|(_, link)| accepted(link));
        of.fold(0, |all, (of, _)| all | 1 << of)
    }

    /// A read of the log page of a source is over. Returns those that are to be released for it.
    pub(super) fn note_page(
        &mut self,
        bounds: &Bounds,
        source: u8,
        page: Option<&ResetsPage>,
    ) -> u8 {
        let Some(page) = page else {
            self.link(source).rests_until = self.now + 1;
            return 0;
        };
        let released = self.expect_release(source, page);
        let bit = 1 << source;
        for of in 0..self.links.len() as u8 {
            let is_news = self.is_fencing(of) && self.link(of).awaited & bit != 0;
            if !is_news {
                continue;
            }
            if let Some(failure) = page.failure(of) {
                self.note_failure(bounds, source, of, failure, page.accepted & 1 << of != 0);
            }
            let counts = self.settings.believes(Belief::Ccr);
            let link = self.link(of);
            if counts && page.says_reset(of) {
                link.told_reset = true;
                // Whatever comes of it, that was all.
                link.asked &= !bit;
                link.awaited &= !bit;
            }
        }
        released
    }

    /// The log page says that the reset of `of` has failed. That it was over when it was read is only
    /// sure if it was accepted before.
    fn note_failure(
        &mut self,
        bounds: &Bounds,
        source: u8,
        of: u8,
        failure: Failure,
        accepted_before: bool,
    ) {
        let bit = 1 << source;
        if failure.noticed {
            let fresh = self.link(of).unfresh & bit == 0;
            let notice = if fresh { Notice::Sure } else { Notice::Unsure };
            self.note_notice(of, notice);
        }
        if !bounds.failures_tell || !accepted_before {
            return;
        }
        let link = self.link(of);
        link.awaited &= !bit;
        link.accepted = link.accepted.map(|accepted| accepted & !bit);
        match failure.retry {
            Retry::Nowhere | Retry::On(_) => link.retry = Some(failure.retry),
            Retry::Elsewhere => link.declined |= bit,
            Retry::Anywhere => {}
        }
    }

    /// The host has read that the controller of an association has noticed: only CQT is left to wait,
    /// if that was more.
    pub(super) fn note_notice(&mut self, of: u8, notice: Notice) {
        let quiet = self.now + self.settings.cqt;
        if !self.is_fencing(of) || !self.settings.believes(Belief::Time) {
            return;
        }
        let link = self.link(of);
        let due = match notice {
            Notice::Sure => {
                link.told_noticed = true;
                &mut link.due
            }
            Notice::Unsure => &mut link.may_be_due,
        };
        *due = Some(due.map_or(quiet, |due| due.min(quiet)));
    }

    /// Does it make a difference to know that the controller of an association has noticed?
    pub(super) fn awaits_notice(&self, bounds: &Bounds, of: u8) -> bool {
        let link = &self.links[usize::from(of)];
        let quiet = self.now + self.settings.cqt;
        let counts = self.settings.believes(Belief::Time) && !bounds.nameless;
        let helps = !link.told_noticed && link.due.is_none_or(|due| due > quiet);
        self.is_fencing(of) && counts && helps
    }

    /// The log page of a source says of some that they were reset: those of whom it is news.
    fn expect_release(&self, source: u8, page: &ResetsPage) -> u8 {
        let bit = 1 << source;
        (0..self.links.len() as u8)
            .filter(|of| {
                let link = &self.links[usize::from(*of)];
                let fresh = link.awaited & bit != 0 && link.unfresh & bit == 0;
                let counts = self.settings.believes(Belief::Ccr);
                counts && fresh && self.is_fencing(*of) && page.says_reset(*of)
            })
            .fold(0, |all, of| all | 1 << of)
    }

    /// A read of the log page of a source is over. Those who were reset are released now.
    pub(super) fn note_log(&mut self, source: u8, released: u8) {
        self.link(source).quiet_since = self.now;
        for link in &mut self.links {
            link.unfresh &= !(1 << source);
        }
        let unbelieved = |of: u8| released & 1 << of != 0 && self.is_fencing(of);
        if (0..self.links.len() as u8).any(unbelieved) {
            self.blame(Violation::Unbelieved);
        }
    }

    /// When the timer has fired: is there a result that nobody fetches, as its event was lost?
    pub(super) fn check_unread(&mut self) {
        let numbers = 0..self.links.len() as u8;
        let unread = numbers.clone().any(|by| {
            let source = &self.links[usize::from(by)];
            let there = |of: u8| {
                let entries = &source.service.entries;
                let awaited = self.links[usize::from(of)].awaited & 1 << by != 0;
                awaited
                    && self.is_fencing(of)
                    && entries
                        .iter()
                        .any(|e| e.of == of && e.ccrs != Ccrs::InProgress)
            };
            source.phase == Phase::Open
                && self.now > source.quiet_since
                && self.now >= source.rests_until
                && source.service.read.is_none()
                && source.service.commands.is_empty()
                && numbers.clone().any(there)
        });
        if unread {
            self.blame(Violation::Unread);
        }
    }

    /// A source is lost, or disabled. If it is used on, it may be asked anew.
    pub(super) fn note_end(&mut self, source: u8) {
        for link in &mut self.links {
            link.awaited &= !(1 << source);
            link.asked &= !(1 << source);
            link.accepted = link.accepted.map(|accepted| accepted & !(1 << source));
            link.declined &= !(1 << source);
        }
    }

    /// Does any source owe an answer?
    fn any_unanswered(&self) -> bool {
        let owes = |link: &Link| link.phase != Phase::Closed && !link.service.commands.is_empty();
        self.links.iter().any(owes)
    }

    /// When the timer has fired: is there a reset that nobody was asked for, though somebody could be?
    pub(super) fn check_unasked(&mut self, bounds: &Bounds) {
        let numbers = 0..self.links.len() as u8;
        // Who could be mistaken for another may have to wait.
        if bounds.ccrl == 0 || !self.settings.believes(Belief::Ccr) || bounds.namesakes {
            return;
        }
        if self.any_unanswered() {
            return;
        }
        let unasked = numbers.clone().any(|of| {
            numbers.clone().any(|by| {
                self.wants_reset(of) && self.is_free(bounds, by) && self.could_ask(of, by)
            })
        });
        if unasked {
            self.blame(Violation::Unasked);
        }
    }

    /// Does something wait for this to be reset, and is no result to come?
    fn wants_reset(&self, of: u8) -> bool {
        let link = &self.links[usize::from(of)];
        self.is_fencing(of) && link.awaited == 0
    }

    /// Is it closed, and is something held for it that waits for evidence?
    fn is_fencing(&self, of: u8) -> bool {
        let link = &self.links[usize::from(of)];
        link.phase == Phase::Closed && link.is_waiting()
    }

    /// Has a source nothing to do but resets that go on, a slot left, and nothing against being asked?
    fn is_free(&self, bounds: &Bounds, by: u8) -> bool {
        let link = &self.links[usize::from(by)];
        let entries = &link.service.entries;
        link.phase == Phase::Open
            && !link.truth.dead
            && self.now >= link.rests_until
            && link.service.read.is_none()
            && entries.iter().all(|entry| entry.ccrs == Ccrs::InProgress)
            && entries.len() < usize::from(bounds.ccrl)
    }

    fn could_ask(&self, of: u8, by: u8) -> bool {
        let (impacted, source) = (&self.links[usize::from(of)], &self.links[usize::from(by)]);
        impacted.controller != source.controller
            && impacted.asked & 1 << by == 0
            && impacted.may_be_tried_on(by, source.controller)
    }
}

impl Link {
    /// Do those who have failed to reset it have nothing against it that this source is asked?
    fn may_be_tried_on(&self, by: u8, controller: u8) -> bool {
        let named = match self.retry {
            None | Some(Retry::Elsewhere | Retry::Anywhere) => true,
            Some(Retry::On(named)) => named == controller,
            Some(Retry::Nowhere) => false,
        };
        named && self.declined & 1 << by == 0
    }
}
