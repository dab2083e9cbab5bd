// SPDX-License-Identifier: GPL-2.0

//! The resets that were asked for on behalf of one impacted association.

use super::answer::Answer;
use super::log::Status;
use super::{SourceId, ANSWER_MS, RESULT_MS, RETRY_MS, SECOND_MS, TRIES_AT_ONCE};
use crate::time::Nanos;

/// So many tries are remembered that may bring a result, or failed just now. If none of them helps, no
/// more are made until one of these is over.
pub const TRIES_MAX: usize = 8;

/// So many sources are remembered that have refused. If there are more, all are forgotten, and asked
/// again after a pause; those that have not refused anything yet go first then.
pub const REFUSED_MAX: usize = 8;

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

/// A reset asked for through one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Try {
    source: SourceId,
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
    refused: [Option<SourceId>; REFUSED_MAX],
    /// More than that have refused: nobody is asked before.
    pause_until: Option<Nanos>,
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
            made: 0,
            second_at: None,
            went_unanswered: false,
        }
    }

    fn find(&mut self, source: SourceId) -> Option<&mut Option<Try>> {
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
        in_turn && self.pause_until.is_none() && self.tries.contains(&None)
    }

    /// Whether a command was given up because it was not answered.
    pub(crate) const fn went_unanswered(&self) -> bool {
        self.went_unanswered
    }

    /// Whether this source can be asked.
    pub(crate) fn allows(&self, source: SourceId) -> bool {
        self.iter().all(|one| one.source != source) && !self.refused.contains(&Some(source))
    }

    /// Whether this source may have a reset in progress.
    pub fn awaits(&self, source: SourceId) -> bool {
        self.iter()
            .any(|one| one.source == source && one.uses_slot())
    }

    /// A source is asked.
    pub(crate) fn begin(&mut self, source: SourceId, now: Nanos) {
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
    pub(crate) fn answered(&mut self, source: SourceId, answer: Answer, now: Nanos) -> bool {
        if let Some(place) = self.find(source) {
            match (answer, place.as_mut()) {
                (Answer::Accepted | Answer::InProgress, Some(one)) => one.accepted(now),
                (Answer::Failed | Answer::Unanswered, Some(one)) => one.failed(now),
                (Answer::Refused, _) => {
                    *place = None;
                    self.refuses(source, now);
                }
                // Not the fault of the source: it can be asked again when it is ready.
                (Answer::LogFull | Answer::LimitExceeded | Answer::NotSent, _) => *place = None,
                (Answer::Immediate | Answer::Gone, _) | (_, None) => {}
            }
        }
        self.went_unanswered |= answer == Answer::Unanswered;
        answer.is_evidence()
    }

    fn refuses(&mut self, source: SourceId, now: Nanos) {
        if !self.refused.contains(&None) {
            self.refused = [None; REFUSED_MAX];
            self.pause_until = Some(now.after_millis(RETRY_MS));
        }
        if let Some(place) = self.refused.iter_mut().find(|place| place.is_none()) {
            *place = Some(source);
        }
    }

    /// The log page of a source was read, from `reading` on. `status` is what it says of the
    /// association, if it lists it. Returns whether the controller is reset.
    pub(crate) fn reported(
        &mut self,
        source: SourceId,
        status: Option<Status>,
        reading: Nanos,
        now: Nanos,
    ) -> bool {
        let Some(Some(one)) = self.find(source) else {
            return false;
        };
        match status {
            // What was read before can only be about another instance of the same name.
            Some(Status::Success) => one.uses_slot() && one.made <= reading,
            Some(Status::InProgress) => false,
            Some(Status::Failed | Status::Invalid) | None => {
                // What was read may be older than the answer to the command.
                let counts = match one.phase {
                    Phase::Accepted | Phase::Overdue => one.since < reading,
                    Phase::Sent | Phase::Unanswered | Phase::Failed => false,
                };
                if counts {
                    one.failed(now);
                }
                false
            }
        }
    }

    /// Nothing is expected of this source any more: it is lost, or has done what it was asked for.
    pub(crate) fn forget(&mut self, source: SourceId) {
        if let Some(place) = self.find(source) {
            *place = None;
        }
        for place in &mut self.refused {
            place.take_if(|refused| *refused == source);
        }
    }

    /// When [`Self::timeout`] will have an effect.
    pub(crate) fn next_deadline(&self) -> Option<Nanos> {
        self.iter()
            .filter_map(Try::deadline)
            .chain(self.second_at)
            .chain(self.pause_until)
            .min()
    }

    /// Time has passed.
    pub(crate) fn timeout(&mut self, now: Nanos) {
        self.second_at.take_if(|at| *at <= now);
        self.pause_until.take_if(|at| *at <= now);
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
mod tests {
    use super::*;

    const NOW: Nanos = Nanos(1_000);
    const A: SourceId = SourceId(1);
    const B: SourceId = SourceId(2);

    fn asked(source: SourceId) -> Tries {
        let mut tries = Tries::new();
        tries.begin(source, NOW);
        tries
    }

    fn accepted(source: SourceId) -> Tries {
        let mut tries = asked(source);
        assert!(!tries.answered(source, Answer::Accepted, NOW));
        tries
    }

    #[test]
    fn the_second_source_is_asked_after_a_while_and_no_third_one() {
        let mut tries = asked(A);
        assert!(!tries.has_room());
        let second = NOW.after_millis(SECOND_MS);
        assert_eq!(tries.next_deadline(), Some(second));
        tries.timeout(Nanos(second.0 - 1));
        assert!(!tries.has_room());
        tries.timeout(second);
        assert!(tries.has_room() && !tries.allows(A) && tries.allows(B));
        tries.begin(B, second);
        tries.timeout(second.after_millis(SECOND_MS - 1));
        assert!(!tries.has_room());
    }

    #[test]
    fn the_next_source_is_asked_at_once_if_the_first_fails() {
        for answer in [
            Answer::LogFull,
            Answer::LimitExceeded,
            Answer::Refused,
            Answer::Failed,
            Answer::Unanswered,
            Answer::NotSent,
        ] {
            let mut tries = asked(A);
            assert!(!tries.answered(A, answer, NOW));
            assert!(tries.has_room() && !tries.awaits(A), "{answer:?}");
        }
    }

    #[test]
    fn who_failed_can_be_asked_later_and_who_refused_never() {
        let later = NOW.after_millis(RETRY_MS);
        for (answer, again) in [(Answer::Failed, true), (Answer::Refused, false)] {
            let mut tries = asked(A);
            tries.answered(A, answer, NOW);
            assert!(!tries.allows(A));
            tries.timeout(Nanos(later.0 - 1));
            assert!(!tries.allows(A));
            tries.timeout(later);
            assert_eq!(tries.allows(A), again);
        }
    }

    #[test]
    fn an_answer_that_comes_late_counts() {
        let mut tries = asked(A);
        tries.timeout(NOW.after_millis(ANSWER_MS));
        assert!(tries.has_room() && tries.awaits(A));
        assert!(tries.answered(A, Answer::Immediate, NOW));
        assert!(tries.answered(A, Answer::Gone, NOW));
        // Even if it was forgotten.
        tries.forget(A);
        assert!(tries.answered(A, Answer::Immediate, NOW));
    }

    #[test]
    fn who_accepts_late_is_no_obstacle() {
        let mut tries = asked(A);
        tries.timeout(NOW.after_millis(ANSWER_MS));
        tries.answered(A, Answer::Accepted, NOW.after_millis(ANSWER_MS));
        assert!(tries.has_room() && tries.awaits(A));
    }

    #[test]
    fn only_success_that_was_asked_for_is_success() {
        let reading = NOW.after_millis(1);
        for status in [
            None,
            Some(Status::InProgress),
            Some(Status::Failed),
            Some(Status::Invalid),
        ] {
            assert!(!accepted(A).reported(A, status, reading, reading));
        }
        assert!(accepted(A).reported(A, Some(Status::Success), reading, reading));
        assert!(asked(A).reported(A, Some(Status::Success), reading, reading));
        assert!(!accepted(A).reported(B, Some(Status::Success), reading, reading));
        let mut refused = asked(A);
        refused.answered(A, Answer::Refused, NOW);
        assert!(!refused.reported(A, Some(Status::Success), reading, reading));
    }

    #[test]
    fn a_success_is_one_if_it_is_not_older_than_the_question() {
        let mut tries = accepted(A);
        let before = Nanos(NOW.0 - 1);
        assert!(!tries.reported(A, Some(Status::Success), before, NOW));
        assert!(tries.awaits(A), "a newer one may still come");
        assert!(tries.reported(A, Some(Status::Success), NOW, NOW));
    }

    #[test]
    fn a_failure_is_one_if_it_is_newer_than_the_answer() {
        for status in [None, Some(Status::Failed), Some(Status::Invalid)] {
            let mut tries = accepted(A);
            tries.reported(A, status, NOW, NOW);
            assert!(tries.awaits(A), "the log page may be older");
            tries.reported(A, status, Nanos(NOW.0 + 1), NOW);
            assert!(!tries.awaits(A) && tries.has_room());
        }
        let mut tries = asked(A);
        let late = NOW.after_millis(ANSWER_MS);
        tries.reported(A, Some(Status::Failed), late, late);
        assert!(tries.awaits(A), "it has not been answered yet");
        tries.timeout(late);
        tries.reported(A, Some(Status::Failed), late, late);
        assert!(tries.awaits(A), "nor has it now");
    }

    #[test]
    fn what_joins_a_reset_that_is_in_progress_waits_for_its_result() {
        let mut tries = asked(A);
        assert!(!tries.answered(A, Answer::InProgress, NOW));
        assert!(tries.awaits(A));
        let reading = NOW.after_millis(1);
        assert!(tries.reported(A, Some(Status::Success), reading, reading));
    }

    #[test]
    fn a_result_that_comes_late_counts() {
        let mut tries = accepted(A);
        let late = NOW.after_millis(RESULT_MS);
        tries.timeout(late);
        assert!(tries.has_room() && !tries.allows(A));
        assert!(tries.reported(A, Some(Status::Success), late, late));
    }

    #[test]
    fn a_lost_source_is_no_obstacle() {
        let mut tries = accepted(A);
        tries.forget(A);
        assert!(tries.has_room() && !tries.awaits(A));
        assert!(!tries.reported(A, Some(Status::Success), NOW, NOW));
    }

    fn refuse(tries: &mut Tries, source: u64) {
        tries.begin(SourceId(source), NOW);
        tries.answered(SourceId(source), Answer::Refused, NOW);
    }

    #[test]
    fn who_refuses_does_not_keep_others_from_being_asked() {
        let mut tries = Tries::new();
        for source in 0..REFUSED_MAX as u64 {
            refuse(&mut tries, source);
            assert!(tries.has_room() && !tries.allows(SourceId(source)));
        }
        assert!(tries.allows(SourceId(REFUSED_MAX as u64)));
    }

    #[test]
    fn many_who_refuse_are_asked_again_after_a_pause() {
        let mut tries = Tries::new();
        for source in 0..=REFUSED_MAX as u64 {
            refuse(&mut tries, source);
        }
        assert!(!tries.has_room());
        let later = NOW.after_millis(RETRY_MS);
        tries.timeout(Nanos(later.0 - 1));
        assert!(!tries.has_room());
        tries.timeout(later);
        assert!(tries.has_room() && tries.allows(SourceId(0)));
        assert!(!tries.allows(SourceId(REFUSED_MAX as u64)));
    }

    #[test]
    fn who_is_lost_has_refused_nothing() {
        let mut tries = Tries::new();
        refuse(&mut tries, 1);
        tries.forget(A);
        assert!(tries.allows(A));
    }

    #[test]
    fn if_all_fail_nobody_else_is_asked() {
        let mut tries = Tries::new();
        for source in 0..TRIES_MAX as u64 {
            assert!(tries.has_room());
            tries.begin(SourceId(source), NOW);
            tries.answered(SourceId(source), Answer::Failed, NOW);
        }
        assert!(!tries.has_room());
        assert_eq!(tries.made() as usize, TRIES_MAX);
    }

    #[test]
    fn the_second_one_is_counted_from_the_latest_question() {
        let mut tries = asked(A);
        let later = NOW.after_millis(SECOND_MS / 2);
        tries.answered(A, Answer::Failed, later);
        tries.begin(B, later);
        tries.timeout(NOW.after_millis(SECOND_MS));
        assert!(!tries.has_room());
        tries.timeout(later.after_millis(SECOND_MS));
        assert!(tries.has_room());
    }

    #[test]
    fn no_deadline_is_left_behind() {
        let mut tries = accepted(A);
        tries.begin(B, NOW);
        tries.begin(SourceId(3), NOW);
        tries.answered(SourceId(3), Answer::Failed, NOW);
        let mut last = NOW;
        while let Some(deadline) = tries.next_deadline() {
            assert!(deadline > last);
            last = deadline;
            tries.timeout(deadline);
        }
        assert_eq!(last, NOW.after_millis(RESULT_MS));
    }
}
