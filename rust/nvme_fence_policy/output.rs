// SPDX-License-Identifier: GPL-2.0

//! What the user of the crate is to do or to tell.

use crate::ccr::answer::Answer;
use crate::ccr::log::Status;
use crate::evidence::Evidence;
use crate::identity::{AssociationId, ControllerId};
use crate::wait::Deadline;

/// How a Cross-Controller Reset goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetStep {
    /// The source was asked.
    Asked,
    /// It has answered.
    Answered(Answer),
    /// So it stands by the log page of the source, if it is listed there.
    Reported(Option<Status>),
}

/// What is to be done, or to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Tell that this association is lost.
    Lost(AssociationId),
    /// Tell how the reset of an association goes on.
    ResetStep {
        /// What is to be reset.
        impacted: AssociationId,
        /// The association that the source is asked on.
        source: AssociationId,
        /// The controller that this is with.
        source_controller: ControllerId,
        /// How it goes on.
        step: ResetStep,
    },
    /// Tell what the commands that are held for this association wait for. [`None`]: not for time.
    Deadline(AssociationId, Option<Deadline>),
    /// Send again what is tracked for this association, without having it checked, then say
    /// [`Input::Repeated`](crate::subsystem::Input::Repeated).
    Repeat(AssociationId),
    /// There is evidence for this association: send on what is held for it, then say
    /// [`Input::Drained`](crate::subsystem::Input::Drained).
    Release(AssociationId, Evidence),
    /// Forget this association, before anything else.
    Discard(AssociationId),
    /// Tell that this controller has the same ID as that of this association, and both are in use: that
    /// a controller is connected again proves nothing in this subsystem any more.
    RepeatedId(AssociationId, ControllerId),
    /// Tell that there was a usable path through another port to a namespace that something is held for
    /// on this association: the array does not arbitrate paths, so [`Evidence::Target`] does not count.
    PathsShared(AssociationId),
    /// Count so many completed entries in the log page of this source that are not about what it was
    /// asked for.
    LogUnmatched(AssociationId, u16),
    /// Count a log page of this source that could not be read, or made no sense.
    LogUnreadable(AssociationId),
}
