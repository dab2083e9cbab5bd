// SPDX-License-Identifier: GPL-2.0

//! Sends on what was held for an association.

use crate::controller::Controller;
use crate::sys::{self, trace, BioList, RecordInfo, TraceEvent};
use kernel::prelude::*;
use kernel::sync::Arc;
use kernel::workqueue::{impl_has_work, new_work, Work, WorkItem};
use nvme_fence_policy::{AssociationId, Input, Nanos};

/// The work item of a record. Each record has its own: if the device that one submits to has no room,
/// the others need not wait.
#[pin_data]
pub(crate) struct Drain {
    association: AssociationId,
    controller: Arc<Controller>,
    #[pin]
    work: Work<Drain>,
}

impl_has_work! {
    impl HasWork<Self> for Drain { self.work }
}

impl Drain {
    /// For an association with this controller. May sleep.
    pub(crate) fn new(
        association: AssociationId,
        controller: Arc<Controller>,
    ) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                association,
                controller,
                work <- new_work!("nvme_fence::Drain::work"),
            }),
            GFP_KERNEL,
        )
    }

    /// The controller that the association was made with.
    pub(crate) fn controller(&self) -> &Arc<Controller> {
        &self.controller
    }

    /// There is evidence: sends on what is held. Atomic.
    pub(crate) fn start(self: &Arc<Self>) {
        // It can not be queued yet: a record is released once.
        let _ = sys::queue().enqueue(self.clone());
    }

    /// Takes out what is to be sent on, and says what it is, and since when it was held.
    fn take(&self) -> Option<(BioList, RecordInfo, Nanos)> {
        let mut state = self.controller.subsystem().lock();
        let record = state.record(self.association)?;
        let info = record.info();
        let (bios, since) = record.start_draining();
        if let Some(evidence) = record.association().evidence() {
            let held_ns = sys::now().0.saturating_sub(since.0);
            trace(&info, TraceEvent::Release(evidence, held_ns));
        }
        Some((bios, info, since))
    }
}

impl WorkItem for Drain {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let Some((bios, info, since)) = this.take() else {
            return;
        };
        let counters = this.controller.counters();
        counters.released.add(info.held.into());
        counters.released_bytes.add(info.held_bytes);
        pr_info!(
            "nvme{}: fenced, {} command(s) released\n",
            info.instance,
            info.held
        );
        bios.send_on(since);
        this.controller.subsystem().handle(Input::Drained {
            association: this.association,
            commands: info.held,
            bytes: info.held_bytes,
        });
        sys::unpin(info.held);
    }
}
