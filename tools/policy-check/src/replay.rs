// SPDX-License-Identifier: GPL-2.0-only

//! Feeds a recorded trace to the policy, and compares what follows.
//!
//! The trace has what the policy decided, and of what it decided upon only a part. What follows from
//! the rest is filled in such that it cannot hide a wrong decision: terms and clocks are those that
//! the announced deadline names, so that the policy must come to this very deadline; a release must
//! follow from the evidence that is named, given as an event at the time of the evidence, and from
//! nothing before.

mod event;
mod possible;
mod record;

pub use event::{Event, Line, Step, parse};

use nvme_fence_policy::{AssociationId, Nanos};
use record::Record;
use std::collections::BTreeMap;
use std::fmt;

/// Something that the policy would not have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where in the trace, counted from 1.
    pub line: usize,
    /// What.
    pub what: String,
}

/// What became of a trace.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Events that were replayed.
    pub events: usize,
    /// Records that were replayed.
    pub records: usize,
    /// Records that had begun before the trace, and were not looked at.
    pub skipped: usize,
    /// Records that hold commands when the trace ends.
    pub unfinished: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} events, {} records, {} of them unfinished; {} that began before the trace; {} findings",
            self.events,
            self.records,
            self.unfinished,
            self.skipped,
            self.findings.len()
        )
    }
}

/// Replays the text of a trace. Evidence by time may come `tolerance` nanoseconds after its deadline.
pub fn replay(text: &str, tolerance: u64) -> Summary {
    let mut summary = Summary::default();
    // None: it had begun before the trace.
    let mut records: BTreeMap<u64, Option<Record>> = BTreeMap::new();
    let mut last = 0;

    for (number, line) in text.lines().enumerate() {
        let mut blame = |what: String| {
            summary.findings.push(Finding {
                line: number + 1,
                what,
            });
        };
        let event = match parse(line) {
            Line::Event(event) => event,
            Line::Other => continue,
            Line::Malformed(field) => {
                blame(format!("the field {field} is missing or malformed"));
                continue;
            }
            Line::EventsLost => {
                blame("events are missing here: nothing can be said of this trace".into());
                break;
            }
        };
        if event.at < last {
            blame("time goes back".into());
        }
        last = event.at;
        summary.events += 1;
        let record = records.entry(event.record).or_insert_with(|| {
            let begins = match &event.step {
                Step::Lost { .. } => true,
                Step::Hold { held, .. } => *held == 1,
                Step::Deadline(_)
                | Step::Evidence { .. }
                | Step::Release { .. }
                | Step::Reset { .. } => false,
            };
            begins.then(|| Record::new(event.controller.clone()))
        });
        if let Some(record) = record {
            for what in record.replay(&event, tolerance) {
                blame(format!("record {}: {what}", event.record));
            }
        }
        if let Step::Lost { .. } = event.step {
            // It is no source any more, for nobody.
            for other in records.values_mut().flatten() {
                other.source_lost(Nanos(event.at), AssociationId(event.record));
            }
        }
    }
    summary.records = records.values().flatten().count();
    summary.skipped = records.len() - summary.records;
    summary.unfinished = records
        .values()
        .flatten()
        .filter(|r| r.is_unfinished())
        .count();
    if summary.records == 0 && summary.findings.is_empty() {
        summary.findings.push(Finding {
            line: 0,
            what: "there is nothing to replay".into(),
        });
    }
    summary
}
