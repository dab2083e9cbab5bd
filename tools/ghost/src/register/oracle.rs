// SPDX-License-Identifier: GPL-2.0

//! Which generations a read may return. Pure: no I/O, no clock, no threads.
//!
//! A register has one writer, which writes generation 1, 2, 3, … one after the other. A read may
//! return a generation that is
//!
//! - not newer than the newest one *invoked* before the read returned, and
//! - not older than the newest one *known* before the read was invoked. A generation is known from
//!   the moment its write is acknowledged, or a read has returned it: an atomic register does not
//!   go back.
//!
//! A write that fails has an **unknown** outcome: it may have been executed, it may be executed at
//! any later time, or never. So a read may also return any unknown generation, however old.
//!
//! While a block is written, a read may return some of what was there and some of what comes:
//! devices are atomic for less than a block (AWUN, NAWUN), and a RAM disk on several processors for
//! nothing at all. Such a mixed read is as good as the generations in it; it makes none known.
//!
//! The caller keeps the order: [`Register::invoke_write`] before the write is submitted,
//! [`Register::ack_write`] after it completed, and the same for reads.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::clock::Seconds;

/// What is known about one register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// Newest generation whose write was acknowledged.
    newest_acked: u64,
    /// When it was acknowledged.
    newest_acked_ns: u64,
    /// Newest generation that a read has returned.
    newest_observed: u64,
    /// When that read returned.
    newest_observed_ns: u64,
    /// Newest generation whose write was submitted.
    newest_invoked: u64,
    /// Generations whose write failed.
    unknown: BTreeSet<u64>,
}

/// A read under way: holds what was known when it was invoked.
#[derive(Debug, Clone, Copy)]
#[must_use = "a read is judged when it returns"]
pub struct PendingRead {
    floor: Floor,
}

/// The oldest generation that a read may return, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// The generation.
    pub generation: u64,
    /// Since when it has been known.
    pub since_ns: u64,
    /// How it is known.
    pub known_by: KnownBy,
}

/// How a generation became known to have reached the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// Its write was acknowledged.
    Acknowledgement,
    /// A read returned it before its write was acknowledged.
    Observation,
}

/// A generation that no atomic register could have returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Violation {
    /// Something overwrote a newer generation with an older one.
    #[error(
        "read generation {generation}, but generation {} was {} at {}",
        floor.generation, floor.known_by.past_participle(), Seconds(floor.since_ns)
    )]
    Ghost {
        /// The generation that was read.
        generation: u64,
        /// The oldest one that was allowed.
        floor: Floor,
    },
    /// Nobody has written this generation yet.
    #[error("read generation {generation}, but the newest one submitted is {newest_invoked}")]
    NeverSubmitted {
        /// The generation that was read.
        generation: u64,
        /// The newest one that was submitted.
        newest_invoked: u64,
    },
}

impl KnownBy {
    fn past_participle(self) -> &'static str {
        match self {
            KnownBy::Acknowledgement => "acknowledged",
            KnownBy::Observation => "read",
        }
    }
}

impl Register {
    /// A register whose generation 0 was acknowledged at `now_ns`.
    pub fn formatted(now_ns: u64) -> Self {
        Register {
            newest_acked: 0,
            newest_acked_ns: now_ns,
            newest_observed: 0,
            newest_observed_ns: now_ns,
            newest_invoked: 0,
            unknown: BTreeSet::new(),
        }
    }

    /// The write of `generation` is about to be submitted.
    pub fn invoke_write(&mut self, generation: u64) {
        assert_eq!(
            generation,
            self.newest_invoked + 1,
            "generations count up by one"
        );
        assert!(!self.write_pending(), "a register has one write at a time");
        self.newest_invoked = generation;
    }

    /// The write of the newest generation was acknowledged.
    pub fn ack_write(&mut self, now_ns: u64) {
        assert!(self.write_pending());
        self.newest_acked = self.newest_invoked;
        self.newest_acked_ns = now_ns;
    }

    /// The write of the newest generation failed: it may be executed now, later or never.
    pub fn fail_write(&mut self) {
        assert!(self.write_pending());
        self.unknown.insert(self.newest_invoked);
    }

    /// A read is about to be submitted.
    pub fn invoke_read(&self) -> PendingRead {
        PendingRead {
            floor: self.floor(),
        }
    }

    /// Judges the generation that a read returned.
    pub fn return_read(
        &mut self,
        read: PendingRead,
        generation: u64,
        now_ns: u64,
    ) -> Result<(), Violation> {
        self.judge(read, generation)?;
        if generation > self.newest_observed {
            self.newest_observed = generation;
            self.newest_observed_ns = now_ns;
        }
        Ok(())
    }

    /// Whether a read may have returned some of each of these generations, because one replaced the
    /// other meanwhile.
    pub fn allows_mixed_read(
        &self,
        read: PendingRead,
        generations: impl IntoIterator<Item = u64>,
    ) -> bool {
        generations
            .into_iter()
            .all(|generation| self.judge(read, generation).is_ok())
    }

    fn judge(&self, read: PendingRead, generation: u64) -> Result<(), Violation> {
        if generation > self.newest_invoked {
            let newest_invoked = self.newest_invoked;
            return Err(Violation::NeverSubmitted {
                generation,
                newest_invoked,
            });
        }
        if generation < read.floor.generation && !self.unknown.contains(&generation) {
            return Err(Violation::Ghost {
                generation,
                floor: read.floor,
            });
        }
        Ok(())
    }

    fn write_pending(&self) -> bool {
        self.newest_invoked > self.newest_acked && !self.unknown.contains(&self.newest_invoked)
    }

    fn floor(&self) -> Floor {
        if self.newest_observed > self.newest_acked {
            Floor {
                generation: self.newest_observed,
                since_ns: self.newest_observed_ns,
                known_by: KnownBy::Observation,
            }
        } else {
            Floor {
                generation: self.newest_acked,
                since_ns: self.newest_acked_ns,
                known_by: KnownBy::Acknowledgement,
            }
        }
    }
}

#[cfg(test)]
mod tests;
