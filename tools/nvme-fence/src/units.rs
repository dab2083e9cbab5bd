// SPDX-License-Identifier: GPL-2.0
//! Quantities and how people like to read them.

use serde::Serialize;
use std::fmt;

/// Nanoseconds: a point on CLOCK_MONOTONIC, or the distance of two of them.
///
/// Signed, so that the difference of any two points exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct Nanos(pub(crate) i64);

impl Nanos {
    /// How much later than `origin` this point is.
    pub(crate) fn since(self, origin: Nanos) -> Nanos {
        Nanos(self.0 - origin.0)
    }

    /// This point or distance in seconds.
    pub(crate) fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This distance with its sign, as the offset of an event from an origin.
    pub(crate) fn signed(self) -> SignedSeconds {
        SignedSeconds(self)
    }
}

/// Seconds, to the millisecond.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.seconds())
    }
}

/// An offset: seconds with a sign, to the millisecond.
pub(crate) struct SignedSeconds(Nanos);

impl fmt::Display for SignedSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.3} s", self.0.seconds())
    }
}

/// Milliseconds, shown as seconds.
pub(crate) struct Milliseconds(pub(crate) u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1000, self.0 % 1000)
    }
}

/// Bytes, shown with a binary prefix.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PREFIXES: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut prefix = 0;
        while value >= 1024.0 {
            value /= 1024.0;
            prefix += 1;
        }
        write!(f, "{value:.1} {}B", PREFIXES[prefix])
    }
}

/// A number of things, with the noun in the right form.
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (16384, "16.0 KiB"),
            (5 << 20, "5.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }

    #[test]
    fn times() {
        assert_eq!(Nanos(24_207_400_000).to_string(), "24.207 s");
        assert_eq!(Nanos(0).signed().to_string(), "+0.000 s");
        assert_eq!(Nanos(-790_000_000).signed().to_string(), "-0.790 s");
        assert_eq!(Milliseconds(12_034).to_string(), "12.034 s");
    }

    #[test]
    fn counts() {
        assert_eq!(Count(0, "command").to_string(), "0 commands");
        assert_eq!(Count(1, "command").to_string(), "1 command");
    }
}
