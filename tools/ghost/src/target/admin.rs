// SPDX-License-Identifier: GPL-2.0

//! Features and Abort.

use super::command::{Command, Completion};
use super::controller::AssociationId;
use super::core::Core;
use super::held::Held;
use super::script::rule::Stage;
use crate::nvme::status::Status;

mod feature {
    pub(super) const VOLATILE_WRITE_CACHE: u32 = 0x06;
    pub(super) const NUMBER_OF_QUEUES: u32 = 0x07;
    pub(super) const ASYNC_EVENTS: u32 = 0x0b;
    pub(super) const KEEP_ALIVE_TIMER: u32 = 0x0f;
}

/// Dword 0 of an Abort that has aborted nothing.
const NOT_ABORTED: u64 = 1;

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

    /// Aborts what is held and was not executed; everything else was executed at once.
    pub(super) fn abort(&mut self, command: &Command) -> Completion {
        let (queue, cid) = (command.sqe.dword(10) as u16, command.sqe.dword(10) >> 16);
        let found = self.held.iter().find(
            |(
                _,
                Held {
                    command: other,
                    stage,
                },
            )| {
                other.association == command.association
                    && other.facts.queue == Some(queue)
                    && u32::from(other.sqe.cid()) == cid
                    && *stage < Stage::BeforeCompletion
            },
        );
        let Some((&number, _)) = found else {
            return Completion::result(NOT_ABORTED);
        };
        if let Some(Held { command: other, .. }) = self.held.remove(&number) {
            self.note_dropped(&other, "aborted");
            self.finish(other, Status::ABORT_REQUESTED.into());
        }
        Completion::success()
    }
}
