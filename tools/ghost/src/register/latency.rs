// SPDX-License-Identifier: GPL-2.0

//! Counts and latencies of many operations of one sort.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Every operation so far. All latencies are kept: runs are short, and a percentile is then exact.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    succeeded_ns: Vec<u64>,
    errors: u64,
}

/// What a report says about operations of one sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Operations that returned, the failed ones included.
    pub count: u64,
    /// Operations that failed.
    pub errors: u64,
    /// Largest latency of those that succeeded; 0 if there is none.
    pub max_ns: u64,
    /// Half of those that succeeded were not slower than this.
    pub p50_ns: u64,
    /// 99 of 100 of those that succeeded were not slower than this.
    pub p99_ns: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary {
            count,
            errors,
            max_ns,
            p50_ns,
            p99_ns,
        } = self;
        write!(
            f,
            "count={count} errors={errors} max_ns={max_ns} p50_ns={p50_ns} p99_ns={p99_ns}"
        )
    }
}

impl Latencies {
    /// Counts an operation that succeeded.
    pub fn add_success(&mut self, latency_ns: u64) {
        self.succeeded_ns.push(latency_ns);
    }

    /// Counts an operation that failed.
    pub fn add_error(&mut self) {
        self.errors += 1;
    }

    /// Takes over what another thread counted.
    pub fn absorb(&mut self, other: Latencies) {
        self.succeeded_ns.extend(other.succeeded_ns);
        self.errors += other.errors;
    }

    /// Sums up.
    pub fn summary(mut self) -> Summary {
        self.succeeded_ns.sort_unstable();
        Summary {
            count: self.succeeded_ns.len() as u64 + self.errors,
            errors: self.errors,
            max_ns: percentile(&self.succeeded_ns, 100),
            p50_ns: percentile(&self.succeeded_ns, 50),
            p99_ns: percentile(&self.succeeded_ns, 99),
        }
    }
}

/// The smallest sample that at least `percent` of all samples do not exceed (nearest rank).
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    assert!((1..=100).contains(&percent));
    let rank = (sorted.len() * percent).div_ceil(100);
    match rank {
        0 => 0,
        rank => sorted[rank - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_sums_up_to_zero() {
        let nothing = Summary {
            count: 0,
            errors: 0,
            max_ns: 0,
            p50_ns: 0,
            p99_ns: 0,
        };
        assert_eq!(Latencies::default().summary(), nothing);
    }

    #[test]
    fn percentiles_are_samples() {
        let mut latencies = Latencies::default();
        for latency_ns in (1..=200).rev() {
            latencies.add_success(latency_ns);
        }
        let mut failures = Latencies::default();
        failures.add_error();
        latencies.absorb(failures);

        let expected = Summary {
            count: 201,
            errors: 1,
            max_ns: 200,
            p50_ns: 100,
            p99_ns: 198,
        };
        assert_eq!(latencies.summary(), expected);
    }
}
