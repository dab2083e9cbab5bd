// SPDX-License-Identifier: GPL-2.0

//! One fencing, and how it is written.

use crate::evidence::Evidence;
use crate::wait::Rule;
use core::fmt;

/// That an association was fenced for which something was held or tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fencing {
    /// When that was, in nanoseconds since 1970 (UTC).
    pub time_ns: u64,
    /// N of `nvmeN`, the controller that the association was made with.
    pub instance: u32,
    /// Its Controller ID.
    pub cntlid: u16,
    /// Commands that were released.
    pub commands: u32,
    /// Sum of their lengths.
    pub bytes: u64,
    /// Commands that were tracked.
    pub tracked: u32,
    /// New commands that had to wait, as they overlapped what was tracked.
    pub waited: u32,
    /// What proved it.
    pub evidence: Evidence,
    /// By which rule the last deadline was found that it had.
    pub rule: Option<Rule>,
    /// Milliseconds from its loss until it was closed; [`None`] if it was not closed yet, or never lost.
    pub closing_ms: Option<u32>,
    /// Milliseconds since it was closed; [`None`] if it was not.
    pub fencing_ms: Option<u32>,
    /// Milliseconds since the first command was held; 0 if none was.
    pub held_ms: u32,
}

impl Fencing {
    /// The rule that time has fenced it by, if time did.
    fn rule_in_force(&self) -> Option<Rule> {
        self.rule.filter(|_| self.evidence == Evidence::Time)
    }
}

/// A fencing with its number as one line of `key=value` words.
pub struct Line<'a>(pub u32, pub &'a Fencing);

impl Line<'_> {
    /// No line is longer, with the newline that comes after it.
    pub const BYTES_MAX: usize = {
        let keys = "number= time=. path=nvme cntlid= commands= bytes= tracked= waited= \
                    evidence= rule= closing_ms= fencing_ms= held_ms=\n";
        // A number of 32 bits has 10 digits, one of 16 bits 5, and one of 64 bits 20. As a time in
        // nanoseconds, this is 11 digits of seconds and 3 of milliseconds.
        let digits = 8 * 10 + 5 + 20 + (11 + 3);
        // There is a rule only with the evidence `time`, and both are shorter than this together.
        let words = "reconnect-by-id".len() + "none".len();
        keys.len() + digits + words
    };
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, fencing) = self;
        let time_ms = fencing.time_ns / 1_000_000;
        write!(
            f,
            "number={number} time={}.{:03} path=nvme{} cntlid={} commands={} bytes={} tracked={} waited={} \
             evidence={} rule={} closing_ms={} fencing_ms={} held_ms={}",
            time_ms / 1_000,
            time_ms % 1_000,
            fencing.instance,
            fencing.cntlid,
            fencing.commands,
            fencing.bytes,
            fencing.tracked,
            fencing.waited,
            fencing.evidence.name(),
            fencing.rule_in_force().map_or("none", Rule::name),
            OrNone(fencing.closing_ms),
            OrNone(fencing.fencing_ms),
            fencing.held_ms,
        )
    }
}

/// A number, or the word for that there is none.
struct OrNone(Option<u32>);

impl fmt::Display for OrNone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(f, "{number}"),
            None => f.write_str("none"),
        }
    }
}

/// A fencing as a sentence for the kernel log.
pub struct Sentence<'a>(pub &'a Fencing);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(fencing) = self;
        write!(
            f,
            "nvme{}: {} command(s) held for {}.{:03} s",
            fencing.instance,
            fencing.commands,
            fencing.held_ms / 1_000,
            fencing.held_ms % 1_000,
        )?;
        if fencing.tracked != 0 {
            write!(
                f,
                ", {} tracked, {} waited",
                fencing.tracked, fencing.waited
            )?;
        }
        write!(f, ", released: {} (", fencing.evidence.name())?;
        if let Some(rule) = fencing.rule_in_force() {
            write!(f, "rule {}, ", rule.name())?;
        }
        match (fencing.closing_ms, fencing.fencing_ms) {
            (Some(ms), _) => write!(f, "closed after {ms} ms)"),
            (None, Some(_)) => f.write_str("closed)"),
            (None, None) => f.write_str("not closed yet)"),
        }
    }
}
