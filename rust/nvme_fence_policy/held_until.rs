// SPDX-License-Identifier: GPL-2.0

//! Until when the commands of an association are held: who wants to wait for them, as before the
//! machine goes to sleep, has to know whether that has an end.

use crate::association::{Association, State};
use crate::ccr::resets::Lent;
use crate::time::Nanos;

/// When everything that is held for an association is free by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeldUntil {
    /// Nothing is held, and nothing is tracked.
    #[default]
    NothingHeld,
    /// In a moment: it is about to be sent on, or to get a deadline.
    Soon,
    /// At this time, or before if there is other evidence.
    At(Nanos),
    /// Time does not free some of it.
    NoTime,
}

impl<L: Lent> Association<L> {
    /// When what it holds is free by time, or what will have to wait for what is tracked.
    pub fn held_until(&self) -> HeldUntil {
        if !self.is_waited_for() {
            return HeldUntil::NothingHeld;
        }
        match self.state() {
            State::Fencing(Some(deadline)) => HeldUntil::At(deadline.at()),
            State::Fencing(None) => HeldUntil::NoTime,
            State::Open | State::Lost | State::Fenced(_) | State::Gone => HeldUntil::Soon,
        }
    }
}

#[cfg(test)]
mod tests;
