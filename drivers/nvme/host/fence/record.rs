// SPDX-License-Identifier: GPL-2.0

//! One association, and what is held for it.
//!
//! A record is allocated when its association is made, so that the failure path allocates nothing:
//! held bios are chained through themselves, and the work item that sends them on is part of the
//! record.

use crate::controller::Controller;
use crate::fence::{Fate, State};
use crate::subsystem::Subsystem;
use crate::sys::{self, trace, BioList, OfferedCommand, RecordInfo, ResetStep, TraceEvent};
use kernel::list::{
    impl_list_arc_safe, impl_list_item, AtomicTracker, ListArc, ListLinks, TryNewListArc,
};
use kernel::prelude::*;
use kernel::sync::{Arc, LockedBy};
use kernel::workqueue::{impl_has_work, new_work, Work, WorkItem};
use nvme_fence_policy::ccr::source::Source;
use nvme_fence_policy::{
    self as policy, Action, Association, Deadline, Event, Evidence, Identity, Knobs, Nanos, Offer,
    SourceId, Terms, Verdict,
};

/// What changes in the life of a record.
struct Inner {
    association: Association,
    /// What is held, and has not been handed to the work item yet.
    bios: BioList,
    /// When the first command was held.
    held_since: Option<Nanos>,
}

/// One association.
#[pin_data]
pub(crate) struct Record {
    id: u64,
    controller: Arc<Controller>,
    /// Guarded by the lock of the fence.
    inner: LockedBy<Inner, State>,
    /// Sends on what was held.
    #[pin]
    work: Work<Record>,
    #[pin]
    links: ListLinks,
    #[pin]
    tracker: AtomicTracker,
}

impl_has_work! {
    impl HasWork<Self> for Record { self.work }
}

impl_list_arc_safe! {
    impl ListArcSafe<0> for Record { tracked_by tracker: AtomicTracker; }
}

impl_list_item! {
    impl ListItem<0> for Record { using ListLinks { self.links }; }
}

