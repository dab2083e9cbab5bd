// SPDX-License-Identifier: GPL-2.0

//! Cross-Controller Reset, and what a script makes of it.

use ghost::nvme::command::Sqe;
use ghost::target::config::CcrAnswer;

use crate::initiator::{Association, Host, ccr};
use crate::lab::Lab;

const INVALID_FIELD: u16 = 0x4002;

/// The Asynchronous Event Configuration with the event for Cross-Controller Reset.
const CCR_EVENT: u32 = 1 << 20;

/// Log page 1Eh, information F4h, a notice.
const CCR_EVENT_RESULT: u64 = 0x001e_f402;

/// The entry for a controller that was reset.
fn entry(cntlid: u16, ciu: u8, ccrs: u8) -> [u8; 8] {
    let [low, high] = cntlid.to_le_bytes();
    [low, high, ciu, 0, 0xff, 0xff, ccrs, 0]
}

#[test]
fn a_reset_ends_the_other_controller_and_its_commands() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    let identity = one.identity();
    two.await_events(CCR_EVENT);
    lab.ctl("rule write port=1 : hold=before-execution");
    one.start_write(0, b'x');
    lab.ctl("wait held 1");

    let answer = two.reset(1, identity);
    assert_eq!((answer.status, answer.result), (0, 0));
    assert_eq!(two.admin.answer().result, CCR_EVENT_RESULT);
    assert_eq!(two.ccr_log(false, false), [entry(1, identity.0, 1)]);
    lab.ctl("wait gone 1");
    assert!(one.io.is_closed());
    assert!(one.admin.is_closed());
    assert_eq!(lab.refused("release 1"), "no held command 1");
    assert_eq!(two.read(0), 0);
    // It is over: there is no such controller any more.
    let answer = two.reset(1, identity);
    assert_eq!((answer.status, answer.result), (0, 1));
}

#[test]
fn an_immediate_reset_is_answered_when_it_is_over() {
    let lab = Lab::with(|config| {
        config.ccr_answer = CcrAnswer::Immediate;
        config.reset_ms = 50;
    });
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    let answer = two.reset(1, one.identity());
    assert_eq!((answer.status, answer.result), (0, 7));
    assert!(two.ccr_log(false, false).is_empty());
    assert!(lab.when("reset-over") - lab.when("reset-begun") >= 50_000_000);
}

#[test]
fn an_answer_that_comes_late_can_be_another_one_too() {
    let lab = Lab::with(|config| config.ccr_answer = CcrAnswer::Immediate);
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule ccr : complete=0x6/0");
    let answer = two.reset(1, one.identity());
    assert_eq!((answer.status, answer.result), (6, 0));
    lab.ctl("wait gone 1");
}

#[test]
fn a_held_write_can_be_executed_until_the_reset_is_over() {
    let lab = Lab::with(|config| config.reset_ms = 3_600_000);
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule write port=1 : hold=before-execution");
    let identity = one.identity();
    one.start_write(0, b'x');
    lab.ctl("wait held 1");
    assert_eq!(two.reset(1, identity).status, 0);
    assert_eq!(two.ccr_log(false, true).len(), 1);
    lab.ctl("release 1");
    assert_eq!(two.read(0), b'x');
}

#[test]
fn only_the_right_identity_is_reset() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    let (ciu, cirn) = one.identity();
    let own = two.identity();
    assert_eq!(two.reset(2, own).status, INVALID_FIELD);
    for (icid, ciu, cirn) in [(9, ciu, cirn), (1, ciu + 1, cirn), (1, ciu, cirn ^ 1)] {
        let answer = two.reset(icid, (ciu, cirn));
        assert_eq!((answer.status, answer.result), (0, 1));
    }
    assert_eq!(one.write(0, b'x'), 0);
}

#[test]
fn what_may_be_alive_is_not_called_gone() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    let (_, cirn) = one.identity();
    for (icid, ciu) in [(1, 0), (9, 0), (0, 1), (0xfff0, 1), (0xffff, 1)] {
        assert_eq!(two.reset(icid, (ciu, cirn)).status, INVALID_FIELD);
    }
    let answer = two.reset(0xffef, (1, cirn));
    assert_eq!((answer.status, answer.result), (0, 1));
}

#[test]
fn a_host_is_its_identifier_and_its_name() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    let identity = one.identity();
    let host = Host::default();
    for stranger in [Host { id: 2, ..host }, Host { name: 2, ..host }] {
        let mut two = Association::open(lab.ports[1], stranger);
        assert_eq!(two.reset(1, identity).status, INVALID_FIELD);
    }
    assert_eq!(one.write(0, b'x'), 0);
    let mut same = Association::open(lab.ports[1], host);
    assert_eq!(same.reset(1, identity).status, 0);
}

