// SPDX-License-Identifier: GPL-2.0

use super::*;

const NOW: Nanos = Nanos(1_000);
const A: AssociationId = AssociationId(1);
const B: AssociationId = AssociationId(2);

fn asked(source: AssociationId) -> Tries {
    let mut tries = Tries::new();
    tries.begin(source, NOW);
    tries
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
    tries.begin(AssociationId(source), NOW);
    tries.answered(AssociationId(source), Answer::Refused, NOW);
}

#[test]
fn who_refuses_does_not_keep_others_from_being_asked() {
    let mut tries = Tries::new();
    for source in 0..REFUSED_MAX as u64 {
        refuse(&mut tries, source);
        assert!(tries.has_room() && !tries.allows(AssociationId(source)));
    }
    assert!(tries.allows(AssociationId(REFUSED_MAX as u64)));
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
    assert!(tries.has_room() && tries.allows(AssociationId(0)));
    assert!(!tries.allows(AssociationId(REFUSED_MAX as u64)));
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
