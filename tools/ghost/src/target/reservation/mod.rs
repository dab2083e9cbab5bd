// SPDX-License-Identifier: GPL-2.0

//! Reservations: who may read and write the namespace.
//!
//! - `registrants`: who is registered, who holds the reservation, what that allows
//! - this file: the four commands, and what they do to those of others
//!
//! There are no reservation notifications. That a reservation persists through a loss of power can
//! be asked for, and is reported then; there are no losses of power.

mod registrants;

use self::registrants::Kind;
pub(super) use self::registrants::{Access, HostId, Registrants};
use super::command::{Command, Completion};
use super::core::Core;
use super::script::rule::Stage;
use crate::nvme::bytes::{get, put};
use crate::nvme::command::{DataPointer, Opcode};
use crate::nvme::status::Status;

/// Reservation Capabilities: all types, Persist Through Power Loss, and that Ignore Existing Key is
/// as of version 1.3 of the specification.
pub(super) const CAPABILITIES: u8 = 0xff;

const ACTION: u32 = 0b111;
const IGNORE_EXISTING_KEY: u32 = 1 << 3;

/// Data of a Reservation Register or Acquire: two keys.
pub(super) const TWO_KEYS_BYTES: usize = 16;
/// Data of a Reservation Release.
pub(super) const KEY_BYTES: usize = 8;

impl Core {
    /// Whether the host of a command may have it executed now.
    pub(super) fn check_reservation(&self, command: &Command) -> Result<(), Status> {
        let access = match command.opcode {
            Opcode::Read => Access::Read,
            Opcode::Write | Opcode::WriteZeroes | Opcode::DatasetManagement | Opcode::Flush => {
                Access::Write
            }
            _ => return Ok(()),
        };
        match self.host_id(command) {
            Some(host)
                if !self
                    .namespaces_of(command)
                    .all(|nsid| self.registrants(nsid).allow(&host, access)) =>
            {
                Err(Status::RESERVATION_CONFLICT.dnr())
            }
            _ => Ok(()),
        }
    }

    fn host_id(&self, command: &Command) -> Option<HostId> {
        let controller = self.controllers.get(&command.association?)?;
        Some(controller.host.id)
    }

    /// Executes a reservation command.
    pub(super) fn reserve(&mut self, command: &Command) -> Completion {
        let Some(host) = self.host_id(command) else {
            return Status::INTERNAL.into();
        };
        let done = match command.opcode {
            Opcode::ReservationRegister => self.reservation_register(host, command),
            Opcode::ReservationAcquire => self.reservation_acquire(host, command),
            Opcode::ReservationRelease => self.reservation_release(host, command),
            _ => return self.reservation_report(command),
        };
        done.map_or_else(Completion::from, |()| Completion::success())
    }

    fn reservation_register(&mut self, host: HostId, command: &Command) -> Result<(), Status> {
        let dword = command.sqe.dword(10);
        let registrants = self.registrants_mut(command.sqe.nsid());
        let (current, new) = (get(&command.data, 0), get(&command.data, 8));
        let current = (dword & IGNORE_EXISTING_KEY == 0).then_some(current);
        let persists = match dword >> 30 {
            0b00 => registrants.persists,
            0b10 => false,
            0b11 => true,
            _ => return Err(Status::INVALID_FIELD.dnr()),
        };
        match dword & ACTION {
            0b000 => registrants.register(host, new),
            0b001 => registrants.unregister(host, current),
            0b010 => registrants.replace(host, current, new),
            _ => Err(Status::INVALID_FIELD.dnr()),
        }?;
        registrants.persists = persists;
        Ok(())
    }

