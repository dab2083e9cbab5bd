// SPDX-License-Identifier: GPL-2.0
//! From events to histories: which event belongs to which record.

use std::collections::BTreeMap;

use super::by_device::Waiting;
use super::event::{Event, FenceEvent, Step, TracedEvent, Write};
use super::history::{
    Announced, Cancelled, Commands, Fenced, FirstWrite, History, Released, ResetStep,
};
use crate::units::Nanos;

/// Puts the events together. They must be in the order of their times.
pub(crate) fn histories(events: &[TracedEvent]) -> Vec<History> {
    let mut builder = Builder {
        subsystems: subsystems(events),
        ..Builder::default()
    };
    for event in events {
        match &event.event {
            Event::Fence(fence) => builder.step(event.at, fence),
            Event::Write(write) => builder.write(event.at, write),
        }
    }
    for history in &mut builder.histories {
        history.conclude();
    }
    builder.histories
}

/// The subsystem of each controller, as far as the writes tell.
fn subsystems(events: &[TracedEvent]) -> BTreeMap<&str, &str> {
    events
        .iter()
        .filter_map(|event| match &event.event {
            Event::Write(write) => Some((write.controller.as_str(), write.subsystem()?)),
            Event::Fence(_) => None,
        })
        .collect()
}

/// Histories in the making.
#[derive(Default)]
struct Builder<'a> {
    /// The subsystem of each controller that is known.
    subsystems: BTreeMap<&'a str, &'a str>,
    /// One for each record, in the order of their first events.
    histories: Vec<History>,
    /// Those that were released and have seen no write since.
    awaiting_write: Vec<usize>,
}

