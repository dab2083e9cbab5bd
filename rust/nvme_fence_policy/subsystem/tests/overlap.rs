// SPDX-License-Identifier: GPL-2.0

//! What is tracked, who waits for it, and when that is over.

extern crate std;
use super::{ms, A, B, TERMS, WRITE};
use crate::association::{Opened, State};
use crate::ccr::resets::tests::{lent, Association};
use crate::ccr::resets::Resets;
use crate::ccr::source::Offer;
use crate::evidence::Evidence;
use crate::hold::{Command, Kind};
use crate::identity::{AssociationId, ControllerId, Identity};
use crate::knobs::{Belief, Beliefs, Hold, Knobs};
use crate::output::Output;
use crate::overlap::{Blocks, Slot};
use crate::subsystem::{Fate, Input, Scope, Storage, Subsystem};
use crate::time::Nanos;
use crate::wait::Clocks;
use std::boxed::Box;
use std::vec::Vec;

mod unheld;

/// So many ranges can be tracked for each association.
const SLOTS: usize = 3;

/// When what is lost and closed at once is fenced by time.
const DEADLINE: Nanos = ms(20_000);

struct Records(Vec<(Association, [Slot; SLOTS])>);

impl Storage for Records {
    type Lent = Box<Resets>;

    fn iter(&self) -> impl Iterator<Item = &Association> {
        self.0.iter().map(|(association, _)| association)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Association> {
        self.0.iter_mut().map(|(association, _)| association)
    }

    fn iter_mut_with_slots(&mut self) -> impl Iterator<Item = (&mut Association, &mut [Slot])> {
        self.0
            .iter_mut()
            .map(|(association, slots)| (association, slots.as_mut_slice()))
    }
}

/// A host with one subsystem that tracks.
struct Host {
    now: Nanos,
    subsystem: Subsystem,
    records: Records,
}

/// These blocks of a namespace.
fn blocks(first: u64, length: u64) -> Blocks {
    Blocks::new(1, first, length).unwrap()
}

/// A cancelled write to these blocks.
fn write(first: u64, length: u64) -> Command {
    Command {
        blocks: Some(blocks(first, length)),
        ..WRITE
    }
}

impl Host {
    fn new() -> Self {
        let mut knobs = Knobs::DEFAULT;
        knobs.set_evidence(knobs.evidence().without(Belief::Ccr));
        knobs.set_hold(Hold::Overlap);
        let mut host = Self {
            now: ms(0),
            subsystem: Subsystem::new(knobs),
            records: Records(Vec::new()),
        };
        for controller in [A, B] {
            host.open(controller);
        }
        host
    }

    fn set_hold(&mut self, hold: Hold) {
        let mut knobs = *self.subsystem.knobs();
        knobs.set_hold(hold);
        self.subsystem.set_knobs(&mut self.records, knobs);
    }

    fn set_evidence(&mut self, evidence: Beliefs) {
        let mut knobs = *self.subsystem.knobs();
        knobs.set_evidence(evidence);
        self.subsystem.set_knobs(&mut self.records, knobs);
    }

    fn open(&mut self, controller: ControllerId) -> AssociationId {
        let id = AssociationId(self.records.0.len() as u64 + 1);
        let opened = Opened {
            id,
            controller,
            connected: Some(self.now),
            at: self.now,
            identity: Identity {
                cntlid: controller.0 as u16,
                ciu: 1,
                cirn: id.0,
            },
            terms: TERMS,
            offer: Offer::default(),
        };
        let resets = lent(&opened);
        let association = self.subsystem.open(&mut self.records, opened, resets);
        self.records.0.push((association, [Slot::FREE; SLOTS]));
        self.handle(Input::Resumed(controller));
        id
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        self.subsystem.handle(self.now, &mut self.records, input);
        let mut outputs = Vec::new();
        while let Some(output) = self.subsystem.poll_output(&mut self.records) {
            if let Output::Discard(id) = output {
                self.records.0.retain(|(one, _)| one.id() != id);
            }
            outputs.push(output);
        }
        outputs
    }

    /// A command of the association with a controller is cancelled.
    fn cancel(&mut self, controller: ControllerId, command: Command) -> Fate {
        let id = self.newest(controller).id();
        self.subsystem.hold(&mut self.records, id, &command)
    }

    fn close(&mut self, controller: ControllerId) -> Vec<Output> {
        let clocks = Clocks {
            keep_alive: self.now,
            sent: self.now,
            peer_closed: None,
            kato_ms: TERMS.kato_ms,
        };
        self.handle(Input::Closed(controller, clocks))
    }

