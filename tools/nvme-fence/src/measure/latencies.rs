// SPDX-License-Identifier: GPL-2.0
//! How long commands took, in a histogram of bounded size.

use hdrhistogram::Histogram;

use super::under_way::Ended;
use crate::units::Nanos;

/// How exact percentiles are: two digits, or one per cent. The maximum is exact.
const DIGITS: u8 = 2;

/// Commands of one direction that ended in some time.
#[derive(Clone)]
pub(crate) struct Latencies {
    /// How long they took.
    histogram: Histogram<u32>,
    /// How long the slowest took; `None` = there are none.
    pub(crate) max: Option<Nanos>,
    /// How many of them failed.
    pub(crate) failed: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self {
            histogram: Histogram::new(DIGITS).expect("histograms have 0 to 5 digits"),
            max: None,
            failed: 0,
        }
    }
}

impl Latencies {
    /// Takes one up.
    pub(crate) fn take(&mut self, ended: &Ended) {
        self.record(ended.at.since(ended.started));
        self.failed += u64::from(ended.failed);
    }

    /// Takes one up of which nothing else is known.
    pub(crate) fn record(&mut self, latency: Nanos) {
        // What is recorded saturating does not make it grow.
        self.histogram
            .record(latency.0.max(0) as u64)
            .expect("a histogram grows as it has to");
        self.max = self.max.max(Some(latency));
    }

    /// Takes up those of another time.
    pub(crate) fn add(&mut self, other: &Self) {
        self.histogram
            .add(&other.histogram)
            .expect("a histogram grows as it has to");
        self.max = self.max.max(other.max);
        self.failed += other.failed;
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// How long so many of a hundred took at most; `None` = there are none.
    pub(crate) fn percentile(&self, percent: f64) -> Option<Nanos> {
        let value = self.histogram.value_at_percentile(percent) as i64;
        // A step of the histogram may end behind the slowest.
        self.max.map(|max| Nanos(value).min(max))
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Direction;
    use super::*;

    #[test]
    fn percentiles_are_exact_to_one_per_cent() {
        let mut latencies = Latencies::default();
        assert_eq!((latencies.count(), latencies.percentile(50.0)), (0, None));
        for micros in 1..=1000 {
            let mut some = Latencies::default();
            some.take(&Ended {
                direction: Direction::Read,
                started: Nanos(7),
                at: Nanos(7 + micros * 1000),
                failed: micros == 1,
            });
            latencies.add(&some);
        }
        for (percent, micros) in [(50.0, 500), (95.0, 950), (99.0, 990)] {
            let value = latencies.percentile(percent).unwrap().0;
            let off = (value - micros * 1000).abs();
            assert!(off <= micros * 10, "p{percent}: {value}");
        }
        assert_eq!(latencies.percentile(100.0), Some(Nanos(1_000_000)));
        assert_eq!(latencies.max, Some(Nanos(1_000_000)));
        assert_eq!((latencies.count(), latencies.failed), (1000, 1));
    }
}
