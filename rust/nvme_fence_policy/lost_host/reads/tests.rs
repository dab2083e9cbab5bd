// SPDX-License-Identifier: GPL-2.0

use super::*;

const NOW: Nanos = Nanos(1_000);

fn awaited() -> LostHostReads {
    let mut reads = LostHostReads::NONE;
    reads.set_awaited(true, false);
    reads
}

/// It is read now, with or without retaining the event.
fn read(reads: &mut LostHostReads, retains: bool) {
    assert!(reads.is_wanted());
    assert_eq!(reads.begins(), retains);
    reads.ends(retains, false, NOW);
}

#[test]
fn it_is_read_at_once_and_then_now_and_then() {
    let mut reads = awaited();
    read(&mut reads, true);
    assert!(!reads.is_wanted());
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
    let mut reads = awaited();
    reads.begins();
    reads.set_awaited(false, false);
    reads.ends(true, false, NOW);
    assert_eq!(reads.next_deadline(), None);
    assert!(!reads.is_wanted());
}

#[test]
fn an_event_is_looked_after_at_once_and_taken_when_nobody_waits_any_more() {
    let mut reads = awaited();
    read(&mut reads, true);
    reads.event();
    read(&mut reads, true);
    reads.set_awaited(false, false);
    read(&mut reads, false);
    reads.set_awaited(false, false);
    assert!(!reads.is_wanted());
    assert_eq!(reads.next_deadline(), None);
}

#[test]
fn an_event_is_not_taken_before_somebody_has_looked() {
    let mut reads = LostHostReads::NONE;
    reads.event();
    read(&mut reads, true);
    reads.set_awaited(false, false);
    read(&mut reads, false);
    reads.set_awaited(false, false);
    assert!(!reads.is_wanted());
}

#[test]
fn what_was_read_when_an_event_came_is_no_look() {
    let mut reads = LostHostReads::NONE;
    reads.event();
    assert!(reads.begins());
    // What it is about may have been listed after that page was made.
    reads.event();
    reads.ends(true, false, NOW);
    reads.set_awaited(false, false);
    read(&mut reads, true);
    reads.set_awaited(false, false);
    read(&mut reads, false);
}

#[test]
fn an_event_is_not_taken_while_somebody_will_wait_for_an_entry() {
    let mut reads = LostHostReads::NONE;
    reads.event();
    read(&mut reads, true);
    reads.set_awaited(false, true);
    assert!(!reads.is_wanted());
    reads.set_awaited(true, false);
    read(&mut reads, true);
    reads.set_awaited(false, false);
    read(&mut reads, false);
}

#[test]
fn an_event_that_could_not_be_taken_is_taken_later() {
    let mut reads = awaited();
    reads.event();
    read(&mut reads, true);
    reads.set_awaited(false, false);
    assert!(!reads.begins());
    reads.ends(false, true, NOW);
    reads.set_awaited(false, false);
    assert!(!reads.is_wanted());
    reads.timeout(reads.next_deadline().unwrap());
    read(&mut reads, false);
    assert_eq!(reads.next_deadline(), None);
}

#[test]
fn what_happens_while_it_is_read_does_not_have_it_read_again() {
    let mut reads = LostHostReads::NONE;
    reads.event();
    assert!(reads.begins());
    reads.set_awaited(false, false);
    assert!(!reads.is_wanted());
    // It is not tried again at once.
    reads.ends(true, true, NOW);
    reads.set_awaited(false, false);
    assert!(!reads.is_wanted());
    reads.timeout(NOW.after_millis(BUSY_MS));
    read(&mut reads, true);
    reads.set_awaited(false, false);
    read(&mut reads, false);
}

#[test]
fn an_event_that_comes_while_it_is_read_has_it_read_again() {
    let mut reads = awaited();
    assert!(reads.begins());
    reads.event();
    reads.ends(true, false, NOW);
    read(&mut reads, true);
}
