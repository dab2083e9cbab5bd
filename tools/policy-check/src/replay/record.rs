// SPDX-License-Identifier: GPL-2.0-only

//! A record of a trace, lived once more.
//!
//! Until a record is closed, the policy needs no terms or clocks to decide; which they were is only
//! known when it is. So what happened before is remembered, and replayed when the deadline, or
//! evidence without one, shows what they must have been. The same is done when the deadline moves, as
//! the controller is known to have noticed: only then the trace tells that a reset had failed when it
//! had begun, and what there is to wait for if there was no deadline before.

use super::event::{Event, Step};
use super::possible::{Association, CUT_OFF, Possible, associate};
use nvme_fence_policy::ccr::log::Status;
use nvme_fence_policy::wait::Notice;
use nvme_fence_policy::{
    Action, AssociationId, Belief, Clocks, Command, ControllerId, CqtSource, Deadline,
    Event as PolicyEvent, Evidence, Identity, Knobs, Nanos, Offer, Opened, ResetStep, Rule, State,
    Terms, Verdict,
};

/// A trace does not tell which controller lists one that has noticed.
const UNKNOWN_SOURCE: AssociationId = AssociationId(u64::MAX);

/// A trace does not tell CIRNs. What was reset by one has one.
const UNKNOWN_CIRN: u64 = 1;

/// A record that is replayed.
pub(super) struct Record {
    controller: String,
    identity: Identity,
    association: Possible,
    terms: Terms,
    knobs: Knobs,
    /// What happened, with the time of it: the terms may have been others than was thought.
    past: Vec<(Nanos, Input)>,
    closed: bool,
    first_hold: Option<u64>,
    evidence: Option<Evidence>,
    released: bool,
    held: u32,
    held_bytes: u64,
}

/// What the policy is given.
#[derive(Clone, Copy)]
enum Input {
    Lost,
    Hold(Command),
    Reset(AssociationId, ResetStep),
    SourceLost(AssociationId),
    /// It was closed, with these settings, and this deadline was announced.
    Closed(Option<Deadline>, Knobs),
    /// Another controller lists it among those that have noticed.
    Listed,
}

impl Record {
    pub(super) fn new(controller: String) -> Self {
        // Known when it is lost.
        let identity = Identity {
            cntlid: 0,
            ciu: 0,
            cirn: UNKNOWN_CIRN,
        };
        Self {
            controller,
            identity,
            association: Possible::new(association(identity, NO_TERMS)),
            terms: NO_TERMS,
            knobs: Knobs::DEFAULT,
            past: Vec::new(),
            closed: false,
            first_hold: None,
            evidence: None,
            released: false,
            held: 0,
            held_bytes: 0,
        }
    }

    /// Is there anything held?
    pub(super) fn is_unfinished(&self) -> bool {
        self.held > 0 && !self.released
    }

    /// Replays an event. Returns what is wrong with it.
    pub(super) fn replay(&mut self, event: &Event, tolerance: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        if event.controller != self.controller {
            wrong.push(format!("it was {}'s before", self.controller));
        }
        let at = Nanos(event.at);
        self.association.wait(at, &self.knobs);
        let by_reset = matches!(
            event.step,
            Step::Evidence {
                evidence: Evidence::Ccr,
                ..
            }
        );
        if self.evidence.is_none() && !self.association.are_reset(by_reset) {
            wrong.push(if by_reset {
                "the policy knows of no reset".into()
            } else {
                "the policy releases it before this: it was reset".into()
            });
        }
        match &event.step {
            Step::Lost { cntlid, ciu } => self.lost(at, *cntlid, *ciu, &mut wrong),
            Step::Hold {
                kind,
                bytes,
                status,
                held,
                held_bytes,
            } => {
                let command = Command {
                    kind: *kind,
                    status: *status,
                    sent: true,
                    bytes: *bytes,
                    blocks: None,
                    fails: false,
                    elsewhere: false,
                    repeatable: true,
                    holdable: true,
                };
                self.hold(at, command, &mut wrong);
                self.compare_held(*held, *held_bytes, &mut wrong);
            }
            Step::Deadline(deadline) => self.announce(at, *deadline, tolerance, &mut wrong),
            Step::Evidence {
                evidence,
                held,
                held_bytes,
            } => {
                self.fence(at, *evidence, tolerance, &mut wrong);
                self.compare_held(*held, *held_bytes, &mut wrong);
            }
            Step::Release {
                evidence,
                commands,
                bytes,
                held_ns,
            } => {
                self.release(at, *evidence, *held_ns, &mut wrong);
                self.compare_held(*commands, *bytes, &mut wrong);
            }
            Step::Reset {
                source,
                icid,
                ciu,
                step,
            } => {
                if (*icid, *ciu) != (self.identity.cntlid, self.identity.ciu) {
                    wrong.push(format!("a reset names controller {icid}, instance {ciu}"));
                }
                self.reset(at, *source, *step, &mut wrong);
            }
        }
        wrong
    }