    fn reservation_acquire(&mut self, host: HostId, command: &Command) -> Result<(), Status> {
        let dword = command.sqe.dword(10);
        let (current, victim) = (get(&command.data, 0), get(&command.data, 8));
        let kind = Kind::new(dword >> 8 & 0xff)
            .filter(|_| dword & IGNORE_EXISTING_KEY == 0)
            .ok_or(Status::INVALID_FIELD.dnr())?;
        let nsid = command.sqe.nsid();
        let registrants = self.registrants_mut(nsid);
        match dword & ACTION {
            0b000 => registrants.acquire(host, current, kind),
            0b001 => {
                registrants.preempt(host, current, victim, kind)?;
                Ok(())
            }
            0b010 => {
                let preempted = registrants.preempt(host, current, victim, kind)?;
                self.abort_commands_of(&preempted, nsid);
                Ok(())
            }
            _ => Err(Status::INVALID_FIELD.dnr()),
        }
    }

    fn reservation_release(&mut self, host: HostId, command: &Command) -> Result<(), Status> {
        let dword = command.sqe.dword(10);
        let current = get(&command.data, 0);
        if dword & IGNORE_EXISTING_KEY != 0 {
            return Err(Status::INVALID_FIELD.dnr());
        }
        let registrants = self.registrants_mut(command.sqe.nsid());
        match dword & ACTION {
            0b000 => registrants.release(host, current, dword >> 8 & 0xff),
            0b001 => registrants.clear(host, current),
            _ => Err(Status::INVALID_FIELD.dnr()),
        }
    }

    /// Of the commands of these hosts for this namespace only those that are held wait for anything.
    /// The others are checked when they are executed.
    fn abort_commands_of(&mut self, hosts: &[HostId], nsid: u32) {
        let numbers: Vec<u64> = self
            .held
            .iter()
            .filter(|(_, held)| {
                let is_io = held.command.facts.queue > Some(0);
                let host = self.host_id(&held.command);
                is_io
                    && held.stage < Stage::BeforeCompletion
                    && self.namespaces_of(&held.command).contains(&nsid)
                    && host.is_some_and(|host| hosts.contains(&host))
            })
            .map(|(&number, _)| number)
            .collect();
        for number in numbers {
            if let Some(held) = self.held.remove(&number) {
                let association = held.command.association;
                self.complete_aborted(held.command, Status::PREEMPTED_AND_ABORTED);
                if let Some(association) = association {
                    self.forget_if_over(association);
                }
            }
        }
    }

    /// A line for each registrant. All controllers are dynamic ones, so none of them is named.
    fn reservation_report(&self, command: &Command) -> Completion {
        const EXTENDED: u32 = 1 << 0;
        const HEADER_BYTES: usize = 64;
        const ENTRY_BYTES: usize = 64;
        const DYNAMIC_CONTROLLER: u16 = 0xffff;

        // Host Identifiers have 128 bits.
        if command.sqe.dword(11) & EXTENDED == 0 {
            return Status::HOST_ID_FORMAT.dnr().into();
        }
        let bytes = (u64::from(command.sqe.dword(10)) + 1) * 4;
        let DataPointer::Transport(wanted) = command.sqe.data_pointer() else {
            return Status::SGL_INVALID_TYPE.dnr().into();
        };
        if bytes != u64::from(wanted) {
            return Status::SGL_INVALID_DATA.dnr().into();
        }
        if bytes > self.config.transfer_bytes_max() {
            return Status::INVALID_FIELD.dnr().into();
        }
        let registrants = self.registrants(command.sqe.nsid());
        let mut page = vec![0; HEADER_BYTES];
        put(&mut page, 0, registrants.generation); // GEN
        page[4] = registrants.kind().map_or(0, |kind| kind as u8); // RTYPE
        page[9] = registrants.persists.into(); // PTPLS
        let mut count = 0_u16;
        for (host, key, holds) in registrants.iter() {
            let mut entry = [0; ENTRY_BYTES];
            put(&mut entry, 0, DYNAMIC_CONTROLLER); // CNTLID
            entry[2] = holds.into(); // RCSTS
            put(&mut entry, 8, key); // RKEY
            entry[16..32].copy_from_slice(host); // HOSTID
            page.extend(entry);
            count = count.saturating_add(1);
        }
        put(&mut page, 5, count); // REGCTL
        page.resize(wanted as usize, 0);
        Completion::data(page)
    }
}
