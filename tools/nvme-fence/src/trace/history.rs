// SPDX-License-Identifier: GPL-2.0
//! What is known about the life of one record, counted from the moment of the loss.

use jiff::Timestamp;
use serde::Serialize;

use super::by_device::{by_device, Device, Waiting};
use super::deadline::Deadline;
use super::event::{FenceEvent, Hold, Release, Reset};
use super::surroundings::Surroundings;
use crate::units::Nanos;

/// What happened to one record. The names of the fields are the keys of the JSON output.
#[derive(Debug, Serialize)]
pub(crate) struct History {
    /// The number of the record.
    pub(crate) record: u64,
    /// The controller whose association it was.
    pub(crate) controller: String,
    /// The NQN of its subsystem; `None` = the recording does not say.
    pub(crate) nqn: Option<String>,
    /// Controller identifier; `None` = the loss is not in the trace.
    pub(crate) cntlid: Option<u16>,
    /// Controller instance uniquifier; `None` = the loss is not in the trace.
    pub(crate) ciu: Option<u8>,
    /// From where all other times count, on CLOCK_MONOTONIC: the loss, or the first event if the
    /// loss is not in the trace.
    #[serde(rename = "origin_ns")]
    pub(crate) origin: Nanos,
    /// The time of day of that; `None` = the recording does not say.
    pub(crate) time: Option<Timestamp>,
    /// What was held.
    pub(crate) held: Option<Cancelled>,
    /// What was to go on at once, while newer commands to its blocks would wait.
    pub(crate) tracked: Option<Cancelled>,
    /// How many of these did; `None` = nothing was tracked, or it is not known yet.
    #[serde(rename = "repeated_commands")]
    pub(crate) repeated: Option<u64>,
    /// The newer commands that waited.
    pub(crate) waited: Option<Commands>,
    /// The commands that were held, and newer ones that waited.
    #[serde(skip)]
    pub(crate) waiting: Vec<Waiting>,
    /// The same, by the volume that they are for.
    pub(crate) devices: Vec<Device>,
    /// The deadlines, of which the last was in force.
    pub(crate) deadlines: Vec<Announced>,
    /// The Cross-Controller Resets that were asked for, step by step.
    pub(crate) resets: Vec<ResetStep>,
    /// What fenced the record.
    pub(crate) evidence: Option<Fenced>,
    /// What was sent on.
    pub(crate) releases: Vec<Released>,
    /// The first write that any controller of the subsystem got after the first release.
    pub(crate) first_write: Option<FirstWrite>,
    /// How long each phase took.
    #[serde(rename = "phases_ns")]
    pub(crate) phases: Phases,
}

/// Commands to which the same happened, all together.
#[derive(Debug, Serialize)]
pub(crate) struct Commands {
    /// When it happened to the first.
    #[serde(rename = "first_ns")]
    pub(crate) first: Nanos,
    /// When it happened to the last.
    #[serde(rename = "last_ns")]
    pub(crate) last: Nanos,
    /// How many.
    pub(crate) commands: u64,
    /// How many bytes these have.
    pub(crate) bytes: u64,
}

/// Cancelled commands.
#[derive(Debug, Serialize)]
pub(crate) struct Cancelled {
    /// All together.
    #[serde(flatten)]
    pub(crate) all: Commands,
    /// When the oldest of them had been started: before the loss; `None` = not known.
    #[serde(rename = "oldest_ns")]
    pub(crate) oldest: Option<Nanos>,
}

/// A deadline and when it became known.
#[derive(Debug, Serialize)]
pub(crate) struct Announced {
    /// When it became known.
    #[serde(rename = "at_ns")]
    pub(crate) at: Nanos,
    /// The deadline.
    #[serde(flatten)]
    pub(crate) deadline: Deadline,
}

/// How a Cross-Controller Reset went on.
#[derive(Debug, Serialize)]
pub(crate) struct ResetStep {
    /// When.
    #[serde(rename = "at_ns")]
    pub(crate) at: Nanos,
    /// Through whom, and how.
    #[serde(flatten)]
    pub(crate) reset: Reset,
}

/// The moment from which no command of the association could execute.
#[derive(Debug, Serialize)]
pub(crate) struct Fenced {
    /// When that was.
    #[serde(rename = "at_ns")]
    pub(crate) at: Nanos,
    /// What proved it.
    pub(crate) evidence: String,
}

