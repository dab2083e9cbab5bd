// SPDX-License-Identifier: GPL-2.0

use super::*;

const NOW: Nanos = Nanos(1_000);

fn awaited() -> LostHostReads {
    let mut reads = LostHostReads::NONE;
    reads.set_awaited(true);
    reads
}

#[test]
fn it_is_read_at_once_and_then_now_and_then() {
    let mut reads = awaited();
    assert!(reads.is_wanted());
    assert!(reads.begins(), "the event is retained");
    assert!(!reads.is_wanted());
    reads.ends(true, false, NOW);
    let poll = NOW.after_millis(POLL_MS);
    assert_eq!(reads.next_deadline(), Some(poll));
    reads.timeout(Nanos(poll.0 - 1));
    assert!(!reads.is_wanted());
    reads.timeout(poll);
    assert!(reads.is_wanted());
    assert_eq!(reads.next_deadline(), None);
}

#[test]
fn it_is_not_read_if_nobody_waits() {
    let mut reads = LostHostReads::NONE;
    reads.event();
    assert!(!reads.is_wanted());
    let mut reads = awaited();
    reads.begins();
    reads.set_awaited(false);
    reads.ends(true, false, NOW);
    assert_eq!(reads.next_deadline(), None);
    assert!(!reads.is_wanted());
}

#[test]
fn an_event_is_looked_after_at_once_and_taken_when_nobody_waits_any_more() {
    let mut reads = awaited();
    reads.begins();
    reads.ends(true, false, NOW);
    reads.event();
    assert!(reads.is_wanted());
    assert!(reads.begins(), "it is retained");
    reads.ends(true, false, NOW);
    reads.set_awaited(false);
    assert!(reads.is_wanted());
    assert!(!reads.begins(), "it is taken");
    reads.ends(false, false, NOW);
    assert!(!reads.is_wanted());
    assert_eq!(reads.next_deadline(), None);
}

#[test]
fn an_event_that_could_not_be_taken_is_taken_later() {
    let mut reads = awaited();
    reads.event();
    reads.set_awaited(false);
    assert!(!reads.begins());
    reads.ends(false, true, NOW);
    reads.timeout(reads.next_deadline().unwrap());
    assert!(reads.is_wanted());
    assert!(!reads.begins());
    reads.ends(false, false, NOW);
    assert_eq!(reads.next_deadline(), None);
}

#[test]
fn an_event_that_came_before_is_kept_until_it_has_been_used() {
    let mut reads = LostHostReads::NONE;
    reads.event();
    reads.set_awaited(true);
    assert!(reads.begins(), "it is retained");
    reads.ends(true, false, NOW);
    reads.set_awaited(false);
    assert!(!reads.begins(), "it is taken");
}
