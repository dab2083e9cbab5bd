// SPDX-License-Identifier: GPL-2.0

//! The resets that were asked for on behalf of one impacted association.

use super::answer::Answer;
use super::log::{Retry, Status};
use super::{ANSWER_MS, RESULT_MS, RETRY_MS, SECOND_MS, TRIES_AT_ONCE};
use crate::identity::AssociationId;
use crate::time::Nanos;

/// So many tries are remembered that may bring a result, or failed just now. If none of them helps, no
/// more are made until one of these is over.
pub const TRIES_MAX: usize = 8;

/// So many sources are remembered that have refused. If there are more, all are forgotten, and asked
/// again after a pause; those that have not refused anything yet go first then.
pub const REFUSED_MAX: usize = 8;

/// What a log page shows of the association that was to be reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Nothing that proves anything.
    Nothing,
    /// Its controller has noticed that the host is gone.
    Noticed,
    /// Its controller is reset.
    Reset,
}

/// How far a try has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The command is sent, and expected to be answered.
    Sent,
    /// The source resets the controller, and is expected to have done so soon.
    Accepted,
    /// It was not answered in time. It still may be.
    Unanswered,
    /// It was accepted, and took too long. It still may succeed.
    Overdue,
    /// It failed. The source can be asked again later.
    Failed,
}

/// What a source said of further tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// They are of no use, whoever is asked.
    Never,
    /// Until then, only the controller of this ID is to be asked. It may be none that can be.
    OnlyOn(u16, Nanos),
}

/// A reset asked for through one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Try {
    source: AssociationId,
    phase: Phase,
    /// When it was made.
    made: Nanos,
    /// When it was sent or accepted.
    since: Nanos,
    /// When the phase is over, if it ends by itself.
    until: Nanos,
}

impl Try {
    const fn deadline(&self) -> Option<Nanos> {
        match self.phase {
            Phase::Sent | Phase::Accepted | Phase::Failed => Some(self.until),
            Phase::Unanswered | Phase::Overdue => None,
        }
    }

    /// A result is awaited, and no other source is asked instead yet.
    const fn is_hopeful(&self) -> bool {
        match self.phase {
            Phase::Sent | Phase::Accepted => true,
            Phase::Unanswered | Phase::Overdue | Phase::Failed => false,
        }
    }

    /// The source may have the reset in progress.
    const fn uses_slot(&self) -> bool {
        match self.phase {
            Phase::Sent | Phase::Accepted | Phase::Unanswered | Phase::Overdue => true,
            Phase::Failed => false,
        }
    }

    fn accepted(&mut self, now: Nanos) {
        self.phase = match self.phase {
            Phase::Sent | Phase::Accepted => Phase::Accepted,
            // Too late to be hoped for: another source may have been asked instead.
            Phase::Unanswered | Phase::Overdue | Phase::Failed => Phase::Overdue,
        };
        self.since = now;
        self.until = now.after_millis(RESULT_MS);
    }

    fn failed(&mut self, now: Nanos) {
        self.phase = Phase::Failed;
        self.until = now.after_millis(RETRY_MS);
    }
}

/// All resets that were asked for on behalf of one association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tries {
    tries: [Option<Try>; TRIES_MAX],
    /// Who will never do it.
    refused: [Option<AssociationId>; REFUSED_MAX],
    /// More than that have refused: nobody is asked before.
    pause_until: Option<Nanos>,
    /// A source said that there is no use in asking again, or that only this controller is to be asked.
    verdict: Option<Verdict>,
    /// How many there were in all.
    made: u32,
    /// When a second source is asked, beside the first.
    second_at: Option<Nanos>,
    /// A command was given up because it was not answered.
    went_unanswered: bool,
}

impl Tries {
    /// None yet.
    pub(crate) const fn new() -> Self {
        Self {
            tries: [None; TRIES_MAX],
            refused: [None; REFUSED_MAX],
            pause_until: None,
            verdict: None,
            made: 0,
            second_at: None,
            went_unanswered: false,
        }
    }

    fn find(&mut self, source: AssociationId) -> Option<&mut Option<Try>> {
        self.tries
            .iter_mut()
            .find(|place| matches!(place, Some(one) if one.source == source))
    }

    fn iter(&self) -> impl Iterator<Item = &Try> {
        self.tries.iter().flatten()
    }

    /// How many there were in all.
    pub const fn made(&self) -> u32 {
        self.made
    }

    /// Whether one more can be made.
    pub(crate) fn has_room(&self) -> bool {
        let hopeful = self.iter().filter(|one| one.is_hopeful()).count();
        let in_turn = hopeful == 0 || (hopeful < TRIES_AT_ONCE && self.second_at.is_none());
        in_turn
            && self.pause_until.is_none()
            && self.verdict != Some(Verdict::Never)
            && self.tries.contains(&None)
    }

    /// Whether a command was given up because it was not answered.
    pub(crate) const fn went_unanswered(&self) -> bool {
        self.went_unanswered
    }

    /// Whether this source can be asked, which is a controller of this ID.
    pub(crate) fn allows(&self, source: AssociationId, cntlid: u16) -> bool {
        let named = match self.verdict {
            None => true,
            Some(Verdict::OnlyOn(acid, _)) => acid == cntlid,
            Some(Verdict::Never) => false,
        };
        named
            && self.iter().all(|one| one.source != source)
            && !self.refused.contains(&Some(source))
    }