    /// The association of another record is lost.
    pub(super) fn source_lost(&mut self, at: Nanos, source: AssociationId) {
        self.past.push((at, Input::SourceLost(source)));
        let lost = PolicyEvent::SourceLost(source);
        self.association.handle(at, lost, &self.knobs);
    }

    fn reset(
        &mut self,
        at: Nanos,
        source: AssociationId,
        step: ResetStep,
        wrong: &mut Vec<String>,
    ) {
        self.past.push((at, Input::Reset(source, step)));
        if !self.association.reset(at, source, step, &self.knobs) {
            wrong.push(format!(
                "the policy does not ask record {} to reset it: it is {}",
                source.0,
                name(self.association.any().state())
            ));
        }
    }

    fn lost(&mut self, at: Nanos, cntlid: u16, ciu: u8, wrong: &mut Vec<String>) {
        if self.past.iter().all(|(_, input)| !input.is_loss()) {
            self.identity = Identity {
                cntlid,
                ciu,
                cirn: UNKNOWN_CIRN,
            };
            self.relive();
        }
        self.past.push((at, Input::Lost));
        let actions = self.association.handle(at, PolicyEvent::Lost, &self.knobs);
        // It may have been used on in between, which is not in the trace.
        if !actions.into_iter().eq([Action::ReportLost]) && self.closed {
            wrong.push("lost once more after it was closed".into());
        }
    }

    fn hold(&mut self, at: Nanos, command: Command, wrong: &mut Vec<String>) {
        self.past.push((at, Input::Hold(command)));
        self.first_hold.get_or_insert(at.0);
        self.held += 1;
        self.held_bytes += u64::from(command.bytes);
        let knobs = self.knobs;
        let verdict = self.association.each(|one| one.hold(&command, &knobs));
        if verdict != Some(Verdict::Hold) {
            wrong.push(format!(
                "a command is held that the policy lets pass: {verdict:?}"
            ));
        }
    }

    fn compare_held(&self, held: u32, bytes: u64, wrong: &mut Vec<String>) {
        if (held, bytes) != (self.held, self.held_bytes) {
            wrong.push(format!(
                "{held} commands with {bytes} bytes are held, but {} with {} were",
                self.held, self.held_bytes
            ));
        }
    }

    /// A deadline is announced: it is closed, or its controller is known to have noticed.
    fn announce(
        &mut self,
        at: Nanos,
        told: Option<(Deadline, u64)>,
        tolerance: u64,
        wrong: &mut Vec<String>,
    ) {
        if let Some((deadline, sum)) = told {
            if deadline.at().0 != sum {
                wrong.push(format!("its parts come to {}, not {sum}", deadline.at().0));
            }
            if deadline.t_last.0 >= at.0 + CUT_OFF {
                wrong.push("it waits from a time that is still to come".into());
            }
        }
        let told = told.map(|(deadline, _)| deadline);
        match (self.closed, told) {
            (false, told) => self.close(at, told, wrong),
            (true, Some(deadline)) if matches!(deadline.rule, Rule::Noticed(_)) => {
                if at.0 > deadline.t_last.0.saturating_add(tolerance) {
                    wrong.push("what it waits for now was long ago".into());
                }
                self.notice(&deadline, wrong);
            }
            (true, _) => wrong.push("closed twice".into()),
        }
    }

