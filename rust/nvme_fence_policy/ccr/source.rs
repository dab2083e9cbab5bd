// SPDX-License-Identifier: GPL-2.0

//! What an association does for others.
//!
//! Its log page is read when an event says so, now and then while a result is awaited, and to have
//! completed entries removed. That is done once before the first reset is asked for, so that no entry
//! is older than what it is taken for.

use super::answer::Answer;
use super::log::Log;
use super::pending::PendingResets;
use super::{Name, BUSY_MS, FORGOTTEN_POLL_MS, POLL_MS};
use crate::association::Identity;
use crate::time::Nanos;

/// What an association offers as a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// So many resets can be in progress at the same time (CCRL); 0: it is no source.
    pub ccrl: u8,
    /// Stands for the address of the controller's port: equal for equal addresses.
    pub port: u64,
}

/// How the log page is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRead {
    /// Retain Asynchronous Event (RAE): the event, if there is one, is not cleared.
    pub retain_event: bool,
    /// Remove Completed (RMC): what is completed is listed for the last time.
    pub remove_completed: bool,
    /// When the read begins.
    pub since: Nanos,
}

/// What the log page is to be read for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// A result may be there, though no event said so.
    poll: bool,
    /// An event said so.
    event: bool,
    /// Completed entries are to be removed.
    removal: bool,
}

