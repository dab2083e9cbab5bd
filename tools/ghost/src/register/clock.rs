// SPDX-License-Identifier: GPL-2.0

//! The clock of all time stamps: `CLOCK_MONOTONIC`, which the kernel's trace events use as well.

use std::fmt;

use rustix::time::{ClockId, clock_gettime};

const NS_PER_SECOND: u64 = 1_000_000_000;

/// Nanoseconds of `CLOCK_MONOTONIC` now.
///
/// `std::time::Instant` is the same clock but does not give the absolute value away.
pub fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).expect("the monotonic clock starts at zero");
    let nanoseconds = u64::try_from(now.tv_nsec).expect("nanoseconds are a fraction of a second");
    seconds * NS_PER_SECOND + nanoseconds
}

/// Shows nanoseconds as the kernel log does: seconds, a point, the fraction.
#[derive(Debug, Clone, Copy)]
pub struct Seconds(
    /// The time in nanoseconds.
    pub u64,
);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09}",
            self.0 / NS_PER_SECOND,
            self.0 % NS_PER_SECOND
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_keep_all_nine_digits() {
        assert_eq!(Seconds(7_540_000_000).to_string(), "7.540000000");
        assert_eq!(Seconds(1).to_string(), "0.000000001");
    }
}
