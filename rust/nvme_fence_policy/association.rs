// SPDX-License-Identifier: GPL-2.0

//! The life of a record: our state for one association.
//!
//! ```text
//!  Open --lost--> Lost --closed--> Fencing --evidence--> Fenced --drained--> Gone
//!   ^               | |                                    ^
//!   `----resumed----' `-------------disabled---------------'
//! ```
//!
//! An association is *lost* when the host gives it up, and *closed* when the host has terminated all
//! its connections and can send nothing on it any more. Only then does the time rule apply, and only
//! then is another controller asked to reset it. That the controller was disabled can come before:
//! then it is over, whatever the host still sends.
//! An association that is closed and holds nothing is gone at once.

mod event;
mod outbox;
mod resets;
#[cfg(test)]
mod tests;
mod view;

pub use event::{Action, Actions, Event};

use self::outbox::Outbox;
use crate::ccr::resets::Lent;
use crate::ccr::source::Offer;
use crate::ccr::tries::Shown;
use crate::evidence::Evidence;
use crate::hold::{Command, PassReason, Verdict};
use crate::identity::{AssociationId, ControllerId, Identity};
use crate::knobs::{Belief, Knobs};
use crate::output::{Output, ResetStep};
use crate::overlap::{Blocks, Slot, Tracked};
use crate::time::Nanos;
use crate::wait::{Clocks, Deadline, Notice, Rule, Terms};

/// Where an association is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Commands may be sent on it.
    Open,
    /// The host has given it up, but may not have stopped sending on it yet.
    Lost,
    /// It is closed, and held commands wait for evidence: by time at this deadline, if there is one.
    Fencing(Option<Deadline>),
    /// It is proven that no command can execute any more; what was held is being sent on.
    Fenced(Evidence),
    /// Nothing is left to do.
    Gone,
}

/// What is known of an association when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Which one it is.
    pub id: AssociationId,
    /// Which controller of the host it is with.
    pub controller: ControllerId,
    /// When Connect was sent; [`None`] if the association was there before the policy.
    pub connected: Option<Nanos>,
    /// When the controller was identified, or the policy was told of an association that was there.
    pub at: Nanos,
    /// What identifies it on the wire.
    pub identity: Identity,
    /// What its wait depends on.
    pub terms: Terms,
    /// What it offers as a source of Cross-Controller Resets.
    pub offer: Offer,
}

/// Our state for one association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association<L> {
    opened: Opened,
    state: State,
    /// The host has terminated all connections.
    closed: bool,
    /// What proved that the controller can execute nothing any more, when the association was lost and
    /// not closed yet. It counts when the host can send nothing any more either.
    proven: Option<Evidence>,
    /// Commands that are held or being sent on.
    held: u32,
    held_bytes: u64,
    /// What is tracked for it.
    tracked: Tracked,
    /// It is released, and nobody has said yet that all is sent on. That may be nothing at all: what
    /// is tracked may be on its way already.
    releasing: bool,
    /// It is a path that is in use: commands can be sent on it.
    in_use: bool,
    /// What is remembered of resets, if that is lent.
    resets: Option<L>,
    /// There was a usable path through another port to the namespace of a command that is held.
    elsewhere: bool,
    /// The association whose log page 1Fh has last listed it.
    listed_by: Option<AssociationId>,
    /// The controller is removed from the host.
    removed: bool,
    /// What is to be done about it.
    outbox: Outbox,
}

impl<L: Lent> Association<L> {
    /// A new association, to which this is lent: what [`Opened::resets`] says.
    pub const fn new(opened: Opened, resets: Option<L>) -> Self {
        Self {
            state: State::Open,
            closed: false,
            proven: None,
            held: 0,
            held_bytes: 0,
            tracked: Tracked::NOTHING,
            releasing: false,
            in_use: false,
            resets,
            elsewhere: false,
            listed_by: None,
            removed: false,
            outbox: Outbox::EMPTY,
            opened,
        }
    }

    /// Whether it makes a difference that its controller has noticed, and that is not known yet.
    pub(crate) fn awaits_notice(&self, knobs: &Knobs) -> bool {
        let unnoticed = match self.state {
            State::Fencing(Some(deadline)) => match deadline.rule {
                Rule::Command | Rule::Traffic => true,
                Rule::Notification | Rule::Noticed(_) => false,
            },
            State::Fencing(None) => true,
            State::Open | State::Lost | State::Fenced(_) | State::Gone => false,
        };
        unnoticed && self.opened.identity.ciu != 0 && knobs.believes(Belief::Time)
    }

