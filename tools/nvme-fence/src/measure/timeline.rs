// SPDX-License-Identifier: GPL-2.0
//! What was measured, in slices of time. However long it takes, and however many commands there
//! are, it needs no more than so much memory: when there are too many slices, two become one each.

use std::ops::Range;

use super::event::Direction;
use super::latencies::Latencies;
use super::under_way::Ended;
use crate::units::Nanos;

/// The width of a slice in the beginning.
pub(crate) const WIDTH: Nanos = Nanos(100_000_000);

/// The most slices there are. At first, those of 204 seconds.
const SLICES_MAX: usize = 2048;

/// What ended in a slice of time.
#[derive(Clone, Default)]
pub(crate) struct Slice {
    /// Reads.
    pub(crate) reads: Latencies,
    /// Writes.
    pub(crate) writes: Latencies,
    /// When the oldest of them had begun.
    pub(crate) oldest: Option<Nanos>,
    /// How long the processors of the host were busy meanwhile, in sum.
    pub(crate) busy: Nanos,
}

impl Slice {
    /// Takes up another one.
    pub(crate) fn add(&mut self, other: &Self) {
        self.reads.add(&other.reads);
        self.writes.add(&other.writes);
        self.oldest = self.oldest.into_iter().chain(other.oldest).min();
        self.busy.0 += other.busy.0;
    }
}

/// Slices of time, one after the other.
pub(crate) struct Timeline {
    /// When the first one begins.
    pub(crate) origin: Nanos,
    /// How wide each one is.
    pub(crate) width: Nanos,
    /// They, until the last one in which something was.
    slices: Vec<Slice>,
}

impl Timeline {
    /// One that begins now.
    pub(crate) fn new(origin: Nanos) -> Self {
        Self {
            origin,
            width: WIDTH,
            slices: Vec::new(),
        }
    }

    /// A command has ended.
    pub(crate) fn ended(&mut self, ended: &Ended) {
        let slice = self.reach(ended.at);
        match ended.direction {
            Direction::Read => slice.reads.take(ended),
            Direction::Write => slice.writes.take(ended),
        }
        let oldest = slice.oldest.into_iter().chain([ended.started]).min();
        slice.oldest = oldest;
    }

    /// The processors were busy.
    pub(crate) fn busy(&mut self, at: Nanos, busy: Nanos) {
        self.reach(at).busy.0 += busy.0;
    }

    /// The index of the slice of a time, whether it is there or not.
    pub(crate) fn index(&self, at: Nanos) -> usize {
        (at.since(self.origin).0.max(0) / self.width.0) as usize
    }

    /// When a slice begins.
    pub(crate) fn begins(&self, index: usize) -> Nanos {
        Nanos(self.origin.0 + self.width.0 * index as i64)
    }

    /// How many slices there are.
    pub(crate) fn len(&self) -> usize {
        self.slices.len()
    }

    /// Some slices, as far as they are there.
    pub(crate) fn slices(&self, range: Range<usize>) -> &[Slice] {
        let end = range.end.min(self.slices.len());
        &self.slices[range.start.min(end)..end]
    }

    /// Some slices in one.
    pub(crate) fn sum(&self, range: Range<usize>) -> Slice {
        let mut sum = Slice::default();
        self.slices(range).iter().for_each(|slice| sum.add(slice));
        sum
    }

    /// The slice of a time. Makes all until then.
    fn reach(&mut self, at: Nanos) -> &mut Slice {
        while self.index(at) >= SLICES_MAX {
            self.halve();
        }
        let index = self.index(at);
        if self.slices.len() <= index {
            self.slices.resize_with(index + 1, Slice::default);
        }
        &mut self.slices[index]
    }

    /// Makes one slice of two each.
    fn halve(&mut self) {
        self.width.0 *= 2;
        let halved = self.slices.chunks(2).map(|pair| {
            let mut both = pair[0].clone();
            pair[1..].iter().for_each(|slice| both.add(slice));
            both
        });
        self.slices = halved.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A write that took so many seconds.
    fn write(started: i64, ended: i64) -> Ended {
        Ended {
            direction: Direction::Write,
            started: Nanos(started * 1_000_000_000),
            at: Nanos(ended * 1_000_000_000),
            failed: false,
        }
    }

    #[test]
    fn a_command_is_in_the_slice_in_which_it_ended() {
        let mut timeline = Timeline::new(Nanos(1_000_000_000));
        timeline.ended(&write(1, 3));
        timeline.ended(&write(2, 3));
        timeline.busy(Nanos(3_000_000_000), Nanos(5));
        assert_eq!(timeline.len(), 21);
        let slice = &timeline.slices(20..21)[0];
        assert_eq!((slice.writes.count(), slice.reads.count()), (2, 0));
        assert_eq!(slice.oldest, Some(Nanos(1_000_000_000)));
        assert_eq!(timeline.sum(0..99).busy, Nanos(5));
        assert_eq!(timeline.begins(20), Nanos(3_000_000_000));
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut timeline = Timeline::new(Nanos(0));
        for second in 0..1000 {
            timeline.ended(&write(second, second + 1));
        }
        assert!(timeline.len() <= SLICES_MAX);
        assert_eq!(timeline.width, Nanos(800_000_000));
        let all = timeline.sum(0..timeline.len());
        assert_eq!(all.writes.count(), 1000);
        assert_eq!(all.oldest, Some(Nanos(0)));
        assert_eq!(timeline.index(Nanos(1_000_000_000_000)), 1250);
    }
}
