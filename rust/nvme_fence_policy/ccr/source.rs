// SPDX-License-Identifier: GPL-2.0

//! What an association does for others.
//!
//! When its log pages are read is in [`reads`].

mod reads;

pub use self::reads::LogRead;

use self::reads::Wanted;
use super::answer::Answer;
use super::pending::PendingResets;
use super::{BUSY_MS, POLL_MS};
use crate::identity::{Identity, Name};
use crate::lost_host::reads::LostHostReads;
use crate::time::Nanos;

/// What an association offers as a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// So many resets can be in progress at the same time (CCRL); 0: it is no source.
    pub ccrl: u8,
    /// The controller's port, as a number that is made of the address: the same for the same address.
    pub port: u64,
    /// The port of the host that it is reached through, as a number of the same kind.
    pub host_port: u64,
    /// It has the log page Lost Host Communication (1Fh), and tells of news there.
    pub lost_host_log: bool,
}

impl Offer {
    /// It is no source, and has nothing to say of others.
    pub(crate) const NONE: Self = Self {
        ccrl: 0,
        port: 0,
        host_port: 0,
        lost_host_log: false,
    };
}

/// An association as a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    offer: Offer,
    /// Commands can be sent on it, and it can be asked for resets.
    live: bool,
    /// Commands can be sent on it, and its log page 1Fh can be read.
    informed: bool,
    /// It let a command go unanswered for so long that it was given up, and has not answered since.
    silent: bool,
    /// What it was asked for and may still report on.
    pending: PendingResets,
    /// When completed entries were last removed from the log page.
    removed_at: Option<Nanos>,
    /// The read of the log page that is under way.
    reading: Option<LogRead>,
    wanted: Wanted,
    /// When its log page 1Fh is read.
    lost_host: LostHostReads,
    /// The log page is read again then, if not before.
    poll_at: Option<Nanos>,
    /// It is not asked for a reset before.
    full_until: Option<Nanos>,
    /// Its log page is not read before.
    log_retry_at: Option<Nanos>,
    /// When it last had a controller reset.
    last_success: Option<Nanos>,
    /// When it last refused to reset a controller.
    last_refusal: Option<Nanos>,
}

impl Source {
    /// An association that can not be used yet.
    pub(crate) const fn new(offer: Offer) -> Self {
        Self {
            offer,
            live: false,
            informed: false,
            silent: false,
            pending: PendingResets::new(),
            removed_at: None,
            reading: None,
            wanted: Wanted {
                poll: false,
                event: false,
                removal: false,
            },
            lost_host: LostHostReads::NONE,
            poll_at: None,
            full_until: None,
            log_retry_at: None,
            last_success: None,
            last_refusal: None,
        }
    }

    /// What it offers.
    pub const fn offer(&self) -> Offer {
        self.offer
    }

    /// When it last had a controller reset.
    pub const fn last_success(&self) -> Option<Nanos> {
        self.last_success
    }

    /// When it last refused to reset a controller.
    pub(crate) const fn last_refusal(&self) -> Option<Nanos> {
        self.last_refusal
    }

    /// Commands can be sent on it from now on.
    pub(crate) fn enter_service(&mut self) {
        self.live = self.offer.ccrl != 0;
        self.informed = self.offer.lost_host_log;
        self.wanted.removal = self.live && self.removed_at.is_none();
    }

    /// Nothing can be sent on it any more.
    pub(crate) fn leave_service(&mut self) {
        *self = Self {
            // Its memory is in use until it ends.
            reading: self.reading,
            // It may be used on. What it was asked for before is not over then.
            pending: self.pending.clone(),
            silent: self.silent,
            last_success: self.last_success,
            last_refusal: self.last_refusal,
            ..Self::new(self.offer)
        };
    }

    /// Whether it can be asked for a reset now, as far as itself is concerned.
    pub fn is_ready(&self) -> bool {
        let removing = self.reading.is_some_and(|read| read.remove_completed);
        self.live
            && self.removed_at.is_some()
            && !self.wanted.removal
            && !removing
            && self.full_until.is_none()
    }

