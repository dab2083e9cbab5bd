// SPDX-License-Identifier: GPL-2.0

//! What nvme-core calls us with for an association.

use crate::controller::Controller;
use crate::sys::OfferedCommand;
use kernel::prelude::*;
use kernel::sync::Arc;
use nvme_fence_policy::{AssociationId, Clocks, Fate, HeldUntil, Input};

/// What nvme-core knows an association by, until it forgets it.
pub(crate) struct Handle {
    association: AssociationId,
    controller: Arc<Controller>,
}

impl Handle {
    /// For an association with this controller. May sleep.
    pub(crate) fn new(
        association: AssociationId,
        controller: Arc<Controller>,
    ) -> Result<KBox<Self>> {
        Ok(KBox::new(
            Self {
                association,
                controller,
            },
            GFP_KERNEL,
        )?)
    }

    /// The controller that the association was made with.
    pub(crate) fn controller(&self) -> &Controller {
        &self.controller
    }

    /// The host has terminated all connections. Returns when what is held is free by time. Atomic.
    pub(crate) fn closed(&self, clocks: Clocks) -> HeldUntil {
        let subsystem = self.controller.subsystem();
        let mut state = subsystem.lock();
        state.handle(Input::Closed(self.controller.id(), clocks));
        let until = state
            .record(self.association)
            .map(|record| record.association().held_until())
            .unwrap_or_default();
        subsystem.carry_out_and_ask(state);
        until
    }

    /// A command did not succeed. Returns what is to become of it. Atomic.
    pub(crate) fn hold(&self, offered: &OfferedCommand<'_>) -> Fate {
        let command = offered.command();
        let counters = self.controller.counters();
        let subsystem = self.controller.subsystem();
        let mut state = subsystem.lock();
        let fate = state.hold(self.association, &command);
        if fate == Fate::Hold {
            if let Some(record) = state.record(self.association) {
                record.note_held(offered);
            }
            counters.held.add(1);
            counters.held_bytes.add(command.bytes.into());
            subsystem.note_outputs(state);
        }
        fate
    }

    /// Each namespace that something is held for has had an optimized path through another port since.
    /// Atomic.
    pub(crate) fn moved(&self) {
        let subsystem = self.controller.subsystem();
        subsystem.handle(Input::Moved(self.association));
    }

    /// What was held has been sent on. Atomic.
    pub(crate) fn drained(&self) {
        let subsystem = self.controller.subsystem();
        let mut state = subsystem.lock();
        let Some(record) = state.record(self.association) else {
            return;
        };
        let (commands, bytes) = (
            record.association().held(),
            record.association().held_bytes(),
        );
        let counters = self.controller.counters();
        counters.released.add(commands.into());
        counters.released_bytes.add(bytes);
        state.handle(Input::Drained {
            association: self.association,
            commands,
            bytes,
        });
        subsystem.carry_out_and_ask(state);
    }

    /// nvme-core forgets the association, or does without us from now on. Atomic.
    pub(crate) fn forget(&self) {
        let mut state = self.controller.subsystem().lock();
        state.discard(self.association);
    }
}