    /// These commands of an association are tracked, and it is closed.
    fn lose(&mut self, controller: ControllerId, commands: &[Command]) -> AssociationId {
        self.handle(Input::Lost(controller));
        for command in commands {
            assert_eq!(self.cancel(controller, *command), Fate::Track);
        }
        self.close(controller);
        self.newest(controller).id()
    }

    /// Nothing is left of it in the host: what is tracked is sent again.
    fn repeat(&mut self, id: AssociationId) {
        assert_eq!(self.handle(Input::Emptied(id)), [Output::Repeat(id)]);
        let one = self.find(id);
        let (commands, bytes) = (one.held(), one.held_bytes());
        let repeated = Input::Repeated {
            association: id,
            commands,
            bytes,
        };
        assert_eq!(self.handle(repeated), []);
    }

    /// A new write to these blocks: the association that it waits for.
    fn check(&mut self, write: Blocks) -> Option<AssociationId> {
        let all: Vec<_> = self.records.iter().map(Association::id).collect();
        all.into_iter()
            .find(|&id| self.subsystem.check(&mut self.records, id, &write, 4096))
    }

    fn release_by_time(&mut self, id: AssociationId) {
        self.now = DEADLINE;
        let released = self.handle(Input::Timeout);
        assert_eq!(released, [Output::Release(id, Evidence::Time)]);
    }

    fn find(&self, id: AssociationId) -> &Association {
        self.records.iter().find(|one| one.id() == id).unwrap()
    }