    /// How many more resets it can take.
    pub(crate) fn free_slots(&self) -> usize {
        if self.is_ready() && self.pending.has_room() {
            usize::from(self.offer.ccrl).saturating_sub(self.pending.count())
        } else {
            0
        }
    }

    /// Whether it was sent a command that it has not answered yet.
    pub(crate) fn owes_answer(&self) -> bool {
        self.pending.owes_answer()
    }

    /// Whether it let a command go unanswered, and has not answered since.
    pub(crate) const fn is_silent(&self) -> bool {
        self.silent
    }

    /// Whether it may report on an instance of this name, which it was asked about before.
    pub(crate) fn may_report_on(&self, name: Name) -> bool {
        self.pending.contains(name)
    }

    /// It is asked to reset what has this identity.
    pub fn ask(&mut self, identity: &Identity) {
        self.pending.asked(identity.name());
    }

    /// It has answered the command that named `identity`.
    pub fn answered(&mut self, identity: &Identity, answer: Answer, now: Nanos) {
        let began = match answer {
            Answer::Accepted | Answer::InProgress => true,
            // Nobody knows how far it got.
            Answer::Failed | Answer::Unanswered => true,
            Answer::Immediate
            | Answer::Gone
            | Answer::LogFull
            | Answer::LimitExceeded
            | Answer::Refused
            | Answer::NotSent => false,
        };
        self.pending.answered(identity.name(), began);
        self.silent = match answer {
            Answer::Unanswered => true,
            // Said by the host.
            Answer::NotSent => self.silent,
            Answer::Immediate
            | Answer::Gone
            | Answer::Accepted
            | Answer::InProgress
            | Answer::LogFull
            | Answer::LimitExceeded
            | Answer::Refused
            | Answer::Failed => false,
        };
        match answer {
            Answer::Immediate => self.last_success = Some(now),
            Answer::Accepted | Answer::InProgress | Answer::Failed | Answer::Unanswered => {
                self.poll_after(now, POLL_MS);
            }
            Answer::LogFull => {
                self.wanted.removal = self.live;
                // If that did not help just now, it will not at once.
                if self
                    .removed_at
                    .is_some_and(|at| now < at.after_millis(BUSY_MS))
                {
                    self.rest(now);
                }
            }
            // Others may have the slots.
            Answer::LimitExceeded | Answer::NotSent => self.rest(now),
            Answer::Refused => self.last_refusal = Some(now),
            Answer::Gone => {}
        }
    }

    /// It is not asked for a while.
    fn rest(&mut self, now: Nanos) {
        if self.live {
            self.full_until = Some(now.after_millis(BUSY_MS));
        }
    }

    fn poll_after(&mut self, now: Nanos, millis: u64) {
        if self.live {
            let at = now.after_millis(millis);
            self.poll_at = Some(self.poll_at.map_or(at, |before| before.min(at)));
        }
    }

    /// The controller says that a reset is completed.
    pub fn completed_event(&mut self) {
        self.wanted.event = self.live;
    }

    /// Somebody waits for a controller to notice that the host is gone, or nobody does any more.
    /// `needed`: somebody will wait for an entry that was there.
    pub(crate) fn set_notice_awaited(&mut self, awaited: bool, needed: bool) {
        if self.informed {
            self.lost_host.set_awaited(awaited, needed);
        }
    }

    /// The controller says that another one has lost touch with the host.
    pub fn lost_host_event(&mut self) {
        if self.informed {
            self.lost_host.event();
        }
    }

    /// When [`Self::timeout`] will have an effect.
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        let lost_host = self.lost_host.next_deadline();
        [self.poll_at, self.full_until, self.log_retry_at, lost_host]
            .into_iter()
            .flatten()
            .min()
    }

    /// Time has passed.
    pub(crate) fn timeout(&mut self, now: Nanos) {
        if self.poll_at.take_if(|at| *at <= now).is_some() {
            self.wanted.poll = true;
        }
        self.full_until.take_if(|at| *at <= now);
        self.log_retry_at.take_if(|at| *at <= now);
        self.lost_host.timeout(now);
    }
}

#[cfg(test)]
mod tests;
