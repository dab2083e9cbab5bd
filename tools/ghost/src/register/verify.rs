// SPDX-License-Identifier: GPL-2.0

//! Reads the registers of an earlier run again and judges them by its report.

use std::path::Path;

use anyhow::Result;

use super::array::RegisterArray;
use super::finding::Finding;
use super::report::Report;
use super::run::read_back;
use super::storage::{Caching, Device, Purpose};

/// What a later look at the registers showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// What was found now. What the run had found is not repeated.
    pub findings: Vec<Finding>,
    /// Blocks that could not be read.
    pub unread_blocks: Vec<u64>,
}

/// Reads all registers of `report` from `device`, which may have another name by now.
pub fn verify(device: &Path, report: Report, caching: Caching) -> Result<Verification> {
    let device = Device::open(device, report.layout(), caching, Purpose::Read)?;
    let array = RegisterArray::resume(device, report.run, report.blocks);
    let (_, unread_blocks) = read_back(&array);
    let (_, findings) = array.into_parts();
    Ok(Verification {
        findings,
        unread_blocks,
    })
}