/// Held commands that were sent on, newer ones that waited among them. There may be none, if
/// something was tracked.
#[derive(Debug, Serialize)]
pub(crate) struct Released {
    /// When.
    #[serde(rename = "at_ns")]
    pub(crate) at: Nanos,
    /// On which evidence.
    pub(crate) evidence: String,
    /// How many.
    pub(crate) commands: u64,
    /// How many bytes these have.
    pub(crate) bytes: u64,
    /// How long the first of them was held.
    #[serde(rename = "held_ns")]
    pub(crate) held: Nanos,
}

/// The sign that I/O flows again.
#[derive(Debug, Serialize)]
pub(crate) struct FirstWrite {
    /// When.
    #[serde(rename = "at_ns")]
    pub(crate) at: Nanos,
    /// The controller that got it.
    pub(crate) controller: String,
}

/// Where the time went. `None` = an end of the phase is not in the trace.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Phases {
    /// From the start of the oldest cancelled command until the host gave the association up.
    pub(crate) noticed: Option<Nanos>,
    /// From the loss until the record was fenced.
    pub(crate) fencing: Option<Nanos>,
    /// From then until the first held command was sent on.
    pub(crate) release: Option<Nanos>,
    /// From then until a write was on its way again.
    pub(crate) resume: Option<Nanos>,
    /// All of these, but for the first: as long as the host knew. `None` also if nothing waited.
    pub(crate) total: Option<Nanos>,
    /// As long as whoever waits for the oldest command saw it stand still: all of these, but less if
    /// only newer ones waited.
    pub(crate) stall: Option<Nanos>,
}

impl History {
    /// A history of which nothing is known yet but its first event.
    pub(crate) fn begin(at: Nanos, event: &FenceEvent) -> Self {
        Self {
            record: event.record,
            controller: event.controller.clone(),
            nqn: None,
            cntlid: None,
            ciu: None,
            origin: at,
            time: None,
            held: None,
            tracked: None,
            repeated: None,
            waited: None,
            waiting: Vec::new(),
            devices: Vec::new(),
            deadlines: Vec::new(),
            resets: Vec::new(),
            evidence: None,
            releases: Vec::new(),
            first_write: None,
            phases: Phases::default(),
        }
    }

    /// Whether the loss is in the trace. If not, nothing can be said about how long it took.
    pub(crate) fn begins_with_loss(&self) -> bool {
        self.cntlid.is_some()
    }

    /// Whether a loss is all that is known: nobody waited for anything, and so nothing was fenced.
    pub(crate) fn held_nothing(&self) -> bool {
        self.begins_with_loss()
            && self.held.is_none()
            && self.tracked.is_none()
            && self.waited.is_none()
            && self.deadlines.is_empty()
            && self.resets.is_empty()
            && self.evidence.is_none()
            && self.releases.is_empty()
    }

    /// Whether the loss may still come: the first commands may fail before the host gives the
    /// association up.
    pub(crate) fn awaits_loss(&self) -> bool {
        !self.begins_with_loss()
            && self.deadlines.is_empty()
            && self.evidence.is_none()
            && self.releases.is_empty()
    }

    /// Counts the times from another moment, of those that may have been noted before the loss.
    pub(crate) fn count_from(&mut self, origin: Nanos) {
        let later = origin.since(self.origin);
        self.origin = origin;
        for cancelled in [&mut self.held, &mut self.tracked].into_iter().flatten() {
            cancelled.all.count_from(later);
            cancelled.oldest = cancelled.oldest.map(|oldest| oldest.since(later));
        }
        if let Some(waited) = &mut self.waited {
            waited.count_from(later);
        }
        for command in &mut self.waiting {
            command.since = command.since.since(later);
            command.started = command.started.map(|started| started.since(later));
        }
        for step in &mut self.resets {
            step.at = step.at.since(later);
        }
    }

    /// Notes what the recording says of the names in it.
    pub(crate) fn explain(&mut self, surroundings: &Surroundings) {
        self.nqn = surroundings.nqn(&self.controller).map(str::to_owned);
        self.time = surroundings.time(self.origin);
        let volume = |dev: &str| surroundings.disk(dev);
        self.devices = by_device(&self.waiting, &self.releases, volume);
    }

    /// When the first command was sent on that had waited; `None` = none has, or not yet.
    pub(crate) fn released(&self) -> Option<Nanos> {
        let released = self.releases.iter().find(|released| released.commands > 0);
        released.map(|released| released.at)
    }