/// An association as a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    ccrl: u8,
    port: u64,
    /// It is a path that is in use: commands can be sent on it.
    in_use: bool,
    /// The same, and it can be asked for resets.
    live: bool,
    /// It let a command go unanswered for so long that it was given up, and has not answered since.
    silent: bool,
    /// What it was asked for and may still report on.
    pending: PendingResets,
    /// When completed entries were last removed from the log page.
    removed_at: Option<Nanos>,
    /// The read of the log page that is under way.
    reading: Option<LogRead>,
    wanted: Wanted,
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
            ccrl: offer.ccrl,
            port: offer.port,
            in_use: false,
            live: false,
            silent: false,
            pending: PendingResets::new(),
            removed_at: None,
            reading: None,
            wanted: Wanted {
                poll: false,
                event: false,
                removal: false,
            },
            poll_at: None,
            full_until: None,
            log_retry_at: None,
            last_success: None,
            last_refusal: None,
        }
    }

    /// What it offers.
    pub const fn offer(&self) -> Offer {
        Offer {
            ccrl: self.ccrl,
            port: self.port,
        }
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
        self.in_use = true;
        self.live = self.ccrl != 0;
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
            ..Self::new(self.offer())
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
            usize::from(self.ccrl).saturating_sub(self.pending.count())
        } else {
            0
        }
    }

    /// Whether it is a path that is in use.
    pub(crate) const fn is_in_use(&self) -> bool {
        self.in_use
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

    /// Whether the log page is to be read now.
    pub fn wants_log_read(&self) -> bool {
        self.reading.is_none() && self.log_retry_at.is_none() && self.wanted != Wanted::default()
    }

    /// The log page is to be read now: as this says. It ends with [`Self::log_read_ends`] or
    /// [`Self::log_read_fails`].
    pub fn begin_log_read(&mut self, now: Nanos) -> LogRead {
        // Not both in one read: what is removed has been looked at before.
        let look = self.wanted.event || self.wanted.poll;
        // Nothing is awaited before the first read. An event that nobody has taken stands in the way
        // of others.
        let first = self.removed_at.is_none();
        let read = LogRead {
            retain_event: !self.wanted.event && !first,
            remove_completed: !look,
            since: now,
        };
        self.wanted = Wanted {
            removal: self.wanted.removal && look,
            ..Wanted::default()
        };
        self.poll_at = None;
        self.pending.read_begins();
        self.reading = Some(read);
        read
    }

    /// The read of the log page that is under way.
    pub const fn reading(&self) -> Option<LogRead> {
        self.reading
    }

    /// The log page has been read. `awaited`: there are still results to come. `success`: a
    /// controller was reset.
    pub fn log_read_ends(&mut self, log: &Log<'_>, awaited: bool, success: bool, now: Nanos) {
        let Some(read) = self.reading.take() else {
            return;
        };
        if success {
            self.last_success = Some(now);
        }
        self.pending.read_ends(log, read.remove_completed);
        if !self.live {
            return;
        }
        if read.remove_completed {
            self.removed_at = Some(now);
        } else if log.has_completed() {
            self.wanted.removal = true;
            self.full_until = None;
        }
        if awaited {
            self.poll_after(now, POLL_MS);
        } else if self.pending.any() {
            self.poll_after(now, FORGOTTEN_POLL_MS);
        }
    }

    /// The log page could not be read, or makes no sense.
    pub fn log_read_fails(&mut self, now: Nanos) {
        let Some(read) = self.reading.take() else {
            return;
        };
        if self.live {
            self.wanted.poll |= !read.remove_completed;
            self.wanted.event |= !read.retain_event;
            self.wanted.removal |= read.remove_completed;
            self.log_retry_at = Some(now.after_millis(BUSY_MS));
        }
    }

    /// When [`Self::timeout`] will have an effect.
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        [self.poll_at, self.full_until, self.log_retry_at]
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
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;
    use std::vec::Vec;

    const OFFER: Offer = Offer { ccrl: 2, port: 1 };
    const NOW: Nanos = Nanos(1_000);
    const ASKED: Identity = Identity {
        cntlid: 1,
        ciu: 1,
        cirn: 0xa,
    };

    fn page(entries: &[[u8; 8]]) -> Vec<u8> {
        let mut bytes = vec![0; 8];
        bytes[0] = entries.len() as u8;
        bytes.extend(entries.iter().flatten());
        bytes
    }

    /// The log page is read, and this is in it.
    fn read(source: &mut Source, now: Nanos, entries: &[[u8; 8]], awaited: bool) -> LogRead {
        assert!(source.wants_log_read());
        let read = source.begin_log_read(now);
        assert!(!source.wants_log_read());
        let page = page(entries);
        source.log_read_ends(&Log::parse(&page).unwrap(), awaited, false, now);
        read
    }

    fn ready() -> Source {
        let mut source = Source::new(OFFER);
        source.enter_service();
        read(&mut source, NOW, &[], false);
        source
    }

    #[test]
    fn a_source_is_asked_after_old_entries_were_removed() {
        let mut source = Source::new(OFFER);
        assert_eq!(source.free_slots(), 0);
        source.enter_service();
        assert_eq!(source.free_slots(), 0);
        let read = read(&mut source, NOW, &[[1, 0, 1, 0, 0, 0, 1, 0]], false);
        assert!(read.remove_completed && !read.retain_event);
        assert_eq!(source.free_slots(), 2);
    }

    #[test]
    fn a_slot_is_in_use_until_a_log_page_shows_that_it_is_free() {
        let mut source = ready();
        source.ask(&ASKED);
        assert_eq!(source.free_slots(), 1);
        source.answered(&ASKED, Answer::Accepted, NOW);
        source.completed_event();
        let completed = [[1, 0, 1, 0, 0, 0, 1, 0]];
        read(&mut source, NOW, &completed, false);
        assert!(source.may_report_on(ASKED.name()));
        read(&mut source, NOW, &completed, false);
        assert!(!source.may_report_on(ASKED.name()));
        assert_eq!(source.free_slots(), 2);
    }

    #[test]
    fn what_the_command_did_not_begin_uses_no_slot() {
        for answer in [
            Answer::Immediate,
            Answer::LogFull,
            Answer::LimitExceeded,
            Answer::Refused,
            Answer::NotSent,
        ] {
            let mut source = ready();
            source.ask(&ASKED);
            source.answered(&ASKED, answer, NOW);
            assert!(!source.may_report_on(ASKED.name()), "{answer:?}");
        }
    }

    #[test]
    fn nobody_knows_how_far_a_command_got_that_failed() {
        let mut source = ready();
        source.ask(&ASKED);
        source.answered(&ASKED, Answer::Failed, NOW);
        assert!(source.may_report_on(ASKED.name()));
        let poll_at = source.next_deadline().unwrap();
        source.timeout(poll_at);
        read(&mut source, poll_at, &[], false);
        assert!(!source.may_report_on(ASKED.name()));
        assert_eq!(source.next_deadline(), None);
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_looked_at_now_and_then() {
        let going_on = [[1, 0, 1, 0, 0, 0, 0, 0]];
        let mut source = ready();
        source.ask(&ASKED);
        source.answered(&ASKED, Answer::Accepted, NOW);
        let mut now = source.next_deadline().unwrap();
        for _ in 0..3 {
            source.timeout(now);
            read(&mut source, now, &going_on, false);
            let next = source.next_deadline().unwrap();
            assert_eq!(next, now.after_millis(FORGOTTEN_POLL_MS));
            now = next;
        }
        source.timeout(now);
        read(&mut source, now, &[], false);
        assert_eq!(source.next_deadline(), None);
    }

    #[test]
    fn what_it_was_asked_for_is_not_over_when_it_is_used_on() {
        let mut source = ready();
        source.ask(&ASKED);
        source.leave_service();
        source.enter_service();
        read(&mut source, NOW, &[], false);
        assert!(source.is_ready() && source.may_report_on(ASKED.name()));
    }

    #[test]
    fn what_offers_nothing_is_no_source() {
        let mut source = Source::new(Offer { ccrl: 0, port: 1 });
        source.enter_service();
        assert!(!source.wants_log_read());
        assert_eq!(source.free_slots(), 0);
    }

    #[test]
    fn an_event_is_looked_at_first_and_cleared_and_what_is_completed_is_removed_then() {
        let mut source = ready();
        source.completed_event();
        let completed = [[1, 0, 1, 0, 0, 0, 1, 0]];
        let first = read(&mut source, NOW, &completed, false);
        assert!(!first.retain_event && !first.remove_completed);
        assert!(!source.is_ready());
        let second = source.begin_log_read(NOW);
        assert!(second.retain_event && second.remove_completed);
        assert!(!source.is_ready());
        let page = page(&completed);
        source.log_read_ends(&Log::parse(&page).unwrap(), false, false, NOW);
        assert!(source.is_ready());
        assert!(!source.wants_log_read());
    }

    #[test]
    fn a_lost_event_is_survived_by_polling() {
        let mut source = ready();
        source.answered(&ASKED, Answer::Accepted, NOW);
        let poll_at = NOW.after_millis(POLL_MS);
        assert_eq!(source.next_deadline(), Some(poll_at));
        source.timeout(Nanos(poll_at.0 - 1));
        assert!(!source.wants_log_read());
        source.timeout(poll_at);
        let read = read(&mut source, poll_at, &[[1, 0, 1, 0, 0, 0, 0, 0]], true);
        assert!(read.retain_event && !read.remove_completed);
        assert_eq!(source.next_deadline(), Some(poll_at.after_millis(POLL_MS)));
    }

    #[test]
    fn a_log_page_that_cannot_be_read_is_read_again_later() {
        let mut source = ready();
        source.completed_event();
        source.begin_log_read(NOW);
        source.log_read_fails(NOW);
        assert!(!source.wants_log_read());
        let again = NOW.after_millis(BUSY_MS);
        assert_eq!(source.next_deadline(), Some(again));
        source.timeout(again);
        let read = read(&mut source, again, &[], false);
        assert!(!read.retain_event, "the event is still to be cleared");
    }

    #[test]
    fn a_source_without_slots_rests() {
        for answer in [Answer::LimitExceeded, Answer::NotSent] {
            let mut source = ready();
            source.answered(&ASKED, answer, NOW);
            assert_eq!(source.free_slots(), 0);
            let rested = NOW.after_millis(BUSY_MS);
            assert_eq!(source.next_deadline(), Some(rested));
            source.timeout(rested);
            assert_eq!(source.free_slots(), 2);
            assert_eq!(source.next_deadline(), None);
        }
    }

    #[test]
    fn a_completed_entry_is_the_end_of_a_rest() {
        let mut source = ready();
        source.answered(&ASKED, Answer::LimitExceeded, NOW);
        source.completed_event();
        let completed = [[1, 0, 1, 0, 0, 0, 2, 0]];
        read(&mut source, NOW, &completed, false);
        read(&mut source, NOW, &completed, false);
        assert!(source.is_ready());
    }

    #[test]
    fn a_full_log_page_is_cleared_and_not_over_and_over_again() {
        let later = NOW.after_millis(BUSY_MS);
        let mut source = ready();
        source.answered(&ASKED, Answer::LogFull, later);
        assert!(!source.is_ready());
        assert!(read(&mut source, later, &[], false).remove_completed);
        assert!(source.is_ready());
        source.answered(&ASKED, Answer::LogFull, later);
        read(&mut source, later, &[], false);
        assert!(!source.is_ready());
        source.timeout(later.after_millis(BUSY_MS));
        assert!(source.is_ready());
    }

    #[test]
    fn what_is_lost_is_asked_nothing_and_wakes_nobody() {
        let mut source = ready();
        source.answered(&ASKED, Answer::Accepted, NOW);
        source.completed_event();
        let read = source.begin_log_read(NOW);
        source.leave_service();
        assert_eq!(source.reading(), Some(read));
        source.log_read_fails(NOW);
        source.answered(&ASKED, Answer::LimitExceeded, NOW);
        source.answered(&ASKED, Answer::LogFull, NOW);
        source.answered(&ASKED, Answer::Accepted, NOW);
        source.completed_event();
        assert!(!source.wants_log_read());
        assert_eq!(source.next_deadline(), None);
        assert_eq!(source.free_slots(), 0);
    }

    #[test]
    fn what_is_used_on_is_asked_after_old_entries_were_removed() {
        let mut source = ready();
        source.leave_service();
        source.enter_service();
        assert!(!source.is_ready());
        assert!(read(&mut source, NOW, &[], false).remove_completed);
        assert!(source.is_ready());
    }
}
