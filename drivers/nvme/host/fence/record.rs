// SPDX-License-Identifier: GPL-2.0

//! What is kept for each association.
//!
//! It is allocated when the association is made, so that the failure path allocates nothing: held
//! bios are chained through themselves, and what sends them on is there already.

use crate::counters::Counters;
use crate::drain::Drain;
use crate::host;
use crate::sys::{self, BioList, Ctrl, OfferedCommand, RecordInfo};
use kernel::prelude::*;
use kernel::rbtree::{RBTree, RBTreeNodeReservation};
use kernel::sync::Arc;
use nvme_fence_policy::{Association, AssociationId, ControllerId, Nanos, Storage};

/// What is kept for an association.
pub(crate) struct Record {
    association: Association,
    /// Where to send commands, until nvme-core takes it away.
    ctrl: Option<Ctrl>,
    /// What is held, and is not being sent on yet.
    bios: BioList,
    /// When the first of these was held.
    held_since: Option<Nanos>,
    drain: Arc<Drain>,
}

impl Record {
    /// For an association that was made just now.
    pub(crate) fn new(association: Association, ctrl: Ctrl, drain: Arc<Drain>) -> Self {
        Self {
            association,
            ctrl: Some(ctrl),
            bios: BioList::new(),
            held_since: None,
            drain,
        }
    }

    /// What the policy knows of it.
    pub(crate) fn association(&self) -> &Association {
        &self.association
    }

    /// Where to send commands, unless nvme-core has taken it away.
    pub(crate) fn ctrl(&self) -> Option<Ctrl> {
        self.ctrl
    }

    /// What has happened to the associations of its controller.
    pub(crate) fn counters(&self) -> &Counters {
        self.drain.controller().counters()
    }

    /// What sends on what is held.
    pub(crate) fn drain(&self) -> &Arc<Drain> {
        &self.drain
    }

    /// What all trace events tell of it.
    pub(crate) fn info(&self) -> RecordInfo {
        RecordInfo {
            id: self.association.id().0,
            instance: host::instance(self.association.controller()),
            held: self.association.held(),
            held_bytes: self.association.held_bytes(),
        }
    }

    /// Takes a command that the policy has decided to hold for it.
    pub(crate) fn take(&mut self, offered: OfferedCommand<'_>) {
        self.held_since.get_or_insert_with(sys::now);
        offered.trace_hold(&self.info());
        self.bios.append(offered.take());
    }

    /// Takes out what is to be sent on, and says since when it was held.
    pub(crate) fn start_draining(&mut self) -> (BioList, Nanos) {
        // A record that holds nothing is not drained.
        let since = self.held_since.take().unwrap_or_else(sys::now);
        (self.bios.take(), since)
    }
}

/// The records of a subsystem.
pub(crate) struct Records(RBTree<AssociationId, Record>);

/// Room for one record more.
pub(crate) struct Place(RBTreeNodeReservation<AssociationId, Record>);

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

    pub(crate) fn get_mut(&mut self, id: AssociationId) -> Option<&mut Record> {
        self.0.get_mut(&id)
    }

    pub(crate) fn remove(&mut self, id: AssociationId) {
        self.0.remove(&id);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing can be sent to a controller any more.
    pub(crate) fn forget_ctrl(&mut self, controller: ControllerId) {
        for record in self.0.values_mut() {
            if record.association.controller() == controller {
                record.ctrl = None;
            }
        }
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
    fn iter(&self) -> impl Iterator<Item = &Association> {
        self.0.values().map(|record| &record.association)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Association> {
        self.0.values_mut().map(|record| &mut record.association)
    }
}
