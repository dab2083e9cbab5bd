// SPDX-License-Identifier: GPL-2.0

//! What nvme-core calls us with for an association.

use crate::controller::Controller;
use crate::output;
use crate::overlap::Kept;
use crate::subsystem::State;
use crate::sys::OfferedCommand;
use kernel::prelude::*;
use kernel::sync::Arc;
use nvme_fence_policy::{AssociationId, Blocks, Clocks, Fate, HeldUntil, Input};

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
        output::carry_out(&mut state);
        // Of what can be tracked, the host has sent copies: nothing refers to it any more.
        state.handle(Input::Emptied(self.association));
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
        let subsystem = self.controller.subsystem();
        let mut state = subsystem.lock();
        let fate = state.hold(self.association, &command);
        let Some(record) = state.record(self.association) else {
            return fate;
        };
        match fate {
            Fate::Hold => {
                record.note_held(offered);
                self.controller
                    .count(|counters| counters.count_held(1, command.bytes.into()));
            }
            Fate::Track => {
                if command.holdable {
                    record.note_tracked(offered);
                } else {
                    record.note_unheld(offered);
                }
                self.controller.count(|counters| {
                    counters.tracked.add(1);
                });
            }
            Fate::Pass(_) | Fate::Unknown => {}
        }
        subsystem.carry_out_of(state, self.association);
        fate
    }

    /// Each namespace that something is held for has had an optimized path through another port since.
    /// Atomic.
    pub(crate) fn moved(&self) {
        let subsystem = self.controller.subsystem();
        subsystem.handle(Input::Moved(self.association));
    }

    /// Whether a new write must wait for the association. Atomic.
    pub(crate) fn overlaps(&self, offered: &OfferedCommand<'_>) -> bool {
        let Some(blocks) = offered.blocks() else {
            return false;
        };
        let mut state = self.controller.subsystem().lock();
        if !offered.is_holdable() {
            return self.turns_away(&mut state, offered, &blocks);
        }
        if !state.check(self.association, &blocks, offered.bytes()) {
            return false;
        }
        if let Some(record) = state.record(self.association) {
            record.note_waiting(offered);
        }
        self.controller.count(|counters| {
            counters.count_held(1, offered.bytes().into());
            counters.waited.add(1);
        });
        true
    }

    /// The same for one that comes again. A passthrough command does so when something has changed, so that
    /// is told; a request every few milliseconds.
    fn turns_away(&self, state: &mut State, offered: &OfferedCommand<'_>, blocks: &Blocks) -> bool {
        if !state.touches(self.association, blocks) {
            return false;
        }
        if !offered.is_passthrough() {
            return true;
        }
        if let Some(record) = state.record(self.association) {
            record.note_turned_away(offered);
        }
        self.controller.count(|counters| {
            counters.waited.add(1);
        });
        true
    }

    /// What was tracked has been sent again. Atomic.
    pub(crate) fn repeated(&self) {
        let subsystem = self.controller.subsystem();
        let mut state = subsystem.lock();
        let Some(record) = state.record(self.association) else {
            return;
        };
        let Kept { commands, bytes } = record.take_kept();
        self.controller.count(|counters| {
            counters.repeated.add(commands.into());
        });
        state.handle(Input::Repeated {
            association: self.association,
            commands,
            bytes,
        });
        if let Some(record) = state.record(self.association) {
            record.note_repeated();
        }
        subsystem.carry_out_and_ask(state);
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
        // What was not sent again before has been held.
        let kept = record.take_kept();
        self.controller.count(|counters| {
            counters.count_held(kept.commands, kept.bytes);
            counters.released.add(commands.into());
            counters.released_bytes.add(bytes);
        });
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