    fn close(&mut self, at: Nanos, told: Option<Deadline>, wrong: &mut Vec<String>) {
        self.closed = true;
        if let Some(deadline) = &told {
            self.learn(deadline);
        }
        self.past.push((at, Input::Closed(told, self.knobs)));
        if let Some(announced) = self.relive() {
            wrong.push(format!("the policy comes to {announced:?}, not {told:?}"));
        }
    }

    /// The controller is known to have noticed, and so the deadline moves.
    fn notice(&mut self, told: &Deadline, wrong: &mut Vec<String>) {
        self.learn(told);
        if told.rule == Rule::Noticed(Notice::LostHostLog) {
            self.past.push((told.t_last, Input::Listed));
        } else if !self.fail_when_begun(told.t_last) {
            wrong.push("the policy knows of no reset that has failed".into());
        }
        if let Some(announced) = self.relive() {
            wrong.push(format!(
                "the policy would have come to {announced:?} when it was closed"
            ));
        }
        let moved = State::Fencing(Some(*told));
        if !self.association.keep(|one| one.state() == moved) {
            wrong.push(format!(
                "the policy does not move the deadline to {told:?}: it is {:?}",
                self.association.any().state()
            ));
        }
    }

    /// What was last told of a reset is that it has failed: it is known now that this was when it had
    /// begun, and when that was read. Returns whether it is so.
    fn fail_when_begun(&mut self, at: Nanos) -> bool {
        let resets = self.past.iter_mut().rev();
        let last = resets
            .map(|(when, input)| (when, input))
            .find(|(_, input)| matches!(input, Input::Reset(..)));
        let Some((when, Input::Reset(_, ResetStep::Reported(Some(Status::Failed(failure)))))) =
            last
        else {
            return false;
        };
        *when = at;
        failure.noticed = true;
        true
    }

    /// A deadline tells of terms and settings.
    fn learn(&mut self, deadline: &Deadline) {
        self.terms.tbkas |= deadline.rule == Rule::Traffic;
        self.terms.kato_ms = deadline.katt_ms;
        if deadline.rule == Rule::Notification {
            let evidence = self.knobs.evidence().with(Belief::Notification);
            self.knobs.set_evidence(evidence);
        }
        // What is out of range has no effect, and is told from what follows.
        let _in_range = match deadline.cqt_source {
            CqtSource::Controller => {
                self.terms.cqt_ms = u16::try_from(deadline.cqt_ms).unwrap_or(0);
                self.terms.cqt_ms > 0 && self.knobs.set_cqt_override_ms(0)
            }
            CqtSource::Default => {
                self.knobs.set_cqt_default_ms(deadline.cqt_ms) && self.knobs.set_cqt_override_ms(0)
            }
            CqtSource::Override => self.knobs.set_cqt_override_ms(deadline.cqt_ms),
        };
    }

    /// Lives once more, by what is known by now. Returns what the policy announces when it is closed, if
    /// that is not what was announced.
    fn relive(&mut self) -> Option<Option<Option<Deadline>>> {
        let mut another = None;
        let knobs = self.knobs;
        let mut association = Possible::new(association(self.identity, self.terms));
        for &(at, input) in &self.past {
            association.wait(at, &knobs);
            match input {
                Input::Lost => {
                    association.handle(at, PolicyEvent::Lost, &knobs);
                }
                Input::Hold(command) => {
                    association.each(|one| one.hold(&command, &knobs));
                }
                Input::Reset(source, step) => {
                    association.reset(at, source, step, &knobs);
                }
                Input::SourceLost(source) => {
                    association.handle(at, PolicyEvent::SourceLost(source), &knobs);
                }
                Input::Listed => {
                    let listed = PolicyEvent::Listed(UNKNOWN_SOURCE);
                    association.handle(at, listed, &knobs);
                }
                Input::Closed(told, knobs) => {
                    let closed = PolicyEvent::Closed(clocks(told));
                    let actions = association.handle(at, closed, &knobs);
                    let announced = actions.into_iter().find_map(|action| match action {
                        Action::ReportDeadline(deadline) => Some(deadline),
                        Action::ReportLost
                        | Action::Release(_)
                        | Action::Repeat
                        | Action::Discard => None,
                    });
                    if announced != Some(told) {
                        another = Some(announced);
                    }
                }
            }
        }
        self.association = association;
        another
    }