    fn newest(&self, controller: ControllerId) -> &Association {
        let of_it = |one: &&Association| one.controller() == controller;
        self.records.iter().filter(of_it).last().unwrap()
    }
}

#[test]
fn what_is_tracked_is_sent_again_when_it_is_closed_and_emptied() {
    let mut host = Host::new();
    let id = host.newest(A).id();
    host.handle(Input::Lost(A));
    assert_eq!(host.cancel(A, write(0, 8)), Fate::Track);
    assert_eq!(host.handle(Input::Emptied(id)), [], "more may be sent");
    host.close(A);
    assert_eq!(host.find(id).held(), 1);
    host.repeat(id);
    assert_eq!(host.find(id).held(), 0);
    assert_eq!(host.handle(Input::Emptied(id)), [], "once is enough");
    host.release_by_time(id);
}

#[test]
fn a_new_write_waits_if_it_overlaps_what_is_tracked() {
    let mut host = Host::new();
    let id = host.lose(A, &[write(8, 8), write(32, 8)]);
    host.repeat(id);
    for free in [blocks(0, 8), blocks(16, 16), blocks(40, u64::MAX)] {
        assert_eq!(host.check(free), None, "{free:?}");
    }
    assert_eq!(host.check(Blocks::all(2)), None);
    for overlapping in [blocks(15, 1), blocks(0, 9), Blocks::all(1)] {
        assert_eq!(host.check(overlapping), Some(id), "{overlapping:?}");
    }
    let one = host.find(id);
    assert_eq!((one.held(), one.held_bytes()), (3, 3 * 4096));
    assert_eq!(one.tracked().waiting(), 3);
    assert_eq!((one.tracked().ranges(), one.tracked().blocks()), (2, 16));
}

#[test]
fn evidence_ends_what_is_tracked_and_what_waits_for_it() {
    let mut host = Host::new();
    let id = host.lose(A, &[write(0, 8)]);
    host.repeat(id);
    assert_eq!(host.check(blocks(0, 1)), Some(id));
    host.release_by_time(id);
    assert_eq!(host.check(blocks(0, 1)), None);
    assert!(host.find(id).tracked().is_empty());
    let drained = Input::Drained {
        association: id,
        commands: 1,
        bytes: 4096,
    };
    assert_eq!(host.handle(drained), [Output::Discard(id)]);
}

#[test]
fn a_record_that_tracks_is_kept_though_it_holds_nothing_and_its_release_is_told() {
    let mut host = Host::new();
    let id = host.lose(A, &[write(0, 8)]);
    host.repeat(id);
    assert!(matches!(host.find(id).state(), State::Fencing(Some(_))));
    host.release_by_time(id);
    let drained = Input::Drained {
        association: id,
        commands: 0,
        bytes: 0,
    };
    assert_eq!(host.handle(drained), [Output::Discard(id)]);
}

#[test]
fn evidence_sends_on_what_was_not_sent_again_yet() {
    let mut host = Host::new();
    let id = host.lose(A, &[write(0, 8)]);
    host.release_by_time(id);
    assert_eq!(host.handle(Input::Emptied(id)), []);
    assert_eq!(host.find(id).held(), 1);
}

/// Nobody looks at the namespaces of what was sent again, so that they have moved says nothing of it.
#[test]
fn what_is_tracked_has_not_moved_with_what_is_held() {
    let mut host = Host::new();
    host.set_evidence(Beliefs::NONE.with(Belief::Time).with(Belief::Target));
    let id = host.lose(A, &[write(0, 8)]);
    assert_eq!(host.handle(Input::Moved(id)), []);
    host.repeat(id);
    assert_eq!(host.handle(Input::Moved(id)), []);
    assert!(!host.find(id).tracked().is_empty());
}

#[test]
fn evidence_may_come_while_it_is_sent_again() {
    let mut host = Host::new();
    let id = host.lose(A, &[write(0, 8)]);
    assert_eq!(host.handle(Input::Emptied(id)), [Output::Repeat(id)]);
    assert_eq!(host.check(blocks(0, 1)), Some(id));
    host.release_by_time(id);
    let drained = Input::Drained {
        association: id,
        commands: 1,
        bytes: 4096,
    };
    assert_eq!(host.handle(drained), []);
    let repeated = Input::Repeated {
        association: id,
        commands: 1,
        bytes: 4096,
    };
    assert_eq!(host.handle(repeated), [Output::Discard(id)]);
}

#[test]
fn a_record_is_kept_until_its_release_is_over_though_it_had_nothing_to_send_on() {
    let mut host = Host::new();
    let id = host.lose(A, &[write(0, 8)]);
    assert_eq!(host.handle(Input::Emptied(id)), [Output::Repeat(id)]);
    host.release_by_time(id);
    let repeated = Input::Repeated {
        association: id,
        commands: 1,
        bytes: 4096,
    };
    assert_eq!(host.handle(repeated), []);
    let drained = Input::Drained {
        association: id,
        commands: 0,
        bytes: 0,
    };
    assert_eq!(host.handle(drained), [Output::Discard(id)]);
}

#[test]
fn the_administrators_word_ends_what_is_tracked() {
    let mut host = Host::new();
    let id = host.newest(A).id();
    host.handle(Input::Lost(A));
    host.cancel(A, write(0, 8));
    host.handle(Input::Release(Scope::Controller(A)));
    assert_eq!(host.check(blocks(0, 1)), Some(id), "the host may send");
    assert_eq!(host.close(A), [Output::Release(id, Evidence::Admin)]);
    assert_eq!(host.check(blocks(0, 1)), None);
}

#[test]
fn cancelled_commands_that_overlap_each_other_are_not_sent_again() {
    for second in [write(7, 1), write(0, 64)] {
        let mut host = Host::new();
        let id = host.newest(A).id();
        host.handle(Input::Lost(A));
        assert_eq!(host.cancel(A, write(0, 8)), Fate::Track);
        assert_eq!(host.cancel(A, second), Fate::Hold);
        assert_eq!(host.cancel(A, write(100, 8)), Fate::Hold);
        host.close(A);
        assert_eq!(host.handle(Input::Emptied(id)), []);
        assert_eq!(host.find(id).held(), 3);
    }
}

#[test]
fn what_is_held_for_another_reason_counts_if_it_overlaps() {
    let appended = Command {
        kind: Kind::ZoneAppend,
        ..write(0, 8)
    };
    let failed = Command {
        fails: true,
        elsewhere: false,
        ..write(0, 8)
    };
    let spliced = Command {
        repeatable: false,
        ..write(0, 8)
    };
    for held in [appended, failed, spliced] {
        for (tracked, sent_again) in [(write(4, 8), false), (write(8, 8), true)] {
            let mut host = Host::new();
            let id = host.newest(A).id();
            host.handle(Input::Lost(A));
            assert_eq!(host.cancel(A, tracked), Fate::Track);
            assert_eq!(host.cancel(A, held), Fate::Hold);
            host.close(A);
            let repeated = host.handle(Input::Emptied(id)) == [Output::Repeat(id)];
            assert_eq!(repeated, sent_again, "{held:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_held_and_so_is_all_that_follows() {
    let mut host = Host::new();
    host.handle(Input::Lost(A));
    for n in 0..SLOTS as u64 {
        assert_eq!(host.cancel(A, write(n * 8, 8)), Fate::Track);
    }
    assert_eq!(host.cancel(A, write(100, 8)), Fate::Hold);
    assert_eq!(host.cancel(B, write(100, 8)), Fate::Track);
    host.close(A);
    let id = host.newest(A).id();
    assert_eq!(host.handle(Input::Emptied(id)), [Output::Repeat(id)]);
}

#[test]
fn in_a_full_table_it_is_still_noticed_that_commands_overlap() {
    let mut host = Host::new();
    host.handle(Input::Lost(A));
    for n in 0..SLOTS as u64 + 1 {
        host.cancel(A, write(n * 8, 8));
    }
    assert_eq!(host.cancel(A, write(0, 1)), Fate::Hold);
    host.close(A);
    let id = host.newest(A).id();
    assert_eq!(host.handle(Input::Emptied(id)), []);
}

#[test]
fn what_is_cancelled_late_is_tracked_before_it_is_emptied_and_held_then() {
    let mut host = Host::new();
    let id = host.lose(A, &[write(0, 8)]);
    assert_eq!(host.cancel(A, write(8, 8)), Fate::Track);
    host.repeat(id);
    assert_eq!(host.cancel(A, write(16, 8)), Fate::Hold);
    host.release_by_time(id);
}

#[test]
fn what_can_not_be_repeated_or_has_no_blocks_is_held() {
    let mut host = Host::new();
    for kind in [Kind::ZoneAppend, Kind::Other] {
        let command = Command {
            kind,
            ..write(0, 8)
        };
        assert_eq!(host.cancel(A, command), Fate::Hold);
    }
    let failing = Command {
        fails: true,
        elsewhere: false,
        ..write(0, 8)
    };
    assert_eq!(host.cancel(A, failing), Fate::Hold);
    assert_eq!(host.cancel(A, WRITE), Fate::Hold);
    for (n, kind) in [
        Kind::WriteZeroes,
        Kind::Deallocate,
        Kind::ZoneManagementSend,
    ]
    .into_iter()
    .enumerate()
    {
        let command = Command {
            kind,
            ..write(n as u64 * 8, 8)
        };
        assert_eq!(host.cancel(A, command), Fate::Track);
    }
}

#[test]
fn what_waits_may_have_to_wait_for_another_association_then() {
    let mut host = Host::new();
    let of_a = host.lose(A, &[write(0, 8)]);
    host.repeat(of_a);
    host.now = ms(1_000);
    // It was sent again on the other path, and is cancelled there.
    let of_b = host.lose(B, &[write(0, 8)]);
    host.repeat(of_b);
    let next = blocks(4, 8);
    assert_eq!(host.check(next), Some(of_a));
    host.release_by_time(of_a);
    assert_eq!(host.check(next), Some(of_b));
    assert_eq!(host.check(blocks(8, 8)), None);
}

#[test]
fn all_is_held_unless_somebody_chose_otherwise() {
    let mut host = Host::new();
    host.set_hold(Hold::All);
    assert_eq!(host.cancel(A, write(0, 8)), Fate::Hold);
    host.close(A);
    assert_eq!(host.check(Blocks::all(1)), None);
}

#[test]
fn what_is_tracked_stays_so_when_the_knob_is_turned() {
    let mut host = Host::new();
    let id = host.lose(A, &[write(0, 8)]);
    host.set_hold(Hold::All);
    assert_eq!(host.cancel(A, write(8, 8)), Fate::Hold);
    assert_eq!(host.handle(Input::Emptied(id)), [Output::Repeat(id)]);
    assert_eq!(host.check(blocks(0, 8)), Some(id));
}

#[test]
fn a_reset_is_worth_while_for_what_is_tracked() {
    let mut host = Host::new();
    let believed = host.subsystem.knobs().evidence().with(Belief::Ccr);
    host.set_evidence(believed);
    let id = host.lose(A, &[write(0, 8)]);
    host.repeat(id);
    assert!(host.find(id).wants_reset(host.subsystem.knobs()));
}

#[test]
fn who_lends_no_slots_has_everything_held() {
    let mut subsystem = Host::new().subsystem;
    let mut lent = Host::new().records;
    let mut associations: Vec<Association> = lent.0.drain(..).map(|(one, _)| one).collect();
    let id = associations[0].id();
    let fate = subsystem.hold(&mut associations, id, &write(0, 8));
    assert_eq!(fate, Fate::Hold);
    subsystem.handle(ms(0), &mut associations, Input::Lost(A));
    assert!(!subsystem.check(&mut associations, id, &blocks(0, 8), 4096));
}