impl Builder<'_> {
    /// Takes up an event of a record.
    fn step(&mut self, at: Nanos, event: &FenceEvent) {
        let index = self.find_or_begin(at, event);
        let history = &mut self.histories[index];
        let at = at.since(history.origin);
        match &event.step {
            Step::Lost(lost) => {
                history.cntlid = Some(lost.cntlid);
                history.ciu = Some(lost.ciu);
            }
            Step::Hold(hold) => {
                let held = history.held.get_or_insert_with(|| Cancelled::begin(at));
                held.add(at, hold);
                history.waiting.push(Waiting {
                    dev: hold.dev.clone(),
                    bytes: hold.bytes,
                    started: hold.age.map(|age| at.since(age)),
                    since: at,
                });
            }
            Step::Track(hold) => {
                let tracked = history.tracked.get_or_insert_with(|| Cancelled::begin(at));
                tracked.add(at, hold);
            }
            Step::Wait(wait) => {
                let waited = history.waited.get_or_insert_with(|| Commands::begin(at));
                waited.add(at, wait.bytes);
                history.waiting.push(Waiting {
                    dev: wait.dev.clone(),
                    bytes: wait.bytes,
                    started: Some(at),
                    since: at,
                });
            }
            Step::Deadline(deadline) => history.deadlines.push(Announced {
                at,
                deadline: deadline.since(history.origin),
            }),
            // A record is fenced once.
            Step::Evidence(evidence) => {
                history.evidence.get_or_insert_with(|| Fenced {
                    at,
                    evidence: evidence.evidence.clone(),
                });
            }
            Step::Release(release) => {
                // If nothing had waited, a write says nothing.
                if history.released().is_none() && release.commands > 0 {
                    self.awaiting_write.push(index);
                }
                history.releases.push(Released::new(at, release));
            }
            Step::Reset(reset) => history.resets.push(ResetStep {
                at,
                reset: reset.clone(),
            }),
        }
    }

    /// The index of the history that an event belongs to.
    fn find_or_begin(&mut self, at: Nanos, event: &FenceEvent) -> usize {
        let is_it = |history: &History| {
            history.record == event.record && history.controller == event.controller
        };
        let known = self.histories.iter().rposition(is_it);
        match (&event.step, known) {
            (Step::Lost(_), Some(index)) if self.histories[index].awaits_loss() => {
                self.histories[index].count_from(at);
                return index;
            }
            // Any other loss is that of a new record. Its number may have been seen: they restart
            // with the module.
            (Step::Lost(_), _) | (_, None) => {}
            (_, Some(index)) => return index,
        }
        self.histories.push(History::begin(at, event));
        self.histories.len() - 1
    }

    /// Takes up a write: the first one for all records that wait for one.
    fn write(&mut self, at: Nanos, write: &Write) {
        let (subsystems, histories) = (&self.subsystems, &mut self.histories);
        self.awaiting_write.retain(|&index| {
            let history = &mut histories[index];
            // A controller that never got a traced write may be of any subsystem.
            let known = subsystems.get(history.controller.as_str()).copied();
            if known.is_some() && known != write.subsystem() {
                return true;
            }
            history.first_write = Some(FirstWrite {
                at: at.since(history.origin),
                controller: write.controller.clone(),
            });
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{parse, Parsed};
    use super::*;

    /// The histories of events given as seconds and text.
    fn of(lines: &[(u32, &str)]) -> Vec<History> {
        let events: Vec<TracedEvent> = lines
            .iter()
            .map(|(seconds, text)| {
                let line = format!("task-1 [000] d..1. {seconds}.000000: {text}");
                match parse(&line) {
                    Parsed::Event(event) => event,
                    other => panic!("{line}: {other:?}"),
                }
            })
            .collect();
        histories(&events)
    }

    const LOST: &str = "nvme_fence_lost: nvme0 record=1 cntlid=1 ciu=0";
    const EVIDENCE: &str =
        "nvme_fence_evidence: nvme0 record=1 evidence=time held=1 held_bytes=512";
    const RELEASE: &str =
        "nvme_fence_release: nvme0 record=1 evidence=time commands=1 bytes=512 held_ns=1";

    #[test]
    fn a_loss_begins_a_new_history() {
        let histories = of(&[(1, LOST), (2, EVIDENCE), (5, LOST), (9, EVIDENCE)]);
        let fencing: Vec<_> = histories.iter().map(|h| h.phases.fencing).collect();
        assert_eq!(
            fencing,
            [Some(Nanos(1_000_000_000)), Some(Nanos(4_000_000_000))]
        );
    }

    #[test]
    fn without_the_loss_there_is_no_total() {
        let histories = of(&[(1, EVIDENCE), (2, RELEASE)]);
        assert!(!histories[0].begins_with_loss());
        assert_eq!(histories[0].phases.total, None);
        assert_eq!(histories[0].phases.release, Some(Nanos(1_000_000_000)));
    }

    const HOLD: &str = "nvme_fence_hold: nvme0 record=1 dev=259,0 op=W sector=0 bytes=512 status=0x371 held=1 held_bytes=512";

    #[test]
    fn the_clock_starts_with_the_oldest_command() {
        let aged = |age: &str| format!("{HOLD} age_ns={age}");
        let (young, old, unknown) = (aged("1000000000"), aged("4000000000"), aged("0"));
        let holds = [(12, young.as_str()), (12, &old), (12, &unknown), (12, HOLD)];
        let end = [(13, EVIDENCE), (14, RELEASE)];
        let histories = of(&[&[(10, LOST)], &holds[..], &end].concat());
        let phases = &histories[0].phases;
        assert_eq!(phases.noticed, Some(Nanos(2_000_000_000)));
        assert_eq!(phases.total, Some(Nanos(4_000_000_000)));
        assert_eq!(phases.stall, Some(Nanos(6_000_000_000)));
        assert_eq!(histories[0].held.as_ref().unwrap().all.commands, 4);
    }

    #[test]
    fn what_fails_before_the_loss_is_of_the_same_record() {
        let old = format!("{HOLD} age_ns=4000000000");
        let histories = of(&[(9, &old), (10, LOST), (13, EVIDENCE), (14, RELEASE)]);
        let [history] = histories.as_slice() else {
            panic!("{histories:?}");
        };
        assert_eq!(
            history.held.as_ref().unwrap().all.first,
            Nanos(-1_000_000_000)
        );
        assert_eq!(history.phases.noticed, Some(Nanos(5_000_000_000)));
        assert_eq!(history.phases.fencing, Some(Nanos(3_000_000_000)));
        assert_eq!(history.phases.stall, Some(Nanos(9_000_000_000)));
    }

    #[test]
    fn a_newer_one_may_wait_before_the_loss() {
        let track = HOLD.replace("nvme_fence_hold", "nvme_fence_track");
        let wait = "nvme_fence_wait: nvme0 record=1 dev=259,1 op=W sector=0 bytes=512 held=2 held_bytes=1024";
        let histories = of(&[(8, &track), (9, wait), (10, LOST), (13, EVIDENCE)]);
        let [history] = histories.as_slice() else {
            panic!("{histories:?}");
        };
        let times = |commands: &Commands| [commands.first, commands.last];
        let tracked = history.tracked.as_ref().unwrap();
        assert_eq!(times(&tracked.all), [Nanos(-2_000_000_000); 2]);
        let waited = history.waited.as_ref().unwrap();
        assert_eq!(times(waited), [Nanos(-1_000_000_000); 2]);
    }

    /// The history of a loss at 10 s with two commands that are tracked and these events before a
    /// release at 20 s, of so many commands, and a write at 21 s.
    fn of_overlap(events: &[(u32, &str)], released: u64) -> History {
        let track = HOLD.replace("nvme_fence_hold", "nvme_fence_track") + " age_ns=3000000000";
        let release = RELEASE.replace("commands=1", &format!("commands={released}"));
        let write =
            "nvme_setup_cmd: nvme5: disk=nvme5n1, qid=1, cmd=(nvme_cmd_write slba=0, len=7)";
        let begin = [(10, LOST), (11, track.as_str()), (11, &track)];
        let end = [(19, EVIDENCE), (20, &release), (21, write)];
        let mut histories = of(&[&begin[..], events, &end].concat());
        assert_eq!(histories.len(), 1);
        histories.remove(0)
    }

    const WAIT: &str =
        "nvme_fence_wait: nvme0 record=1 dev=259,1 op=W sector=0 bytes=512 held=1 held_bytes=512";

    #[test]
    fn what_waits_for_nothing_does_not_stand_still() {
        let history = of_overlap(&[], 0);
        assert_eq!((history.repeated, history.kept()), (Some(2), 0));
        let phases = &history.phases;
        assert_eq!(phases.noticed, Some(Nanos(2_000_000_000)));
        assert_eq!(phases.fencing, Some(Nanos(9_000_000_000)));
        let others = [phases.release, phases.resume, phases.total, phases.stall];
        assert_eq!(others, [None; 4]);
        assert!(history.first_write.is_none());
    }

    #[test]
    fn newer_ones_stand_still_from_when_they_wait() {
        let history = of_overlap(&[(15, WAIT), (16, WAIT)], 2);
        assert_eq!(history.repeated, Some(2));
        let phases = &history.phases;
        assert_eq!(phases.noticed, Some(Nanos(2_000_000_000)));
        assert_eq!(phases.stall, Some(Nanos(6_000_000_000)));
    }

    #[test]
    fn tracked_ones_may_be_held_after_all() {
        let hold = format!("{HOLD} age_ns=1000000000");
        let history = of_overlap(&[(11, &hold), (15, WAIT)], 4);
        assert_eq!((history.repeated, history.kept()), (Some(0), 2));
        // From 8 s, when a tracked one was started, to the write.
        assert_eq!(history.phases.stall, Some(Nanos(13_000_000_000)));
        // All of them went on at once: from 10 s, when the held one was started.
        let history = of_overlap(&[(11, &hold), (15, WAIT)], 2);
        assert_eq!((history.repeated, history.kept()), (Some(2), 0));
        assert_eq!(history.phases.stall, Some(Nanos(11_000_000_000)));
        // An age that is not known is no age.
        let history = of_overlap(&[(11, HOLD), (15, WAIT)], 2);
        assert_eq!(history.phases.stall, None);
        assert_eq!(history.phases.total, Some(Nanos(11_000_000_000)));
    }

    #[test]
    fn an_orderly_end_holds_nothing() {
        let histories = of(&[(1, LOST), (5, LOST), (6, HOLD)]);
        let nothing: Vec<_> = histories.iter().map(History::held_nothing).collect();
        assert_eq!(nothing, [true, false]);
    }

    #[test]
    fn first_write_is_after_the_release_and_in_the_subsystem() {
        let write = |controller: u32, subsystem: u32| {
            format!("nvme_setup_cmd: nvme{controller}: disk=nvme{subsystem}c{controller}n1, qid=1, cmd=(nvme_cmd_write slba=0)")
        };
        let (lost_path, sibling, other) = (write(0, 0), write(1, 0), write(2, 2));
        let before = [(1, lost_path.as_str()), (2, LOST), (3, &sibling)];
        let after = [(4, RELEASE), (5, &other), (6, &sibling), (7, &lost_path)];
        let histories = of(&[&before[..], &after[..]].concat());
        let first = histories[0].first_write.as_ref().unwrap();
        assert_eq!(first.controller, "nvme1");
        assert_eq!(first.at, Nanos(4_000_000_000));
    }

    #[test]
    fn first_write_may_be_anywhere_if_the_subsystem_is_unknown() {
        let write = "nvme_setup_cmd: nvme5: disk=nvme5n1, qid=1, cmd=(nvme_cmd_dsm nr=0)";
        let histories = of(&[(2, LOST), (4, RELEASE), (5, write)]);
        assert_eq!(
            histories[0].first_write.as_ref().unwrap().controller,
            "nvme5"
        );
    }
}