#[test]
fn resets_are_limited() {
    let lab = Lab::with(|config| config.reset_ms = 3_600_000);
    let mut others: Vec<_> = (0..3).map(|_| lab.connect(1)).collect();
    let identities: Vec<_> = others.iter_mut().map(Association::identity).collect();
    let (mut four, mut five) = (lab.connect(2), lab.connect(2));
    assert_eq!(four.reset(1, identities[0]).status, 0);
    assert_eq!(four.reset(1, identities[0]).status, 0x13f);
    assert_eq!(four.reset(2, identities[1]).status, 0);
    assert_eq!(four.reset(3, identities[2]).status, 0x141);
    // Another source joins a reset that is in progress.
    assert_eq!(five.reset(1, identities[0]).status, 0);
    assert_eq!(four.ccr_log(true, false), [entry(1, 1, 0), entry(2, 1, 0)]);
    assert_eq!(four.ccr_log(false, false).len(), 2);
}

#[test]
fn a_full_log_is_emptied_by_reading() {
    let lab = Lab::with(|config| config.ccr_log_entries = 1);
    let (mut one, mut two, mut three) = (lab.connect(1), lab.connect(1), lab.connect(2));
    three.await_events(CCR_EVENT);
    assert_eq!(three.reset(1, one.identity()).status, 0);
    three.admin.answer();
    assert_eq!(three.reset(2, two.identity()).status, 0x140);
    assert_eq!(three.ccr_log(true, false).len(), 1);
    assert_eq!(three.ccr_log(false, false).len(), 0);
    assert_eq!(three.reset(2, two.identity()).status, 0);
}

#[test]
fn what_was_not_read_is_not_removed() {
    const ENTRY_DWORDS: u32 = 2;
    let lab = Lab::new();
    let mut others: Vec<_> = (0..3).map(|_| lab.connect(1)).collect();
    let mut source = lab.connect(2);
    for (cntlid, other) in (1..).zip(&mut others) {
        assert_eq!(source.reset(cntlid, other.identity()).status, 0);
        lab.ctl(&format!("wait gone {cntlid}"));
    }
    let [first, third] = [1, 3].map(|cntlid| entry(cntlid, 1, 1));
    // The header; half of the first entry more; the halves of two that follow each other.
    for (offset, dwords) in [(0, 2), (0, 3), (12, 2), (20, 2)] {
        source.remove_completed(offset, dwords);
        assert_eq!(source.ccr_log(false, true).len(), 3);
    }
    source.remove_completed(16, ENTRY_DWORDS);
    assert_eq!(source.ccr_log(false, true), [first, third]);
    source.remove_completed(0, 2 + ENTRY_DWORDS);
    assert_eq!(source.ccr_log(false, true), [third]);
}

#[test]
fn an_event_is_armed_again_by_reading_the_log() {
    let lab = Lab::new();
    let mut others: Vec<_> = (0..3).map(|_| lab.connect(1)).collect();
    let identities: Vec<_> = others.iter_mut().map(Association::identity).collect();
    let mut source = lab.connect(2);
    source.await_events(CCR_EVENT);
    assert_eq!(source.reset(1, identities[0]).status, 0);
    assert_eq!(source.admin.answer().result, CCR_EVENT_RESULT);
    source.admin.submit(Sqe::new(0x0c, 0, 0), &[]);

    // With RAE the event stays as it is: the next reset is not reported.
    assert_eq!(source.ccr_log(false, true).len(), 1);
    assert_eq!(source.reset(2, identities[1]).status, 0);
    lab.ctl("wait gone 2");
    assert_eq!(source.ccr_log(false, false).len(), 2);
    assert_eq!(source.reset(3, identities[2]).status, 0);
    assert_eq!(source.admin.answer().result, CCR_EVENT_RESULT);
    assert_eq!(source.ccr_log(false, false).len(), 3);
}

#[test]
fn a_reset_can_fail() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    two.await_events(CCR_EVENT);
    lab.ctl("rule reset : fail");
    assert_eq!(two.reset(1, one.identity()).status, 0);
    two.admin.answer();
    assert_eq!(two.ccr_log(false, false), [entry(1, 1, 2)]);
    assert_eq!(one.write(0, b'x'), 0);
}

#[test]
fn a_failed_reset_says_how_far_it_came() {
    // V, CLRI in bit 1, RETRY in bits 3:2.
    for (rule, acid, flags) in [
        ("fail v", 0xffff_u16, 0b0001),
        ("fail retry=3", 0xffff, 0b1100),
        ("fail v retry=2", 0xffff, 0b1001),
        ("fail v acid=3", 3, 0b0101),
        ("fail acid=3 retry=0", 3, 0b0000),
    ] {
        let lab = Lab::new();
        let (mut one, mut two) = (lab.connect(1), lab.connect(2));
        two.await_events(CCR_EVENT);
        lab.ctl(&format!("rule reset : {rule}"));
        assert_eq!(two.reset(1, one.identity()).status, 0);
        two.admin.answer();
        let [low, high] = acid.to_le_bytes();
        assert_eq!(
            two.ccr_log(false, false),
            [[1, 0, 1, 0, low, high, 2, flags]]
        );
        // It lives.
        assert_eq!(one.write(0, b'x'), 0, "{rule}");
    }
}

