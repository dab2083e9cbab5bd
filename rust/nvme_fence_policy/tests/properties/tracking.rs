// SPDX-License-Identifier: GPL-2.0

//! What is tracked, sent again and waited for, whatever happens to several associations in whatever
//! order: compared with lists of ranges that an outsider keeps.

use crate::common::{lent, Association};
use nvme_fence_policy::hold::HOST_ABORTED_CMD;
use nvme_fence_policy::overlap::Slot;
use nvme_fence_policy::{
    AssociationId, Blocks, Clocks, Command, ControllerId, Fate, Hold, Identity, Input, Kind, Knobs,
    Nanos, Offer, Opened, Output, PassReason, Resets, Scope, Storage, Subsystem, Terms,
};
use proptest::prelude::*;

const CONTROLLERS: u64 = 2;
const SLOTS: usize = 3;
const BYTES: u32 = 4096;
const TERMS: Terms = Terms {
    kato_ms: 10,
    tbkas: true,
    cqt_ms: 10,
};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A new association with a controller is made.
    Open(u64),
    Lose(u64),
    Close(u64),
    /// A command of the newest association with a controller is cancelled.
    Cancel(u64, Kind, Blocks, bool),
    /// The same for one that can not be held.
    Fail(u64, Option<Blocks>),
    /// Of the association of this number, if there is one, nothing is left in the host.
    Empty(usize),
    /// What is being sent again, or sent on, for this association is under way.
    Repeated(usize),
    Drained(usize),
    /// A new write.
    Write(Blocks),
    /// So many milliseconds pass.
    Wait(u64),
    /// The administrator vouches for a controller.
    Release(u64),
    SetHold(Hold),
}

fn blocks() -> impl Strategy<Value = Blocks> {
    (1u32..3, 0u64..16, 1u64..4)
        .prop_map(|(namespace, first, length)| Blocks::new(namespace, first, length).unwrap())
}

