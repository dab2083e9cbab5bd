// SPDX-License-Identifier: GPL-2.0

//! The resets that a source may still have to report on.
//!
//! An entry of the log page names an instance by ICID and CIU, and nothing else. CIUs repeat, and so
//! do controller IDs: two instances that differ in CIRN alone have the same name there. So a source
//! is never asked about a name as long as it may report on another instance that has it. It may from
//! the moment it is asked until a log page shows that it is over, whatever becomes meanwhile of the
//! association that it was asked for.

use super::log::{Log, Status};
use crate::identity::Name;

/// A source is asked for at most so many resets at the same time, whatever its limit (CCRL) is. The
/// specification recommends targets to support four.
pub const PENDING_MAX: usize = 8;

/// How much is known of a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The command was not answered: it may not even have arrived.
    Asked,
    /// It was answered: if there is to be an entry in the log page, there is one now.
    Answered,
    /// The same, before the latest read of the log page began: so that one shows it.
    Shown,
}

/// A reset that the source may have in progress, or not have reported yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pending {
    name: Name,
    stage: Stage,
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PendingResets {
    resets: [Option<Pending>; PENDING_MAX],
    /// The log page listed more in progress than there is room for here.
    overflow: bool,
}

impl PendingResets {
    pub(super) const fn new() -> Self {
        Self {
            resets: [None; PENDING_MAX],
            overflow: false,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.resets.iter().flatten().count()
    }

    /// Whether there is one, known by name or not.
    pub(super) fn any(&self) -> bool {
        self.overflow || self.count() != 0
    }

    /// Whether the source can be asked about one more, as far as this goes.
    pub(super) fn has_room(&self) -> bool {
        !self.overflow && self.resets.contains(&None)
    }

    /// Whether a command was not answered yet.
    pub(super) fn owes_answer(&self) -> bool {
        self.resets
            .iter()
            .flatten()
            .any(|one| one.stage == Stage::Asked)
    }

    /// Whether the source may report on an instance of this name.
    pub(super) fn contains(&self, name: Name) -> bool {
        self.resets.iter().flatten().any(|one| one.name == name)
    }

    fn add(&mut self, name: Name, stage: Stage) {
        match self.resets.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(Pending { name, stage }),
            None => self.overflow = true,
        }
    }

    /// The source is asked.
    pub(super) fn asked(&mut self, name: Name) {
        self.add(name, Stage::Asked);
    }

    /// The command was answered. There is nothing to come if it `began` nothing.
    pub(super) fn answered(&mut self, name: Name, began: bool) {
        let asked = Some(Pending {
            name,
            stage: Stage::Asked,
        });
        if let Some(place) = self.resets.iter_mut().find(|place| **place == asked) {
            *place = began.then_some(Pending {
                name,
                stage: Stage::Answered,
            });
        }
    }

    /// A read of the log page begins.
    pub(super) fn read_begins(&mut self) {
        for one in self.resets.iter_mut().flatten() {
            if one.stage == Stage::Answered {
                one.stage = Stage::Shown;
            }
        }
    }

    /// The log page was read. If completed entries were `removed`, it lists them for the last time.
    pub(super) fn read_ends(&mut self, log: &Log<'_>, removed: bool) {
        for place in &mut self.resets {
            let over = |one: &mut Pending| {
                one.stage == Stage::Shown
                    && match log.status_of(one.name) {
                        None => true,
                        Some(Status::InProgress) => false,
                        Some(Status::Success | Status::Failed(_) | Status::Invalid) => removed,
                    }
            };
            place.take_if(over);
        }
        // What goes on and nobody here has asked for was asked for before this began to keep books.
        self.overflow = false;
        for entry in log.entries() {
            if entry.status == Status::InProgress && !self.contains(entry.name()) {
                self.add(entry.name(), Stage::Shown);
            }
        }
    }
}

#[cfg(test)]
mod tests;
