// SPDX-License-Identifier: GPL-2.0

//! What happens to one association, and what follows.

use crate::ccr::answer::Answer;
use crate::ccr::log::Status;
use crate::evidence::Evidence;
use crate::identity::AssociationId;
use crate::time::Nanos;
use crate::wait::{Clocks, Deadline};

/// What happens to an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The host gives the association up.
    Lost,
    /// The host goes on to use it: it has become ready for I/O, or (after an activation of firmware)
    /// it is so again.
    Resumed,
    /// The controller was disabled: CC.EN=0 was written, CSTS.RDY=0 was read back.
    Disabled,
    /// The host has terminated all connections.
    Closed(Clocks),
    /// The host has no connections any more, and nobody said when it terminated the last one.
    Detached,
    /// The administrator says that nothing can execute any more on associations that are lost. Of one
    /// that is not closed yet it is remembered until then: the host may still send.
    Release,
    /// The host has a new association that proves so much about this one.
    Reconnected(Evidence),
    /// All namespaces that something is held for have had an optimized path through another port since,
    /// and the array is of a kind for which that proves something.
    Moved,
    /// A source answers the Cross-Controller Reset command that named this association.
    Answered(AssociationId, Answer),
    /// The log page of a source was read.
    Reported {
        /// The source.
        source: AssociationId,
        /// What it says of this association, if it lists it.
        status: Option<Status>,
        /// When the read of the log page began.
        reading: Nanos,
    },
    /// The log page 1Fh of this source lists the association.
    Listed(AssociationId),
    /// Another association of the subsystem is lost, or gone: it is no source any more.
    SourceLost(AssociationId),
    /// It may have got later than [`Association::next_deadline`](super::Association::next_deadline).
    Timeout,
    /// So many held commands were sent on, with so many bytes.
    Drained {
        /// Number of commands.
        commands: u32,
        /// Sum of their lengths.
        bytes: u64,
    },
    /// The host has no copy any more of what it sent on the association.
    Emptied,
    /// So many tracked commands were sent again, with so many bytes.
    Repeated {
        /// Number of commands.
        commands: u32,
        /// Sum of their lengths.
        bytes: u64,
    },
}

/// What is to be done about an association. Actions are carried out in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Tell that the association is lost.
    ReportLost,
    /// Tell what held commands wait for. [`None`]: not for time.
    ReportDeadline(Option<Deadline>),
    /// There is evidence: send on what is held, then say [`Event::Drained`].
    Release(Evidence),
    /// Send again what is tracked, then say [`Event::Repeated`].
    Repeat,
    /// Forget the association.
    Discard,
}

/// At most so many actions follow from one event.
const ACTIONS_MAX: usize = 2;

/// What follows from an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions(pub(super) [Option<Action>; ACTIONS_MAX]);

impl Actions {
    pub(super) const NONE: Self = Self([None; ACTIONS_MAX]);

    pub(super) const fn one(action: Action) -> Self {
        Self([Some(action), None])
    }

    pub(super) const fn two(first: Action, second: Action) -> Self {
        Self([Some(first), Some(second)])
    }
}

impl IntoIterator for Actions {
    type Item = Action;
    type IntoIter = core::iter::Flatten<core::array::IntoIter<Option<Action>, ACTIONS_MAX>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}
