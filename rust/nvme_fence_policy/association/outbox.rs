// SPDX-License-Identifier: GPL-2.0

//! What follows for an association, until it is taken.
//!
//! Each thing that can follow has its place, so none can be lost for want of room. All of it is taken
//! before the next thing happens.

use super::{Action, Actions, State};
use crate::identity::{AssociationId, ControllerId};
use crate::output::{Output, ResetStep};

/// What is to be done about one association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outbox {
    lost: bool,
    reset: Option<(AssociationId, ControllerId, ResetStep)>,
    deadline: bool,
    repeat: bool,
    release: bool,
    discard: bool,
    unmatched: u16,
    unreadable: bool,
    repeated_id: Option<ControllerId>,
    paths_shared: bool,
}

impl Outbox {
    pub(super) const EMPTY: Self = Self {
        lost: false,
        reset: None,
        deadline: false,
        repeat: false,
        release: false,
        discard: false,
        unmatched: 0,
        unreadable: false,
        repeated_id: None,
        paths_shared: false,
    };

    /// These actions are to be carried out.
    pub(super) fn add(&mut self, actions: Actions) {
        for action in actions {
            match action {
                Action::ReportLost => self.lost = true,
                Action::ReportDeadline(_) => self.deadline = true,
                Action::Repeat => self.repeat = true,
                Action::Release(_) => self.release = true,
                Action::Discard => self.discard = true,
            }
        }
    }

    /// A reset through this source goes on.
    pub(super) fn add_reset_step(
        &mut self,
        source: AssociationId,
        controller: ControllerId,
        step: ResetStep,
    ) {
        self.reset = Some((source, controller, step));
    }

    /// So many completed entries in the log page are not about what it was asked for.
    pub(super) fn add_unmatched(&mut self, entries: u16) {
        self.unmatched = entries;
    }

    /// The log page could not be read, or made no sense.
    pub(super) fn add_unreadable(&mut self) {
        self.unreadable = true;
    }

    /// This controller has the same ID.
    pub(super) fn add_repeated_id(&mut self, newcomer: ControllerId) {
        self.repeated_id = Some(newcomer);
    }

    /// The array does not arbitrate paths.
    pub(super) fn add_paths_shared(&mut self) {
        self.paths_shared = true;
    }

    /// What is to be done next about the association `id`, which is in this state now.
    pub(super) fn take(&mut self, id: AssociationId, state: State) -> Option<Output> {
        if core::mem::take(&mut self.lost) {
            return Some(Output::Lost(id));
        }
        if let Some((source, source_controller, step)) = self.reset.take() {
            return Some(Output::ResetStep {
                impacted: id,
                source,
                source_controller,
                step,
            });
        }
        if let (true, State::Fencing(deadline)) = (core::mem::take(&mut self.deadline), state) {
            return Some(Output::Deadline(id, deadline));
        }
        if core::mem::take(&mut self.repeat) {
            return Some(Output::Repeat(id));
        }
        if let (true, State::Fenced(evidence)) = (core::mem::take(&mut self.release), state) {
            return Some(Output::Release(id, evidence));
        }
        if core::mem::take(&mut self.discard) {
            return Some(Output::Discard(id));
        }
        if core::mem::take(&mut self.unreadable) {
            return Some(Output::LogUnreadable(id));
        }
        if let Some(newcomer) = self.repeated_id.take() {
            return Some(Output::RepeatedId(id, newcomer));
        }
        if core::mem::take(&mut self.paths_shared) {
            return Some(Output::PathsShared(id));
        }
        match core::mem::take(&mut self.unmatched) {
            0 => None,
            entries => Some(Output::LogUnmatched(id, entries)),
        }
    }
}