    /// When the oldest cancelled command had been started, as far as that is known.
    pub(crate) fn oldest(&self) -> Option<Nanos> {
        let cancelled = [&self.held, &self.tracked].into_iter().flatten();
        cancelled.filter_map(|cancelled| cancelled.oldest).min()
    }

    /// Since when the oldest command stood still that waited until it was sent on; `None` = not
    /// known, or none did.
    pub(crate) fn stood_still(&self) -> Option<Nanos> {
        let held = self.held.as_ref().map(|held| held.oldest);
        let tracked = self.tracked.as_ref().filter(|_| self.kept() > 0);
        let tracked = tracked.map(|tracked| tracked.oldest);
        let waited = self.waited.as_ref().map(|waited| Some(waited.first));
        // If the age of some is not known, the oldest one is not.
        let since = [held, tracked, waited].into_iter().flatten();
        since.collect::<Option<Vec<Nanos>>>()?.into_iter().min()
    }

    /// How many of the tracked commands are known to have been held after all.
    pub(crate) fn kept(&self) -> u64 {
        match (&self.tracked, self.repeated) {
            (Some(tracked), Some(repeated)) => tracked.all.commands.saturating_sub(repeated),
            _ => 0,
        }
    }

    /// How many of the tracked commands went on at once. There is no event for that, but the others
    /// are among what is released.
    fn count_repeated(&self) -> Option<u64> {
        let tracked = self.tracked.as_ref()?.all.commands;
        if self.releases.is_empty() {
            return None;
        }
        let held = self.held.as_ref().map_or(0, |held| held.all.commands);
        let waited = self.waited.as_ref().map_or(0, |waited| waited.commands);
        let add = |sum: u64, released: &Released| sum.saturating_add(released.commands);
        let released = self.releases.iter().fold(0, add);
        let others = released.saturating_sub(held.saturating_add(waited));
        Some(tracked.saturating_sub(others))
    }

    /// Finds what follows from all events together.
    pub(crate) fn conclude(&mut self) {
        self.repeated = self.count_repeated();
        self.phases = self.measure();
    }

    /// Measures the phases.
    fn measure(&self) -> Phases {
        let lost = self.begins_with_loss().then_some(Nanos(0));
        let fenced = self.evidence.as_ref().map(|fenced| fenced.at);
        let released = self.released();
        let write = self.first_write.as_ref().map(|write| write.at);
        // Without a release in the trace, something may have waited.
        let end = match self.releases.is_empty() {
            true => fenced,
            false => write.or(released),
        };
        let phase = |from: Option<Nanos>, to: Option<Nanos>| Some(to?.since(from?));
        Phases {
            noticed: phase(self.oldest(), lost),
            fencing: phase(lost, fenced),
            release: phase(fenced, released),
            resume: phase(released, write),
            total: phase(lost, end),
            stall: phase(self.stood_still(), write.or(released)),
        }
    }
}

impl Commands {
    /// None yet, of which the first comes now.
    pub(crate) fn begin(at: Nanos) -> Self {
        Self {
            first: at,
            last: at,
            commands: 0,
            bytes: 0,
        }
    }

    /// It happens to one more.
    pub(crate) fn add(&mut self, at: Nanos, bytes: u64) {
        self.last = at;
        self.commands += 1;
        // Numbers in a trace are anybody's.
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Counts the times from a later moment.
    fn count_from(&mut self, later: Nanos) {
        self.first = self.first.since(later);
        self.last = self.last.since(later);
    }
}

impl Cancelled {
    /// None yet, of which the first comes now.
    pub(crate) fn begin(at: Nanos) -> Self {
        Self {
            all: Commands::begin(at),
            oldest: None,
        }
    }

    /// One more is cancelled, whose age may be known.
    pub(crate) fn add(&mut self, at: Nanos, hold: &Hold) {
        self.all.add(at, hold.bytes);
        let started = hold.age.map(|age| at.since(age));
        self.oldest = self.oldest.into_iter().chain(started).min();
    }
}

impl Released {
    /// What a release event says.
    pub(crate) fn new(at: Nanos, release: &Release) -> Self {
        Self {
            at,
            evidence: release.evidence.clone(),
            commands: release.commands,
            bytes: release.bytes,
            held: release.held,
        }
    }
}
