// SPDX-License-Identifier: GPL-2.0
//! Quantities and how people like to read them.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// Nanoseconds: a point on CLOCK_MONOTONIC, or the distance of two of them.
///
/// Signed, so that the difference of any two points exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct Nanos(pub(crate) i64);

impl Nanos {
    /// How much later than `origin` this point is.
    pub(crate) fn since(self, origin: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(origin.0))
    }

    /// This point or distance in seconds.
    pub(crate) fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This distance with its sign, as the offset of an event from an origin.
    pub(crate) fn signed(self) -> SignedNanos {
        SignedNanos(self)
    }
}

/// A distance, in the unit that fits its size: a reset takes microseconds, and a wait minutes.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match size {
            0 => f.write_str("0 s"),
            1..1_000 => write!(f, "{size} ns"),
            1_000..1_000_000 => write!(f, "{} us", size / 1_000),
            1_000_000..1_000_000_000 => write!(f, "{:.3} ms", size as f64 / 1e6),
            _ => write!(f, "{:.3} s", size as f64 / 1e9),
        }
    }
}

/// An offset, always with its sign.
pub(crate) struct SignedNanos(Nanos);

impl fmt::Display for SignedNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 .0 >= 0 {
            f.write_str("+")?;
        }
        self.0.fmt(f)
    }
}

/// Milliseconds, shown as seconds.
pub(crate) struct Milliseconds(pub(crate) u64);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1000, self.0 % 1000)
    }
}

/// Milliseconds as seconds, without a fraction that is zero.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / 1000)?;
        match self.0 % 1000 {
            0 => f.write_str(" s"),
            ms => write!(f, ".{ms:03} s"),
        }
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

/// A size as people write it: bytes, or with a binary prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

/// Why a text is no size.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("give a number of bytes, or one with K, M or G behind it")]
pub(crate) struct NoSize;

impl FromStr for Size {
    type Err = NoSize;

    fn from_str(text: &str) -> Result<Self, NoSize> {
        let (digits, shift) = match text.as_bytes().last() {
            Some(b'K') => (&text[..text.len() - 1], 10),
            Some(b'M') => (&text[..text.len() - 1], 20),
            Some(b'G') => (&text[..text.len() - 1], 30),
            _ => (text, 0),
        };
        let number: u64 = digits.parse().map_err(|_| NoSize)?;
        number.checked_mul(1 << shift).map(Self).ok_or(NoSize)
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
        for (nanos, text) in [
            (0, "+0 s"),
            (999, "+999 ns"),
            (300_000, "+300 us"),
            (999_999, "+999 us"),
            (1_204_000, "+1.204 ms"),
            (-790_000_000, "-790.000 ms"),
            (24_207_400_000, "+24.207 s"),
            (-24_207_400_000, "-24.207 s"),
        ] {
            assert_eq!(Nanos(nanos).signed().to_string(), text);
            assert_eq!(Nanos(nanos).to_string(), text.trim_start_matches('+'));
        }
        assert_eq!(Milliseconds(12_034).to_string(), "12.034 s");
    }

    #[test]
    fn sizes() {
        for (text, size) in [
            ("512", Ok(Size(512))),
            ("16K", Ok(Size(16 << 10))),
            ("4M", Ok(Size(4 << 20))),
            ("1G", Ok(Size(1 << 30))),
            ("", Err(NoSize)),
            ("M", Err(NoSize)),
            ("4 M", Err(NoSize)),
            ("-1", Err(NoSize)),
            ("18446744073709551615K", Err(NoSize)),
        ] {
            assert_eq!(text.parse(), size, "{text}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!(Count(0, "command").to_string(), "0 commands");
        assert_eq!(Count(1, "command").to_string(), "1 command");
    }
}
