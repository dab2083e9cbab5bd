// SPDX-License-Identifier: GPL-2.0

//! What can not be held: who is told at once that it has failed, and who waits for that.

use super::{blocks, write, Host, SLOTS};
use crate::association::State;
use crate::evidence::Evidence;
use crate::held_until::HeldUntil;
use crate::hold::{Command, Kind, PassReason};
use crate::knobs::{Belief, Beliefs, Hold};
use crate::output::Output;
use crate::overlap::Blocks;
use crate::subsystem::tests::{A, B, WRITE};
use crate::subsystem::{Fate, Input};

/// A command that has failed, and may change these blocks.
fn failed(blocks: Option<Blocks>) -> Command {
    Command {
        kind: Kind::Other,
        blocks,
        fails: true,
        repeatable: false,
        holdable: false,
        ..WRITE
    }
}

/// Of a passthrough write to these blocks.
fn passed(first: u64, length: u64) -> Command {
    failed(Some(blocks(first, length)))
}

fn host(hold: Hold) -> Host {
    let mut host = Host::new();
    host.set_hold(hold);
    host
}

#[test]
fn newer_writes_wait_from_the_moment_when_it_fails_until_there_is_evidence() {
    for hold in [Hold::All, Hold::Overlap] {
        let mut host = host(hold);
        let id = host.newest(A).id();
        assert_eq!(host.cancel(A, passed(8, 8)), Fate::Track);
        assert_eq!(host.check(blocks(15, 1)), Some(id), "it is still in use");
        assert_eq!(host.check(blocks(0, 8)), None);
        host.handle(Input::Lost(A));
        host.close(A);
        assert_eq!(host.handle(Input::Emptied(id)), [], "what for?");
        assert_eq!(host.check(blocks(8, 1)), Some(id));
        host.release_by_time(id);
        assert_eq!(host.check(blocks(8, 1)), None);
    }
}

#[test]
fn its_record_is_kept_though_nothing_is_held() {
    let mut host = host(Hold::All);
    let id = host.newest(A).id();
    host.handle(Input::Lost(A));
    host.cancel(A, passed(0, 8));
    host.close(A);
    let one = host.find(id);
    assert!(matches!(one.state(), State::Fencing(Some(_))));
    assert!(matches!(one.held_until(), HeldUntil::At(_)));
    assert_eq!((one.held(), one.held_bytes()), (0, 0));
    assert_eq!((one.tracked().ranges(), one.tracked().blocks()), (1, 8));
    host.release_by_time(id);
    let drained = Input::Drained {
        association: id,
        commands: 0,
        bytes: 0,
    };
    assert_eq!(host.handle(drained), [Output::Discard(id)]);
}

#[test]
fn who_comes_again_is_not_counted() {
    let mut host = host(Hold::All);
    let id = host.newest(A).id();
    host.cancel(A, passed(0, 8));
    let touches = |host: &mut Host, write| host.subsystem.touches(&mut host.records, id, &write);
    assert!(touches(&mut host, blocks(7, 1)));
    assert!(!touches(&mut host, blocks(8, 1)));
    let one = host.find(id);
    assert_eq!((one.held(), one.tracked().waiting()), (0, 0));
}

#[test]
fn without_room_everything_waits() {
    let mut host = host(Hold::All);
    let id = host.newest(A).id();
    for n in 0..SLOTS as u64 {
        host.cancel(A, passed(n * 8, 8));
    }
    assert_eq!(host.check(blocks(1000, 8)), None);
    assert_eq!(host.cancel(A, passed(100, 8)), Fate::Track);
    assert_eq!(host.check(blocks(1000, 8)), Some(id));
    assert_eq!(host.check(Blocks::all(2)), Some(id));
    let tracked = host.find(id).tracked();
    assert_eq!(usize::from(tracked.ranges()), SLOTS + 1);
    assert_eq!(tracked.blocks(), u64::MAX);
}

