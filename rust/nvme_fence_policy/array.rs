// SPDX-License-Identifier: GPL-2.0

//! What an array proves that arbitrates paths itself.
//!
//! Such an array has one port at a time through which a namespace can be used. The namespace is
//! optimized there, and inaccessible through all others. Another port becomes the optimized one only
//! when nothing can execute any more of what came through the one before: the array has fenced it. So
//! a host that sees the namespace move need not wait.
//!
//! That is evidence for an association if each namespace that something is held for
//!
//! - had no usable path through another port when that was given up, and
//! - has had an optimized one since.
//!
//! What other arrays do looks alike when all paths are lost at once and another one is back first. So
//! the administrator has to say that an array is of this kind, and that is not taken on trust: if there
//! was a usable path through another port to what is given up, it is not. Then nothing of that counts
//! any more in its subsystem. An array that has moved a namespace before the host noticed the loss can
//! not be told from that.
//!
//! The same port proves nothing when it is back, whatever the controller is called then.

use crate::association::Association;
use crate::ccr::resets::Lent;
use crate::knobs::{Belief, Knobs};

/// Whether an array can be one that arbitrates paths itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Array {
    /// A namespace had usable paths through two ports when one was lost.
    shares_paths: bool,
}

impl Array {
    /// One of which nothing is known yet.
    pub(crate) const UNKNOWN: Self = Self {
        shares_paths: false,
    };

    /// A command is held for this association, with a usable path through another port or without.
    pub(crate) fn note_held(
        &mut self,
        association: &mut Association<impl Lent>,
        elsewhere: bool,
        knobs: &Knobs,
    ) {
        if elsewhere && knobs.believes(Belief::Target) && !self.shares_paths {
            self.shares_paths = true;
            association.note_paths_shared();
        }
    }

    /// Whether it proves anything that a namespace moves.
    pub(crate) const fn may_arbitrate(self) -> bool {
        !self.shares_paths
    }
}

#[cfg(test)]
mod tests;
