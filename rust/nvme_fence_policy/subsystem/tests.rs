// SPDX-License-Identifier: GPL-2.0

extern crate std;
mod overlap;
mod target;

use super::*;
use crate::association::State;
use crate::ccr::answer::Answer;
use crate::ccr::log::Status;
use crate::ccr::resets::tests::{associate, lent, Association};
use crate::ccr::resets::Resets;
use crate::ccr::source::{LogRead, Offer};
use crate::evidence::Evidence;
use crate::hold::tests::WRITE;
use crate::hold::Kind;
use crate::identity::Identity;
use crate::knobs::{Belief, Beliefs, Hold};
use crate::log_page::LogPage;
use crate::output::ResetStep;
use crate::wait::{Clocks, Notice, Rule, Terms};
use std::boxed::Box;
use std::vec;
use std::vec::Vec;

const TERMS: Terms = Terms {
    kato_ms: 5000,
    tbkas: true,
    cqt_ms: 5000,
};
const A: ControllerId = ControllerId(1);
const B: ControllerId = ControllerId(2);

const fn ms(n: u64) -> Nanos {
    Nanos(1_000_000_000).after_millis(n)
}

impl Storage for Vec<Association> {
    type Lent = Box<Resets>;

    fn iter(&self) -> impl Iterator<Item = &Association> {
        self.as_slice().iter()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Association> {
        self.as_mut_slice().iter_mut()
    }
}

/// A host with one subsystem.
struct Host {
    now: Nanos,
    subsystem: Subsystem,
    associations: Vec<Association>,
    next_id: u64,
    /// Controllers have the log page 1Fh.
    lost_host_log: bool,
}

impl Host {
    fn new() -> Self {
        Self {
            now: ms(0),
            subsystem: Subsystem::new(Knobs::DEFAULT),
            associations: Vec::new(),
            next_id: 1,
            lost_host_log: false,
        }
    }

    /// A host that has associations with A and B, both of which can reset the other.
    fn with_two_paths() -> Self {
        let mut host = Self::new();
        for controller in [A, B] {
            host.open(controller);
            host.handle(Input::Resumed(controller));
        }
        host.clear_logs();
        host
    }

    /// The log pages are read that have to be read before the first question.
    fn clear_logs(&mut self) {
        while let Some(request) = self.next_request() {
            assert!(matches!(request.question, Question::ReadLog(_)));
            self.log_read(request.source, &[]);
        }
    }

    /// A new association with a controller that has another ID each time.
    fn open(&mut self, controller: ControllerId) -> AssociationId {
        let cntlid = 100 + self.next_id as u16;
        self.open_as(controller, cntlid, self.next_id).0
    }

    /// The same with this ID, and with an instance that has this number.
    fn open_as(
        &mut self,
        controller: ControllerId,
        cntlid: u16,
        instance: u64,
    ) -> (AssociationId, Vec<Output>) {
        let id = AssociationId(self.next_id);
        self.next_id += 1;
        let opened = Opened {
            id,
            controller,
            connected: Some(self.now),
            at: self.now,
            identity: Identity {
                cntlid,
                ciu: instance as u8,
                cirn: instance,
            },
            terms: TERMS,
            offer: Offer {
                ccrl: 4,
                lost_host_log: self.lost_host_log,
                ..Offer::default()
            },
        };
        let resets = lent(&opened);
        let association = self.subsystem.open(&mut self.associations, opened, resets);
        let outputs = self.take_outputs();
        self.associations.push(association);
        (id, outputs)
    }

    fn set_evidence(&mut self, evidence: Beliefs) {
        let mut knobs = *self.subsystem.knobs();
        knobs.set_evidence(evidence);
        self.subsystem.set_knobs(&mut self.associations, knobs);
    }

    fn set_hold(&mut self, hold: Hold) {
        let mut knobs = *self.subsystem.knobs();
        knobs.set_hold(hold);
        self.subsystem.set_knobs(&mut self.associations, knobs);
    }