#[test]
fn a_reset_that_was_begun_and_failed_leaves_what_quiesces() {
    let lab = Lab::with(|config| config.quiesce_ms = 50);
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    two.await_events(CCR_EVENT);
    lab.ctl("rule write port=1 : hold=before-execution");
    lab.ctl("rule reset : fail v clri");
    let identity = one.identity();
    one.start_write(0, b'o');
    lab.ctl("wait held 1");
    assert_eq!(two.reset(1, identity).status, 0);
    two.admin.answer();
    assert_eq!(
        two.ccr_log(false, false),
        [[1, 0, 1, 0, 0xff, 0xff, 2, 0b11]]
    );
    assert!(one.admin.is_closed());
    lab.ctl("wait gone 1");
    assert_eq!(two.read(0), 0);
    assert!(lab.when("gone") - lab.when("reset-begun") >= 50_000_000);
}

#[test]
fn entries_and_events_can_be_wrong() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    two.await_events(CCR_EVENT);
    two.admin.submit(Sqe::new(0x0c, 0, 0), &[]);
    lab.ctl("rule event event=ccr times=1 : double");
    lab.ctl("rule entry icid=1 times=1 : icid=7 ciu=9 acid=3 ccrs=5 ccrf=6 ne=511");
    lab.ctl("rule entry icid=1 : omit");
    assert_eq!(two.reset(1, one.identity()).status, 0);
    for _ in 0..2 {
        assert_eq!(two.admin.answer().result, CCR_EVENT_RESULT);
    }
    let entries = two.ccr_log(false, false);
    assert_eq!(entries.len(), 511);
    assert_eq!(entries[0], [7, 0, 9, 0, 3, 0, 5, 6]);
    assert!(two.ccr_log(false, false).is_empty());
    lab.ctl("forget all");
    lab.ctl("entry 2 icid=5 ciu=2");
    assert_eq!(two.ccr_log(false, false), [entry(1, 1, 1), entry(5, 2, 1)]);
}

#[test]
fn the_log_has_room_for_511_entries() {
    let lab = Lab::new();
    let mut one = lab.connect(1);
    for icid in 1..=512 {
        lab.ctl(&format!("entry 1 icid={icid} ciu=1"));
    }
    let entries = one.ccr_log(true, false);
    assert_eq!(entries.len(), 511);
    assert_eq!(entries[510], entry(511, 1, 1));
    assert_eq!(one.ccr_log(false, false), [entry(512, 1, 1)]);
}

#[test]
fn an_event_can_be_lost_or_made_up() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    two.await_events(CCR_EVENT);
    lab.ctl("rule event : lose");
    assert_eq!(two.reset(1, one.identity()).status, 0);
    lab.ctl("wait gone 1");
    // The answer is that of the command behind it, not of the request.
    assert_eq!(two.ccr_log(false, true).len(), 1);
    lab.ctl("event 2 ccr");
    assert_eq!(two.admin.answer().result, CCR_EVENT_RESULT);
}

#[test]
fn an_event_can_be_late() {
    let lab = Lab::new();
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    two.await_events(CCR_EVENT);
    lab.ctl("rule event event=ccr : delay=50");
    assert_eq!(two.reset(1, one.identity()).status, 0);
    assert_eq!(two.admin.answer().result, CCR_EVENT_RESULT);
    assert!(lab.when("notified") - lab.when("reset-over") >= 50_000_000);
}

#[test]
fn a_reset_can_take_for_ever() {
    let lab = Lab::new();
    let (mut one, mut two, mut three) = (lab.connect(1), lab.connect(1), lab.connect(2));
    lab.ctl("rule reset cntlid=1 : never");
    lab.ctl("rule reset cntlid=2 : after=50");
    assert_eq!(three.reset(1, one.identity()).status, 0);
    assert_eq!(three.reset(2, two.identity()).status, 0);
    lab.ctl("wait gone 2");
    assert_eq!(
        three.ccr_log(false, false),
        [entry(1, 1, 0), entry(2, 1, 1)]
    );
    assert_eq!(one.write(0, b'x'), 0);
}

#[test]
fn a_reset_goes_on_without_its_source() {
    let lab = Lab::with(|config| config.reset_ms = 50);
    let (mut one, mut two) = (lab.connect(1), lab.connect(2));
    lab.ctl("rule ccr : disconnect=before-completion");
    two.admin.submit(ccr(1, one.identity()), &[]);
    assert!(two.admin.is_closed());
    assert!(one.admin.is_closed());
    lab.ctl("wait gone 1");
    let log = lab.log();
    assert!(log.iter().any(|line| line["event"] == "reset-over"));
}
