// SPDX-License-Identifier: GPL-2.0

//! Commands on blocks.

use std::io;

use super::command::{Command, Completion};
use super::config::AnaState;
use super::core::Core;
use super::reservation;
use crate::nvme::bytes::get;
use crate::nvme::command::{DataPointer, Opcode};
use crate::nvme::status::Status;

/// The one namespace.
pub(super) const NSID: u32 = 1;

/// In Flush: all namespaces.
const ALL_NAMESPACES: u32 = u32::MAX;

/// Size of a range of Dataset Management.
const RANGE_BYTES: usize = 16;

impl Core {
    pub(super) fn check_io(&self, command: &Command) -> Result<(), Status> {
        let nsid = command.sqe.nsid();
        if nsid != NSID && (nsid, command.opcode) != (ALL_NAMESPACES, Opcode::Flush) {
            return Err(Status::INVALID_NAMESPACE.dnr());
        }
        if self.config.has_ana() {
            match self.port(command.facts.port).ana {
                AnaState::Optimized | AnaState::NonOptimized => {}
                AnaState::Inaccessible => return Err(Status::ANA_INACCESSIBLE),
                AnaState::PersistentLoss => return Err(Status::ANA_PERSISTENT_LOSS),
                AnaState::Change => return Err(Status::ANA_TRANSITION),
            }
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

    fn check_range(&self, first: u64, count: u64) -> Result<(), Status> {
        match first.checked_add(count) {
            Some(end) if end <= self.config.blocks() => Ok(()),
            _ => Err(Status::LBA_RANGE.dnr()),
        }
    }

    pub(super) fn execute_io(&mut self, command: &Command) -> Completion {
        let block_bytes = u64::from(self.config.block_bytes);
        let (first, count) = command.facts.blocks.unwrap_or((0, 0));
        let (offset, bytes) = (first * block_bytes, count * block_bytes);
        let done = match command.opcode {
            Opcode::Read => self
                .store
                .read(offset, usize::try_from(bytes).expect("it was checked"))
                .map(Completion::data),
            Opcode::Write => self.store.write(offset, &command.data).map(done),
            Opcode::WriteZeroes => self.store.zero(offset, bytes).map(done),
            Opcode::Flush => self.store.flush().map(done),
            Opcode::DatasetManagement => return self.manage_dataset(command),
            Opcode::ReservationRegister
            | Opcode::ReservationReport
            | Opcode::ReservationAcquire
            | Opcode::ReservationRelease => return self.reserve(command),
            _ => return Status::INVALID_OPCODE.dnr().into(),
        };
        done.unwrap_or_else(|_| Status::INTERNAL.into())
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
        let zeroed = ranges.into_iter().try_for_each(|(first, blocks)| {
            self.store.zero(first * block_bytes, blocks * block_bytes)
        });
        zeroed.map_or_else(|_: io::Error| Status::INTERNAL.into(), done)
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

fn done((): ()) -> Completion {
    Completion::success()
}
