// SPDX-License-Identifier: GPL-2.0

//! Points in time, as the user of the crate reads them from its clock.

/// Nanoseconds per millisecond.
const NANOS_PER_MILLI: u64 = 1_000_000;

/// A point in time: nanoseconds of a clock that never goes back (`CLOCK_MONOTONIC`).
///
/// It stands still while the host is suspended, which can only make a wait longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The point `millis` milliseconds later. Times do not wrap: the end of time stays the end.
    pub const fn after_millis(self, millis: u64) -> Self {
        Self(
            self.0
                .saturating_add(millis.saturating_mul(NANOS_PER_MILLI)),
        )
    }

    /// Milliseconds from `now` until this point, rounded up, 0 if it has passed.
    pub const fn millis_from(self, now: Self) -> u64 {
        self.0.saturating_sub(now.0).div_ceil(NANOS_PER_MILLI)
    }
}

#[cfg(test)]
mod tests;
