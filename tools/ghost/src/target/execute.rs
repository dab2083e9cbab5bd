// SPDX-License-Identifier: GPL-2.0

//! Which function checks and executes which command.

use super::command::{Command, Executed};
use super::controller::{AssociationId, Purpose};
use super::core::Core;
use crate::nvme::command::Opcode;
use crate::nvme::status::Status;

impl Core {
    /// Checks what can be checked before a command is executed.
    pub(super) fn check(&self, command: &Command) -> Result<(), Status> {
        if !command.data_intact {
            return Err(Status::TRANSIENT_TRANSPORT);
        }
        let is_io = command.facts.queue.is_some_and(|queue| queue > 0);
        if is_io && command.opcode != Opcode::Connect {
            self.check_io(command)?;
        }
        Ok(())
    }

    /// Executes a command.
    pub(super) fn execute(&mut self, command: &Command) -> Executed {
        match (command.opcode, command.association) {
            (Opcode::Connect, None) => self.connect(command).into(),
            // The first command of a queue must be Connect, and no other one.
            (Opcode::Connect, Some(_)) | (_, None) => Status::SEQUENCE_ERROR.dnr().into(),
            (_, Some(_)) if command.facts.queue > Some(0) => self.execute_io(command).into(),
            (_, Some(id)) => self.execute_admin(id, command),
        }
    }

    fn execute_admin(&mut self, id: AssociationId, command: &Command) -> Executed {
        match command.opcode {
            Opcode::PropertyGet => return self.property_get(id, command).into(),
            Opcode::PropertySet => return self.property_set(id, command).into(),
            _ if !self.controllers[&id].registers.ready => {
                return Status::SEQUENCE_ERROR.dnr().into();
            }
            _ => {}
        }
        let is_io_controller = self.controllers[&id].purpose == Purpose::Io;
        match command.opcode {
            Opcode::Identify => self.identify(id, command).into(),
            Opcode::GetLogPage => self.get_log_page(id, command).into(),
            Opcode::SetFeatures => self.set_features(id, command).into(),
            Opcode::GetFeatures => self.get_features(id, command).into(),
            Opcode::KeepAlive => Status::SUCCESS.into(),
            Opcode::AsyncEventRequest => self.async_event_request(id),
            Opcode::Abort => self.abort(id, command).into(),
            Opcode::CrossControllerReset if is_io_controller => self.ccr(id, command),
            _ => Status::INVALID_OPCODE.dnr().into(),
        }
    }
}
