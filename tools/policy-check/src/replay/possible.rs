// SPDX-License-Identifier: GPL-2.0-only

//! What the policy may know of an association.
//!
//! It is `Association` that is replayed, not the whole `Subsystem`: what that decides between associations
//! depends on those that were never lost, and of these the trace tells nothing but their number, when
//! they are asked: not what they offer, nor what else their log pages say.
//!
//! The trace does not tell when the read of a log page began, and a report in which a reset is not
//! listed, or has failed, counts only if that was after the source took the reset on. So there may be
//! more than one possibility, until what follows fits only one of them.

use nvme_fence_policy::ccr::log::Status;
use nvme_fence_policy::{
    Actions, Aptitude, AssociationId, ControllerId, Event, Evidence, Identity, Knobs, Log, Nanos,
    Offer, Opened, ResetStep, Resets, State,
};

/// An association, to which resets are lent in boxes.
pub(super) type Association = nvme_fence_policy::Association<Box<Resets>>;

/// The trace cuts off what is less than a microsecond.
pub(super) const CUT_OFF: u64 = 1000;

/// All that one association may be. There is always at least one.
pub(super) struct Possible(Vec<Association>);

impl Possible {
    pub(super) fn new(association: Association) -> Self {
        Self(vec![association])
    }

    /// One of them, for what is the same in all.
    pub(super) fn any(&self) -> &Association {
        &self.0[0]
    }

    /// Tells all of them of something after which they do the same.
    pub(super) fn handle(&mut self, at: Nanos, event: Event, knobs: &Knobs) -> Actions {
        let mut actions = Actions::default();
        for association in &mut self.0 {
            actions = association.handle(at, event, knobs);
        }
        actions
    }

    /// Does the same to all of them, with the same result.
    pub(super) fn each<T>(&mut self, mut f: impl FnMut(&mut Association) -> T) -> Option<T> {
        self.0.iter_mut().map(&mut f).last()
    }

    /// Keeps those of which `f` is true. Returns whether there are any; if not, keeps all.
    pub(super) fn keep(&mut self, f: impl Fn(&Association) -> bool) -> bool {
        let fits = self.0.iter().any(&f);
        if fits {
            self.0.retain(f);
        }
        fits
    }

    /// Keeps those that a reset has fenced, or has not. Returns whether there are any.
    pub(super) fn are_reset(&mut self, reset: bool) -> bool {
        self.keep(|association| is_reset(association) == reset)
    }

    /// A reset goes on. Returns whether the policy would have asked for it; of what else happens, it
    /// is not the cause.
    pub(super) fn reset(
        &mut self,
        at: Nanos,
        source: AssociationId,
        step: ResetStep,
        knobs: &Knobs,
    ) -> bool {
        match step {
            ResetStep::Asked => {
                let wanted = self.keep(|association| may_ask(association, source, knobs));
                self.each(|association| association.ask(source, at));
                wanted
            }
            ResetStep::Answered(answer) => {
                self.handle(at, Event::Answered(source, answer), knobs);
                true
            }
            ResetStep::Reported(status) => {
                self.report(at, source, status, knobs);
                true
            }
        }
    }

    fn report(&mut self, at: Nanos, source: AssociationId, status: Option<Status>, knobs: &Knobs) {
        let mut possible: Vec<Association> = Vec::new();
        for before in &self.0 {
            for reading in [Nanos(0), at] {
                let mut association = before.clone();
                let reported = Event::Reported {
                    source,
                    status,
                    reading,
                };
                association.handle(at, reported, knobs);
                if !possible.contains(&association) {
                    possible.push(association);
                }
            }
        }
        self.0 = possible;
    }

    /// Lets time pass, but not beyond the deadline of the time rule: that one is in the trace.
    pub(super) fn wait(&mut self, until: Nanos, knobs: &Knobs) {
        let until = Nanos(until.0.saturating_add(CUT_OFF));
        for association in &mut self.0 {
            while let Some(next) = association.next_deadline() {
                let of_reset = association.deadline().is_none_or(|at| next < at);
                if next > until || !of_reset {
                    break;
                }
                let before = association.clone();
                association.handle(next, Event::Timeout, knobs);
                if *association == before {
                    // The module would hang here. The tests of the policy tell why.
                    break;
                }
            }
        }
    }
}

/// A new association, to which all is lent that it needs.
pub(super) fn associate(opened: Opened) -> Association {
    let resets = opened.resets().map(Box::new);
    Association::new(opened, resets)
}

/// Would the policy have `source` asked, as far as it is not for the source to say?
fn may_ask(association: &Association, source: AssociationId, knobs: &Knobs) -> bool {
    let source = willing(association, source);
    association.wants_reset(knobs) && Aptitude::find(association, &source, || true).is_some()
}

/// A source that can take every reset but its own.
fn willing(impacted: &Association, id: AssociationId) -> Association {
    let mut source = associate(Opened {
        id,
        controller: ControllerId(0),
        connected: Some(Nanos(0)),
        at: Nanos(0),
        identity: Identity {
            cntlid: impacted.identity().cntlid.wrapping_add(1),
            ..*impacted.identity()
        },
        terms: *impacted.terms(),
        offer: Offer {
            ccrl: 1,
            ..Offer::default()
        },
    });
    source.handle(Nanos(0), Event::Resumed, &Knobs::DEFAULT);
    if let (Some(source), Some(empty)) = (source.source_mut(), Log::parse(&[0; 8])) {
        source.begin_log_read(Nanos(0));
        source.log_read_ends(&empty, false, false, Nanos(0));
    }
    source
}

fn is_reset(association: &Association) -> bool {
    association.state() == State::Fenced(Evidence::Ccr)
}