fn unheld_blocks() -> impl Strategy<Value = Option<Blocks>> {
    prop_oneof![
        8 => blocks().prop_map(Some),
        1 => (1u32..3).prop_map(|namespace| Some(Blocks::all(namespace))),
        1 => Just(None),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let controller = || 0..CONTROLLERS;
    let kind = prop_oneof![8 => Just(Kind::Write), 1 => Just(Kind::ZoneAppend)];
    let hold = prop_oneof![4 => Just(Hold::Overlap), 1 => Just(Hold::All)];
    prop_oneof![
        2 => controller().prop_map(Step::Open),
        2 => controller().prop_map(Step::Lose),
        3 => controller().prop_map(Step::Close),
        8 => (controller(), kind, blocks(), prop::bool::weighted(0.1))
            .prop_map(|(controller, kind, blocks, fails)| Step::Cancel(controller, kind, blocks, fails)),
        3 => (controller(), unheld_blocks())
            .prop_map(|(controller, blocks)| Step::Fail(controller, blocks)),
        4 => (0usize..8).prop_map(Step::Empty),
        4 => (0usize..8).prop_map(Step::Repeated),
        4 => (0usize..8).prop_map(Step::Drained),
        6 => blocks().prop_map(Step::Write),
        2 => (0u64..30).prop_map(Step::Wait),
        1 => controller().prop_map(Step::Release),
        1 => hold.prop_map(Step::SetHold),
    ]
}

struct Records(Vec<(Association, Vec<Slot>)>);

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

/// What an outsider knows of an association.
#[derive(Debug)]
struct Seen {
    id: AssociationId,
    controller: u64,
    closed: bool,
    emptied: bool,
    released: bool,
    drained: bool,
    /// The ranges that newer writes have to wait for.
    tracked: Vec<Blocks>,
    /// Something has failed, and nobody knows where.
    anywhere: bool,
    clashed: bool,
    /// Commands that were cancelled and are kept, those that are to be sent again apart; and new ones.
    kept: u32,
    pending: u32,
    repeating: Option<u32>,
    draining: Option<u32>,
}

impl Seen {
    fn meets(&self, blocks: &Blocks) -> bool {
        self.tracked.iter().any(|one| one.overlaps(blocks))
    }

    fn overlaps(&self, blocks: &Blocks) -> bool {
        self.anywhere || self.meets(blocks)
    }

    /// A command that can not be held has failed.
    fn note_failed(&mut self, blocks: Option<Blocks>) {
        match blocks {
            Some(blocks) if self.meets(&blocks) => {
                self.clashed = true;
                self.anywhere |= !self.tracked.iter().any(|one| one.covers(&blocks));
            }
            Some(blocks) if self.tracked.len() < SLOTS => self.tracked.push(blocks),
            Some(_) => self.anywhere = true,
            None => {
                self.clashed = true;
                self.anywhere = true;
            }
        }
    }

    fn held(&self) -> u32 {
        let moving = self.repeating.unwrap_or(0) + self.draining.unwrap_or(0);
        self.kept + self.pending + moving
    }
}

struct World {
    now: Nanos,
    subsystem: Subsystem,
    records: Records,
    seen: Vec<Seen>,
    opened: u64,
}

type Check = Result<(), TestCaseError>;

impl World {
    fn new() -> Self {
        let mut knobs = Knobs::DEFAULT;
        knobs.set_hold(Hold::Overlap);
        Self {
            now: Nanos(0),
            subsystem: Subsystem::new(knobs),
            records: Records(Vec::new()),
            seen: Vec::new(),
            opened: 0,
        }
    }

    fn newest(&mut self, controller: u64) -> Option<&mut Seen> {
        let mut all = self.seen.iter_mut();
        all.rfind(|seen| seen.controller == controller)
    }

    fn take(&mut self, step: Step) -> Check {
        match step {
            Step::Open(controller) => self.open(controller),
            Step::Lose(controller) => self.handle(Input::Lost(ControllerId(controller))),
            Step::Close(controller) => self.close(controller),
            Step::Cancel(controller, kind, blocks, fails) => {
                self.cancel(controller, kind, blocks, fails)
            }
            Step::Fail(controller, blocks) => self.fail(controller, blocks),
            Step::Empty(number) => self.empty(number),
            Step::Repeated(number) => self.repeated(number),
            Step::Drained(number) => self.drained(number),
            Step::Write(blocks) => self.write(blocks),
            Step::Wait(ms) => {
                self.now = self.now.after_millis(ms);
                self.handle(Input::Timeout)
            }
            Step::Release(controller) => {
                self.handle(Input::Release(Scope::Controller(ControllerId(controller))))
            }
            Step::SetHold(hold) => {
                let mut knobs = *self.subsystem.knobs();
                knobs.set_hold(hold);
                self.subsystem.set_knobs(&mut self.records, knobs);
                Ok(())
            }
        }
    }

    fn open(&mut self, controller: u64) -> Check {
        self.opened += 1;
        let id = AssociationId(self.opened);
        let opened = Opened {
            id,
            controller: ControllerId(controller),
            connected: Some(self.now),
            at: self.now,
            identity: Identity {
                cntlid: controller as u16,
                ciu: 0,
                cirn: 0,
            },
            terms: TERMS,
            offer: Offer::default(),
        };
        if let Some(last) = self.newest(controller) {
            last.closed = true;
        }
        let resets = lent(&opened);
        let association = self.subsystem.open(&mut self.records, opened, resets);
        self.carry_out()?;
        self.records.0.push((association, vec![Slot::FREE; SLOTS]));
        self.seen.push(Seen {
            id,
            controller,
            closed: false,
            emptied: false,
            released: false,
            drained: false,
            tracked: Vec::new(),
            anywhere: false,
            clashed: false,
            kept: 0,
            pending: 0,
            repeating: None,
            draining: None,
        });
        Ok(())
    }

    fn close(&mut self, controller: u64) -> Check {
        if let Some(last) = self.newest(controller) {
            last.closed = true;
        }
        let clocks = Clocks {
            keep_alive: self.now,
            sent: self.now,
            peer_closed: None,
            kato_ms: TERMS.kato_ms,
        };
        self.handle(Input::Closed(ControllerId(controller), clocks))
    }

    fn cancel(&mut self, controller: u64, kind: Kind, blocks: Blocks, fails: bool) -> Check {
        let tracks = self.subsystem.knobs().hold() == Hold::Overlap;
        let Some(last) = self.newest(controller) else {
            return Ok(());
        };
        let id = last.id;
        let mut expected = Fate::Hold;
        if last.released {
            expected = Fate::Pass(PassReason::Fenced);
        } else if tracks && last.meets(&blocks) {
            last.clashed = true;
        } else if tracks && kind == Kind::Write && !fails {
            let room = last.tracked.len() < SLOTS;
            if room && !last.clashed && !last.emptied {
                expected = Fate::Track;
            }
        }
        match expected {
            Fate::Track => {
                last.tracked.push(blocks);
                last.pending += 1;
            }
            Fate::Hold => last.kept += 1,
            Fate::Pass(_) | Fate::Unknown => {}
        }
        let command = Command {
            kind,
            status: HOST_ABORTED_CMD,
            sent: true,
            bytes: BYTES,
            blocks: Some(blocks),
            fails,
            elsewhere: false,
            repeatable: true,
            holdable: true,
        };
        let fate = self.subsystem.hold(&mut self.records, id, &command);
        prop_assert_eq!(fate, expected);
        self.carry_out()
    }

    fn fail(&mut self, controller: u64, blocks: Option<Blocks>) -> Check {
        let Some(last) = self.newest(controller) else {
            return Ok(());
        };
        let id = last.id;
        let mut expected = Fate::Track;
        if last.released {
            expected = Fate::Pass(PassReason::Fenced);
        } else {
            last.note_failed(blocks);
        }
        let command = Command {
            kind: Kind::Other,
            status: HOST_ABORTED_CMD,
            sent: true,
            bytes: BYTES,
            blocks,
            fails: true,
            elsewhere: false,
            repeatable: false,
            holdable: false,
        };
        let fate = self.subsystem.hold(&mut self.records, id, &command);
        prop_assert_eq!(fate, expected);
        self.carry_out()
    }

    fn empty(&mut self, number: usize) -> Check {
        let Some(seen) = self.seen.get_mut(number) else {
            return Ok(());
        };
        let again = seen.emptied || seen.released || !seen.closed;
        let expected = !again && !seen.clashed && seen.pending != 0;
        seen.emptied |= seen.closed;
        let (id, before) = (seen.id, seen.repeating);
        self.handle(Input::Emptied(id))?;
        if let Some(seen) = self.seen.iter().find(|seen| seen.id == id) {
            let repeats = seen.repeating.is_some() && before.is_none();
            prop_assert_eq!(repeats, expected, "{:?}", seen);
        }
        Ok(())
    }

    fn repeated(&mut self, number: usize) -> Check {
        let Some(seen) = self.seen.get_mut(number) else {
            return Ok(());
        };
        let Some(commands) = seen.repeating.take() else {
            return Ok(());
        };
        let id = seen.id;
        self.handle(Input::Repeated {
            association: id,
            commands,
            bytes: u64::from(commands) * u64::from(BYTES),
        })
    }

    fn drained(&mut self, number: usize) -> Check {
        let Some(seen) = self.seen.get_mut(number) else {
            return Ok(());
        };
        let Some(commands) = seen.draining.take() else {
            return Ok(());
        };
        seen.drained = true;
        let id = seen.id;
        self.handle(Input::Drained {
            association: id,
            commands,
            bytes: u64::from(commands) * u64::from(BYTES),
        })
    }

    fn write(&mut self, blocks: Blocks) -> Check {
        let mut all = self.seen.iter_mut();
        let first = all.find(|seen| seen.overlaps(&blocks));
        let expected = first.as_ref().map(|seen| seen.id);
        if let Some(seen) = first {
            seen.kept += 1;
        }
        let all: Vec<_> = self.records.iter().map(Association::id).collect();
        // Who comes again is not counted.
        let touched = all
            .iter()
            .find(|&&id| self.subsystem.touches(&mut self.records, id, &blocks));
        prop_assert_eq!(touched.copied(), expected);
        let waits = all
            .into_iter()
            .find(|&id| self.subsystem.check(&mut self.records, id, &blocks, BYTES));
        prop_assert_eq!(waits, expected);
        Ok(())
    }

    fn handle(&mut self, input: Input<'_>) -> Check {
        self.subsystem.handle(self.now, &mut self.records, input);
        self.carry_out()
    }

    fn carry_out(&mut self) -> Check {
        while let Some(output) = self.subsystem.poll_output(&mut self.records) {
            match output {
                Output::Repeat(id) => {
                    let seen = self.find(id)?;
                    prop_assert!(seen.closed && seen.emptied && !seen.clashed && !seen.released);
                    prop_assert_eq!(seen.repeating, None, "sent again twice");
                    seen.repeating = Some(std::mem::take(&mut seen.pending));
                }
                Output::Release(id, _) => {
                    let seen = self.find(id)?;
                    prop_assert!(!seen.released, "released twice");
                    seen.released = true;
                    seen.tracked.clear();
                    seen.anywhere = false;
                    let kept = std::mem::take(&mut seen.kept);
                    seen.draining = Some(kept + std::mem::take(&mut seen.pending));
                }
                Output::Discard(id) => {
                    let seen = self.find(id)?;
                    let tracks = seen.anywhere || !seen.tracked.is_empty();
                    prop_assert!(seen.closed && !tracks, "{:?}", seen);
                    prop_assert!(seen.drained || !seen.released, "{:?}", seen);
                    prop_assert_eq!(seen.held(), 0);
                    self.seen.retain(|seen| seen.id != id);
                    self.records.0.retain(|(one, _)| one.id() != id);
                }
                Output::Lost(_)
                | Output::Deadline(..)
                | Output::ResetStep { .. }
                | Output::LogUnmatched(..)
                | Output::LogUnreadable(_) => {}
                Output::RepeatedId(..) => prop_assert!(false, "each has its own ID"),
                Output::PathsShared(_) => prop_assert!(false, "nobody asks for that"),
            }
        }
        for seen in &self.seen {
            let one = self.records.iter().find(|one| one.id() == seen.id);
            prop_assert_eq!(one.map(Association::held), Some(seen.held()), "{:?}", seen);
        }
        Ok(())
    }

    fn find(&mut self, id: AssociationId) -> Result<&mut Seen, TestCaseError> {
        let mut all = self.seen.iter_mut();
        all.find(|seen| seen.id == id)
            .ok_or_else(|| TestCaseError::fail("about what is forgotten"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn what_is_tracked_is_what_newer_writes_wait_for(history in prop::collection::vec(steps(), 1..80)) {
        let mut world = World::new();
        for controller in 0..CONTROLLERS {
            world.take(Step::Open(controller))?;
        }
        for step in history {
            world.take(step)?;
        }
    }
}
