// SPDX-License-Identifier: GPL-2.0
//! What is known about the life of one record, counted from the moment of the loss.

use serde::Serialize;

use super::deadline::Deadline;
use super::event::{FenceEvent, Hold, Release, Reset};
use crate::units::Nanos;

/// What happened to one record. The names of the fields are the keys of the JSON output.
#[derive(Debug, Serialize)]
pub(crate) struct History {
    /// The number of the record.
    pub(crate) record: u64,
    /// The controller whose association it was.
    pub(crate) controller: String,
    /// Controller identifier; `None` = the loss is not in the trace.
    pub(crate) cntlid: Option<u16>,
    /// Controller instance uniquifier; `None` = the loss is not in the trace.
    pub(crate) ciu: Option<u8>,
    /// From where all other times count, on CLOCK_MONOTONIC: the loss, or the first event if the
    /// loss is not in the trace.
    #[serde(rename = "origin_ns")]
    pub(crate) origin: Nanos,
    /// What was held.
    pub(crate) held: Option<Held>,
    /// What went on at once, while newer commands to its blocks would wait.
    pub(crate) tracked: Option<Commands>,
    /// The newer commands that waited.
    pub(crate) waited: Option<Commands>,
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

/// The held commands.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
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

/// Held commands that were sent on.
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
    /// From the start of the oldest held command until the host gave the association up.
    pub(crate) noticed: Option<Nanos>,
    /// From the loss until the record was fenced.
    pub(crate) fencing: Option<Nanos>,
    /// From then until the first held command was sent on.
    pub(crate) release: Option<Nanos>,
    /// From then until a write was on its way again.
    pub(crate) resume: Option<Nanos>,
    /// All of these, but for the first: as long as the host knew.
    pub(crate) total: Option<Nanos>,
    /// All of these: as long as whoever waits for the oldest command saw it stand still.
    pub(crate) stall: Option<Nanos>,
}

impl History {
    /// A history of which nothing is known yet but its first event.
    pub(crate) fn begin(at: Nanos, event: &FenceEvent) -> Self {
        Self {
            record: event.record,
            controller: event.controller.clone(),
            cntlid: None,
            ciu: None,
            origin: at,
            held: None,
            tracked: None,
            waited: None,
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
        if let Some(held) = &mut self.held {
            held.all.count_from(later);
            held.oldest = held.oldest.map(|oldest| oldest.since(later));
        }
        for commands in [&mut self.tracked, &mut self.waited].into_iter().flatten() {
            commands.count_from(later);
        }
        for step in &mut self.resets {
            step.at = step.at.since(later);
        }
    }

    /// Measures the phases.
    pub(crate) fn measure(&self) -> Phases {
        let lost = self.begins_with_loss().then_some(Nanos(0));
        let fenced = self.evidence.as_ref().map(|fenced| fenced.at);
        let released = self.releases.first().map(|released| released.at);
        let write = self.first_write.as_ref().map(|write| write.at);
        let oldest = self.held.as_ref().and_then(|held| held.oldest);
        let phase = |from: Option<Nanos>, to: Option<Nanos>| Some(to?.since(from?));
        Phases {
            noticed: phase(oldest, lost),
            fencing: phase(lost, fenced),
            release: phase(fenced, released),
            resume: phase(released, write),
            total: phase(lost, write.or(released).or(fenced)),
            stall: phase(oldest, write.or(released)),
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

impl Held {
    /// None yet, of which the first comes now.
    pub(crate) fn begin(at: Nanos) -> Self {
        Self {
            all: Commands::begin(at),
            oldest: None,
        }
    }

    /// One more is held, whose age may be known.
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
