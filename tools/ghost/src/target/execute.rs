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
        self.check_request(command)
    }

    /// Checks what can be checked without the data.
    pub(super) fn check_request(&self, command: &Command) -> Result<(), Status> {
        match (command.opcode, command.facts.queue) {
            (Opcode::Connect, None) => Ok(()),
            (Opcode::Connect, Some(_)) | (_, None) => Err(Status::SEQUENCE_ERROR.dnr()),
            (Opcode::Other, Some(_)) => Err(Status::INVALID_OPCODE.dnr()),
            (_, Some(0)) => Ok(()),
            (_, Some(_)) => self.check_io(command),
        }
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
