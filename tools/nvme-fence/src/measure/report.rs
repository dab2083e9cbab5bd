// SPDX-License-Identifier: GPL-2.0
//! The result. The names of the fields are the keys of the JSON output, which scripts rely on.

use serde::Serialize;
use std::ops::Range;

use super::disk::Disk;
use super::incident::Incident;
use super::latencies::Latencies;
use super::ledger::Ledger;
use super::paths::{Kind, PathEvent};
use super::picture::Picture;
use super::timeline::Timeline;
use crate::units::Nanos;

/// The version of the output for programs, whose description is in `schemas/`.
const SCHEMA: &str = "nvme-fence/measure/1";

/// The result. All times but the origin count from there.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Which description this output follows.
    schema: &'static str,
    /// nvmeXnY
    pub(crate) device: String,
    /// nvme-subsysX
    subsystem: String,
    /// Its qualified name; `None` = it could not be read.
    pub(crate) nqn: Option<String>,
    /// When the measurement began, on CLOCK_MONOTONIC.
    origin_ns: Nanos,
    /// How exact the bounds of windows are.
    pub(crate) resolution_ns: Nanos,
    /// All of it.
    pub(crate) whole: Window,
    /// What happened to the paths, and how it was before, during and after.
    pub(crate) incidents: Vec<Shown>,
    /// What had not ended in the end.
    pub(crate) under_way: UnderWay,
    /// How many events the trace has lost.
    pub(crate) lost_events: u64,
    /// How many commands were under way then, and are in no number.
    pub(crate) forgotten: usize,
    /// The exit status of the command; `None` = there was none, or it had not ended.
    exit_status: Option<i32>,
    /// What is drawn.
    #[serde(skip)]
    pub(crate) picture: Picture,
}

/// An incident in the output.
#[derive(Serialize)]
pub(crate) struct Shown {
    /// What happened.
    pub(crate) events: Vec<Happened>,
    /// The time before.
    pub(crate) before: Window,
    /// The time in which it hurt.
    pub(crate) during: Window,
    /// The time after.
    pub(crate) after: Window,
}

/// A path event in the output.
#[derive(Serialize)]
pub(crate) struct Happened {
    /// When it was noticed.
    pub(crate) noticed_ns: Nanos,
    /// The controller of the path.
    controller: String,
    /// What it was.
    kind: Kind,
    /// The state before.
    from: Option<String>,
    /// And after.
    to: Option<String>,
    /// The same in words.
    #[serde(skip)]
    pub(crate) words: String,
}

/// What ended in some time.
#[derive(Serialize)]
pub(crate) struct Window {
    /// When it begins.
    pub(crate) from_ns: Nanos,
    /// When it ends.
    pub(crate) to_ns: Nanos,
    /// Reads.
    pub(crate) reads: Numbers,
    /// Writes.
    pub(crate) writes: Numbers,
    /// How long the processors of the host were busy, in sum, whatever they did.
    busy_ns: Nanos,
    /// The same by the number of reads and writes; `None` = there were none.
    pub(crate) busy_per_command_ns: Option<Nanos>,
}

/// What ended in some time, of one direction.
#[derive(Serialize)]
pub(crate) struct Numbers {
    /// How many.
    pub(crate) commands: u64,
    /// How many of them failed.
    pub(crate) failed: u64,
    /// How many in a second; `None` = it is no time at all.
    pub(crate) per_second: Option<f64>,
    /// So long took half of them at most; `None` = there were none.
    pub(crate) p50_ns: Option<Nanos>,
    /// And 95 of a hundred.
    pub(crate) p95_ns: Option<Nanos>,
    /// And 99.
    pub(crate) p99_ns: Option<Nanos>,
    /// And all.
    pub(crate) max_ns: Option<Nanos>,
}

/// What had not ended in the end.
#[derive(Serialize)]
pub(crate) struct UnderWay {
    /// How many.
    pub(crate) commands: usize,
    /// How long the oldest had been under way by then.
    pub(crate) oldest_ns: Option<Nanos>,
}

impl Report {
    /// What came of a measurement that has ended now.
    pub(crate) fn new(
        disk: &Disk,
        ledger: &Ledger,
        incidents: Vec<Incident>,
        now: Nanos,
        exit_status: Option<i32>,
    ) -> Self {
        let timeline = &ledger.timeline;
        let starts = ledger.starts();
        let oldest = starts.iter().copied().min();
        let incidents: Vec<Shown> = incidents
            .into_iter()
            .map(|incident| Shown::new(incident, timeline))
            .collect();
        Self {
            schema: SCHEMA,
            device: disk.name.clone(),
            subsystem: disk.subsystem.name.clone(),
            nqn: disk.subsystem.nqn().ok(),
            origin_ns: timeline.origin,
            resolution_ns: timeline.width,
            whole: Window::new(timeline, 0..timeline.len()),
            picture: Picture::new(timeline, &incidents),
            incidents,
            under_way: UnderWay {
                commands: starts.len(),
                oldest_ns: oldest.map(|oldest| now.since(oldest)),
            },
            lost_events: ledger.lost_events,
            forgotten: ledger.forgotten,
            exit_status,
        }
    }
}

impl Shown {
    /// What is shown of an incident.
    fn new(incident: Incident, timeline: &Timeline) -> Self {
        let window = |slices| Window::new(timeline, slices);
        let happened = |event: PathEvent| Happened {
            noticed_ns: event.noticed.since(timeline.origin),
            words: event.to_string(),
            controller: event.controller,
            kind: event.kind,
            from: event.from,
            to: event.to,
        };
        Self {
            before: window(incident.before),
            during: window(incident.during),
            after: window(incident.after),
            events: incident.events.into_iter().map(happened).collect(),
        }
    }
}

impl Window {
    /// What ended in these slices.
    fn new(timeline: &Timeline, slices: Range<usize>) -> Self {
        let relative = |index| timeline.begins(index).since(timeline.origin);
        let (from, to) = (relative(slices.start), relative(slices.end));
        let sum = timeline.sum(slices);
        let length = to.since(from);
        let commands = sum.reads.count() + sum.writes.count();
        let per_command = |commands| Nanos(sum.busy.0 / commands as i64);
        Self {
            from_ns: from,
            to_ns: to,
            reads: Numbers::new(&sum.reads, length),
            writes: Numbers::new(&sum.writes, length),
            busy_ns: sum.busy,
            busy_per_command_ns: Some(commands).filter(|&n| n > 0).map(per_command),
        }
    }

    /// How long it is.
    pub(crate) fn length(&self) -> Nanos {
        self.to_ns.since(self.from_ns)
    }
}

impl Numbers {
    /// Those of a time of this length.
    fn new(latencies: &Latencies, length: Nanos) -> Self {
        let commands = latencies.count();
        Self {
            commands,
            failed: latencies.failed,
            per_second: (length.0 > 0).then(|| commands as f64 / length.seconds()),
            p50_ns: latencies.percentile(50.0),
            p95_ns: latencies.percentile(95.0),
            p99_ns: latencies.percentile(99.0),
            max_ns: latencies.max,
        }
    }
}

#[cfg(test)]
mod tests;
