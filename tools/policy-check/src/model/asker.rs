// SPDX-License-Identifier: GPL-2.0-only

//! The work item that asks sources what the policy says. It has the lock when it is told what to ask,
//! and has it no more when it sends that.

use super::bounds::Bounds;
use super::policy::Policy;
use super::property::Violation;
use super::service::{How, Read};
use super::state::{Phase, State};
use nvme_fence_policy::{Answer, LogPage, Question, Request};
use std::sync::Arc;

/// More than this is never to be asked for in one instant.
const ASKED_AT_ONCE_MAX: usize = 32;

/// What a source is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    /// To reset this association.
    Reset(u8),
    /// What a log page of it says.
    Log(How),
}

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Chosen {
    pub(super) source: u8,
    pub(super) asked: Asked,
}

impl State {
    /// The work item runs, and nothing happens meanwhile.
    pub(super) fn ask(&mut self, bounds: &Bounds) {
        for _ in 0..ASKED_AT_ONCE_MAX {
            self.choose(bounds);
            if self.chosen.is_none() {
                return;
            }
            self.send_chosen();
        }
        self.blame(Violation::Restless);
    }

    /// The work item asks the policy.
    pub(super) fn choose(&mut self, bounds: &Bounds) {
        if !self.policy.may_ask() {
            return;
        }
        let now = bounds.nanos(self.now);
        let mut policy = Policy::clone(&self.policy);
        let Some(Request { source, question }) = policy.next_request(now) else {
            return;
        };
        self.policy = Arc::new(policy);
        self.carry_out(bounds);
        let source = source.0 as u8;
        let asked = match question {
            Question::Reset(identity, _) => {
                let of = bounds.number(&identity);
                self.check_asked(bounds, of, source);
                Asked::Reset(of)
            }
            Question::ReadLog(read) => {
                if self.link(source).is_given_up() {
                    self.blame(Violation::AskedInVain);
                }
                let retain_event = read.retain_event;
                Asked::Log(match read.page {
                    LogPage::Resets => How::Resets {
                        retain_event,
                        remove_completed: read.remove_completed,
                        accepted: self.accepted_by(source),
                    },
                    LogPage::LostHost => {
                        self.check_lost_host_read(bounds, retain_event);
                        How::LostHost { retain_event }
                    }
                })
            }
        };
        self.chosen = Some(Chosen { source, asked });
    }

    /// Can it still be sent?
    pub(super) fn may_send(&self, chosen: Chosen) -> bool {
        self.links[usize::from(chosen.source)].phase != Phase::Closed
    }

    /// The work item sends it. The clocks of the association count from now on.
    pub(super) fn send_chosen(&mut self) {
        let now = self.now;
        let Some(Chosen { source, asked }) = self.chosen.take() else {
            return;
        };
        let link = self.link(source);
        link.truth.sent = now;
        match asked {
            Asked::Reset(of) => link.service.send(of),
            Asked::Log(how) => link.service.read = Some(Read::Underway(how)),
        }
    }

    /// It cannot be sent.
    pub(super) fn drop_chosen(&mut self, bounds: &Bounds) {
        let Some(Chosen { source, asked }) = self.chosen.take() else {
            return;
        };
        match asked {
            Asked::Reset(of) => {
                self.note_not_sent(source, of);
                self.tell_answer(bounds, source, of, Answer::NotSent);
            }
            Asked::Log(how) => self.tell_log_not_sent(bounds, source, how),
        }
    }

    /// Has the work item done all that there is for it to do?
    pub(super) fn has_asked(&self, bounds: &Bounds) -> bool {
        let now = bounds.nanos(self.now);
        let idle = || Policy::clone(&self.policy).next_request(now).is_none();
        self.chosen.is_none() && (!self.policy.may_ask() || idle())
    }
}
