// SPDX-License-Identifier: GPL-2.0

//! What is kept for each association.
//!
//! It is allocated when the association is made, so that the failure path allocates nothing: a [`Record`],
//! and what the policy wants lent for Cross-Controller Resets, which most associations need not.

use crate::controller::Controller;
use crate::counters::Counters;
use crate::course::{millis, Course};
use crate::host;
use crate::overlap::{Kept, Slots};
use crate::sys::{self, Assoc, Ctrl, OfferedCommand, RecordInfo};
use kernel::prelude::*;
use kernel::rbtree::{RBTree, RBTreeNodeReservation};
use kernel::sync::aref::ARef;
use kernel::sync::Arc;
use nvme_fence_policy::{
    self as policy, AssociationId, ControllerId, Evidence, Fencing, Nanos, Resets, Slot, Storage,
};

/// What the policy knows of an association.
pub(crate) type Association = policy::Association<KBox<Resets>>;

/// What is kept for an association.
pub(crate) struct Record {
    association: Association,
    /// What nvme-core has for it.
    assoc: Assoc,
    controller: Arc<Controller>,
    /// Where to send commands, until nvme-core takes it away.
    ctrl: Option<ARef<Ctrl>>,
    /// Since when a command is held or tracked; of what waits for those that have left, since it does.
    held_since: Option<Nanos>,
    /// What has happened to it so far.
    course: Course,
    /// Lent to the policy for what is tracked.
    slots: Slots,
    /// What is tracked and was not sent again yet.
    kept: Kept,
}

impl Record {
    /// For an association that was made just now.
    pub(crate) fn new(
        association: Association,
        assoc: Assoc,
        controller: Arc<Controller>,
        ctrl: ARef<Ctrl>,
    ) -> Self {
        Self {
            association,
            assoc,
            controller,
            ctrl: Some(ctrl),
            held_since: None,
            course: Course::default(),
            slots: Slots::default(),
            kept: Kept::default(),
        }
    }

    /// What the policy knows of it.
    pub(crate) fn association(&self) -> &Association {
        &self.association
    }

    /// What nvme-core has for it.
    pub(crate) fn assoc(&self) -> &Assoc {
        &self.assoc
    }

    /// The controller that it was made with.
    pub(crate) fn controller(&self) -> &Arc<Controller> {
        &self.controller
    }

    /// Where to send commands, unless nvme-core has taken it away.
    pub(crate) fn ctrl(&self) -> Option<&ARef<Ctrl>> {
        self.ctrl.as_ref()
    }

    /// Counts something of its controller by `f`.
    pub(crate) fn count(&self, f: impl Fn(&Counters)) {
        self.controller.count(f);
    }

    /// What has happened to it so far.
    pub(crate) fn course(&mut self) -> &mut Course {
        &mut self.course
    }

    /// N of `nvmeN`, the controller that it was made with.
    pub(crate) fn instance(&self) -> i32 {
        host::instance(self.association.controller())
    }

    /// What all trace events tell of it.
    pub(crate) fn info(&self) -> RecordInfo {
        RecordInfo {
            id: self.association.id().0,
            instance: self.instance(),
            held: self.association.held(),
            held_bytes: self.association.held_bytes(),
        }
    }

    /// A command is held for it.
    pub(crate) fn note_held(&mut self, offered: &OfferedCommand<'_>) {
        self.held_since.get_or_insert_with(sys::now);
        offered.trace_hold(&self.info());
    }

    /// A command is tracked for it.
    pub(crate) fn note_tracked(&mut self, offered: &OfferedCommand<'_>) {
        self.held_since.get_or_insert_with(sys::now);
        self.kept.add(offered.bytes());
        self.course.note_tracked();
        offered.trace_track(&self.info());
    }

    /// A command that can not be held has failed, and its blocks are tracked. There is nothing to be sent
    /// again.
    pub(crate) fn note_unheld(&mut self, offered: &OfferedCommand<'_>) {
        self.course.note_tracked();
        offered.trace_track(&self.info());
    }

    /// A new command that can not be kept is to come again.
    pub(crate) fn note_turned_away(&mut self, offered: &OfferedCommand<'_>) {
        self.course.note_waited();
        offered.trace_wait(&self.info());
    }

    /// A new command waits for it.
    pub(crate) fn note_waiting(&mut self, offered: &OfferedCommand<'_>) {
        self.held_since.get_or_insert_with(sys::now);
        self.course.note_waited();
        offered.trace_wait(&self.info());
    }

    /// What was tracked leaves.
    pub(crate) fn take_kept(&mut self) -> Kept {
        core::mem::take(&mut self.kept)
    }

