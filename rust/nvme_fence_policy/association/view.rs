// SPDX-License-Identifier: GPL-2.0

//! What there is to see of an association.

use super::{Association, Opened, State};
use crate::ccr::resets::Lent;
use crate::evidence::Evidence;
use crate::identity::{AssociationId, ControllerId, Identity};
use crate::overlap::Tracked;
use crate::time::Nanos;
use crate::wait::{Deadline, Terms};

impl<L: Lent> Association<L> {
    /// Which one it is.
    pub const fn id(&self) -> AssociationId {
        self.opened.id
    }

    /// Which controller of the host it is with.
    pub const fn controller(&self) -> ControllerId {
        self.opened.controller
    }

    /// What was known of it when it was made.
    pub(crate) const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// What identifies it on the wire.
    pub const fn identity(&self) -> &Identity {
        &self.opened.identity
    }

    /// What its wait depends on.
    pub const fn terms(&self) -> &Terms {
        &self.opened.terms
    }

    /// Whether the controller is removed from the host.
    pub const fn is_removed(&self) -> bool {
        self.removed
    }

    /// Whether the host has terminated all connections.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Where it is in its life.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Number of commands that are held or being sent on: cancelled ones, those that are tracked and
    /// not sent again yet, and new ones that wait.
    pub const fn held(&self) -> u32 {
        self.held
    }

    /// Bytes of the commands that are held or being sent on.
    pub const fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Number of commands that will be sent on when it is closed, because the administrator said so.
    pub const fn vouched(&self) -> u32 {
        match self.state {
            State::Lost if matches!(self.proven, Some(Evidence::Admin)) => self.held,
            State::Open | State::Lost | State::Fencing(_) | State::Fenced(_) | State::Gone => 0,
        }
    }

    /// What is tracked for it.
    pub const fn tracked(&self) -> &Tracked {
        &self.tracked
    }

    /// The association whose log page 1Fh has last listed it.
    pub(crate) const fn listed_by(&self) -> Option<AssociationId> {
        self.listed_by
    }

    /// When it will be fenced by time, if nothing else happens before.
    pub fn deadline(&self) -> Option<Nanos> {
        self.wait().map(|deadline| deadline.at())
    }

    /// The same, and how that was found.
    pub const fn wait(&self) -> Option<Deadline> {
        match self.state {
            State::Fencing(deadline) => deadline,
            State::Open | State::Lost | State::Fenced(_) | State::Gone => None,
        }
    }
}