    fn fence(&mut self, at: Nanos, evidence: Evidence, tolerance: u64, wrong: &mut Vec<String>) {
        if self.evidence.replace(evidence).is_some() {
            wrong.push("fenced twice".into());
            return;
        }
        let due = self.association.any().deadline();
        let at = match (evidence, due) {
            // The event is younger than its time stamp by what was cut off.
            (Evidence::Time, Some(due)) if due.0 > at.0 && due.0 - at.0 < CUT_OFF => due,
            _ => at,
        };
        if evidence == Evidence::Time
            && let Some(due) = due
            && at.0 > due.0.saturating_add(tolerance)
        {
            wrong.push(format!("fenced {} ns after its deadline", at.0 - due.0));
        }
        let event = match evidence {
            // What was said of the reset has fenced it, or was found not to have.
            Evidence::Ccr => return,
            Evidence::Time => PolicyEvent::Timeout,
            Evidence::Reconnect | Evidence::ReconnectById => PolicyEvent::Reconnected(evidence),
            Evidence::Disabled => PolicyEvent::Disabled,
            Evidence::Target => {
                // Else it would not have been the evidence.
                let evidence = self.knobs.evidence().with(Belief::Target);
                self.knobs.set_evidence(evidence);
                PolicyEvent::Moved
            }
            Evidence::Admin => PolicyEvent::Release,
        };
        let state = self.association.any().state();
        let actions = self.association.handle(at, event, &self.knobs);
        if !actions.into_iter().eq([Action::Release(evidence)]) {
            wrong.push(match due {
                Some(due) if evidence == Evidence::Time && at.0 < due.0 => {
                    format!("released {} ns before its deadline", due.0 - at.0)
                }
                _ => format!(
                    "the policy does not release it for this: it is {}",
                    name(state)
                ),
            });
        }
    }

    fn release(&mut self, at: Nanos, evidence: Evidence, held_ns: u64, wrong: &mut Vec<String>) {
        if self.released {
            wrong.push("released twice".into());
        }
        self.released = true;
        match self.evidence {
            None => wrong.push("released without evidence".into()),
            Some(seen) if seen != evidence => {
                wrong.push(format!("released for {evidence:?}, but there was {seen:?}"));
            }
            Some(_) => {}
        }
        let held = at.0 - self.first_hold.unwrap_or(at.0).min(at.0);
        // Both ends are cut off, and the clock is read before the event is traced.
        if held.abs_diff(held_ns) > 1_000_000 {
            wrong.push(format!("held for {held} ns, not {held_ns}"));
        }
    }
}

impl Input {
    fn is_loss(&self) -> bool {
        matches!(self, Self::Lost)
    }
}

fn association(identity: Identity, terms: Terms) -> Association {
    associate(Opened {
        id: AssociationId(0),
        controller: ControllerId(0),
        connected: Some(Nanos(0)),
        at: Nanos(0),
        identity,
        terms,
        offer: Offer::default(),
    })
}

/// Terms under which nothing is ever fenced by time.
const NO_TERMS: Terms = Terms {
    kato_ms: 0,
    tbkas: false,
    cqt_ms: 0,
};

/// Clocks that lead to the deadline.
fn clocks(deadline: Option<Deadline>) -> Clocks {
    let (t_last, peer_closed, kato_ms) = match deadline {
        None => (Nanos(0), None, 0),
        Some(deadline) if deadline.rule == Rule::Notification => {
            (Nanos(0), Some(deadline.t_last), 0)
        }
        Some(deadline) => (deadline.t_last, None, deadline.katt_ms),
    };
    Clocks {
        keep_alive: t_last,
        sent: t_last,
        peer_closed,
        kato_ms,
    }
}

fn name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Lost => "lost, but not closed",
        State::Fencing(_) => "fencing",
        State::Fenced(_) => "fenced",
        State::Gone => "gone",
    }
}