    /// Whether a log page lists it, and it will be looked for there when it is closed.
    pub(crate) const fn needs_entry(&self) -> bool {
        match self.state {
            State::Open | State::Lost => self.listed_by.is_some(),
            State::Fencing(_) | State::Fenced(_) | State::Gone => false,
        }
    }

    /// That a controller is connected again proves nothing here, not even what was remembered.
    pub(crate) fn forget_reconnect(&mut self) {
        self.proven
            .take_if(|evidence| matches!(evidence, Evidence::Reconnect | Evidence::ReconnectById));
    }

    /// When [`Event::Timeout`] will have an effect, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Nanos> {
        let of_resets = match self.state {
            State::Open => self.source().next_deadline(),
            State::Fencing(_) => self.tries().next_deadline(),
            State::Lost | State::Fenced(_) | State::Gone => None,
        };
        [self.deadline(), of_resets].into_iter().flatten().min()
    }

    fn verdict(&self, command: &Command, knobs: &Knobs) -> Verdict {
        match self.state {
            State::Open | State::Lost | State::Fencing(_) => command.verdict(knobs),
            State::Fenced(_) | State::Gone => Verdict::Pass(PassReason::Fenced),
        }
    }

    /// Decides on a command of this association that did not succeed. If it is to be held, it counts
    /// as held from now on.
    pub fn hold(&mut self, command: &Command, knobs: &Knobs) -> Verdict {
        let verdict = self.verdict(command, knobs);
        if verdict == Verdict::Hold {
            self.elsewhere |= command.elsewhere;
            self.count_held(command.bytes);
        }
        verdict
    }

    /// Tracks a command that is held, if that is possible: then it is to be sent again when that is
    /// said.
    pub(crate) fn track(&mut self, command: &Command, slots: &mut [Slot]) -> bool {
        let Some(blocks) = command.blocks else {
            return false;
        };
        if command.may_be_repeated() {
            return self.tracked.add(slots, blocks);
        }
        self.tracked.meets(slots, &blocks);
        false
    }

    /// The same for a command that can not be held: if it had to be, its blocks are tracked.
    pub(crate) fn track_unheld(
        &mut self,
        command: &Command,
        knobs: &Knobs,
        slots: &mut [Slot],
    ) -> Verdict {
        let verdict = self.verdict(command, knobs);
        if verdict == Verdict::Hold {
            self.tracked.add_unheld(slots, command.blocks);
        }
        verdict
    }

    /// Has a new write wait, if it overlaps what is tracked. It counts as held then.
    pub(crate) fn detain(&mut self, slots: &[Slot], write: &Blocks, bytes: u32) -> bool {
        let waits = self.tracked.detain(slots, write);
        if waits {
            self.count_held(bytes);
        }
        waits
    }

    fn count_held(&mut self, bytes: u32) {
        self.held = self.held.saturating_add(1);
        self.held_bytes = self.held_bytes.saturating_add(u64::from(bytes));
    }

    fn count_sent_on(&mut self, commands: u32, bytes: u64) {
        self.held = self.held.saturating_sub(commands);
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
    }

    /// Whether anything waits for evidence, or would if it came.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.held != 0 || !self.tracked.is_empty()
    }

    /// The controller is removed from the host: nothing will be known of it but what is held.
    pub(crate) fn mark_removed(&mut self) {
        self.removed = true;
    }

    /// As [`Self::handle`]; what is to be done is to be taken by [`Self::take_output`].
    pub(crate) fn note(&mut self, now: Nanos, event: Event, knobs: &Knobs) {
        let actions = self.handle(now, event, knobs);
        self.outbox.add(actions);
    }

    /// A reset of it through `source` goes on.
    pub(crate) fn note_reset_step(
        &mut self,
        source: AssociationId,
        controller: ControllerId,
        step: ResetStep,
    ) {
        self.outbox.add_reset_step(source, controller, step);
    }

    /// Its log page has so many completed entries that are not about what it was asked for.
    pub(crate) fn note_unmatched(&mut self, entries: u16) {
        self.outbox.add_unmatched(entries);
    }

    /// Its log page could not be read, or made no sense.
    pub(crate) fn note_unreadable(&mut self) {
        self.outbox.add_unreadable();
    }

    /// This controller has the same ID, and both are in use.
    pub(crate) fn note_repeated_id(&mut self, newcomer: ControllerId) {
        self.outbox.add_repeated_id(newcomer);
    }

    /// The array does not arbitrate paths.
    pub(crate) fn note_paths_shared(&mut self) {
        self.outbox.add_paths_shared();
    }

    /// What is to be done next.
    pub(crate) fn take_output(&mut self) -> Option<Output> {
        self.outbox.take(self.opened.id, self.state)
    }

    /// Takes note of an event and says what is to be done.
    pub fn handle(&mut self, now: Nanos, event: Event, knobs: &Knobs) -> Actions {
        match (self.state, event) {
            (State::Open, Event::Lost) => {
                self.state = State::Lost;
                self.leave_service();
                Actions::one(Action::ReportLost)
            }
            (State::Open, Event::Closed(clocks)) => {
                let then = self.close(&clocks, knobs);
                Actions::two(Action::ReportLost, then)
            }
            (State::Open, Event::Detached) => {
                let then = self.close(&self.clocks_at_latest(now), knobs);
                Actions::two(Action::ReportLost, then)
            }
            (State::Lost, Event::Closed(clocks)) => Actions::one(self.close(&clocks, knobs)),
            (State::Lost, Event::Detached) => {
                Actions::one(self.close(&self.clocks_at_latest(now), knobs))
            }

            // Only before it is closed: what comes later is about another association.
            (State::Open | State::Lost, Event::Disabled) => {
                self.fence_if(knobs.believes(Belief::Disabled), Evidence::Disabled)
            }

            (State::Open | State::Lost, Event::Resumed) => {
                self.state = State::Open;
                // What is in use can execute.
                self.proven = None;
                self.listed_by = None;
                // What commands wait for is given up once more: their wait begins with its end.
                if !self.is_waited_for() {
                    self.enter_service();
                    // There may have been an event before the policy was there to hear it.
                    if self.opened.connected.is_none() {
                        self.note_lost_host_event();
                    }
                }
                Actions::NONE
            }

            // Nobody can vouch for what the host may still send.
            (State::Lost, Event::Release) => self.remember(Evidence::Admin),
            (State::Fencing(_), Event::Release) => self.fence(Evidence::Admin),

            (State::Lost, Event::Reconnected(evidence)) => self.remember(evidence),
            (State::Fencing(_), Event::Reconnected(evidence)) => self.fence(evidence),

            // Not before it is closed: until then more may be given up, for other namespaces. Nobody looks
            // at the namespaces of what is tracked.
            (State::Fencing(_), Event::Moved) => self.fence_if(
                knobs.believes(Belief::Target) && !self.elsewhere && self.tracked.is_empty(),
                Evidence::Target,
            ),

            (State::Fencing(Some(deadline)), Event::Timeout) if now >= deadline.at() => {
                self.fence(Evidence::Time)
            }
            (State::Fencing(_), Event::Timeout) => {
                if let Some(tries) = self.tries_mut() {
                    tries.timeout(now);
                }
                Actions::NONE
            }
            (State::Open, Event::Timeout) => {
                if let Some(source) = self.source_mut() {
                    source.timeout(now);
                }
                Actions::NONE
            }

            (State::Fencing(_), Event::Answered(source, answer)) => {
                let reset = self.answered(source, answer, now);
                self.fence_by_reset(reset, knobs)
            }
            (
                State::Fencing(_),
                Event::Reported {
                    source,
                    status,
                    reading,
                },
            ) => match self.reported(source, status, reading, now) {
                Shown::Nothing => Actions::NONE,
                Shown::Noticed => self.notice(Notice::FailedReset, now, knobs),
                Shown::Reset => self.fence_by_reset(true, knobs),
            },
            (State::Fencing(_), Event::Listed(source)) => {
                self.listed_by = Some(source);
                self.notice(Notice::LostHostLog, now, knobs)
            }
            // The host may still send: it is looked for once more when that is over.
            (State::Open | State::Lost, Event::Listed(source)) => {
                self.listed_by = Some(source);
                Actions::NONE
            }
            (State::Fencing(_), Event::SourceLost(source)) => {
                if let Some(tries) = self.tries_mut() {
                    tries.forget(source);
                }
                Actions::NONE
            }

            (State::Fenced(_), Event::Closed(_) | Event::Detached) => {
                self.closed = true;
                self.discard_if_drained()
            }
            (State::Fenced(_), Event::Drained { commands, bytes }) => {
                self.releasing = false;
                self.count_sent_on(commands, bytes);
                self.discard_if_drained()
            }
            (State::Fenced(_), Event::Repeated { commands, bytes }) => {
                self.count_sent_on(commands, bytes);
                self.discard_if_drained()
            }

            // Not before it is closed: until then the host may send more.
            (State::Fencing(_), Event::Emptied) if self.tracked.set_emptied() => {
                Actions::one(Action::Repeat)
            }
            (State::Fencing(_), Event::Repeated { commands, bytes }) => {
                self.count_sent_on(commands, bytes);
                Actions::NONE
            }

            // Nobody was asked about it before it is closed: an answer is about another association,
            // which calls itself the same. Nor does another association that calls itself the same prove
            // anything about one that is in use.
            (
                State::Open,
                Event::Release
                | Event::Reconnected(_)
                | Event::Moved
                | Event::Answered(..)
                | Event::Reported { .. }
                | Event::SourceLost(_)
                | Event::Drained { .. }
                | Event::Emptied
                | Event::Repeated { .. },
            )
            | (
                State::Lost,
                Event::Lost
                | Event::Moved
                | Event::Answered(..)
                | Event::Reported { .. }
                | Event::SourceLost(_)
                | Event::Timeout
                | Event::Drained { .. }
                | Event::Emptied
                | Event::Repeated { .. },
            )
            | (
                State::Fencing(_),
                Event::Lost
                | Event::Resumed
                | Event::Disabled
                | Event::Closed(_)
                | Event::Detached
                | Event::Drained { .. }
                | Event::Emptied,
            )
            | (
                State::Fenced(_),
                Event::Lost
                | Event::Resumed
                | Event::Disabled
                | Event::Release
                | Event::Reconnected(_)
                | Event::Moved
                | Event::Answered(..)
                | Event::Reported { .. }
                | Event::Listed(_)
                | Event::SourceLost(_)
                | Event::Timeout
                | Event::Emptied,
            )
            | (
                State::Gone,
                Event::Lost
                | Event::Resumed
                | Event::Disabled
                | Event::Closed(_)
                | Event::Detached
                | Event::Release
                | Event::Reconnected(_)
                | Event::Moved
                | Event::Answered(..)
                | Event::Reported { .. }
                | Event::Listed(_)
                | Event::SourceLost(_)
                | Event::Timeout
                | Event::Drained { .. }
                | Event::Emptied
                | Event::Repeated { .. },
            ) => Actions::NONE,
        }
    }

    /// Nothing is known but that nothing was sent after `now`.
    const fn clocks_at_latest(&self, now: Nanos) -> Clocks {
        Clocks {
            keep_alive: now,
            sent: now,
            peer_closed: None,
            kato_ms: self.opened.terms.kato_ms,
        }
    }

    fn close(&mut self, clocks: &Clocks, knobs: &Knobs) -> Action {
        self.closed = true;
        self.leave_service();
        if !self.is_waited_for() {
            self.state = State::Gone;
            return Action::Discard;
        }
        if let Some(evidence) = self.proven {
            return self.release(evidence);
        }
        let deadline = Deadline::find(&self.opened.terms, self.opened.at, clocks, knobs);
        self.state = State::Fencing(deadline);
        Action::ReportDeadline(deadline)
    }

    /// The controller is known to have noticed, so the deadline may be earlier than was thought.
    fn notice(&mut self, notice: Notice, now: Nanos, knobs: &Knobs) -> Actions {
        let State::Fencing(before) = self.state else {
            return Actions::NONE;
        };
        let noticed = Deadline::noticed(&self.opened.terms, notice, now, knobs);
        match noticed.filter(|at| before.is_none_or(|before| at.at() < before.at())) {
            None => Actions::NONE,
            earlier => {
                self.state = State::Fencing(earlier);
                Actions::one(Action::ReportDeadline(earlier))
            }
        }
    }

    /// There is evidence, and the host may still send. The first one stays.
    fn remember(&mut self, evidence: Evidence) -> Actions {
        self.proven.get_or_insert(evidence);
        Actions::NONE
    }

    fn fence_by_reset(&mut self, reset: bool, knobs: &Knobs) -> Actions {
        self.fence_if(reset && knobs.believes(Belief::Ccr), Evidence::Ccr)
    }

    fn fence_if(&mut self, proven: bool, evidence: Evidence) -> Actions {
        if proven {
            self.fence(evidence)
        } else {
            Actions::NONE
        }
    }

    fn fence(&mut self, evidence: Evidence) -> Actions {
        self.forget_tries();
        self.leave_service();
        if self.is_waited_for() {
            return Actions::one(self.release(evidence));
        }
        self.state = State::Fenced(evidence);
        self.discard_if_drained()
    }

    fn release(&mut self, evidence: Evidence) -> Action {
        self.state = State::Fenced(evidence);
        self.tracked = Tracked::NOTHING;
        self.releasing = true;
        Action::Release(evidence)
    }

    fn discard_if_drained(&mut self) -> Actions {
        if !self.closed || self.held != 0 || self.releasing {
            return Actions::NONE;
        }
        self.state = State::Gone;
        Actions::one(Action::Discard)
    }
}
