// SPDX-License-Identifier: GPL-2.0

//! Abort: the end of a command that waits for something and was not executed.
//!
//! Not aborted is a command whose data was asked for: the host may be sending it, and to a data PDU
//! that belongs to no command there is no answer but the end of the connection.

use super::command::{Command, Completion};
use super::controller::AssociationId;
use super::core::Core;
use super::script::rule::Stage;
use crate::nvme::status::Status;

/// Dword 0 of an Abort that has aborted nothing.
const NOT_ABORTED: u64 = 1;

/// The command that an Abort names.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    association: AssociationId,
    queue: u16,
    cid: u16,
}

impl Wanted {
    pub(super) fn is(self, command: &Command) -> bool {
        command.association == Some(self.association)
            && command.facts.queue == Some(self.queue)
            && command.sqe.cid() == self.cid
    }
}

impl Core {
    /// Executes the command. That which is aborted is answered before.
    pub(super) fn abort(&mut self, association: AssociationId, command: &Command) -> Completion {
        let dword = command.sqe.dword(10);
        let wanted = Wanted {
            association,
            queue: dword as u16,
            cid: (dword >> 16) as u16,
        };
        let Some(found) = self.take_waiting(wanted) else {
            return Completion::result(NOT_ABORTED);
        };
        self.complete_aborted(found, Status::ABORT_REQUESTED);
        Completion::success()
    }

    /// Takes the command from wherever it waits.
    fn take_waiting(&mut self, wanted: Wanted) -> Option<Command> {
        self.take_held(wanted)
            .or_else(|| self.take_ignored(wanted))
            .or_else(|| self.take_event_request(wanted))
            .or_else(|| self.take_waiting_for_reset(wanted))
    }

    fn take_held(&mut self, wanted: Wanted) -> Option<Command> {
        let (&number, _) = self
            .held
            .iter()
            .find(|(_, held)| held.stage < Stage::BeforeCompletion && wanted.is(&held.command))?;
        self.held.remove(&number).map(|held| held.command)
    }

    fn take_ignored(&mut self, wanted: Wanted) -> Option<Command> {
        self.connections.values_mut().find_map(|connection| {
            let ignored = &mut connection.ignored;
            let position = ignored.iter().position(|command| wanted.is(command))?;
            Some(ignored.remove(position))
        })
    }

    fn take_event_request(&mut self, wanted: Wanted) -> Option<Command> {
        let controller = self.controllers.get_mut(&wanted.association)?;
        let requests = &mut controller.events.requests;
        let position = requests.iter().position(|command| wanted.is(command))?;
        requests.remove(position)
    }
}
