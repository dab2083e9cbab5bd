// SPDX-License-Identifier: GPL-2.0
//! Commands that are under way: which end belongs to which start.
//!
//! The trace names a command by its sectors only. On its way, a large one may be split and small
//! ones that lie side by side may be merged, so an end is held against the sectors that are under
//! way, not against commands. Of commands for the same sectors, which only programs have that do
//! not care which one is first, the oldest ends first.

use std::collections::BTreeMap;

use super::event::{Direction, Extent};
use crate::units::Nanos;

/// A command that has begun.
struct Started {
    /// When.
    at: Nanos,
    /// Behind its last sector.
    end: u64,
    /// How many of its sectors are still to be done.
    left: u64,
    /// Whether a part of it has failed.
    failed: bool,
}

/// A command that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Which way its data went.
    pub(crate) direction: Direction,
    /// When it began.
    pub(crate) started: Nanos,
    /// When it ended.
    pub(crate) at: Nanos,
    /// Whether it failed.
    pub(crate) failed: bool,
}

/// Where a command is in the order: by direction, first sector, and age.
type Key = (Direction, u64, u64);

/// All commands that are under way.
#[derive(Default)]
pub(crate) struct UnderWay {
    /// They.
    commands: BTreeMap<Key, Started>,
    /// How many there have been: the age of the next one.
    begun: u64,
    /// The most sectors that any of them had: what begins further away does not overlap.
    longest: u64,
}

impl UnderWay {
    /// A command begins.
    pub(crate) fn start(&mut self, at: Nanos, extent: Extent) {
        self.begun += 1;
        self.longest = self.longest.max(extent.sectors);
        let started = Started {
            at,
            end: extent.sector.saturating_add(extent.sectors),
            left: extent.sectors,
            failed: false,
        };
        let key = (extent.direction, extent.sector, self.begun);
        self.commands.insert(key, started);
    }

    /// These sectors are done. Passes on the commands that end with them.
    pub(crate) fn end(
        &mut self,
        at: Nanos,
        extent: Extent,
        failed: bool,
        mut ended: impl FnMut(Ended),
    ) {
        let end = extent.sector.saturating_add(extent.sectors);
        let mut next = extent.sector;
        while next < end {
            let Some(key) = self.oldest_at(extent.direction, next) else {
                // It had begun before the measurement did. Something behind it may be ours.
                match self.first_behind(extent.direction, next, end) {
                    Some(sector) => next = sector,
                    None => return,
                }
                continue;
            };
            let Some(command) = self.commands.get_mut(&key) else {
                return;
            };
            let done = end.min(command.end) - next;
            next += done;
            command.left = command.left.saturating_sub(done);
            command.failed |= failed;
            if command.left == 0 {
                ended(Ended {
                    direction: extent.direction,
                    started: command.at,
                    at,
                    failed: command.failed,
                });
                self.commands.remove(&key);
            }
        }
    }

    /// The oldest command that has a sector.
    fn oldest_at(&self, direction: Direction, sector: u64) -> Option<Key> {
        let from = (direction, sector.saturating_sub(self.longest), 0);
        let to = (direction, sector, u64::MAX);
        let here = self.commands.range(from..=to);
        here.filter(|(_, command)| command.end > sector)
            .map(|(key, _)| *key)
            .min_by_key(|(_, _, age)| *age)
    }

    /// The first sector of the first command that begins behind a sector.
    fn first_behind(&self, direction: Direction, sector: u64, end: u64) -> Option<u64> {
        let behind = (direction, sector, u64::MAX)..(direction, end, 0);
        self.commands
            .range(behind)
            .next()
            .map(|((_, at, _), _)| *at)
    }

    /// When those that are still under way began.
    pub(crate) fn starts(&self) -> impl Iterator<Item = Nanos> + '_ {
        self.commands.values().map(|command| command.at)
    }

    /// Forgets all: nobody knows any more which of them have ended.
    pub(crate) fn forget(&mut self) -> usize {
        let forgotten = self.commands.len();
        self.commands.clear();
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sectors to be read.
    fn read(sector: u64, sectors: u64) -> Extent {
        Extent {
            direction: Direction::Read,
            sector,
            sectors,
        }
    }

    /// When the commands began that end with these sectors.
    fn end(under_way: &mut UnderWay, extent: Extent) -> Vec<i64> {
        let mut starts = Vec::new();
        under_way.end(Nanos(100), extent, false, |ended| {
            assert_eq!(ended.at, Nanos(100));
            starts.push(ended.started.0);
        });
        starts
    }

    #[test]
    fn what_is_split_ends_with_its_last_part() {
        let mut under_way = UnderWay::default();
        under_way.start(Nanos(1), read(0, 24));
        assert!(end(&mut under_way, read(8, 16)).is_empty());
        assert_eq!(end(&mut under_way, read(0, 8)), [1]);
        assert_eq!(under_way.starts().count(), 0);
    }

    #[test]
    fn what_is_merged_ends_together() {
        let mut under_way = UnderWay::default();
        for (at, sector) in [(1, 16), (2, 8), (3, 32)] {
            under_way.start(Nanos(at), read(sector, 8));
        }
        // The first of them had begun before the measurement.
        assert_eq!(end(&mut under_way, read(0, 24)), [2, 1]);
        assert!(end(&mut under_way, read(0, 24)).is_empty());
        assert_eq!(end(&mut under_way, read(32, 8)), [3]);
    }

    #[test]
    fn of_the_same_sectors_the_oldest_ends_first() {
        let mut under_way = UnderWay::default();
        for at in [5, 6] {
            under_way.start(Nanos(at), read(8, 8));
        }
        let write = Extent {
            direction: Direction::Write,
            ..read(8, 8)
        };
        under_way.start(Nanos(1), write);
        assert_eq!(end(&mut under_way, read(8, 8)), [5]);
        assert_eq!(end(&mut under_way, read(8, 8)), [6]);
        assert_eq!(under_way.starts().collect::<Vec<_>>(), [Nanos(1)]);
        assert_eq!(under_way.forget(), 1);
        assert_eq!(under_way.starts().count(), 0);
    }

    #[test]
    fn one_failure_is_that_of_the_command() {
        let mut under_way = UnderWay::default();
        under_way.start(Nanos(1), read(0, 16));
        let mut failed = Vec::new();
        for (sector, is) in [(0, true), (8, false)] {
            under_way.end(Nanos(2), read(sector, 8), is, |ended| {
                failed.push(ended.failed)
            });
        }
        assert_eq!(failed, [true]);
    }
}
