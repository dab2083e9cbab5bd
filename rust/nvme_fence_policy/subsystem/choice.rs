// SPDX-License-Identifier: GPL-2.0

//! Which reset is asked for next: that of the lost association of the greatest [`Urgency`] for which
//! there is a source, through the source of the greatest [`Aptitude`].
//!
//! So all pairs of the two are looked at only if it must be: that is too much to do at a stretch.

use crate::association::Association;
use crate::ccr::resets::Lent;
use crate::identity::AssociationId;
use crate::knobs::Knobs;
use crate::time::Nanos;
use core::cmp::Reverse;

/// How urgent it is to have an association reset. The greatest goes first; the order of the fields is
/// the order of their weight. No two associations have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Urgency {
    /// Fewer tries go before more, so that none starves.
    tries: Reverse<u32>,
    /// Of those with as many tries, the one that holds more commands goes first.
    held: u32,
    /// Of those that hold as many, the one that was made first.
    pub(super) id: Reverse<AssociationId>,
}

impl Urgency {
    /// How urgent it is to have `impacted` reset; [`None`] if that is not wanted now.
    pub(super) fn find(impacted: &Association<impl Lent>, knobs: &Knobs) -> Option<Self> {
        impacted.wants_reset(knobs).then(|| Self {
            tries: Reverse(impacted.tries().made()),
            held: impacted.held(),
            id: Reverse(impacted.id()),
        })
    }
}

/// How good it is to have an association reset through one source. The greatest goes first; the order
/// of the fields is the order of their weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Aptitude {
    /// Who has never refused a reset goes before who has, and of those who have, who did so longest
    /// ago: so all have their turn.
    last_refusal: Reverse<Option<Nanos>>,
    /// The source lists it among those that have lost touch with the host (Base Specification 2.3,
    /// section 5.4.3): so it knows of it.
    lists_it: bool,
    /// The source has another address: what broke the path may not concern it.
    other_port: bool,
    /// It is reached through another port of the host.
    other_host_port: bool,
    /// The source has an optimized path to a namespace: it is likely to be the healthy one.
    optimized: bool,
    /// How many resets the source can take.
    free_slots: usize,
    /// When the source last had a controller reset.
    last_success: Option<Nanos>,
}

/// What is known of all associations of a subsystem together.
///
/// A command that is not answered may cost the path that it was sent on: the host has it aborted, and
/// if that is not answered either, it takes the controller for dead. So there is one such command in a
/// subsystem at most. The next reset is asked for when the one before was answered; that many are in
/// progress at the same time does no harm. And once a command was not answered, the last path that is
/// in use is not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// A command is not answered yet.
    awaits_answer: bool,
    /// A command was given up because it was not answered.
    went_unanswered: bool,
    /// So many paths are in use.
    in_use: usize,
}

impl Neighbours {
    /// What these are together.
    pub fn of<'a, L: Lent + 'a>(associations: impl Iterator<Item = &'a Association<L>>) -> Self {
        let mut neighbours = Self::default();
        for association in associations {
            let source = association.source();
            neighbours.awaits_answer |= source.owes_answer();
            neighbours.went_unanswered |=
                source.is_silent() || association.tries().went_unanswered();
            neighbours.in_use += usize::from(association.is_in_use());
        }
        neighbours
    }

    /// Whether any source can be asked.
    pub(super) const fn allow(&self) -> bool {
        !self.awaits_answer && self.can_spare_a_path()
    }

    /// Whether it would do no harm if a command were not answered.
    pub(crate) const fn can_spare_a_path(&self) -> bool {
        !self.went_unanswered || self.in_use > 1
    }
}

impl Aptitude {
    /// How good it is to have `impacted` reset through `source`, of the same subsystem; [`None`] if that
    /// can not be done now. `is_optimized` says whether the source has a path in the ANA state Optimized,
    /// and is asked only if it makes a difference: it may have many namespaces to look at.
    pub fn find(
        impacted: &Association<impl Lent>,
        source: &Association<impl Lent>,
        is_optimized: impl FnOnce() -> bool,
    ) -> Option<Self> {
        let free_slots = source.source().free_slots();
        if free_slots == 0
            || source.source().is_silent()
            || !impacted.tries().allows(source.id(), source.identity().cntlid)
            // What it reports then could be about the other one.
            || source.source().may_report_on(impacted.identity().name())
            // A controller does not reset itself.
            || impacted.identity().cntlid == source.identity().cntlid
        {
            return None;
        }
        let (to, from) = (impacted.source().offer(), source.source().offer());
        Some(Self {
            last_refusal: Reverse(source.source().last_refusal()),
            lists_it: impacted.listed_by() == Some(source.id()),
            other_port: to.port != from.port,
            other_host_port: to.host_port != from.host_port,
            optimized: is_optimized(),
            free_slots,
            last_success: source.source().last_success(),
        })
    }
}

#[cfg(test)]
mod tests;
