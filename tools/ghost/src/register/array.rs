// SPDX-License-Identifier: GPL-2.0

//! The registers of one run: every read and every write passes the oracle.

use std::io;
use std::sync::{Mutex, MutexGuard};

use anyhow::{Context, Result};

use super::clock::now_ns;
use super::content::{self, Damage};
use super::finding::{Finding, FindingLog};
use super::oracle::Register;
use super::storage::{AlignedBuffer, Storage};

/// Blocks of a device, each with what the oracle knows about it.
#[derive(Debug)]
pub struct RegisterArray<S> {
    storage: S,
    run: u64,
    /// One a block. Locked for the bookkeeping before and after an operation, never during it.
    registers: Vec<Mutex<Register>>,
    findings: FindingLog,
}

/// A write that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AckedWrite {
    /// Just before it was submitted.
    pub submit_ns: u64,
    /// Just after it was acknowledged.
    pub ack_ns: u64,
}

impl<S: Storage> RegisterArray<S> {
    /// Writes generation 0 on top of whatever is there, so that every later read is defined.
    pub fn format(storage: S, run: u64, blocks: u64) -> Result<Self> {
        let mut buffer = AlignedBuffer::new(storage.block_bytes());
        let mut registers = Vec::new();
        for block in 0..blocks {
            content::encode(&mut buffer, run, block, 0);
            storage
                .write(block, &buffer)
                .with_context(|| format!("cannot format block {block}"))?;
            registers.push(Register::formatted(now_ns()));
        }
        Ok(Self::resume(storage, run, registers))
    }

    /// Goes on with registers that were written before.
    pub fn resume(storage: S, run: u64, registers: Vec<Register>) -> Self {
        let registers = registers.into_iter().map(Mutex::new).collect();
        RegisterArray {
            storage,
            run,
            registers,
            findings: FindingLog::default(),
        }
    }

    /// The numbers of all blocks.
    pub fn blocks(&self) -> impl Iterator<Item = u64> + use<S> {
        0..self.registers.len() as u64
    }

    /// A buffer for one block.
    pub fn buffer(&self) -> AlignedBuffer {
        AlignedBuffer::new(self.storage.block_bytes())
    }

    /// Writes the next generation of a block. A failed write is kept as one of unknown outcome.
    pub fn write(
        &self,
        block: u64,
        generation: u64,
        buffer: &mut AlignedBuffer,
    ) -> io::Result<AckedWrite> {
        content::encode(buffer, self.run, block, generation);
        self.register(block).invoke_write(generation);

        let submit_ns = now_ns();
        let outcome = self.storage.write(block, buffer);
        let ack_ns = now_ns();

        let mut register = self.register(block);
        match outcome {
            Ok(()) => register.ack_write(ack_ns),
            Err(_) => register.fail_write(),
        }
        outcome.map(|()| AckedWrite { submit_ns, ack_ns })
    }

    /// Reads a block and judges what comes back. Returns how long the read took, in nanoseconds.
    pub fn read(&self, block: u64, buffer: &mut AlignedBuffer) -> io::Result<u64> {
        let pending = self.register(block).invoke_read();

        let invoke_ns = now_ns();
        self.storage.read(block, buffer)?;
        let return_ns = now_ns();

        match content::decode(buffer, self.run, block) {
            Ok(generation) => {
                let verdict = self
                    .register(block)
                    .return_read(pending, generation, return_ns);
                if let Err(violation) = verdict {
                    self.findings
                        .add(Finding::violation(block, return_ns, violation));
                }
            }
            Err(Damage::Torn { .. })
                if self
                    .register(block)
                    .allows_mixed_read(pending, content::generations(buffer)) => {}
            Err(damage) => self.findings.add(Finding::damage(block, return_ns, damage)),
        }
        Ok(return_ns - invoke_ns)
    }

    /// What is known at the end: the registers, and everything that was found.
    pub fn into_parts(self) -> (Vec<Register>, Vec<Finding>) {
        let registers = self
            .registers
            .into_iter()
            .map(|register| {
                register
                    .into_inner()
                    .expect("no holder of this lock panics")
            })
            .collect();
        (registers, self.findings.into_findings())
    }

    fn register(&self, block: u64) -> MutexGuard<'_, Register> {
        let index = usize::try_from(block).expect("block numbers are small");
        self.registers[index]
            .lock()
            .expect("no holder of this lock panics")
    }
}
