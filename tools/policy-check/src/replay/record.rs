// SPDX-License-Identifier: GPL-2.0-only

//! A record of a trace, lived once more.
//!
//! Until a record is closed, the policy needs no terms or clocks to decide; which they were is only
//! known when it is. So what happened before is remembered, and replayed when the deadline, or
//! evidence without one, shows what they must have been.

use super::event::{Event, Step};
use super::possible::{CUT_OFF, Possible};
use nvme_fence_policy::{
    Action, Association, AssociationId, Belief, Clocks, Command, ControllerId, CqtSource, Deadline,
    Event as PolicyEvent, Evidence, Identity, Knobs, Nanos, Offer, Opened, ResetStep, Rule, State,
    Terms, Verdict,
};

/// A trace does not tell CIRNs. What was reset by one has one.
const UNKNOWN_CIRN: u64 = 1;

/// A record that is replayed.
pub(super) struct Record {
    controller: String,
    identity: Identity,
    association: Possible,
    knobs: Knobs,
    /// What happened before the terms were known, with the time of it.
    early: Vec<(Nanos, Input)>,
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
            knobs: Knobs::DEFAULT,
            early: Vec::new(),
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
                };
                self.hold(at, command, &mut wrong);
                self.compare_held(*held, *held_bytes, &mut wrong);
            }
            Step::Deadline(deadline) => self.close(at, *deadline, &mut wrong),
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
        self.early.push((at, Input::SourceLost(source)));
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
        self.early.push((at, Input::Reset(source, step)));
        if !self.association.reset(at, source, step, &self.knobs) {
            wrong.push(format!(
                "the policy does not ask record {} to reset it: it is {}",
                source.0,
                name(self.association.any().state())
            ));
        }
    }

    fn lost(&mut self, at: Nanos, cntlid: u16, ciu: u8, wrong: &mut Vec<String>) {
        if self.early.iter().all(|(_, input)| !input.is_loss()) {
            self.identity = Identity {
                cntlid,
                ciu,
                cirn: UNKNOWN_CIRN,
            };
            (self.association, _) = self.relive(None);
        }
        self.early.push((at, Input::Lost));
        let actions = self.association.handle(at, PolicyEvent::Lost, &self.knobs);
        // It may have been used on in between, which is not in the trace.
        if !actions.into_iter().eq([Action::ReportLost]) && self.closed {
            wrong.push("lost once more after it was closed".into());
        }
    }

    fn hold(&mut self, at: Nanos, command: Command, wrong: &mut Vec<String>) {
        self.early.push((at, Input::Hold(command)));
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

    fn close(&mut self, at: Nanos, told: Option<(Deadline, u64)>, wrong: &mut Vec<String>) {
        if self.closed {
            wrong.push("closed twice".into());
            return;
        }
        self.closed = true;
        if let Some((deadline, sum)) = told
            && deadline.at().0 != sum
        {
            wrong.push(format!("its parts come to {}, not {sum}", deadline.at().0));
        }
        if told.is_some_and(|(deadline, _)| deadline.t_last.0 >= at.0 + CUT_OFF) {
            wrong.push("it waits from a time that is still to come".into());
        }
        let deadline = told.map(|(deadline, _)| deadline);
        let (association, knobs) = self.relive(deadline);
        (self.association, self.knobs) = (association, knobs);
        let clocks = clocks(deadline);
        let actions = self
            .association
            .handle(at, PolicyEvent::Closed(clocks), &self.knobs);
        let announced = actions.into_iter().find_map(|action| {
            if let Action::ReportDeadline(deadline) = action {
                Some(deadline)
            } else {
                None
            }
        });
        if announced != Some(deadline) {
            wrong.push(format!(
                "the policy comes to {announced:?}, not {deadline:?}"
            ));
        }
    }

    /// An association with the terms that the deadline names, to which the same happened.
    fn relive(&self, deadline: Option<Deadline>) -> (Possible, Knobs) {
        let mut knobs = self.knobs;
        let mut terms = NO_TERMS;
        if let Some(deadline) = deadline {
            terms.tbkas = deadline.rule == Rule::Traffic;
            terms.kato_ms = deadline.katt_ms;
            if deadline.rule == Rule::Notification {
                knobs.set_evidence(knobs.evidence().with(Belief::Notification));
            }
            // What is out of range has no effect, and is told from what follows.
            let _in_range = match deadline.cqt_source {
                CqtSource::Controller => {
                    terms.cqt_ms = u16::try_from(deadline.cqt_ms).unwrap_or(0);
                    terms.cqt_ms > 0
                }
                CqtSource::Default => knobs.set_cqt_default_ms(deadline.cqt_ms),
                CqtSource::Override => knobs.set_cqt_override_ms(deadline.cqt_ms),
            };
        }
        let mut association = Possible::new(association(self.identity, terms));
        for &(at, input) in &self.early {
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
            }
        }
        (association, knobs)
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
    Association::new(Opened {
        id: AssociationId(0),
        controller: ControllerId(0),
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
