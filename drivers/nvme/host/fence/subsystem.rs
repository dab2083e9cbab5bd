// SPDX-License-Identifier: GPL-2.0

//! An NVM subsystem: what the policy knows of it, with the lock and the timer for that.

use crate::counters::Counters;
use crate::history::Past;
use crate::host::Host;
use crate::output;
use crate::record::{Association, Record, Records};
use crate::sys::{self, Clock, SpinLockIrq, SpinLockIrqGuard};
use crate::warnings::Warnings;
use kernel::prelude::*;
use kernel::sync::Arc;
use nvme_fence_policy::{
    self as policy, AssociationId, Blocks, ControllerId, Input, Knobs, Nanos, Opened, Output,
    Request, Scope, Sum,
};

/// What the lock of a subsystem protects, here and wherever there is a `LockedBy<_, State>`.
pub(crate) struct State {
    policy: policy::Subsystem,
    records: Records,
    /// What is to be said when no lock is held.
    warnings: Warnings,
    /// What was fenced last.
    past: Past,
}

/// A subsystem. It is kept as long as it has controllers or records.
#[pin_data]
pub(crate) struct Subsystem {
    host: Arc<Host>,
    /// What has happened to all associations with controllers of it.
    totals: Counters,
    /// Commands fail in any context: in softirq, in process context with interrupts enabled, or under
    /// the lock of a controller, which disables them.
    #[pin]
    state: SpinLockIrq<State>,
    /// Has [`Self::expired`] and [`Self::ask`] called.
    #[pin]
    pub(crate) clock: Clock,
}

impl Subsystem {
    /// Without any associations yet. May sleep.
    #[allow(unsafe_code)]
    pub(crate) fn new(host: Arc<Host>, knobs: Knobs) -> Result<Arc<Self>> {
        let state = State {
            policy: policy::Subsystem::new(knobs),
            records: Records::new(),
            warnings: Warnings::default(),
            past: Past::new(),
        };
        Arc::pin_init(
            pin_init!(Self {
                host,
                totals: Counters::new(),
                state <- SpinLockIrq::new(state, c"nvme_fence", kernel::static_lock_class!()),
                // SAFETY: It becomes this field.
                clock <- unsafe { Clock::new() },
            }),
            GFP_KERNEL,
        )
    }

    pub(crate) fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// What has happened to all associations with controllers of it, those that are gone included.
    pub(crate) fn totals(&self) -> &Counters {
        &self.totals
    }

    /// The lock that everything of the subsystem is guarded by.
    pub(crate) fn state(&self) -> &SpinLockIrq<State> {
        &self.state
    }

    /// Takes the lock.
    pub(crate) fn lock(&self) -> SpinLockIrqGuard<'_, State> {
        self.state.lock()
    }

    /// Tells the policy what happened, and does what follows. Atomic.
    pub(crate) fn handle(&self, input: Input<'_>) {
        let mut state = self.lock();
        state.handle(input);
        self.carry_out_and_ask(state);
    }

    /// As [`Self::carry_out`], and asks what there may be to ask. Atomic.
    pub(crate) fn carry_out_and_ask(&self, state: SpinLockIrqGuard<'_, State>) {
        if state.policy.may_ask(&state.records) {
            self.clock.ask();
        }
        self.carry_out(state);
    }

    /// A new association is made, and this is its record. May sleep.
    pub(crate) fn open(
        &self,
        opened: Opened,
        record: impl FnOnce(Association) -> Record,
    ) -> Result {
        let id = opened.id;
        let place = Records::reserve()?;
        let resets = opened
            .resets()
            .map(|resets| KBox::new(resets, GFP_KERNEL))
            .transpose()?;
        let mut state = self.lock();
        let State {
            policy, records, ..
        } = &mut *state;
        let association = policy.open(records, opened, resets);
        records.insert(place, id, record(association));
        state.choose_copies();
        self.carry_out(state);
        Ok(())
    }

    /// Does what the policy wants done, and unlocks. Atomic.
    pub(crate) fn carry_out(&self, mut state: SpinLockIrqGuard<'_, State>) {
        output::carry_out(&mut state);
        self.tell_later(&state);
        if let Some(deadline) = state.policy.next_deadline(&state.records) {
            self.clock.arm(deadline);
        }
    }

    /// The same for one association, where no deadline has changed. Atomic.
    pub(crate) fn carry_out_of(
        &self,
        mut state: SpinLockIrqGuard<'_, State>,
        association: AssociationId,
    ) {
        output::carry_out_of(&mut state, association);
        self.tell_later(&state);
    }

    /// What is to be said is said by who may wait for consoles.
    fn tell_later(&self, state: &State) {
        if state.warnings.any() || state.past.any_untold() {
            self.clock.ask();
        }
    }

    /// Time has passed. Called from the workqueue, when the timer has expired.
    pub(crate) fn expired(&self) {
        self.handle(Input::Timeout);
    }

    /// The settings in force.
    pub(crate) fn knobs(&self) -> Knobs {
        *self.lock().policy.knobs()
    }

    /// Changes the settings by `f`, which returns false if it can not.
    pub(crate) fn set_knobs(&self, f: impl FnOnce(&mut Knobs) -> bool) -> Result {
        let mut state = self.lock();
        let mut knobs = *state.policy.knobs();
        if !f(&mut knobs) {
            return Err(EINVAL);
        }
        let State {
            policy, records, ..
        } = &mut *state;
        policy.set_knobs(records, knobs);
        state.choose_copies();
        // More may be to be asked now than before.
        self.carry_out_and_ask(state);
        Ok(())
    }

    /// What the associations have in sum that `scope` is about.
    pub(crate) fn sum(&self, scope: Scope) -> Sum {
        self.lock().sum(scope)
    }

    /// What all associations have in sum.
    pub(crate) fn total(&self) -> Sum {
        let mut sum = Sum::default();
        for record in self.lock().records() {
            sum.add(record.association());
        }
        sum
    }

    /// Whether there are associations, or commands that are held.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().records.is_empty()
    }
}

