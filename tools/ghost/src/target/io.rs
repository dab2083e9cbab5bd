// SPDX-License-Identifier: GPL-2.0

//! Commands on blocks.

use std::io;
use std::ops::RangeInclusive;

use super::command::{Command, Completion};
use super::config::AnaState;
use super::core::{Core, index};
use super::reservation;
use crate::nvme::bytes::get;
use crate::nvme::command::{DataPointer, Opcode};
use crate::nvme::status::Status;

/// In Flush: all namespaces.
const ALL_NAMESPACES: u32 = u32::MAX;

/// Size of a range of Dataset Management.
const RANGE_BYTES: usize = 16;

impl Core {
    pub(super) fn check_io(&self, command: &Command) -> Result<(), Status> {
        let nsid = command.sqe.nsid();
        if !self.config.nsids().contains(&nsid)
            && (nsid, command.opcode) != (ALL_NAMESPACES, Opcode::Flush)
        {
            return Err(Status::INVALID_NAMESPACE.dnr());
        }
        if self.config.has_ana() {
            self.check_ana(command)?;
        }
        self.check_reservation(command)?;
        match command.opcode {
            Opcode::DatasetManagement => {
                return check_data_length(command, range_count(command) * RANGE_BYTES);
            }
            Opcode::ReservationRegister | Opcode::ReservationAcquire => {
                return check_data_length(command, reservation::TWO_KEYS_BYTES);
            }
            Opcode::ReservationRelease => {
                return check_data_length(command, reservation::KEY_BYTES);
            }
            _ => {}
        }
        let Some((first, count)) = command.facts.blocks else {
            return Ok(());
        };
        self.check_range(first, count)?;
        let bytes = count * u64::from(self.config.block_bytes);
        let pointed_at = match command.sqe.data_pointer() {
            _ if command.opcode == Opcode::WriteZeroes => return Ok(()),
            _ if bytes > self.config.transfer_bytes_max() => {
                return Err(Status::INVALID_FIELD.dnr());
            }
            DataPointer::InCapsule(bytes) if command.opcode == Opcode::Write => bytes,
            DataPointer::Transport(bytes) => bytes,
            DataPointer::None => 0,
            _ => return Err(Status::SGL_INVALID_TYPE.dnr()),
        };
        if u64::from(pointed_at) == bytes {
            Ok(())
        } else {
            Err(Status::SGL_INVALID_DATA.dnr())
        }
    }

    fn check_ana(&self, command: &Command) -> Result<(), Status> {
        let port = self.port(command.facts.port);
        self.namespaces_of(command)
            .try_for_each(|nsid| match port.ana(nsid) {
                AnaState::Optimized | AnaState::NonOptimized => Ok(()),
                AnaState::Inaccessible => Err(Status::ANA_INACCESSIBLE),
                AnaState::PersistentLoss => Err(Status::ANA_PERSISTENT_LOSS),
                AnaState::Change => Err(Status::ANA_TRANSITION),
            })
    }

    /// The namespaces that an I/O command is about.
    pub(super) fn namespaces_of(&self, command: &Command) -> RangeInclusive<u32> {
        match command.sqe.nsid() {
            ALL_NAMESPACES => self.config.nsids(),
            nsid => nsid..=nsid,
        }
    }

    /// Where the blocks of its namespace begin in the store.
    fn start_of_namespace(&self, command: &Command) -> u64 {
        index(command.sqe.nsid()) as u64 * self.config.namespace_bytes
    }

    fn check_range(&self, first: u64, count: u64) -> Result<(), Status> {
        match first.checked_add(count) {
            Some(end) if end <= self.config.blocks() => Ok(()),
            _ => Err(Status::LBA_RANGE.dnr()),
        }
    }

    pub(super) fn execute_io(&mut self, command: &Command) -> Completion {
        let block_bytes = u64::from(self.config.block_bytes);
        let (first, count) = command.facts.blocks.unwrap_or((0, 0));
        let bytes = count * block_bytes;
        if command.opcode == Opcode::Flush {
            return stored(self.store.flush());
        }
        let offset = self.start_of_namespace(command) + first * block_bytes;
        match command.opcode {
            Opcode::Read => self
                .store
                .read(offset, usize::try_from(bytes).expect("it was checked"))
                .map_or_else(|_| Status::INTERNAL.into(), Completion::data),
            Opcode::Write => stored(self.store.write(offset, &command.data)),
            Opcode::WriteZeroes => stored(self.store.zero(offset, bytes)),
            Opcode::DatasetManagement => self.manage_dataset(command),
            Opcode::ReservationRegister
            | Opcode::ReservationReport
            | Opcode::ReservationAcquire
            | Opcode::ReservationRelease => self.reserve(command),
            _ => Status::INVALID_OPCODE.dnr().into(),
        }
    }

    /// Deallocated blocks read as zeros.
    fn manage_dataset(&mut self, command: &Command) -> Completion {
        const DEALLOCATE: u32 = 1 << 2;

        let ranges: Vec<(u64, u64)> = command
            .data
            .chunks_exact(RANGE_BYTES)
            .take(range_count(command))
            .map(|range| (get(range, 8), get::<u32>(range, 4).into()))
            .collect();
        for &(first, blocks) in &ranges {
            if let Err(status) = self.check_range(first, blocks) {
                return status.into();
            }
        }
        if command.sqe.dword(11) & DEALLOCATE == 0 {
            return Completion::success();
        }
        let block_bytes = u64::from(self.config.block_bytes);
        let start = self.start_of_namespace(command);
        stored(ranges.into_iter().try_for_each(|(first, blocks)| {
            self.store
                .zero(start + first * block_bytes, blocks * block_bytes)
        }))
    }
}

/// How many ranges a Dataset Management has.
fn range_count(command: &Command) -> usize {
    (command.sqe.dword(10) & 0xff) as usize + 1
}

/// A command from the host must bring at least so much data along.
fn check_data_length(command: &Command, bytes: usize) -> Result<(), Status> {
    match command.sqe.data_pointer() {
        DataPointer::InCapsule(found) | DataPointer::Transport(found)
            if found as usize >= bytes =>
        {
            Ok(())
        }
        _ => Err(Status::SGL_INVALID_DATA.dnr()),
    }
}

fn stored(result: io::Result<()>) -> Completion {
    result.map_or_else(|_| Status::INTERNAL.into(), |()| Completion::success())
}
