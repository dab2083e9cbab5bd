// SPDX-License-Identifier: GPL-2.0

//! What came out of a round, and of all of them.

use std::fmt;

use super::host::Counters;

/// What came out of a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the fence counted.
    pub counters: Counters,
    /// Bytes that were kept from a controller until they were delivered or forgotten.
    pub late_bytes: u64,
    /// How often the administrator said that a controller is dead.
    pub admin_releases: u64,
    /// Writes, the failed ones included.
    pub writes: u64,
    /// Writes that failed.
    pub write_errors: u64,
    /// Reads that no register could have answered.
    pub findings: usize,
}

/// What came out of all rounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    rounds: u64,
    /// Rounds in which an association was lost.
    rounds_lost: u64,
    /// Rounds in which a read was wrong.
    rounds_ghost: u64,
    sum: Outcome,
}

impl Tally {
    /// Counts a round.
    pub fn add(&mut self, outcome: &Outcome) {
        self.rounds += 1;
        self.rounds_lost += u64::from(outcome.counters.lost > 0);
        self.rounds_ghost += u64::from(outcome.findings > 0);
        self.sum.counters += outcome.counters;
        self.sum.late_bytes += outcome.late_bytes;
        self.sum.admin_releases += outcome.admin_releases;
        self.sum.writes += outcome.writes;
        self.sum.write_errors += outcome.write_errors;
        self.sum.findings += outcome.findings;
    }

    /// Whether no read was wrong.
    pub fn is_consistent(&self) -> bool {
        self.sum.findings == 0
    }

    /// Writes that failed: a host that has all its paths back has no reason to.
    pub fn write_errors(&self) -> u64 {
        self.sum.write_errors
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "lost={} held={} released={} late_bytes={} admin={} writes={} errors={} findings={}",
            self.counters.lost,
            self.counters.held,
            self.counters.released,
            self.late_bytes,
            self.admin_releases,
            self.writes,
            self.write_errors,
            self.findings
        )
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "rounds={} rounds_lost={} rounds_ghost={} {}",
            self.rounds, self.rounds_lost, self.rounds_ghost, self.sum
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_add_up() {
        let mut tally = Tally::default();
        assert!(tally.is_consistent());
        let bad = Outcome {
            counters: Counters {
                lost: 2,
                held: 3,
                released: 3,
                ..Counters::default()
            },
            writes: 10,
            findings: 1,
            ..Outcome::default()
        };
        tally.add(&Outcome::default());
        tally.add(&bad);
        assert!(!tally.is_consistent());
        assert_eq!(
            tally.to_string(),
            "rounds=2 rounds_lost=1 rounds_ghost=1 lost=2 held=3 released=3 late_bytes=0 admin=0 \
             writes=10 errors=0 findings=1"
        );
    }
}