    fn believe(&mut self, belief: Belief) {
        let evidence = self.subsystem.knobs().evidence().with(belief);
        self.set_evidence(evidence);
    }

    fn hold(&mut self, association: AssociationId) -> Fate {
        self.subsystem
            .hold(&mut self.associations, association, &WRITE)
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Output> {
        self.subsystem
            .handle(self.now, &mut self.associations, input);
        self.take_outputs()
    }

    fn take_outputs(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        while let Some(output) = self.subsystem.poll_output(&mut self.associations) {
            if let Output::Discard(id) = output {
                self.associations.retain(|one| one.id() != id);
            }
            outputs.push(output);
        }
        outputs
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

    /// An association is lost and closed with a write.
    fn lose(&mut self, controller: ControllerId) -> AssociationId {
        let id = self.current(controller);
        self.handle(Input::Lost(controller));
        assert_eq!(self.hold(id), Fate::Hold);
        self.close(controller);
        id
    }

    fn current(&self, controller: ControllerId) -> AssociationId {
        self.subsystem
            .current(&self.associations, controller)
            .unwrap()
            .id()
    }

    fn next_request(&mut self) -> Option<Request> {
        let request = self
            .subsystem
            .next_request(self.now, &mut self.associations, |_, _| false);
        self.take_outputs();
        request
    }

    fn identity(&self, id: AssociationId) -> Identity {
        *self.associations.get(id).unwrap().identity()
    }

    fn answer(&mut self, source: AssociationId, of: AssociationId, answer: Answer) -> Vec<Output> {
        let identity = self.identity(of);
        self.handle(Input::Answered {
            source,
            source_controller: B,
            identity,
            answer,
        })
    }

    /// The log page of a source is read, and these are in it, with this status.
    fn log_read(&mut self, source: AssociationId, entries: &[(Identity, u8)]) -> Vec<Output> {
        let mut page = vec![entries.len() as u8, 0, 0, 0, 0, 0, 0, 0];
        for (identity, ccrs) in entries {
            let [low, high] = identity.cntlid.to_le_bytes();
            page.extend([low, high, identity.ciu, 0, 0, 0, *ccrs, 0]);
        }
        let page = Some(page.as_slice());
        self.handle(Input::LogRead { source, page })
    }

    /// The log page 1Fh of a source is read, and these are in it.
    fn lost_host_read(&mut self, source: AssociationId, entries: &[Identity]) -> Vec<Output> {
        let mut page = vec![entries.len() as u8, 0, 0, 0, 0, 0, 0, 0];
        for identity in entries {
            let [low, high] = identity.cntlid.to_le_bytes();
            page.extend([low, high, 1, identity.ciu, 0, 0, 0, 0]);
        }
        let page = Some(page.as_slice());
        self.handle(Input::LogRead { source, page })
    }

    /// All log pages are read that are to be read now. Returns those of lost hosts, in which these are
    /// listed: whose they are, and whether the event was retained.
    fn answer_all(&mut self, listed: &[Identity]) -> Vec<(AssociationId, bool)> {
        let mut reads = Vec::new();
        while let Some(request) = self.next_request() {
            let Question::ReadLog(read) = request.question else {
                panic!("{request:?}");
            };
            if read.page == LogPage::LostHost {
                reads.push((request.source, read.retain_event));
                self.lost_host_read(request.source, listed);
            } else {
                self.log_read(request.source, &[]);
            }
        }
        reads
    }

    fn state(&self, id: AssociationId) -> State {
        self.associations.get(id).unwrap().state()
    }
}

#[test]
fn what_happens_to_a_controller_happens_to_its_open_association() {
    let mut host = Host::with_two_paths();
    assert_eq!(
        host.handle(Input::Lost(A)),
        [Output::Lost(AssociationId(1))]
    );
    assert_eq!(host.state(AssociationId(2)), State::Open);
    assert_eq!(host.close(A), [Output::Discard(AssociationId(1))]);
    for input in [Input::Lost(A), Input::Disabled(A), Input::Resumed(A)] {
        assert_eq!(host.handle(input), []);
    }
    assert_eq!(host.state(AssociationId(2)), State::Open);
}

#[test]
fn what_the_next_association_of_a_controller_goes_through_is_no_evidence_for_the_last_one() {
    let mut host = Host::with_two_paths();
    let lost = host.lose(A);
    let next = host.open(A);
    assert_eq!(host.handle(Input::Disabled(A)), []);
    assert!(matches!(host.state(lost), State::Fencing(Some(_))));
    assert_eq!(host.state(next), State::Fenced(Evidence::Disabled));
}

#[test]
fn what_comes_late_is_held_with_its_association_and_without_one_it_is_counted() {
    let mut host = Host::with_two_paths();
    let of_a = host.lose(A);
    host.open(A);
    assert_eq!(host.hold(of_a), Fate::Hold);
    let of_b = host.current(B);
    host.handle(Input::Lost(B));
    host.close(B);
    assert_eq!(host.hold(of_b), Fate::Unknown);
    let read = Command {
        kind: Kind::Read,
        ..WRITE
    };
    let fate = host.subsystem.hold(&mut host.associations, of_b, &read);
    assert_eq!(fate, Fate::Pass(PassReason::Harmless));
    host.set_hold(Hold::None);
    assert_eq!(host.hold(of_b), Fate::Pass(PassReason::Off));
}

#[test]
fn an_association_is_over_when_the_next_one_is_made() {
    let mut host = Host::new();
    let first = host.open(A);
    host.hold(first);
    host.now = ms(10);
    let second = host.open(A);
    assert!(
        matches!(host.state(first), State::Fencing(Some(deadline)) if deadline.t_last == ms(10))
    );
    assert_eq!(host.hold(second), Fate::Hold);
}

#[test]
fn a_lost_association_is_reset_through_another_controller() {
    let mut host = Host::with_two_paths();
    let lost = host.lose(A);
    assert!(host.subsystem.may_ask(&host.associations));
    let request = host.next_request().unwrap();
    let source = AssociationId(2);
    assert_eq!(request.source, source);
    assert!(
        matches!(request.question, Question::Reset(identity, _) if identity == host.identity(lost))
    );
    assert_eq!(host.next_request(), None, "one at a time");
    assert_eq!(
        host.answer(source, lost, Answer::Immediate),
        [
            Output::ResetStep {
                impacted: lost,
                source,
                source_controller: B,
                step: ResetStep::Answered(Answer::Immediate),
            },
            Output::Release(lost, Evidence::Ccr),
        ]
    );
}

#[test]
fn what_a_log_page_says_is_told_to_those_that_wait_for_this_source() {
    let mut host = Host::with_two_paths();
    let lost = host.lose(A);
    let source = host.next_request().unwrap().source;
    host.answer(source, lost, Answer::Accepted);
    host.handle(Input::ResetCompleted(B));
    let look = host.next_request().unwrap();
    assert!(matches!(look.question, Question::ReadLog(read) if !read.remove_completed));
    let stranger = Identity {
        cntlid: 77,
        ..host.identity(lost)
    };
    let entries = [(host.identity(lost), 1), (stranger, 1)];
    assert_eq!(
        host.log_read(source, &entries),
        [
            Output::ResetStep {
                impacted: lost,
                source,
                source_controller: B,
                step: ResetStep::Reported(Some(Status::Success)),
            },
            Output::Release(lost, Evidence::Ccr),
            Output::LogUnmatched(source, 1),
        ]
    );
}

#[test]
fn a_log_page_that_makes_no_sense_is_counted() {
    let mut host = Host::new();
    let source = host.open(A);
    host.handle(Input::Resumed(A));
    for page in [None, Some([255; 8].as_slice())] {
        assert!(host.next_request().is_some());
        let outputs = host.handle(Input::LogRead { source, page });
        assert_eq!(outputs, [Output::LogUnreadable(source)]);
        host.now = host.subsystem.next_deadline(&host.associations).unwrap();
        host.handle(Input::Timeout);
    }
}

#[test]
fn a_lost_source_is_no_obstacle_to_asking_another_one() {
    let mut host = Host::with_two_paths();
    let third = ControllerId(3);
    host.open(third);
    host.handle(Input::Resumed(third));
    host.clear_logs();
    let lost = host.lose(A);
    let first = host.next_request().unwrap().source;
    host.answer(first, lost, Answer::Accepted);
    assert_eq!(host.next_request(), None, "a result is awaited");
    let controller = host.associations.get(first).unwrap().controller();
    host.handle(Input::Lost(controller));
    let second = host.next_request().unwrap().source;
    assert_ne!(first, second);
}

#[test]
fn a_source_that_could_not_be_asked_has_not_failed() {
    let mut host = Host::with_two_paths();
    let lost = host.lose(A);
    let source = host.next_request().unwrap().source;
    host.answer(source, lost, Answer::NotSent);
    assert_eq!(host.next_request(), None, "it is not ready");
    host.now = host.subsystem.next_deadline(&host.associations).unwrap();
    assert_eq!(host.handle(Input::Timeout), []);
    let again = host.next_request().unwrap();
    assert_eq!(again.source, source);
    assert!(matches!(again.question, Question::Reset(..)));
}

#[test]
fn a_source_that_did_not_answer_is_asked_for_nobody() {
    let mut host = Host::with_two_paths();
    for controller in [ControllerId(3), ControllerId(4)] {
        host.open(controller);
        host.handle(Input::Resumed(controller));
    }
    host.clear_logs();
    let lost = host.lose(A);
    let silent = host.next_request().unwrap().source;
    host.answer(silent, lost, Answer::Unanswered);
    while let Some(request) = host.next_request() {
        assert_ne!(request.source, silent);
        host.answer(request.source, lost, Answer::Immediate);
    }
    let controller = host.associations.get(AssociationId(4)).unwrap();
    let lost = host.lose(controller.controller());
    let asked = host.next_request().unwrap();
    assert!(
        matches!(asked.question, Question::Reset(identity, _) if identity == host.identity(lost))
    );
    assert_ne!(asked.source, silent);
    host.answer(asked.source, lost, Answer::Refused);
    assert_eq!(host.next_request(), None);
}

#[test]
fn the_administrators_word_is_about_one_controller_or_about_those_that_are_removed() {
    let mut host = Host::with_two_paths();
    let (of_a, of_b) = (host.lose(A), host.lose(B));
    assert_eq!(host.handle(Input::Release(Scope::Removed)), []);
    assert_eq!(
        host.handle(Input::Release(Scope::Controller(A))),
        [Output::Release(of_a, Evidence::Admin)]
    );
    host.handle(Input::Removed(B));
    assert_eq!(
        host.handle(Input::Release(Scope::Removed)),
        [Output::Release(of_b, Evidence::Admin)]
    );
}

#[test]
fn every_association_is_released_at_its_own_deadline() {
    for [first, second] in [[A, B], [B, A]] {
        let mut host = Host::with_two_paths();
        let by_time = Beliefs::NONE.with(Belief::Time);
        host.set_evidence(by_time);
        let lost_first = host.lose(first);
        host.now = ms(1_000);
        let lost_second = host.lose(second);
        for (id, at) in [(lost_first, ms(20_000)), (lost_second, ms(21_000))] {
            assert_eq!(host.subsystem.next_deadline(&host.associations), Some(at));
            host.now = Nanos(at.0 - 1);
            assert_eq!(host.handle(Input::Timeout), []);
            host.now = at;
            let released = host.handle(Input::Timeout);
            assert_eq!(released, [Output::Release(id, Evidence::Time)]);
        }
        let drained = Input::Drained {
            association: lost_first,
            commands: 1,
            bytes: 4096,
        };
        assert_eq!(host.handle(drained), [Output::Discard(lost_first)]);
    }
}

#[test]
fn the_sum_is_of_one_controller_or_of_those_that_are_removed() {
    let mut host = Host::with_two_paths();
    host.lose(A);
    host.now = ms(1_000);
    host.lose(B);
    let sum = host.subsystem.sum(&host.associations, Scope::Controller(A));
    let at = |sum: &Sum| sum.deadline.map(|deadline| deadline.at());
    assert_eq!((sum.held, sum.held_bytes), (1, 4096));
    assert_eq!(at(&sum), Some(ms(20_000)));
    let removed = host.subsystem.sum(&host.associations, Scope::Removed);
    assert_eq!(removed, Sum::default());
    host.handle(Input::Removed(B));
    let mut both = host.subsystem.sum(&host.associations, Scope::Removed);
    both.join(&sum);
    assert_eq!((both.held, both.held_bytes), (2, 8192));
    assert_eq!(at(&both), Some(ms(21_000)));

    // Of what is not closed yet, nobody knows until when.
    let second = host.open(A);
    host.hold(second);
    host.handle(Input::Lost(A));
    host.handle(Input::Release(Scope::Controller(A)));
    let sum = host.subsystem.sum(&host.associations, Scope::Controller(A));
    assert_eq!(sum.vouched, 1);
    assert_eq!(sum.held_without_deadline, 2, "the first is being sent on");
}

#[test]
fn another_instance_of_a_controller_fences_all_its_older_associations() {
    let mut host = Host::new();
    let (first, _) = host.open_as(A, 1, 1);
    host.lose(A);
    let (second, outputs) = host.open_as(A, 2, 2);
    assert_eq!(outputs, [], "another controller");
    host.lose(A);
    // The same path or another one, it makes no difference.
    let (_, outputs) = host.open_as(B, 1, 3);
    assert_eq!(outputs, [Output::Release(first, Evidence::Reconnect)]);
    let (_, outputs) = host.open_as(A, 2, 4);
    assert_eq!(outputs, [Output::Release(second, Evidence::Reconnect)]);
}

#[test]
fn the_same_id_fences_if_the_administrator_says_so() {
    for believed in [false, true] {
        let mut host = Host::new();
        if believed {
            host.believe(Belief::ReconnectById);
        }
        let (first, _) = host.open_as(A, 1, 0);
        host.lose(A);
        let (_, outputs) = host.open_as(A, 1, 0);
        let release = Output::Release(first, Evidence::ReconnectById);
        assert_eq!(outputs, if believed { vec![release] } else { vec![] });
    }
}

#[test]
fn ids_that_two_controllers_have_at_once_prove_nothing_any_more() {
    let mut host = Host::new();
    host.believe(Belief::ReconnectById);
    let (first, _) = host.open_as(A, 1, 1);
    let (_, outputs) = host.open_as(B, 1, 2);
    assert_eq!(outputs, [Output::RepeatedId(first, B)]);
    host.lose(A);
    let (_, outputs) = host.open_as(A, 1, 3);
    // It is told once.
    assert_eq!(outputs, []);
    host.lose(A);
    let (_, outputs) = host.open_as(A, 1, 4);
    assert_eq!(outputs, []);
}

/// Two paths whose controllers have the log page 1Fh, of which A is lost, and nobody is asked to reset
/// it. Returns the lost association, and that of B.
fn with_lost_host_log() -> (Host, AssociationId, AssociationId) {
    let mut host = Host::new();
    host.lost_host_log = true;
    for controller in [A, B] {
        host.open(controller);
        host.handle(Input::Resumed(controller));
    }
    host.clear_logs();
    let others = host.subsystem.knobs().evidence().without(Belief::Ccr);
    host.set_evidence(others);
    let lost = host.lose(A);
    let source = host.current(B);
    (host, lost, source)
}

/// The log page 1Fh of this source is to be read now.
fn reads_lost_host_log(host: &mut Host, source: AssociationId) -> LogRead {
    let request = host.next_request().unwrap();
    let Question::ReadLog(read) = request.question else {
        panic!("{request:?}");
    };
    assert_eq!((request.source, read.page), (source, LogPage::LostHost));
    read
}

#[test]
fn who_is_listed_by_another_has_noticed_and_only_quiesces() {
    let (mut host, lost, source) = with_lost_host_log();
    assert!(reads_lost_host_log(&mut host, source).retain_event);
    assert_eq!(host.lost_host_read(source, &[]), []);
    assert_eq!(host.next_request(), None);

    host.now = host.subsystem.next_deadline(&host.associations).unwrap();
    assert_eq!(host.now, ms(1_000), "it is read now and then");
    host.handle(Input::Timeout);
    reads_lost_host_log(&mut host, source);
    let listed = host.identity(lost);
    let outputs = host.lost_host_read(source, &[listed]);
    let [Output::Deadline(id, Some(deadline))] = outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!((id, deadline.at()), (lost, ms(6_000)));
    assert_eq!(deadline.rule, Rule::Noticed(Notice::LostHostLog));
    // It is known: nobody has to be asked any more.
    assert_eq!(host.next_request(), None);
    assert_eq!(
        host.subsystem.next_deadline(&host.associations),
        Some(ms(6_000))
    );
    host.now = ms(6_000);
    let released = host.handle(Input::Timeout);
    assert_eq!(released, [Output::Release(lost, Evidence::Time)]);
}

#[test]
fn who_is_not_listed_has_not_noticed() {
    let (mut host, lost, source) = with_lost_host_log();
    let identity = host.identity(lost);
    let others = [
        Identity {
            ciu: identity.ciu + 1,
            ..identity
        },
        Identity {
            cntlid: identity.cntlid + 1,
            ..identity
        },
    ];
    reads_lost_host_log(&mut host, source);
    assert_eq!(host.lost_host_read(source, &others), []);
}

#[test]
fn a_controller_is_no_witness_of_itself_and_not_of_what_is_in_use() {
    let (mut host, lost, source) = with_lost_host_log();
    let of_b = host.identity(source);
    reads_lost_host_log(&mut host, source);
    assert_eq!(host.lost_host_read(source, &[of_b]), []);
    assert_eq!(host.state(source), State::Open);
    assert!(matches!(host.state(lost), State::Fencing(_)));
}

#[test]
fn an_event_is_taken_when_nobody_waits_any_more() {
    let (mut host, lost, source) = with_lost_host_log();
    reads_lost_host_log(&mut host, source);
    host.lost_host_read(source, &[]);
    host.handle(Input::HostLost(B));
    assert!(reads_lost_host_log(&mut host, source).retain_event);
    let listed = host.identity(lost);
    host.lost_host_read(source, &[listed]);
    assert!(!reads_lost_host_log(&mut host, source).retain_event);
    host.lost_host_read(source, &[listed]);
    assert_eq!(host.next_request(), None);
}

#[test]
fn a_page_that_makes_no_sense_is_counted_and_read_again() {
    let (mut host, _, source) = with_lost_host_log();
    reads_lost_host_log(&mut host, source);
    let page = Some(&[1u8, 0][..]);
    let outputs = host.handle(Input::LogRead { source, page });
    assert_eq!(outputs, [Output::LogUnreadable(source)]);
    host.now = host.subsystem.next_deadline(&host.associations).unwrap();
    host.handle(Input::Timeout);
    reads_lost_host_log(&mut host, source);
}

#[test]
fn noticing_makes_no_difference_if_time_does_not_count() {
    let (mut host, lost, source) = with_lost_host_log();
    let read = reads_lost_host_log(&mut host, source);
    assert!(read.retain_event);
    let others = host.subsystem.knobs().evidence().without(Belief::Time);
    host.set_evidence(others);
    let listed = host.identity(lost);
    assert_eq!(host.lost_host_read(source, &[listed]), []);
}

#[test]
fn an_entry_that_will_be_needed_is_not_cleared() {
    let (mut host, lost, source) = with_lost_host_log();
    let c = ControllerId(3);
    let later = host.open(c);
    host.handle(Input::Resumed(c));
    host.handle(Input::HostLost(B));
    let listed = [host.identity(lost), host.identity(later)];
    let reads = host.answer_all(&listed);
    assert!(reads.iter().any(|(id, _)| *id == source));
    // Nobody waits any more, but the second one will.
    assert!(reads.iter().all(|(_, retained)| *retained), "{reads:?}");
    host.lose(c);
    // When that has read what it needs, the event is taken.
    assert_eq!(
        host.answer_all(&listed)[..],
        [(source, true), (source, false)]
    );
    let State::Fencing(Some(deadline)) = host.state(later) else {
        panic!("{:?}", host.state(later));
    };
    assert_eq!(deadline.rule, Rule::Noticed(Notice::LostHostLog));
}

#[test]
fn what_counts_from_now_on_is_asked_for_from_now_on() {
    let (mut host, lost, source) = with_lost_host_log();
    reads_lost_host_log(&mut host, source);
    host.lost_host_read(source, &[]);
    let without_time = Beliefs::NONE.with(Belief::Disabled);
    host.set_evidence(without_time);
    assert_eq!(host.next_request(), None);
    host.set_evidence(without_time.with(Belief::Time));
    reads_lost_host_log(&mut host, source);
    let listed = host.identity(lost);
    assert!(matches!(
        host.lost_host_read(source, &[listed])[..],
        [Output::Deadline(..)]
    ));
}

#[test]
fn one_list_is_read_at_a_time_and_one_that_cannot_be_is_left_alone() {
    let (mut host, _, source) = with_lost_host_log();
    let c = ControllerId(3);
    let other = host.open(c);
    host.handle(Input::Resumed(c));
    reads_lost_host_log(&mut host, source);
    let own = host.next_request().map(|request| {
        host.log_read(request.source, &[]);
        request.source
    });
    assert_ne!(own, Some(source));
    assert_eq!(host.next_request(), None, "the other one has to wait");
    host.handle(Input::LogRead { source, page: None });
    reads_lost_host_log(&mut host, other);
    host.lost_host_read(other, &[]);
    for _ in 0..5 {
        host.now = host.subsystem.next_deadline(&host.associations).unwrap();
        host.handle(Input::Timeout);
        while let Some(request) = host.next_request() {
            assert_eq!(request.source, other);
            host.lost_host_read(other, &[]);
        }
    }
}

#[test]
fn a_list_whose_read_could_not_be_sent_is_read_later() {
    let (mut host, lost, source) = with_lost_host_log();
    reads_lost_host_log(&mut host, source);
    assert_eq!(host.handle(Input::LogNotSent { source }), []);
    assert_eq!(host.next_request(), None, "it is not ready");
    host.now = host.subsystem.next_deadline(&host.associations).unwrap();
    host.handle(Input::Timeout);
    reads_lost_host_log(&mut host, source);
    let listed = host.identity(lost);
    assert!(matches!(
        host.lost_host_read(source, &[listed])[..],
        [Output::Deadline(..)]
    ));
}

#[test]
fn where_ids_repeat_no_list_is_read() {
    let (mut host, _, source) = with_lost_host_log();
    reads_lost_host_log(&mut host, source);
    host.lost_host_read(source, &[]);
    let (_, outputs) = host.open_as(ControllerId(3), host.identity(source).cntlid, 9);
    assert!(
        matches!(outputs[..], [Output::RepeatedId(..)]),
        "{outputs:?}"
    );
    host.now = host.subsystem.next_deadline(&host.associations).unwrap();
    host.handle(Input::Timeout);
    assert_eq!(host.next_request(), None);
}

#[test]
fn who_said_that_it_is_reset_is_asked_again_if_that_was_not_believed() {
    let mut host = Host::with_two_paths();
    let lost = host.lose(A);
    let source = host.next_request().unwrap().source;
    let all = host.subsystem.knobs().evidence();
    host.set_evidence(all.without(Belief::Ccr));
    let outputs = host.answer(source, lost, Answer::Immediate);
    assert!(matches!(outputs[..], [Output::ResetStep { .. }]));
    host.set_evidence(all);
    while host.now < ms(20_000) {
        host.now = host.subsystem.next_deadline(&host.associations).unwrap();
        host.handle(Input::Timeout);
        if let Some(again) = host.next_request() {
            assert!(
                matches!(again.question, Question::Reset(identity, _) if identity == host.identity(lost))
            );
            return;
        }
    }
    panic!("nobody is asked any more");
}

#[test]
fn where_ids_repeat_names_prove_nothing_either_and_what_was_remembered_is_void() {
    let mut host = Host::new();
    host.lost_host_log = true;
    host.believe(Belief::ReconnectById);
    let (first, _) = host.open_as(A, 1, 1);
    host.hold(first);
    host.handle(Input::Lost(A));
    let (second, _) = host.open_as(B, 1, 2);
    host.handle(Input::Resumed(B));
    let c = ControllerId(3);
    let (_, outputs) = host.open_as(c, 1, 3);
    assert!(matches!(outputs[..], [Output::RepeatedId(_, repeated)] if repeated == c));
    host.handle(Input::Resumed(c));
    let outputs = host.close(A);
    assert!(matches!(outputs[..], [Output::Deadline(..)]), "{outputs:?}");
    let listed = host.identity(first);
    while let Some(request) = host.next_request() {
        assert_eq!(host.lost_host_read(request.source, &[listed]), []);
    }
    // Who has seen to it that IDs are worth something says so.
    host.believe(Belief::ReconnectById);
    reads_lost_host_log(&mut host, second);
    assert!(matches!(
        host.lost_host_read(second, &[listed])[..],
        [Output::Deadline(..)]
    ));
}

#[test]
fn what_becomes_known_later_but_was_connected_before_proves_nothing() {
    let mut host = Host::new();
    let (first, _) = host.open_as(A, 1, 1);
    host.lose(A);
    let opened = Opened {
        connected: Some(Nanos(host.now.0 - 1)),
        id: AssociationId(9),
        controller: B,
        identity: Identity {
            cntlid: 1,
            ciu: 2,
            cirn: 2,
        },
        ..host.associations.get(first).unwrap().opened().clone()
    };
    let resets = lent(&opened);
    let association = host.subsystem.open(&mut host.associations, opened, resets);
    assert_eq!(host.take_outputs(), []);
    host.associations.push(association);
    assert!(matches!(host.state(first), State::Fencing(_)));
}

#[test]
fn an_event_from_before_the_policy_came_is_taken() {
    let mut host = Host::new();
    host.lost_host_log = true;
    for (connected, reads) in [(Some(host.now), vec![]), (None, vec![true, false])] {
        let (id, _) = host.open_as(A, 1, 1);
        let adopted = associate(Opened {
            connected,
            ..host.associations.get(id).unwrap().opened().clone()
        });
        host.associations = vec![adopted];
        host.handle(Input::Resumed(A));
        let expected: Vec<_> = reads.into_iter().map(|retained| (id, retained)).collect();
        assert_eq!(host.answer_all(&[]), expected);
        // Not once more.
        host.handle(Input::Timeout);
        assert_eq!(host.answer_all(&[]), []);
    }
}
