// SPDX-License-Identifier: GPL-2.0

//! What happens in a subsystem.

use crate::association::Association;
use crate::ccr::answer::Answer;
use crate::ccr::resets::Lent;
use crate::identity::{AssociationId, ControllerId, Identity};
use crate::wait::Clocks;

/// What happens in a subsystem. What happens to a controller happens to the association that it has;
/// if it has none, nothing follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// The host gives the association with the controller up.
    Lost(ControllerId),
    /// The host goes on to use it: it has become ready for I/O, or (after an activation of firmware)
    /// it is so again.
    Resumed(ControllerId),
    /// The controller was disabled: CC.EN=0 was written, CSTS.RDY=0 was read back.
    Disabled(ControllerId),
    /// The host has terminated all connections to the controller.
    Closed(ControllerId, Clocks),
    /// The controller is removed from the host, and with it all connections, if there still were any.
    Removed(ControllerId),
    /// The administrator says that nothing can execute any more on these associations, if they are
    /// lost.
    Release(Scope),
    /// So many commands that were held for an association were sent on.
    Drained {
        /// The association.
        association: AssociationId,
        /// Number of commands.
        commands: u32,
        /// Sum of their lengths.
        bytes: u64,
    },
    /// The host has no copy any more of what it sent on this association, which is closed: not in a
    /// socket, not in a queue of its network devices. Who can not tell never says so.
    Emptied(AssociationId),
    /// So many commands that were tracked for an association were sent again.
    Repeated {
        /// The association.
        association: AssociationId,
        /// Number of commands.
        commands: u32,
        /// Sum of their lengths.
        bytes: u64,
    },
    /// It may have got later than [`Subsystem::next_deadline`](super::Subsystem::next_deadline).
    Timeout,
    /// The controller says that a reset that it was asked for is completed.
    ResetCompleted(ControllerId),
    /// The controller says that another one has lost touch with this host.
    HostLost(ControllerId),
    /// All namespaces that something is held for on this association had no usable path through another
    /// port when it was given up, or that was said; and each of them has had an optimized one since.
    Moved(AssociationId),
    /// What became of a [`Question::Reset`](super::Question::Reset).
    Answered {
        /// The association that was asked.
        source: AssociationId,
        /// The controller that this is, or was, with.
        source_controller: ControllerId,
        /// What was to be reset.
        identity: Identity,
        /// The answer.
        answer: Answer,
    },
    /// What became of a [`Question::ReadLog`](super::Question::ReadLog) that was sent.
    LogRead {
        /// The association that was asked.
        source: AssociationId,
        /// The log page; [`None`] if it could not be read.
        page: Option<&'a [u8]>,
    },
    /// A [`Question::ReadLog`](super::Question::ReadLog) could not be sent.
    LogNotSent {
        /// The association that was to be asked.
        source: AssociationId,
    },
}

/// What the administrator's word is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All associations with this controller.
    Controller(ControllerId),
    /// All associations with controllers that are removed from the host.
    Removed,
}

impl Scope {
    /// Whether it is about this association.
    pub fn includes(self, association: &Association<impl Lent>) -> bool {
        match self {
            Self::Controller(controller) => association.controller() == controller,
            Self::Removed => association.is_removed(),
        }
    }
}
