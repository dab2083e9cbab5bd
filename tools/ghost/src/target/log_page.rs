// SPDX-License-Identifier: GPL-2.0

//! Log pages.

use std::ops::{Range, RangeInclusive};

use super::command::{Command, Completion};
use super::config::AnaState;
use super::controller::{AssociationId, Purpose};
use super::core::{Core, index};
use super::fabrics::ADMIN_QUEUE_ENTRIES_MAX;
use super::journal::Line;
use crate::nvme::bytes::{put, put_text};
use crate::nvme::command::DataPointer;
use crate::nvme::event::Event;
use crate::nvme::status::Status;

/// Log page identifiers.
mod lid {
    pub(super) const ERRORS: u8 = 0x01;
    pub(super) const HEALTH: u8 = 0x02;
    pub(super) const FIRMWARE: u8 = 0x03;
    pub(super) const CHANGED_NAMESPACES: u8 = 0x04;
    pub(super) const COMMAND_EFFECTS: u8 = 0x05;
    pub(super) const ANA: u8 = 0x0c;
    pub(super) const CCR: u8 = 0x1e;
    pub(super) const LOST_HOST: u8 = 0x1f;
    pub(super) const DISCOVERY: u8 = 0x70;
}

/// What Get Log Page asks for.
pub(super) struct Request {
    lid: u8,
    /// Log Specific Parameter.
    lsp: u8,
    /// The event stays as it is.
    retain_event: bool,
    bytes: u64,
    offset: u64,
}

impl Request {
    fn read(command: &Command) -> Self {
        let (dword10, dword11) = (command.sqe.dword(10), command.sqe.dword(11));
        let dwords = u64::from(dword10 >> 16) | u64::from(dword11 & 0xffff) << 16;
        Request {
            lid: dword10 as u8,
            lsp: (dword10 >> 8) as u8 & 0x7f,
            retain_event: dword10 & 1 << 15 != 0,
            bytes: (dwords + 1) * 4,
            offset: command.sqe.qword(12),
        }
    }

    fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.bytes)
    }

    /// The part of a page that is asked for; zeros are behind its end.
    fn part_of(&self, page: &[u8]) -> Option<Vec<u8>> {
        let start = usize::try_from(self.offset).ok()?;
        let bytes = usize::try_from(self.bytes).ok()?;
        let mut part = page.get(start..)?.to_vec();
        part.resize(bytes, 0);
        Some(part)
    }
}

impl Core {
    pub(super) fn get_log_page(&mut self, id: AssociationId, command: &Command) -> Completion {
        let request = Request::read(command);
        if u64::from(match command.sqe.data_pointer() {
            DataPointer::Transport(bytes) => bytes,
            _ => return Status::SGL_INVALID_TYPE.dnr().into(),
        }) != request.bytes
        {
            return Status::SGL_INVALID_DATA.dnr().into();
        }
        if request.bytes > self.config.transfer_bytes_max() || request.offset % 4 != 0 {
            return Status::INVALID_FIELD.dnr().into();
        }
        let Some(page) = self.log_page(id, &request) else {
            return Status::INVALID_LOG_PAGE.dnr().into();
        };
        let Some(part) = request.part_of(&page) else {
            return Status::INVALID_FIELD.dnr().into();
        };
        let line = Line {
            lid: Some(request.lid),
            reason: request.retain_event.then_some("event retained"),
            ..self.line_about("log-read", id)
        };
        self.journal.note(&line);
        if !request.retain_event {
            self.clear_event(id, request.lid);
        }
        Completion::data(part)
    }

    fn log_page(&mut self, id: AssociationId, request: &Request) -> Option<Vec<u8>> {
        const REMOVE_COMPLETED: u8 = 1;
        const GROUPS_ONLY: u8 = 1;

        let is_io = self.controllers[&id].purpose == Purpose::Io;
        match request.lid {
            lid::ERRORS => Some(vec![0; 64]),
            lid::HEALTH if is_io => Some(vec![0; 512]),
            lid::FIRMWARE if is_io => Some(vec![0; 512]),
            lid::CHANGED_NAMESPACES if is_io => Some(vec![0; 4096]),
            lid::COMMAND_EFFECTS => Some(command_effects(is_io, is_io && self.config.has_ccr())),
            lid::ANA if is_io && self.config.has_ana() => {
                Some(self.ana_log(id, request.lsp & GROUPS_ONLY != 0))
            }
            lid::CCR if is_io && self.config.has_ccr() => {
                let page = self.ccr_log(id);
                if request.lsp & REMOVE_COMPLETED != 0 {
                    self.remove_completed(id, &request.range());
                }
                Some(page)
            }
            lid::LOST_HOST if is_io && self.config.lost_log => {
                Some(self.read_lost_log(id, request.retain_event))
            }
            lid::DISCOVERY if !is_io => Some(self.discovery_log()),
            _ => None,
        }
    }