    /// What was tracked has left. If nothing else is held, what waits later is held since then.
    pub(crate) fn note_repeated(&mut self) {
        if self.association.held() == 0 {
            self.held_since = None;
        }
    }

    /// Its room for what is tracked.
    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Gives it more room for what is tracked, if that is more. What it has may be in use.
    pub(crate) fn lend(&mut self, slots: &mut Slots) {
        if slots.take_over(&self.slots) {
            core::mem::swap(&mut self.slots, slots);
        }
    }

    /// For how many nanoseconds something was held by now.
    pub(crate) fn held_ns(&self) -> u64 {
        self.held_since
            .map_or(0, |since| sys::now().0.saturating_sub(since.0))
    }

    /// What there is to say of it when it is fenced, which it is now.
    pub(crate) fn fencing(&self, evidence: Evidence) -> Fencing {
        let now = sys::now();
        Fencing {
            time_ns: sys::wall_clock_ns(),
            instance: self.instance().unsigned_abs(),
            cntlid: self.association.identity().cntlid,
            commands: self.association.held(),
            bytes: self.association.held_bytes(),
            tracked: self.course.tracked(),
            waited: self.course.waited(),
            evidence,
            rule: self.course.rule(),
            closing_ms: self.course.closing_ms(),
            fencing_ms: self.course.fencing_ms(now),
            held_ms: self.held_since.map_or(0, |since| millis(since, now)),
        }
    }
}

/// The records of a subsystem.
pub(crate) struct Records(RBTree<AssociationId, Record>);

/// Room for one record more.
pub(crate) struct Place(RBTreeNodeReservation<AssociationId, Record>);

/// In the tree, a record has three pointers and its name beside it. All of that is to fit in an object of
/// 512 bytes, as there is one for each path of the host, and more of those that flap.
const _: () = {
    let node = 3 * size_of::<usize>() + size_of::<AssociationId>() + size_of::<Record>();
    assert!(node <= 512);
    assert!(size_of::<Resets>() <= 1024);
};

impl Records {
    /// Without any records.
    pub(crate) fn new() -> Self {
        Self(RBTree::new())
    }

    /// Makes room for one record more. May sleep.
    pub(crate) fn reserve() -> Result<Place> {
        Ok(Place(RBTreeNodeReservation::new(GFP_KERNEL)?))
    }

    /// Puts a record where there is room for it.
    pub(crate) fn insert(&mut self, place: Place, id: AssociationId, record: Record) {
        // None has the same name, so nothing is replaced.
        let _ = self.0.insert(place.0.into_node(id, record));
    }

    pub(crate) fn record_mut(&mut self, id: AssociationId) -> Option<&mut Record> {
        self.0.get_mut(&id)
    }

    pub(crate) fn remove(&mut self, id: AssociationId) {
        self.0.remove(&id);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Record> {
        self.0.values()
    }

    /// Nothing can be sent to a controller any more.
    pub(crate) fn forget_ctrl(&mut self, controller: ControllerId) {
        for record in self.0.values_mut() {
            if record.association.controller() == controller {
                record.ctrl = None;
            }
        }
    }

    /// When the first of the commands was held that are held for a controller now.
    pub(crate) fn held_since(&self, controller: ControllerId) -> Option<Nanos> {
        let records = self.0.values();
        records
            .filter(|record| record.association.controller() == controller)
            .filter(|record| record.association.held() != 0)
            .filter_map(|record| record.held_since)
            .min()
    }

    /// Whether an association is an optimized path to a namespace.
    pub(crate) fn is_optimized(&self, association: &Association) -> bool {
        self.0
            .get(&association.id())
            .and_then(Record::ctrl)
            .is_some_and(|ctrl| ctrl.is_optimized())
    }
}

impl Storage for Records {
    type Lent = KBox<Resets>;

    fn iter(&self) -> impl Iterator<Item = &Association> {
        self.0.values().map(|record| &record.association)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Association> {
        self.0.values_mut().map(|record| &mut record.association)
    }

    fn iter_mut_with_slots(&mut self) -> impl Iterator<Item = (&mut Association, &mut [Slot])> {
        self.0
            .values_mut()
            .map(|record| (&mut record.association, record.slots.as_mut_slice()))
    }

    fn get(&self, id: AssociationId) -> Option<&Association> {
        self.0.get(&id).map(|record| &record.association)
    }

    fn get_mut(&mut self, id: AssociationId) -> Option<&mut Association> {
        self.0.get_mut(&id).map(|record| &mut record.association)
    }

    fn get_mut_with_slots(&mut self, id: AssociationId) -> Option<(&mut Association, &mut [Slot])> {
        self.0
            .get_mut(&id)
            .map(|record| (&mut record.association, record.slots.as_mut_slice()))
    }
}
