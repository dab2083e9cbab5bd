// SPDX-License-Identifier: GPL-2.0

extern crate std;
use super::*;
use crate::ccr::log::Log;
use crate::ccr::FORGOTTEN_POLL_MS;
use std::vec;
use std::vec::Vec;

const OFFER: Offer = Offer {
    ccrl: 2,
    port: 1,
    host_port: 1,
    lost_host_log: false,
};
const NOW: Nanos = Nanos(1_000);
const ASKED: Identity = Identity {
    cntlid: 1,
    ciu: 1,
    cirn: 0xa,
};

fn page(entries: &[[u8; 8]]) -> Vec<u8> {
    let mut bytes = vec![0; 8];
    bytes[0] = entries.len() as u8;
    bytes.extend(entries.iter().flatten());
    bytes
}

/// The log page is read, and this is in it.
fn read(source: &mut Source, now: Nanos, entries: &[[u8; 8]], awaited: bool) -> LogRead {
    assert!(source.wants_log_read(true));
    let read = source.begin_log_read(now);
    assert!(!source.wants_log_read(true));
    let page = page(entries);
    source.log_read_ends(&Log::parse(&page).unwrap(), awaited, false, now);
    read
}

fn ready() -> Source {
    let mut source = Source::new(OFFER);
    source.enter_service();
    read(&mut source, NOW, &[], false);
    source
}

#[test]
fn a_source_is_asked_after_old_entries_were_removed() {
    let mut source = Source::new(OFFER);
    assert_eq!(source.free_slots(), 0);
    source.enter_service();
    assert_eq!(source.free_slots(), 0);
    let read = read(&mut source, NOW, &[[1, 0, 1, 0, 0, 0, 1, 0]], false);
    assert!(read.remove_completed && !read.retain_event);
    assert_eq!(source.free_slots(), 2);
}

#[test]
fn a_slot_is_in_use_until_a_log_page_shows_that_it_is_free() {
    let mut source = ready();
    source.ask(&ASKED);
    assert_eq!(source.free_slots(), 1);
    source.answered(&ASKED, Answer::Accepted, NOW);
    source.completed_event();
    let completed = [[1, 0, 1, 0, 0, 0, 1, 0]];
    read(&mut source, NOW, &completed, false);
    assert!(source.may_report_on(ASKED.name()));
    read(&mut source, NOW, &completed, false);
    assert!(!source.may_report_on(ASKED.name()));
    assert_eq!(source.free_slots(), 2);
}

#[test]
fn what_the_command_did_not_begin_uses_no_slot() {
    for answer in [
        Answer::Immediate,
        Answer::LogFull,
        Answer::LimitExceeded,
        Answer::Refused,
        Answer::NotSent,
    ] {
        let mut source = ready();
        source.ask(&ASKED);
        source.answered(&ASKED, answer, NOW);
        assert!(!source.may_report_on(ASKED.name()), "{answer:?}");
    }
}

#[test]
fn nobody_knows_how_far_a_command_got_that_failed() {
    let mut source = ready();
    source.ask(&ASKED);
    source.answered(&ASKED, Answer::Failed, NOW);
    assert!(source.may_report_on(ASKED.name()));
    let poll_at = source.next_deadline().unwrap();
    source.timeout(poll_at);
    read(&mut source, poll_at, &[], false);
    assert!(!source.may_report_on(ASKED.name()));
    assert_eq!(source.next_deadline(), None);
}

#[test]
fn what_nobody_waits_for_any_more_is_looked_at_now_and_then() {
    let going_on = [[1, 0, 1, 0, 0, 0, 0, 0]];
    let mut source = ready();
    source.ask(&ASKED);
    source.answered(&ASKED, Answer::Accepted, NOW);
    let mut now = source.next_deadline().unwrap();
    for _ in 0..3 {
        source.timeout(now);
        read(&mut source, now, &going_on, false);
        let next = source.next_deadline().unwrap();
        assert_eq!(next, now.after_millis(FORGOTTEN_POLL_MS));
        now = next;
    }
    source.timeout(now);
    read(&mut source, now, &[], false);
    assert_eq!(source.next_deadline(), None);
}

#[test]
fn what_it_was_asked_for_is_not_over_when_it_is_used_on() {
    let mut source = ready();
    source.ask(&ASKED);
    source.leave_service();
    source.enter_service();
    read(&mut source, NOW, &[], false);
    assert!(source.is_ready() && source.may_report_on(ASKED.name()));
}

#[test]
fn what_offers_nothing_is_no_source() {
    let mut source = Source::new(Offer { ccrl: 0, ..OFFER });
    source.enter_service();
    assert!(!source.wants_log_read(true));
    assert_eq!(source.free_slots(), 0);
}

