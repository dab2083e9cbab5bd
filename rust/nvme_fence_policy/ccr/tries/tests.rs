// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::ccr::log::Failure;

const NOW: Nanos = Nanos(1_000);
const A: AssociationId = AssociationId(1);
const B: AssociationId = AssociationId(2);

fn asked(source: AssociationId) -> Tries {
    let mut tries = Tries::new();
    tries.begin(source, NOW);
    tries
}

/// Whether a source can be asked, which is a controller of any ID.
fn allows(tries: &Tries, source: AssociationId) -> bool {
    tries.allows(source, 100)
}

fn accepted(source: AssociationId) -> Tries {
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
    assert!(tries.has_room() && !allows(&tries, A) && allows(&tries, B));
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
        assert!(!allows(&tries, A));
        tries.timeout(Nanos(later.0 - 1));
        assert!(!allows(&tries, A));
        tries.timeout(later);
        assert_eq!(allows(&tries, A), again);
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
        Some(Status::Failed(Failure::PLAIN)),
        Some(Status::Invalid),
    ] {
        assert_eq!(
            accepted(A).reported(A, status, reading, reading),
            Shown::Nothing
        );
    }
    assert_eq!(
        accepted(A).reported(A, Some(Status::Success), reading, reading),
        Shown::Reset
    );
    assert_eq!(
        asked(A).reported(A, Some(Status::Success), reading, reading),
        Shown::Reset
    );
    assert_eq!(
        accepted(A).reported(B, Some(Status::Success), reading, reading),
        Shown::Nothing
    );
    let mut refused = asked(A);
    refused.answered(A, Answer::Refused, NOW);
    assert_eq!(
        refused.reported(A, Some(Status::Success), reading, reading),
        Shown::Nothing
    );
}

#[test]
fn a_success_is_one_if_it_is_not_older_than_the_question() {
    let mut tries = accepted(A);
    let before = Nanos(NOW.0 - 1);
    assert_eq!(
        tries.reported(A, Some(Status::Success), before, NOW),
        Shown::Nothing
    );
    assert!(tries.awaits(A), "a newer one may still come");
    assert_eq!(
        tries.reported(A, Some(Status::Success), NOW, NOW),
        Shown::Reset
    );
}

#[test]
fn a_failure_is_one_if_it_is_newer_than_the_answer() {
    for status in [
        None,
        Some(Status::Failed(Failure::PLAIN)),
        Some(Status::Invalid),
    ] {
        let mut tries = accepted(A);
        tries.reported(A, status, NOW, NOW);
        assert!(tries.awaits(A), "the log page may be older");
        tries.reported(A, status, Nanos(NOW.0 + 1), NOW);
        assert!(!tries.awaits(A) && tries.has_room());
    }
    let mut tries = asked(A);
    let late = NOW.after_millis(ANSWER_MS);
    tries.reported(A, Some(Status::Failed(Failure::PLAIN)), late, late);
    assert!(tries.awaits(A), "it has not been answered yet");
    tries.timeout(late);
    tries.reported(A, Some(Status::Failed(Failure::PLAIN)), late, late);
    assert!(tries.awaits(A), "nor has it now");
}

#[test]
fn what_joins_a_reset_that_is_in_progress_waits_for_its_result() {
    let mut tries = asked(A);
    assert!(!tries.answered(A, Answer::InProgress, NOW));
    assert!(tries.awaits(A));
    let reading = NOW.after_millis(1);
    assert_eq!(
        tries.reported(A, Some(Status::Success), reading, reading),
        Shown::Reset
    );
}

#[test]
fn a_result_that_comes_late_counts() {
    let mut tries = accepted(A);
    let late = NOW.after_millis(RESULT_MS);
    tries.timeout(late);
    assert!(tries.has_room() && !allows(&tries, A));
    assert_eq!(
        tries.reported(A, Some(Status::Success), late, late),
        Shown::Reset
    );
}

#[test]
fn a_lost_source_is_no_obstacle() {
    let mut tries = accepted(A);
    tries.forget(A);
    assert!(tries.has_room() && !tries.awaits(A));
    assert_eq!(
        tries.reported(A, Some(Status::Success), NOW, NOW),
        Shown::Nothing
    );
}

fn refuse(tries: &mut Tries, source: u64) {
    tries.begin(AssociationId(source), NOW);
    tries.answered(AssociationId(source), Answer::Refused, NOW);
}

