// SPDX-License-Identifier: GPL-2.0

//! What is to be asked of whom: the log pages that are to be read, and the resets.

use super::choice::{Aptitude, Neighbours, Urgency};
use super::find::find_source;
use super::{Storage, Subsystem};
use crate::association::Association;
use crate::ccr::source::LogRead;
use crate::identity::{AssociationId, Identity};
use crate::knobs::Knobs;
use crate::output::ResetStep;
use crate::time::Nanos;
use core::cmp::Reverse;

/// What a controller is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Reset what has this identity, and answer within so many milliseconds.
    Reset(Identity, u32),
    /// What does your log page say?
    ReadLog(LogRead),
}

/// Something to ask, and of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The association that is to be asked.
    pub source: AssociationId,
    /// What it is to be asked.
    pub question: Question,
}

impl Subsystem {
    /// Whether there may be something to ask.
    pub fn may_ask(&self, associations: &impl Storage) -> bool {
        let lost_host = may_read_lost_host(associations);
        associations
            .iter()
            .any(|one| one.source().wants_log_read(lost_host) || one.wants_reset(&self.knobs))
    }

    /// What is to be asked next; [`None`]: nothing now. The question counts as asked: what becomes of
    /// it is to be told by [`Input::Answered`](super::Input::Answered) or
    /// [`Input::LogRead`](super::Input::LogRead), also if it could not be sent.
    ///
    /// `is_optimized` says whether an association is a path in the ANA state Optimized for any
    /// namespace.
    pub fn next_request<S: Storage>(
        &self,
        now: Nanos,
        associations: &mut S,
        is_optimized: impl Fn(&S, &Association<S::Lent>) -> bool,
    ) -> Option<Request> {
        next_log_read(now, associations)
            .or_else(|| self.next_reset(now, associations, is_optimized))
    }

    fn next_reset<S: Storage>(
        &self,
        now: Nanos,
        associations: &mut S,
        is_optimized: impl Fn(&S, &Association<S::Lent>) -> bool,
    ) -> Option<Request> {
        let (impacted, source) = self.most_urgent_reset(associations, is_optimized)?;
        let controller = associations.get(source)?.controller();
        let impacted = associations.get_mut(impacted)?;
        impacted.ask(source, now);
        impacted.note_reset_step(source, controller, ResetStep::Asked);
        let identity = *impacted.identity();
        let answer_ms = impacted.terms().reset_answer_ms(&self.knobs);
        find_source(associations, source)?.ask(&identity);
        Some(Request {
            source,
            question: Question::Reset(identity, answer_ms),
        })
    }

    /// Who is to be reset next, and through whom.
    fn most_urgent_reset<S: Storage>(
        &self,
        associations: &S,
        is_optimized: impl Fn(&S, &Association<S::Lent>) -> bool,
    ) -> Option<(AssociationId, AssociationId)> {
        let mut urgency = most_urgent(associations, &self.knobs, None)?;
        let could_be_asked =
            |one: &Association<_>| one.source().is_ready() && one.source().free_slots() != 0;
        if !Neighbours::of(associations.iter()).allow() || !associations.iter().any(could_be_asked)
        {
            return None;
        }
        // Nearly always there is a source for the first.
        loop {
            let Reverse(impacted) = urgency.id;
            if let Some(source) = best_source(associations, impacted, &is_optimized) {
                return Some((impacted, source));
            }
            urgency = most_urgent(associations, &self.knobs, Some(urgency))?;
        }
    }
}

/// The most urgent reset that is wanted, of those that are less urgent than `than`.
fn most_urgent(
    associations: &impl Storage,
    knobs: &Knobs,
    than: Option<Urgency>,
) -> Option<Urgency> {
    associations
        .iter()
        .filter_map(|one| Urgency::find(one, knobs))
        .filter(|urgency| than.is_none_or(|than| *urgency < than))
        .max()
}

/// Through whom it is best to have an association reset. Among equals, the oldest.
fn best_source<S: Storage>(
    associations: &S,
    impacted: AssociationId,
    is_optimized: impl Fn(&S, &Association<S::Lent>) -> bool,
) -> Option<AssociationId> {
    let impacted = associations.get(impacted)?;
    associations
        .iter()
        .filter(|source| source.source().is_ready())
        .filter_map(|source| {
            let aptitude = Aptitude::find(impacted, source, || is_optimized(associations, source))?;
            Some((aptitude, Reverse(source.id())))
        })
        .max()
        .map(|(_, Reverse(source))| source)
}

/// Whether a log page 1Fh can be read now. A command that is not answered may cost the path that it
/// was sent on, and the read can only make a wait shorter: so there is one at a time in a subsystem,
/// and once a command was not answered, none on the last path that is in use.
fn may_read_lost_host(associations: &impl Storage) -> bool {
    let reading = |one: &Association<_>| one.source().is_reading_lost_host();
    !associations.iter().any(reading) && Neighbours::of(associations.iter()).can_spare_a_path()
}

fn next_log_read(now: Nanos, associations: &mut impl Storage) -> Option<Request> {
    let lost_host = may_read_lost_host(associations);
    let source = associations
        .iter_mut()
        .find(|one| one.source().wants_log_read(lost_host))?;
    Some(Request {
        source: source.id(),
        question: Question::ReadLog(source.source_mut()?.begin_log_read(now)),
    })
}