    /// Whether this source may have a reset in progress.
    pub fn awaits(&self, source: AssociationId) -> bool {
        self.iter()
            .any(|one| one.source == source && one.uses_slot())
    }

    /// A source is asked.
    pub(crate) fn begin(&mut self, source: AssociationId, now: Nanos) {
        if let Some(place) = self.tries.iter_mut().find(|place| place.is_none()) {
            *place = Some(Try {
                source,
                phase: Phase::Sent,
                made: now,
                since: now,
                until: now.after_millis(ANSWER_MS),
            });
            self.made = self.made.saturating_add(1);
            self.second_at = Some(now.after_millis(SECOND_MS));
        }
    }

    /// A source has answered. Returns whether the controller is reset.
    pub(crate) fn answered(&mut self, source: AssociationId, answer: Answer, now: Nanos) -> bool {
        if let Some(place) = self.find(source) {
            match (answer, place.as_mut()) {
                (Answer::Accepted | Answer::InProgress, Some(one)) => one.accepted(now),
                // If a reset is not believed now, it may be later: then the source is asked once more.
                (
                    Answer::Immediate | Answer::Gone | Answer::Failed | Answer::Unanswered,
                    Some(one),
                ) => one.failed(now),
                (Answer::Refused, _) => {
                    *place = None;
                    self.refuses(source, now);
                }
                // Not the fault of the source: it can be asked again when it is ready.
                (Answer::LogFull | Answer::LimitExceeded | Answer::NotSent, _) => *place = None,
                (_, None) => {}
            }
        }
        self.went_unanswered |= answer == Answer::Unanswered;
        answer.is_evidence()
    }

    fn refuses(&mut self, source: AssociationId, now: Nanos) {
        if !self.refused.contains(&None) {
            self.refused = [None; REFUSED_MAX];
            self.pause_until = Some(now.after_millis(RETRY_MS));
        }
        if let Some(place) = self.refused.iter_mut().find(|place| place.is_none()) {
            *place = Some(source);
        }
    }

    /// The log page of a source was read, from `reading` on. `status` is what it says of the
    /// association, if it lists it. Returns what that shows.
    pub(crate) fn reported(
        &mut self,
        source: AssociationId,
        status: Option<Status>,
        reading: Nanos,
        now: Nanos,
    ) -> Shown {
        let Some(Some(one)) = self.find(source) else {
            return Shown::Nothing;
        };
        // What was read before can only be about another instance of the same name.
        let is_about_it = one.uses_slot() && one.made <= reading;
        // It may be older than the answer to the command.
        let is_after_answer = match one.phase {
            Phase::Accepted | Phase::Overdue => one.since < reading,
            Phase::Sent | Phase::Unanswered | Phase::Failed => false,
        };
        match status {
            Some(Status::Success) if is_about_it => Shown::Reset,
            Some(Status::Success | Status::InProgress) => Shown::Nothing,
            Some(Status::Failed(failure)) => {
                if is_after_answer {
                    one.failed(now);
                    self.obey(source, failure.retry, now);
                }
                match failure.noticed && is_about_it {
                    true => Shown::Noticed,
                    false => Shown::Nothing,
                }
            }
            Some(Status::Invalid) | None => {
                if is_after_answer {
                    one.failed(now);
                }
                Shown::Nothing
            }
        }
    }

    /// A source whose reset has failed says where it is to be tried again.
    fn obey(&mut self, source: AssociationId, retry: Retry, now: Nanos) {
        match retry {
            Retry::Nowhere => self.verdict = Some(Verdict::Never),
            Retry::On(acid) => {
                let until = now.after_millis(RETRY_MS);
                self.verdict = Some(Verdict::OnlyOn(acid, until));
            }
            Retry::Elsewhere => self.refuses(source, now),
            Retry::Anywhere => {}
        }
    }

    /// Nothing is expected of this source any more: it is lost, or has done what it was asked for.
    pub(crate) fn forget(&mut self, source: AssociationId) {
        if let Some(place) = self.find(source) {
            *place = None;
        }
        for place in &mut self.refused {
            place.take_if(|refused| *refused == source);
        }
    }

    /// When [`Self::timeout`] will have an effect.
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        let named_until = match self.verdict {
            Some(Verdict::OnlyOn(_, until)) => Some(until),
            Some(Verdict::Never) | None => None,
        };
        self.iter()
            .filter_map(Try::deadline)
            .chain(self.second_at)
            .chain(self.pause_until)
            .chain(named_until)
            .min()
    }

    /// Time has passed.
    pub(crate) fn timeout(&mut self, now: Nanos) {
        self.second_at.take_if(|at| *at <= now);
        self.pause_until.take_if(|at| *at <= now);
        self.verdict
            .take_if(|verdict| matches!(verdict, Verdict::OnlyOn(_, until) if *until <= now));
        for place in &mut self.tries {
            let Some(one) = place else { continue };
            if one.deadline().is_none_or(|at| now < at) {
                continue;
            }
            match one.phase {
                Phase::Sent => one.phase = Phase::Unanswered,
                Phase::Accepted => one.phase = Phase::Overdue,
                Phase::Failed => *place = None,
                Phase::Unanswered | Phase::Overdue => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
