// SPDX-License-Identifier: GPL-2.0

//! The report of a run: a JSON file with what happened and all the oracle knows.
//!
//! ```json
//! {
//!   "run": 2000000000,
//!   "device": "/dev/nvme0n1", "offset": 0, "block_size": 4096,
//!   "writes": { "count": 32, "errors": 0, "max_ns": 1, "p50_ns": 1, "p99_ns": 1,
//!               "slowest": { "block": 0, "generation": 1, "submit_ns": 1, "ack_ns": 2 } },
//!   "reads":  { "count": 8, "errors": 0, "max_ns": 1, "p50_ns": 1, "p99_ns": 1 },
//!   "blocks": [ { "newest_acked": 4, "newest_acked_ns": 2, "newest_observed": 4,
//!                 "newest_observed_ns": 3, "newest_invoked": 4, "unknown": [] } ],
//!   "unread_blocks": [],
//!   "findings": [ { "block": 3, "read_ns": 3, "kind": "ghost", "message": "…" } ]
//! }
//! ```
//!
//! Key names are stable. All times are `CLOCK_MONOTONIC`. `slowest` is null if no write was
//! acknowledged. Formatting is not counted; the final read-back is. `blocks` is ordered by block
//! number. The file is printed one key a line, for readers without a JSON parser.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::latency::Summary;
use super::oracle::Register;
use super::storage::Layout;
use crate::output;

/// The report of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Identifies the run in every stamp it wrote: the time at which it started.
    pub run: u64,
    /// The device that was written to.
    pub device: PathBuf,
    /// Byte offset of block 0.
    pub offset: u64,
    /// Size of a block.
    pub block_size: usize,
    /// All writes but the formatting.
    pub writes: WriteSummary,
    /// All reads, those of the final read-back included.
    pub reads: Summary,
    /// What the oracle knows, one register a block.
    pub blocks: Vec<Register>,
    /// Blocks that the final read-back could not read.
    pub unread_blocks: Vec<u64>,
    /// What was found, oldest first.
    pub findings: Vec<Finding>,
}

/// Counts and latencies of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteSummary {
    /// The same as for reads.
    #[serde(flatten)]
    pub summary: Summary,
    /// The write that took longest to be acknowledged.
    pub slowest: Option<SlowestWrite>,
}

/// The write that took longest to be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowestWrite {
    /// The block that was written.
    pub block: u64,
    /// The generation that was written.
    pub generation: u64,
    /// When it was submitted.
    pub submit_ns: u64,
    /// When it was acknowledged.
    pub ack_ns: u64,
}

impl SlowestWrite {
    /// How long the acknowledgement took.
    pub fn latency_ns(&self) -> u64 {
        self.ack_ns - self.submit_ns
    }
}

impl fmt::Display for SlowestWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SlowestWrite {
            block,
            generation,
            submit_ns,
            ack_ns,
        } = self;
        write!(
            f,
            "block={block} generation={generation} submit_ns={submit_ns} ack_ns={ack_ns}"
        )
    }
}

impl Report {
    /// Where the registers are on the device.
    pub fn layout(&self) -> Layout {
        Layout {
            offset_bytes: self.offset,
            block_bytes: self.block_size,
            blocks: self.blocks.len() as u64,
        }
    }

    /// Reads a report back.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a report of ghost write run", path.display()))
    }

    /// How every report begins.
    const BEGINNING: &str = "{\n  \"run\": ";

    /// Whether a report could be stored there: a run that cannot say what it saw is a waste.
    pub fn check_place(path: &Path) -> Result<()> {
        output::check(path, Self::BEGINNING).with_context(|| cannot_write(path))
    }

    /// Writes the report so that a reader sees all of it or nothing.
    pub fn store(&self, path: &Path) -> Result<()> {
        Report::check_place(path)?;
        self.store_beside(path).with_context(|| cannot_write(path))
    }

    fn store_beside(&self, path: &Path) -> Result<()> {
        // In the same directory: a rename does not cross file systems.
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        let mut file =
            output::file(&temporary, Self::BEGINNING).with_context(|| cannot_write(&temporary))?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        Ok(())
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}