impl Record {
    /// A record for an association that was identified just now.
    pub(crate) fn new(
        id: u64,
        controller: Arc<Controller>,
        identity: Identity,
        terms: Terms,
        offer: Offer,
    ) -> Result<ListArc<Self>> {
        let fence = controller.fence().clone();
        ListArc::pin_init(
            try_pin_init!(Self {
                id,
                inner: LockedBy::new(
                    fence.state(),
                    Inner {
                        association: Association::new(sys::now(), identity, terms, offer),
                        bios: BioList::new(),
                        held_since: None,
                    },
                ),
                controller,
                work <- new_work!("nvme_fence::Record::work"),
                links <- ListLinks::new(),
                tracker <- AtomicTracker::new(),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// The controller that the association was made with.
    pub(crate) fn controller(&self) -> &Arc<Controller> {
        &self.controller
    }

    /// What the policy knows of the association.
    pub(crate) fn association<'a>(&'a self, state: &'a State) -> &'a Association {
        &self.inner.access(state).association
    }

    /// What it is called as a source of Cross-Controller Resets.
    pub(crate) fn source_id(&self) -> SourceId {
        SourceId(self.id)
    }

    /// What the association does for others.
    pub(crate) fn source_mut<'a>(&'a self, state: &'a mut State) -> &'a mut Source {
        self.inner.access_mut(state).association.source_mut()
    }

    /// Whether somebody is to be asked to have the association reset.
    pub(crate) fn wants_reset(&self, state: &State) -> bool {
        let knobs = self.controller.subsystem().knobs(state);
        self.association(state).wants_reset(&knobs)
    }

    /// Whether the association is of this subsystem.
    pub(crate) fn is_of(&self, subsystem: &Subsystem) -> bool {
        core::ptr::eq(self.controller.subsystem(), subsystem)
    }

    /// Whether the associations are of the same subsystem.
    pub(crate) fn shares_subsystem_with(&self, other: &Self) -> bool {
        self.is_of(other.controller.subsystem())
    }

    /// `source` is asked to have the association reset.
    pub(crate) fn ask(&self, state: &mut State, source: &Self, now: Nanos) {
        let association = &mut self.inner.access_mut(state).association;
        association.ask(source.source_id(), now);
        self.controller.count_asked(state);
        self.trace_reset(
            state,
            &source.controller,
            source.source_id(),
            ResetStep::Asked,
        );
    }

    /// Records how the reset through `source` goes, which is an association with `controller`.
    pub(crate) fn trace_reset(
        &self,
        state: &State,
        controller: &Controller,
        source: SourceId,
        step: ResetStep,
    ) {
        let identity = self.association(state).identity();
        let event = TraceEvent::Reset {
            identity,
            source: controller.instance(),
            source_record: source.0,
            step,
        };
        trace(&self.info(state), event);
    }

    /// What to tell of a record that begins to fence.
    pub(crate) fn fencing(&self, state: &State) -> Option<Fencing> {
        match self.association(state).state() {
            policy::State::Fencing(deadline) => Some(Fencing {
                info: self.info(state),
                deadline,
            }),
            policy::State::Open
            | policy::State::Lost
            | policy::State::Fenced(_)
            | policy::State::Gone => None,
        }
    }

    fn info(&self, state: &State) -> RecordInfo {
        let association = self.association(state);
        RecordInfo {
            id: self.id,
            instance: self.controller.instance(),
            held: association.held(),
            held_bytes: association.held_bytes(),
        }
    }

    /// Takes the command, if the policy says that it must be held.
    pub(crate) fn hold(
        &self,
        state: &mut State,
        knobs: &Knobs,
        offered: OfferedCommand<'_>,
    ) -> bool {
        let inner = self.inner.access_mut(state);
        match inner.association.hold(&offered.command(), knobs) {
            Verdict::Pass(_) => return false,
            Verdict::Hold => {}
        }
        inner.held_since.get_or_insert_with(sys::now);
        offered.trace_hold(&self.info(state));
        self.controller.count_held(state, offered.command().bytes);
        let inner = self.inner.access_mut(state);
        inner.bios.append(offered.take());
        // The first command is what makes a reset worthwhile.
        if inner.association.held() == 1 {
            sys::queue_ask();
        }
        true
    }

    /// Tells the policy of an event and does what follows.
    pub(crate) fn handle(self: &Arc<Self>, state: &mut State, event: Event) -> Fate {
        let knobs = self.controller.subsystem().knobs(state);
        let inner = self.inner.access_mut(state);
        let actions = inner.association.handle(sys::now(), event, &knobs);
        let mut fate = Fate::Keep;

        for action in actions {
            match action {
                Action::ReportLost => {
                    let identity = *self.association(state).identity();
                    trace(&self.info(state), TraceEvent::Lost(&identity));
                    self.controller.count_lost(state);
                }
                Action::ReportDeadline(deadline) => {
                    trace(&self.info(state), TraceEvent::Deadline(deadline));
                }
                Action::Release(evidence) => {
                    trace(&self.info(state), TraceEvent::Evidence(evidence));
                    let held = self.association(state).held();
                    self.controller.count_evidence(state, evidence, held);
                    // It can not be queued yet: a record is released once.
                    let _ = sys::queue().enqueue(self.clone());
                }
                Action::Discard => fate = Fate::Discard,
            }
        }
        fate
    }

    /// Takes out what is to be sent on, and says what it is, and since when it was held.
    fn start_draining(&self, state: &mut State) -> (BioList, RecordInfo, Nanos) {
        let info = self.info(state);
        let inner = self.inner.access_mut(state);
        // A record that holds nothing is not released.
        let since = inner.held_since.take().unwrap_or_else(sys::now);
        let bios = inner.bios.take();

        if let Some(evidence) = self.evidence(state) {
            let held_ns = sys::now().0.saturating_sub(since.0);
            trace(&info, TraceEvent::Release(evidence, held_ns));
        }
        self.controller
            .count_released(state, info.held, info.held_bytes);
        (bios, info, since)
    }

    fn evidence(&self, state: &State) -> Option<Evidence> {
        match self.association(state).state() {
            policy::State::Fenced(evidence) => Some(evidence),
            policy::State::Open
            | policy::State::Lost
            | policy::State::Fencing(_)
            | policy::State::Gone => None,
        }
    }
}

/// A record that has just begun to fence.
pub(crate) struct Fencing {
    info: RecordInfo,
    deadline: Option<Deadline>,
}

impl Fencing {
    /// Tells the administrator. Not to be called with the lock held: consoles are slow.
    pub(crate) fn log(&self) {
        let RecordInfo {
            instance,
            held,
            held_bytes,
            ..
        } = self.info;
        match self.deadline {
            Some(deadline) => pr_warn!(
                "nvme{instance}: path lost, {held} command(s) ({held_bytes} bytes) held for up to {} ms; the module cannot be unloaded before\n",
                deadline.at().millis_from(sys::now())
            ),
            None => pr_warn!(
                "nvme{instance}: path lost without keep alive, {held} command(s) ({held_bytes} bytes) held until the controller is reset through another one, or the administrator releases them; the module cannot be unloaded before\n"
            ),
        }
    }
}

impl WorkItem for Record {
    type Pointer = Arc<Self>;

    /// Sends on what was held. Each record has its own work item: if the device that one submits to
    /// has no room, the others need not wait.
    fn run(this: Arc<Self>) {
        let fence = this.controller.fence();
        let (bios, info, since) = this.start_draining(&mut fence.lock());

        pr_info!(
            "nvme{}: fenced, {} command(s) released\n",
            info.instance,
            info.held
        );
        bios.send_on(since);
        let drained = Event::Drained {
            commands: info.held,
            bytes: info.held_bytes,
        };
        fence
            .lock()
            .one(&this, |record, state| record.handle(state, drained));
        sys::unpin(info.held);
    }
}
