// SPDX-License-Identifier: GPL-2.0

//! What all records share.

use crate::controller::Controller;
use crate::record::Record;
use crate::subsystem::{ListedSubsystem, Subsystem};
use crate::sys::{self, CtrlInfo, IrqSave};
use kernel::list::List;
use kernel::new_mutex;
use kernel::prelude::*;
use kernel::sync::lock::{Guard, Lock};
use kernel::sync::{Arc, ArcBorrow, Mutex};
use nvme_fence_policy::{Event, HeldUntil, Knobs};

/// What the lock protects, here and wherever there is a `LockedBy<_, State>`.
pub(crate) struct State {
    /// All records, in the order in which their associations were opened.
    records: List<Record>,
    /// Number of the next record.
    next_id: u64,
}

/// The lock and its state, and the subsystems.
#[pin_data]
pub(crate) struct Fence {
    #[pin]
    state: Lock<State, IrqSave>,
    /// Subsystems that have controllers, and the settings of new ones.
    #[pin]
    subsystems: Mutex<KVec<ListedSubsystem>>,
    default_knobs: Knobs,
}

impl Fence {
    /// Without any records yet.
    pub(crate) fn new(default_knobs: Knobs) -> Result<Arc<Self>> {
        let state = State {
            records: List::new(),
            next_id: 1,
        };
        Arc::pin_init(
            pin_init!(Self {
                state <- Lock::new(state, c"nvme_fence", kernel::static_lock_class!()),
                subsystems <- new_mutex!(KVec::new()),
                default_knobs,
            }),
            GFP_KERNEL,
        )
    }

    /// The lock that everything is guarded by.
    pub(crate) fn state(&self) -> &Lock<State, IrqSave> {
        &self.state
    }

    /// Takes the lock.
    pub(crate) fn lock(&self) -> Guard<'_, State, IrqSave> {
        self.state.lock()
    }

    /// The subsystem of a controller that comes. May sleep.
    pub(crate) fn subsystem(self: &Arc<Self>, info: &CtrlInfo<'_>) -> Result<Arc<Subsystem>> {
        let mut subsystems = self.subsystems.lock();
        let instance = info.subsys_instance();

        if let Some(listed) = subsystems.iter_mut().find(|s| s.is(instance)) {
            return Ok(listed.get());
        }
        subsystems.reserve(1, GFP_KERNEL)?;
        let subsystem = Subsystem::new(self.clone(), instance, self.default_knobs)?;
        let mut listed = ListedSubsystem::new(info.subsys_dir(subsystem)?);
        let subsystem = listed.get();
        subsystems.push(listed, GFP_KERNEL)?;
        Ok(subsystem)
    }

    /// A controller of a subsystem goes. The last one takes the subsystem with it. May sleep.
    pub(crate) fn put_subsystem(&self, subsystem: &Subsystem) {
        let mut subsystems = self.subsystems.lock();
        subsystems.retain(|listed| !listed.is(subsystem.instance()) || listed.put());
    }

    /// Time has passed. Called from the workqueue, when the timer has expired.
    pub(crate) fn expired(&self) {
        self.each(|record, state| record.handle(state, Event::Timeout));
    }

    /// The administrator says that nothing can execute any more on what those controllers have lost
    /// that `of` returns true for.
    pub(crate) fn release(&self, of: impl Fn(&Controller, &State) -> bool) {
        self.each(|record, state| {
            if of(record.controller(), state) {
                record.handle(state, Event::Release)
            } else {
                Fate::Keep
            }
        });
    }

    /// When everything that is held now is free by time.
    pub(crate) fn held_until(&self) -> HeldUntil {
        let state = self.lock();
        let until = state
            .records()
            .map(|record| record.association(&state).held_until());
        until.max().unwrap_or_default()
    }

    /// Calls `f` on all records, and forgets those that it says are to be discarded.
    pub(crate) fn each(&self, f: impl FnMut(&Arc<Record>, &mut State) -> Fate) {
        self.lock().each(f);
        sys::queue_ask();
    }
}

/// What is to become of a record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Keep,
    Discard,
}

impl State {
    /// Number for a new record.
    pub(crate) fn next_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Lists a new record.
    pub(crate) fn add(&mut self, record: kernel::list::ListArc<Record>) {
        self.records.push_back(record);
    }

    /// All records, in the order in which their associations were opened.
    pub(crate) fn records(&self) -> impl Iterator<Item = ArcBorrow<'_, Record>> {
        self.records.iter()
    }

    /// Calls `f` on all records, forgets those that it says are to be discarded, and sets the timer
    /// to the earliest deadline of the others.
    pub(crate) fn each(&mut self, mut f: impl FnMut(&Arc<Record>, &mut State) -> Fate) {
        // `f` needs the state to get at what it guards, so the list is taken out of it meanwhile.
        let mut records = core::mem::replace(&mut self.records, List::new());

        while let Some(record) = records.pop_front() {
            if f(record.as_arc(), self) != Fate::Discard {
                self.records.push_back(record);
            }
        }
        self.set_timer();
    }

    /// Sets the timer to the earliest deadline of all records.
    pub(crate) fn set_timer(&self) {
        let deadlines = self
            .records()
            .filter_map(|record| record.association(self).next_deadline());
        if let Some(earliest) = deadlines.min() {
            sys::timer_arm(earliest);
        }
    }

    /// As [`State::each`], for one record.
    pub(crate) fn one(
        &mut self,
        this: &Arc<Record>,
        mut f: impl FnMut(&Arc<Record>, &mut State) -> Fate,
    ) {
        self.each(|record, state| {
            if Arc::ptr_eq(record, this) {
                f(record, state)
            } else {
                Fate::Keep
            }
        });
    }
}
