// SPDX-License-Identifier: GPL-2.0

//! A target that tells the truth, in log pages that name instances by what they share: controller IDs
//! are given out again at once, and CIUs repeat. It knows which instance it has really reset.

use crate::observer::{check, Check};
use crate::world::{Asked, World};
use nvme_fence_policy::{Answer, AssociationId};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

const CONTROLLERS: usize = 3;

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    /// The time of the next deadline comes.
    Fire,
    /// A new association, with this controller ID and this CIU.
    Connect(usize, u16, u8),
    /// A write is cancelled, and the connections are terminated.
    Lose(usize),
    /// A command arrives, and this is what the target likes to do about it.
    Arrive(usize, Answer),
    /// Its answer arrives at the host.
    Answered(usize),
    /// A reset ends.
    End(usize, bool),
    /// The target makes a log page. What is to be removed is not in it any more if `removed_first`.
    MakePage {
        number: usize,
        removed_first: bool,
    },
    /// It arrives at the host, or does not.
    Page(usize, bool),
    Event(usize),
}

fn answers() -> impl Strategy<Value = Answer> {
    prop_oneof![
        1 => Just(Answer::Immediate),
        4 => Just(Answer::Accepted),
        1 => Just(Answer::LogFull),
        1 => Just(Answer::LimitExceeded),
        1 => Just(Answer::Refused),
        1 => Just(Answer::Failed),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let which = any::<usize>;
    prop_oneof![
        1 => (0u64..1 << 33).prop_map(Step::Wait),
        4 => Just(Step::Fire),
        3 => (0..CONTROLLERS, 1u16..3, 1u8..3).prop_map(|(on, cntlid, ciu)| {
            Step::Connect(on, cntlid, ciu)
        }),
        4 => (0..CONTROLLERS).prop_map(Step::Lose),
        6 => (which(), answers()).prop_map(|(n, answer)| Step::Arrive(n, answer)),
        6 => which().prop_map(Step::Answered),
        4 => (which(), prop::bool::weighted(0.7)).prop_map(|(n, success)| Step::End(n, success)),
        6 => (which(), any::<bool>()).prop_map(|(number, removed_first)| {
            Step::MakePage { number, removed_first }
        }),
        6 => (which(), prop::bool::weighted(0.9)).prop_map(|(n, arrives)| Step::Page(n, arrives)),
        1 => (0..CONTROLLERS).prop_map(Step::Event),
    ]
}

/// CCRS
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ccrs {
    InProgress = 0,
    Success = 1,
    Failed = 2,
}

/// An entry of a log page, and which instance it is really about.
#[derive(Clone, Copy, Debug)]
struct Entry {
    source: AssociationId,
    asked: Asked,
    ccrs: Ccrs,
}

struct Target {
    world: World,
    entries: Vec<Entry>,
    /// Commands that have arrived, and what was made of them.
    arrived: Vec<(Asked, Answer)>,
    /// Log pages that are on their way.
    pages: Vec<(AssociationId, Vec<u8>)>,
}

impl Target {
    fn new() -> Result<Self, String> {
        let mut world = World::new(CONTROLLERS, 2)?;
        world.observer.reset = Some(Vec::new());
        Ok(Self {
            world,
            entries: Vec::new(),
            arrived: Vec::new(),
            pages: Vec::new(),
        })
    }

    fn resets(&mut self, asked: &Asked) {
        if let Some(reset) = &mut self.world.observer.reset {
            reset.push(asked.identity.cirn);
        }
    }

    fn arrive(&mut self, number: usize, liked: Answer) {
        let on_their_way: Vec<Asked> = self
            .world
            .commands
            .iter()
            .filter(|asked| self.arrived.iter().all(|(one, _)| one != *asked))
            .copied()
            .collect();
        let Some(asked) = on_their_way
            .get(number % on_their_way.len().max(1))
            .copied()
        else {
            return;
        };
        let same = |entry: &Entry| {
            entry.source == asked.source && entry.asked.identity.cntlid == asked.identity.cntlid
        };
        let goes_on = |entry: &Entry| same(entry) && entry.ccrs == Ccrs::InProgress;
        let answer = if self.entries.iter().any(goes_on) {
            Answer::InProgress
        } else {
            liked
        };
        match answer {
            Answer::Immediate => self.resets(&asked),
            // That it failed does not mean that nothing came of it.
            Answer::Accepted | Answer::Failed => {
                self.entries.retain(|entry| !same(entry));
                self.entries.push(Entry {
                    source: asked.source,
                    asked,
                    ccrs: Ccrs::InProgress,
                });
            }
            _ => {}
        }
        self.arrived.push((asked, answer));
    }

    fn answered(&mut self, number: usize) -> Check {
        if self.arrived.is_empty() {
            return Ok(());
        }
        let (asked, answer) = self.arrived.remove(number % self.arrived.len());
        let command = self.world.commands.iter().position(|one| *one == asked);
        self.world.answer(command.ok_or("answered twice")?, answer)
    }

    fn end(&mut self, number: usize, success: bool) {
        let going_on: Vec<usize> = (0..self.entries.len())
            .filter(|index| self.entries[*index].ccrs == Ccrs::InProgress)
            .collect();
        let Some(index) = going_on.get(number % going_on.len().max(1)) else {
            return;
        };
        let asked = self.entries[*index].asked;
        self.entries[*index].ccrs = if success { Ccrs::Success } else { Ccrs::Failed };
        if success {
            self.resets(&asked);
        }
    }

    fn make_page(&mut self, number: usize, removed_first: bool) {
        let mut reading = self.world.reading();
        reading.retain(|id| self.pages.iter().all(|(of, _)| of != id));
        let Some(id) = reading.get(number % reading.len().max(1)).copied() else {
            return;
        };
        let read = self.world.observer.reading(id);
        let remove = read.is_some_and(|read| read.removes_completed);
        let stays = |entry: &Entry| entry.source != id || !remove || entry.ccrs == Ccrs::InProgress;
        if removed_first {
            self.entries.retain(stays);
        }
        let mut page = vec![0; 8];
        for entry in self.entries.iter().filter(|entry| entry.source == id) {
            let identity = entry.asked.identity;
            page.extend([identity.cntlid as u8, 0, identity.ciu, 0, 0, 0]);
            page.extend([entry.ccrs as u8, 0]);
            page[0] += 1;
        }
        self.entries.retain(stays);
        self.pages.push((id, page));
    }

    fn page(&mut self, number: usize, arrives: bool) -> Check {
        if self.pages.is_empty() {
            return Ok(());
        }
        let (id, page) = self.pages.remove(number % self.pages.len());
        self.world.log_page(id, arrives.then_some(&page[..]))
    }

    fn take(&mut self, step: Step) -> Check {
        match step {
            Step::Wait(nanos) => {
                self.world.now.0 += nanos;
                self.world.fire()
            }
            Step::Fire => match self.world.timer() {
                Some(next) => {
                    self.world.now = next.max(self.world.now);
                    self.world.fire()
                }
                None => Ok(()),
            },
            Step::Connect(controller, cntlid, ciu) => {
                self.world.identify_as(controller, cntlid, ciu)?;
                self.world.resume(controller)
            }
            Step::Lose(controller) => {
                self.world.hold(controller)?;
                self.world.lose(controller)?;
                self.world.close(controller)
            }
            Step::Arrive(number, answer) => {
                self.arrive(number, answer);
                Ok(())
            }
            Step::Answered(number) => self.answered(number),
            Step::End(number, success) => {
                self.end(number, success);
                Ok(())
            }
            Step::MakePage {
                number,
                removed_first,
            } => {
                self.make_page(number, removed_first);
                Ok(())
            }
            Step::Page(number, arrives) => self.page(number, arrives),
            Step::Event(controller) => self.world.completed_event(controller),
        }
    }
}

fn live(history: Vec<Step>) -> Result<usize, String> {
    let mut target = Target::new()?;
    for step in history {
        target.take(step)?;
    }
    let asked = target.world.commands.iter();
    for (number, one) in asked.clone().enumerate() {
        check!(
            asked.clone().skip(number + 1).all(|other| {
                one.source != other.source || one.identity.name() != other.identity.name()
            }),
            "two commands about {:?} at the same source",
            one.identity.name()
        );
    }
    Ok(target.world.observer.fenced_by_reset)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_is_said_of_a_namesake_is_no_evidence(
        history in prop::collection::vec(step(), 1..160),
    ) {
        live(history).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn namesakes_are_reset_in_many_histories() {
    let mut runner = TestRunner::deterministic();
    let histories = prop::collection::vec(step(), 80..160);
    let fenced_by_reset: usize = (0..500)
        .map(|_| live(histories.new_tree(&mut runner).unwrap().current()).unwrap())
        .sum();
    assert!(fenced_by_reset > 100, "{fenced_by_reset}");
}
