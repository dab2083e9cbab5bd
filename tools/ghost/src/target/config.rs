// SPDX-License-Identifier: GPL-2.0

//! What a target is ordered to be.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// How a target is made. All sizes and times are what it really does, not only what it reports.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the ports listen, and the state of all ANA groups there. Port numbers count from 1.
    pub ports: Vec<(SocketAddr, AnaState)>,
    /// Name of the subsystem.
    pub nqn: String,
    /// How many namespaces there are; each is an ANA group of its own.
    pub namespaces: u32,
    /// Size of a namespace.
    pub namespace_bytes: u64,
    /// Size of a logical block, a power of two.
    pub block_bytes: u32,
    /// The file that has the blocks; without it they are in memory.
    pub backing: Option<PathBuf>,
    /// A volatile write cache is reported, so that hosts send Flush.
    pub write_cache: bool,
    /// What the random numbers of instances are drawn from.
    pub seed: u64,
    /// The instance counter that the first instance of each controller has. 0: there is none, and
    /// no Cross-Controller Reset.
    pub ciu_first: u8,
    /// CQT.
    pub cqt_ms: u16,
    /// How long commands of a lost association can still be executed.
    pub quiesce_ms: u64,
    /// How many Cross-Controller Resets a controller can have in progress. 0: it has no such
    /// command.
    pub ccrl: u8,
    /// How a Cross-Controller Reset is answered.
    pub ccr_answer: CcrAnswer,
    /// How long a reset takes.
    pub reset_ms: u64,
    /// How many entries log page 1Eh has room for.
    pub ccr_log_entries: usize,
    /// The event for a Cross-Controller Reset that has ended can be enabled.
    pub ccr_event: bool,
    /// There is log page 1Fh, and its event can be enabled.
    pub lost_log: bool,
    /// The target moves ANA groups by itself, so long after the port where they are optimized has
    /// lost its last controller. Without a time only the operator does.
    pub move_after_ms: Option<u64>,
    /// Every command keeps the association alive, not only Keep Alive.
    pub keep_alive_by_traffic: bool,
    /// KAS, in its unit.
    pub keep_alive_granularity_100ms: u16,
    /// CMIC.
    pub cmic: u8,
    /// The longest transfer, as a power of two of 4096 bytes; none is reported if it is missing.
    pub mdts: Option<u8>,
    /// The most data that a command on an I/O queue can bring along.
    pub in_capsule_bytes: u32,
    /// The most data that an `H2CData` PDU can have.
    pub h2c_data_bytes: u32,
    /// I/O queues of a controller.
    pub io_queues: u16,
    /// Entries of an I/O queue.
    pub queue_entries: u16,
}

/// How a Cross-Controller Reset is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CcrAnswer {
    /// When the reset is over, with Immediate Reset Successful.
    Immediate,
    /// At once, without it; log page and event follow when the reset is over.
    Event,
}

/// The state of an ANA group on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the specification's names
pub enum AnaState {
    Optimized = 0x1,
    NonOptimized = 0x2,
    Inaccessible = 0x3,
    PersistentLoss = 0x4,
    Change = 0xf,
}

impl AnaState {
    const NAMES: [(AnaState, &'static str); 5] = [
        (AnaState::Optimized, "optimized"),
        (AnaState::NonOptimized, "non-optimized"),
        (AnaState::Inaccessible, "inaccessible"),
        (AnaState::PersistentLoss, "persistent-loss"),
        (AnaState::Change, "change"),
    ];

    /// The state with this name, which is that of the kernel's sysfs.
    pub fn named(name: &str) -> Option<AnaState> {
        Self::NAMES
            .into_iter()
            .find(|&(_, other)| other == name)
            .map(|(state, _)| state)
    }
}

/// CMIC: the bit that says that there is ANA.
pub(super) const CMIC_ANA: u8 = 1 << 3;

/// Data of a transfer if no limit is reported: nobody is to use up our memory.
const TRANSFER_BYTES_MAX: u64 = 16 << 20;

impl Config {
    /// Size of all namespaces.
    pub(super) fn total_bytes(&self) -> u64 {
        u64::from(self.namespaces) * self.namespace_bytes
    }

    /// The identifiers of all namespaces.
    pub(super) fn nsids(&self) -> RangeInclusive<u32> {
        1..=self.namespaces
    }

    /// Blocks of a namespace.
    pub(super) fn blocks(&self) -> u64 {
        self.namespace_bytes / u64::from(self.block_bytes)
    }

    /// The longest transfer.
    pub(super) fn transfer_bytes_max(&self) -> u64 {
        self.mdts
            .map_or(TRANSFER_BYTES_MAX, |exponent| 4096 << exponent)
    }

    pub(super) fn has_ana(&self) -> bool {
        self.cmic & CMIC_ANA != 0
    }

    /// Whether controllers have an identity and can reset each other.
    pub(super) fn has_ccr(&self) -> bool {
        self.ciu_first != 0 && self.ccrl != 0
    }
}
