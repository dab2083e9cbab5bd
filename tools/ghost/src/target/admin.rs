// SPDX-License-Identifier: GPL-2.0

//! Features.

use super::command::{Command, Completion};
use super::controller::AssociationId;
use super::core::Core;
use crate::nvme::status::Status;

mod feature {
    pub(super) const VOLATILE_WRITE_CACHE: u32 = 0x06;
    pub(super) const NUMBER_OF_QUEUES: u32 = 0x07;
    pub(super) const ASYNC_EVENTS: u32 = 0x0b;
    pub(super) const KEEP_ALIVE_TIMER: u32 = 0x0f;
}

impl Core {
    pub(super) fn set_features(&mut self, id: AssociationId, command: &Command) -> Completion {
        let (feature, value) = (command.sqe.dword(10) & 0xff, command.sqe.dword(11));
        let enabled = value & self.async_events_supported(id);
        let Some(controller) = self.controllers.get_mut(&id) else {
            return Status::INTERNAL.into();
        };
        match feature {
            feature::VOLATILE_WRITE_CACHE if self.config.write_cache => {
                controller.write_cache = value & 1 != 0;
            }
            feature::NUMBER_OF_QUEUES => return self.number_of_queues(),
            feature::ASYNC_EVENTS if enabled == value => controller.events.enabled = value,
            feature::KEEP_ALIVE_TIMER => self.start_keep_alive(id, value),
            _ => return Status::INVALID_FIELD.dnr().into(),
        }
        Completion::success()
    }

    pub(super) fn get_features(&self, id: AssociationId, command: &Command) -> Completion {
        let controller = &self.controllers[&id];
        match command.sqe.dword(10) & 0xff {
            feature::VOLATILE_WRITE_CACHE if self.config.write_cache => {
                Completion::result(controller.write_cache.into())
            }
            feature::NUMBER_OF_QUEUES => self.number_of_queues(),
            feature::ASYNC_EVENTS => Completion::result(controller.events.enabled.into()),
            feature::KEEP_ALIVE_TIMER => Completion::result(controller.keep_alive_ms.into()),
            _ => Status::INVALID_FIELD.dnr().into(),
        }
    }

    fn number_of_queues(&self) -> Completion {
        let last = u64::from(self.config.io_queues - 1);
        Completion::result(last << 16 | last)
    }
}