    fn ana_log(&self, id: AssociationId, groups_only: bool) -> Vec<u8> {
        let port = self.port(self.controllers[&id].port);
        let changes = &self.ana_changes;
        let mut page = vec![0; 16];
        put(&mut page, 0, changes.iter().sum::<u64>());
        put(&mut page, 8, changes.len() as u16);
        // The namespace of this number is in the group.
        for group in self.config.nsids() {
            let mut descriptor = [0; 32];
            put(&mut descriptor, 0, group);
            put(&mut descriptor, 4, u32::from(!groups_only)); // namespaces
            put(&mut descriptor, 8, changes[index(group)]);
            descriptor[16] = port.ana(group) as u8;
            page.extend(descriptor);
            if !groups_only {
                page.extend(group.to_le_bytes());
            }
        }
        page
    }

    /// A record for each port.
    fn discovery_log(&self) -> Vec<u8> {
        const RECORD_BYTES: usize = 1024;
        const TCP: u8 = 3;
        const NVM_SUBSYSTEM: u8 = 2;
        const ANY_CONTROLLER: u16 = 0xffff;

        let mut page = vec![0; RECORD_BYTES * (1 + self.ports.len())];
        put(&mut page, 0, 1_u64); // GENCTR: it never changes
        put(&mut page, 8, self.ports.len() as u64); // NUMREC
        let records = page.chunks_exact_mut(RECORD_BYTES).skip(1);
        for ((record, port), number) in records.zip(&self.ports).zip(1_u16..) {
            record[0] = TCP;
            record[1] = if port.address.is_ipv4() { 1 } else { 2 };
            record[2] = NVM_SUBSYSTEM;
            put(record, 4, number);
            put(record, 6, ANY_CONTROLLER);
            put(record, 8, ADMIN_QUEUE_ENTRIES_MAX);
            put_text(&mut record[32..64], &port.address.port().to_string(), b' ');
            put_text(&mut record[256..512], &self.config.nqn, 0);
            put_text(&mut record[512..768], &port.address.ip().to_string(), b' ');
        }
        page
    }

    /// Reading a log page clears the event that points to it, also one that was not reported yet.
    fn clear_event(&mut self, id: AssociationId, lid: u8) {
        if let Some(controller) = self.controllers.get_mut(&id) {
            let events = &mut controller.events;
            for event in Event::ALL {
                if event.log_page() == lid {
                    events.masked.remove(&event);
                    events.pending.retain(|&other| other != event);
                }
            }
        }
    }

    /// Sets the state of ANA groups on a port and tells all who are connected there.
    pub(super) fn set_ana(&mut self, port: u16, groups: RangeInclusive<u32>, state: AnaState) {
        for group in groups {
            self.ports[usize::from(port) - 1].set_ana(group, state);
            self.ana_changes[index(group)] += 1;
        }
        let controllers: Vec<_> = self
            .controllers
            .iter()
            .filter(|(_, controller)| controller.port == port && !controller.lost)
            .map(|(&id, _)| id)
            .collect();
        for id in controllers {
            self.raise_event(id, Event::Ana);
        }
    }
}

fn command_effects(is_io: bool, has_ccr: bool) -> Vec<u8> {
    const SUPPORTED: u32 = 1 << 0;
    const CHANGES_BLOCKS: u32 = 1 << 1;
    const ADMIN: [usize; 7] = [0x02, 0x06, 0x08, 0x09, 0x0a, 0x0c, 0x18];
    const CROSS_CONTROLLER_RESET: usize = 0x38;
    const IO: [(usize, u32); 9] = [
        (0x00, SUPPORTED),
        (0x01, SUPPORTED | CHANGES_BLOCKS),
        (0x02, SUPPORTED),
        (0x08, SUPPORTED | CHANGES_BLOCKS),
        (0x09, SUPPORTED | CHANGES_BLOCKS),
        (0x0d, SUPPORTED),
        (0x0e, SUPPORTED),
        (0x11, SUPPORTED),
        (0x15, SUPPORTED),
    ];

    let mut page = vec![0; 4096];
    for opcode in ADMIN {
        put(&mut page, opcode * 4, SUPPORTED);
    }
    if has_ccr {
        put(&mut page, CROSS_CONTROLLER_RESET * 4, SUPPORTED);
    }
    if is_io {
        for (opcode, effects) in IO {
            put(&mut page, 1024 + opcode * 4, effects);
        }
    }
    page
}