#[test]
fn an_event_is_looked_at_first_and_cleared_and_what_is_completed_is_removed_then() {
    let mut source = ready();
    source.completed_event();
    let completed = [[1, 0, 1, 0, 0, 0, 1, 0]];
    let first = read(&mut source, NOW, &completed, false);
    assert!(!first.retain_event && !first.remove_completed);
    assert!(!source.is_ready());
    let second = source.begin_log_read(NOW);
    assert!(second.retain_event && second.remove_completed);
    assert!(!source.is_ready());
    let page = page(&completed);
    source.log_read_ends(&Log::parse(&page).unwrap(), false, false, NOW);
    assert!(source.is_ready());
    assert!(!source.wants_log_read(true));
}

#[test]
fn a_lost_event_is_survived_by_polling() {
    let mut source = ready();
    source.answered(&ASKED, Answer::Accepted, NOW);
    let poll_at = NOW.after_millis(POLL_MS);
    assert_eq!(source.next_deadline(), Some(poll_at));
    source.timeout(Nanos(poll_at.0 - 1));
    assert!(!source.wants_log_read(true));
    source.timeout(poll_at);
    let read = read(&mut source, poll_at, &[[1, 0, 1, 0, 0, 0, 0, 0]], true);
    assert!(read.retain_event && !read.remove_completed);
    assert_eq!(source.next_deadline(), Some(poll_at.after_millis(POLL_MS)));
}

#[test]
fn a_log_page_that_cannot_be_read_is_read_again_later() {
    let mut source = ready();
    source.completed_event();
    source.begin_log_read(NOW);
    source.log_read_fails(NOW);
    assert!(!source.wants_log_read(true));
    let again = NOW.after_millis(BUSY_MS);
    assert_eq!(source.next_deadline(), Some(again));
    source.timeout(again);
    let read = read(&mut source, again, &[], false);
    assert!(!read.retain_event, "the event is still to be cleared");
}

#[test]
fn a_source_without_slots_rests() {
    for answer in [Answer::LimitExceeded, Answer::NotSent] {
        let mut source = ready();
        source.answered(&ASKED, answer, NOW);
        assert_eq!(source.free_slots(), 0);
        let rested = NOW.after_millis(BUSY_MS);
        assert_eq!(source.next_deadline(), Some(rested));
        source.timeout(rested);
        assert_eq!(source.free_slots(), 2);
        assert_eq!(source.next_deadline(), None);
    }
}

#[test]
fn a_completed_entry_is_the_end_of_a_rest() {
    let mut source = ready();
    source.answered(&ASKED, Answer::LimitExceeded, NOW);
    source.completed_event();
    let completed = [[1, 0, 1, 0, 0, 0, 2, 0]];
    read(&mut source, NOW, &completed, false);
    read(&mut source, NOW, &completed, false);
    assert!(source.is_ready());
}

#[test]
fn a_full_log_page_is_cleared_and_not_over_and_over_again() {
    let later = NOW.after_millis(BUSY_MS);
    let mut source = ready();
    source.answered(&ASKED, Answer::LogFull, later);
    assert!(!source.is_ready());
    assert!(read(&mut source, later, &[], false).remove_completed);
    assert!(source.is_ready());
    source.answered(&ASKED, Answer::LogFull, later);
    read(&mut source, later, &[], false);
    assert!(!source.is_ready());
    source.timeout(later.after_millis(BUSY_MS));
    assert!(source.is_ready());
}

#[test]
fn what_is_lost_is_asked_nothing_and_wakes_nobody() {
    let mut source = ready();
    source.answered(&ASKED, Answer::Accepted, NOW);
    source.completed_event();
    let read = source.begin_log_read(NOW);
    source.leave_service();
    assert_eq!(source.reading(), Some(read));
    source.log_read_fails(NOW);
    source.answered(&ASKED, Answer::LimitExceeded, NOW);
    source.answered(&ASKED, Answer::LogFull, NOW);
    source.answered(&ASKED, Answer::Accepted, NOW);
    source.completed_event();
    assert!(!source.wants_log_read(true));
    assert_eq!(source.next_deadline(), None);
    assert_eq!(source.free_slots(), 0);
}

#[test]
fn what_is_used_on_is_asked_after_old_entries_were_removed() {
    let mut source = ready();
    source.leave_service();
    source.enter_service();
    assert!(!source.is_ready());
    assert!(read(&mut source, NOW, &[], false).remove_completed);
    assert!(source.is_ready());
}

#[test]
fn a_list_that_made_no_sense_is_read_again_only_where_something_can_be_sent() {
    for in_use in [true, false] {
        let mut source = Source::new(Offer {
            ccrl: 0,
            lost_host_log: true,
            ..OFFER
        });
        source.enter_service();
        source.lost_host_event();
        assert!(source.begin_log_read(NOW).retain_event);
        source.lost_host_read_ends(false, NOW);
        // Nobody waits: the second read takes the event.
        source.set_notice_awaited(false, false);
        assert!(!source.begin_log_read(NOW).retain_event);
        if !in_use {
            source.leave_service();
        }
        source.lost_host_read_ends(true, NOW);
        source.timeout(Nanos(u64::MAX));
        assert_eq!(source.wants_log_read(true), in_use);
    }
}