#[test]
fn where_its_blocks_are_not_known_everything_waits() {
    let mut host = host(Hold::All);
    let id = host.newest(A).id();
    assert_eq!(host.cancel(A, failed(None)), Fate::Track);
    assert_eq!(host.check(Blocks::all(7)), Some(id));
    assert!(!host.find(id).tracked().is_empty());
}

#[test]
fn what_overlaps_another_one_needs_no_range_if_that_has_all_of_it() {
    for (second, elsewhere_waits) in [(passed(2, 4), false), (passed(4, 8), true)] {
        let mut host = host(Hold::All);
        let id = host.newest(A).id();
        host.cancel(A, passed(0, 8));
        assert_eq!(host.cancel(A, second), Fate::Track);
        assert_eq!(host.check(blocks(0, 8)), Some(id));
        assert_eq!(host.check(blocks(1000, 8)).is_some(), elsewhere_waits);
    }
}

#[test]
fn what_is_tracked_beside_it_is_sent_again_unless_they_overlap() {
    for (first, repeats) in [
        (passed(0, 8), true),
        (passed(8, 8), false),
        (failed(None), false),
    ] {
        for late in [false, true] {
            let mut host = host(Hold::Overlap);
            let id = host.newest(A).id();
            host.handle(Input::Lost(A));
            let both = if late {
                [write(8, 8), first]
            } else {
                [first, write(8, 8)]
            };
            for command in both {
                host.cancel(A, command);
            }
            host.close(A);
            let repeated = host.handle(Input::Emptied(id)) == [Output::Repeat(id)];
            assert_eq!(repeated, repeats, "{both:?}");
        }
    }
}

#[test]
fn it_may_fail_when_others_were_sent_again_already() {
    let mut host = host(Hold::Overlap);
    let id = host.lose(A, &[write(0, 8)]);
    host.repeat(id);
    assert_eq!(host.cancel(A, passed(8, 8)), Fate::Track);
    assert_eq!(host.check(blocks(8, 8)), Some(id));
}

#[test]
fn what_can_do_no_harm_is_not_tracked() {
    let mut host = host(Hold::All);
    let unsent = Command {
        sent: false,
        ..passed(0, 8)
    };
    let answered = Command {
        status: 0x280,
        ..passed(0, 8)
    };
    let none = |reason| Fate::Pass(reason);
    assert_eq!(host.cancel(A, unsent), none(PassReason::NotSent));
    assert_eq!(host.cancel(A, answered), none(PassReason::Answered));
    host.set_hold(Hold::None);
    assert_eq!(host.cancel(A, passed(0, 8)), none(PassReason::Off));
    assert!(host.newest(A).tracked().is_empty());
    host.set_hold(Hold::All);
    host.cancel(A, passed(0, 8));
    host.handle(Input::Lost(A));
    host.handle(Input::Disabled(A));
    assert_eq!(host.cancel(A, passed(8, 8)), none(PassReason::Fenced));
}

/// What nobody looks for has not moved.
#[test]
fn that_what_is_held_has_moved_says_nothing_of_it() {
    let mut host = host(Hold::All);
    host.set_evidence(Beliefs::NONE.with(Belief::Time).with(Belief::Target));
    let id = host.newest(A).id();
    host.handle(Input::Lost(A));
    assert_eq!(host.cancel(A, write(0, 8)), Fate::Hold);
    host.cancel(A, passed(100, 8));
    host.close(A);
    assert_eq!(host.handle(Input::Moved(id)), []);
}

/// What it was sent on goes on to be used: it must be given up once more, so it asks nobody.
#[test]
fn who_is_used_again_is_no_source_while_newer_writes_wait_for_it() {
    let mut host = host(Hold::All);
    host.cancel(B, passed(0, 8));
    host.handle(Input::Lost(B));
    host.handle(Input::Resumed(B));
    assert_eq!(host.newest(B).state(), State::Open);
    assert!(!host.newest(B).is_in_use());
    host.handle(Input::Lost(B));
    host.close(B);
    let id = host.newest(B).id();
    host.release_by_time(id);
    assert!(matches!(
        host.find(id).state(),
        State::Fenced(Evidence::Time)
    ));
}