impl State {
    /// Tells the policy what happened. What follows is to be done by [`Subsystem::carry_out`].
    pub(crate) fn handle(&mut self, input: Input<'_>) {
        self.policy.handle(sys::now(), &mut self.records, input);
    }

    /// What the policy wants done next.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.policy.poll_output(&mut self.records)
    }

    /// The same, for one association.
    pub(crate) fn poll_output_of(&mut self, association: AssociationId) -> Option<Output> {
        self.policy.poll_output_of(&mut self.records, association)
    }

    /// What is to be said when no lock is held.
    pub(crate) fn warnings(&mut self) -> &mut Warnings {
        &mut self.warnings
    }

    /// What was fenced last.
    pub(crate) fn past(&mut self) -> &mut Past {
        &mut self.past
    }

    /// What the policy wants asked next.
    pub(crate) fn next_request(&mut self) -> Option<Request> {
        self.policy
            .next_request(sys::now(), &mut self.records, Records::is_optimized)
    }

    /// Decides on a command of an association that did not succeed.
    pub(crate) fn hold(
        &mut self,
        association: AssociationId,
        command: &policy::Command,
    ) -> policy::Fate {
        self.policy.hold(&mut self.records, association, command)
    }

    /// Whether a new write must wait for an association.
    pub(crate) fn check(&mut self, association: AssociationId, write: &Blocks, bytes: u32) -> bool {
        self.policy
            .check(&mut self.records, association, write, bytes)
    }

    /// The same for a new write that can not be kept.
    pub(crate) fn touches(&mut self, association: AssociationId, write: &Blocks) -> bool {
        self.policy.touches(&mut self.records, association, write)
    }

    /// The settings in force.
    pub(crate) fn knobs(&self) -> &Knobs {
        self.policy.knobs()
    }

    /// All records.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.all()
    }

    /// What the associations have in sum that `scope` is about.
    pub(crate) fn sum(&self, scope: Scope) -> Sum {
        self.policy.sum(&self.records, scope)
    }

    /// When the first of the commands was held that are held for a controller now.
    pub(crate) fn held_since(&self, controller: ControllerId) -> Option<Nanos> {
        self.records.held_since(controller)
    }

    /// The association that a controller has.
    pub(crate) fn current(&self, controller: ControllerId) -> Option<&Association> {
        self.policy.current(&self.records, controller)
    }

    /// The record of an association, if it is not discarded yet.
    pub(crate) fn record(&mut self, id: AssociationId) -> Option<&mut Record> {
        self.records.record_mut(id)
    }

    /// Forgets the record of an association.
    pub(crate) fn discard(&mut self, id: AssociationId) {
        self.records.remove(id);
    }

    /// Nothing can be sent to a controller any more.
    pub(crate) fn forget_ctrl(&mut self, controller: ControllerId) {
        self.records.forget_ctrl(controller);
    }
}
