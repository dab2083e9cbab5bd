// SPDX-License-Identifier: GPL-2.0

//! What an association has to do with Cross-Controller Resets, as far as that is for itself to say.
//!
//! The memory for that is lent to those that need it. One that has none was never asked for anything,
//! and nobody is asked to have it reset.

use super::{Association, Opened, State};
use crate::ccr::answer::Answer;
use crate::ccr::log::Status;
use crate::ccr::resets::{Lent, Resets};
use crate::ccr::source::Source;
use crate::ccr::tries::{Shown, Tries};
use crate::identity::AssociationId;
use crate::knobs::{Belief, Knobs};
use crate::time::Nanos;

impl Opened {
    /// What is to be lent for it, if anything: it can be reset if it says which instance it is, and it
    /// can do something for others if it resets controllers, or lists them. Who can not lend it can do
    /// without: all that comes of it is that some wait longer.
    pub fn resets(&self) -> Option<Resets> {
        let offers = self.offer.ccrl != 0 || self.offer.lost_host_log;
        (self.identity.is_of_one_instance() || offers).then(|| Resets::new(self.offer))
    }
}

impl<L: Lent> Association<L> {
    /// The resets that were asked for on its behalf.
    pub fn tries(&self) -> &Tries {
        &self.lent_resets().tries
    }

    /// What it does for others.
    pub fn source(&self) -> &Source {
        &self.lent_resets().source
    }

    fn lent_resets(&self) -> &Resets {
        self.resets.as_deref().unwrap_or(&Resets::NONE)
    }

    pub(super) fn tries_mut(&mut self) -> Option<&mut Tries> {
        self.resets.as_deref_mut().map(|resets| &mut resets.tries)
    }

    /// What it does for others, to tell it what happens there; [`None`] if it does nothing.
    pub fn source_mut(&mut self) -> Option<&mut Source> {
        self.resets.as_deref_mut().map(|resets| &mut resets.source)
    }

    /// Whether it is a path that is in use: commands can be sent on it.
    pub const fn is_in_use(&self) -> bool {
        self.in_use
    }

    /// Commands can be sent on it from now on.
    pub(super) fn enter_service(&mut self) {
        self.in_use = true;
        if let Some(source) = self.source_mut() {
            source.enter_service();
        }
    }

    /// Nothing can be sent on it any more.
    pub(super) fn leave_service(&mut self) {
        self.in_use = false;
        if let Some(source) = self.source_mut() {
            source.leave_service();
        }
    }

    /// The controller says that another one has lost touch with the host.
    pub(crate) fn note_lost_host_event(&mut self) {
        if let Some(source) = self.source_mut() {
            source.lost_host_event();
        }
    }

    /// Whether one more reset of it is to be asked for.
    ///
    /// Not before it is closed: the host may be resetting the controller itself, and would wait in
    /// vain for answers of one that is reset under its hands. And not if nobody could tell which
    /// instance is meant.
    pub fn wants_reset(&self, knobs: &Knobs) -> bool {
        let closed = match self.state {
            State::Fencing(_) => true,
            State::Open | State::Lost | State::Fenced(_) | State::Gone => false,
        };
        closed
            && knobs.believes(Belief::Ccr)
            && self.identity().is_of_one_instance()
            && self.resets.is_some()
            && self.tries().has_room()
    }

    /// A source is asked to have it reset. The answer is an
    /// [`Event::Answered`](super::Event::Answered).
    pub fn ask(&mut self, source: AssociationId, now: Nanos) {
        if let Some(tries) = self.tries_mut() {
            tries.begin(source, now);
        }
    }

    /// A source has answered. Returns whether the controller is reset.
    pub(super) fn answered(&mut self, source: AssociationId, answer: Answer, now: Nanos) -> bool {
        self.tries_mut()
            .is_some_and(|tries| tries.answered(source, answer, now))
    }

    /// The log page of a source was read, from `reading` on. `status` is what it says of the
    /// association, if it lists it. Returns what that shows.
    pub(super) fn reported(
        &mut self,
        source: AssociationId,
        status: Option<Status>,
        reading: Nanos,
        now: Nanos,
    ) -> Shown {
        match self.tries_mut() {
            Some(tries) => tries.reported(source, status, reading, now),
            None => Shown::Nothing,
        }
    }

    /// Nothing is to be asked for on its behalf any more, and no result is awaited.
    pub(super) fn forget_tries(&mut self) {
        if let Some(tries) = self.tries_mut() {
            *tries = Tries::new();
        }
    }
}