#[test]
fn who_refuses_does_not_keep_others_from_being_asked() {
    let mut tries = Tries::new();
    for source in 0..REFUSED_MAX as u64 {
        refuse(&mut tries, source);
        assert!(tries.has_room() && !allows(&tries, AssociationId(source)));
    }
    assert!(allows(&tries, AssociationId(REFUSED_MAX as u64)));
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
    assert!(tries.has_room() && allows(&tries, AssociationId(0)));
    assert!(!allows(&tries, AssociationId(REFUSED_MAX as u64)));
}

#[test]
fn who_is_lost_has_refused_nothing() {
    let mut tries = Tries::new();
    refuse(&mut tries, 1);
    tries.forget(A);
    assert!(allows(&tries, A));
}

#[test]
fn if_all_fail_nobody_else_is_asked() {
    let mut tries = Tries::new();
    for source in 0..TRIES_MAX as u64 {
        assert!(tries.has_room());
        tries.begin(AssociationId(source), NOW);
        tries.answered(AssociationId(source), Answer::Failed, NOW);
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
    tries.begin(AssociationId(3), NOW);
    tries.answered(AssociationId(3), Answer::Failed, NOW);
    let mut last = NOW;
    while let Some(deadline) = tries.next_deadline() {
        assert!(deadline > last);
        last = deadline;
        tries.timeout(deadline);
    }
    assert_eq!(last, NOW.after_millis(RESULT_MS));
}

/// A reset failed, and this is what the entry says of it.
fn failed(noticed: bool, retry: Retry) -> Option<Status> {
    Some(Status::Failed(Failure { noticed, retry }))
}

#[test]
fn a_source_says_where_a_reset_is_to_be_tried_again() {
    let reading = NOW.after_millis(1);
    let later = NOW.after_millis(2 * RETRY_MS);
    for (retry, at_once, at_once_on_acid, later_on_it) in [
        (Retry::Nowhere, false, false, false),
        (Retry::On(7), false, true, true),
        (Retry::Elsewhere, true, true, false),
        (Retry::Anywhere, true, true, true),
    ] {
        let mut tries = accepted(A);
        tries.reported(A, failed(false, retry), reading, reading);
        let asks = |tries: &Tries, cntlid| tries.has_room() && tries.allows(B, cntlid);
        assert_eq!(asks(&tries, 100), at_once, "{retry:?}");
        assert_eq!(asks(&tries, 7), at_once_on_acid, "{retry:?}");
        assert!(!tries.allows(A, 100), "{retry:?}: not at once");
        tries.timeout(later);
        assert_eq!(tries.allows(A, 100), later_on_it, "{retry:?}");
    }
}

#[test]
fn a_failure_older_than_the_answer_is_not_obeyed() {
    let mut tries = accepted(A);
    tries.reported(A, failed(false, Retry::Nowhere), NOW, NOW);
    tries.reported(A, None, NOW.after_millis(1), NOW);
    assert!(tries.has_room());
}

#[test]
fn a_reset_that_failed_when_it_had_begun_shows_that_the_controller_has_noticed() {
    let reading = NOW.after_millis(1);
    let noticed = failed(true, Retry::Anywhere);
    assert_eq!(
        accepted(A).reported(A, noticed, reading, reading),
        Shown::Noticed
    );
    assert_eq!(
        accepted(A).reported(A, failed(false, Retry::Anywhere), reading, reading),
        Shown::Nothing
    );
    // Who was not asked says nothing, and what is older is about another instance of the same name.
    assert_eq!(
        accepted(A).reported(B, noticed, reading, reading),
        Shown::Nothing
    );
    let before = Nanos(NOW.0 - 1);
    assert_eq!(
        accepted(A).reported(A, noticed, before, reading),
        Shown::Nothing
    );
}

#[test]
fn a_controller_that_is_named_and_not_there_is_not_waited_for_for_ever() {
    let reading = NOW.after_millis(1);
    let mut tries = accepted(A);
    tries.reported(A, failed(false, Retry::On(7)), reading, reading);
    assert!(!tries.allows(B, 100));
    let until = reading.after_millis(RETRY_MS);
    let mut last = reading;
    while let Some(next) = tries.next_deadline().filter(|next| *next <= until) {
        assert!(next > last);
        last = next;
        tries.timeout(next);
    }
    assert!(tries.has_room() && tries.allows(B, 100));
}
