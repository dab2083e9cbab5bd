// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence trace report`: where the time of each failover went.

use anyhow::{Context, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use super::collect::histories;
use super::event::{parse, Parsed, TracedEvent};
use super::history::History;
use crate::cli::ReportArgs;
use crate::output;
use crate::units::Nanos;

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
pub(crate) struct Report {
    /// The records, in the order in which they were lost.
    pub(crate) records: Vec<History>,
    /// All records together.
    pub(crate) summary: Summary,
}

/// All records together.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// How many records there are.
    pub(crate) records: u64,
    /// How many of them were fenced, by evidence.
    pub(crate) fenced_by: BTreeMap<String, u64>,
    /// How many of them were not fenced when the trace ended.
    pub(crate) not_fenced: u64,
    /// The commands that were held.
    pub(crate) held_commands: u64,
    /// Their bytes.
    pub(crate) held_bytes: u64,
    /// The commands that were sent on.
    pub(crate) released_commands: u64,
    /// Their bytes.
    pub(crate) released_bytes: u64,
    /// The longest time from a loss until I/O flowed again.
    #[serde(rename = "total_max_ns")]
    pub(crate) total_max: Option<Nanos>,
    /// The events that the recorder was too slow for. If there are any, nothing above is certain.
    pub(crate) lost_events: u64,
    /// The events that were not understood although they should have been.
    pub(crate) malformed_events: u64,
    /// What is wrong with the first of these.
    pub(crate) first_malformed: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &ReportArgs) -> Result<()> {
    let text = read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    output::print(args.output.format, &Report::new(&text))
}

/// Reads a file, or standard input.
fn read(path: &Path) -> io::Result<String> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        bytes
    } else {
        std::fs::read(path)?
    };
    // Task names need not be UTF-8.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Report {
    /// Explains the text of a trace.
    fn new(text: &str) -> Self {
        let mut summary = Summary::default();
        let mut events = Vec::new();
        for line in text.lines() {
            match parse(line) {
                Parsed::Event(event) => events.push(event),
                Parsed::EventsLost(count) => summary.lost_events += count,
                Parsed::Malformed(event, field) => {
                    summary.malformed_events += 1;
                    summary
                        .first_malformed
                        .get_or_insert_with(|| format!("{event}: {field}"));
                }
                Parsed::Other => {}
            }
        }
        // What different processors have recorded may be out of order across two reads.
        events.sort_by_key(|event: &TracedEvent| event.at);
        let records = histories(&events);
        summary.add_up(&records);
        Self { records, summary }
    }
}

impl Summary {
    /// Adds up what the records say.
    fn add_up(&mut self, records: &[History]) {
        for record in records {
            self.records += 1;
            match &record.evidence {
                Some(fenced) => *self.fenced_by.entry(fenced.evidence.clone()).or_default() += 1,
                None => self.not_fenced += 1,
            }
            if let Some(held) = &record.held {
                self.held_commands += held.commands;
                self.held_bytes += held.bytes;
            }
            for released in &record.releases {
                self.released_commands += released.commands;
                self.released_bytes += released.bytes;
            }
            self.total_max = self.total_max.max(record.phases.total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_lines_does_not_matter() {
        let lost = "a-1 [000] d..1. 1.000000: nvme_fence_lost: nvme0 record=1 cntlid=1 ciu=0";
        let evidence = "b-2 [001] d..1. 3.000000: nvme_fence_evidence: nvme0 record=1 evidence=admin held=0 held_bytes=0";
        let report = Report::new(&format!("{evidence}\n{lost}\n"));
        assert_eq!(report.records.len(), 1);
        assert_eq!(report.summary.total_max, Some(Nanos(2_000_000_000)));
    }

    #[test]
    fn an_empty_trace_has_no_records() {
        assert_eq!(Report::new("# tracer: nop\n").summary, Summary::default());
    }

    #[test]
    fn what_is_missing_is_counted() {
        let report = Report::new(
            "CPU:0 [LOST 7 EVENTS]\n\
             a-1 [000] d..1. 1.000000: nvme_fence_lost: nvme0 record=1\n\
             a-1 [000] d..1. 1.000000: nvme_fence_lost: nvme0\n",
        );
        assert_eq!(report.summary.lost_events, 7);
        assert_eq!(report.summary.malformed_events, 2);
        assert_eq!(
            report.summary.first_malformed.as_deref(),
            Some("nvme_fence_lost: the field cntlid is missing or malformed")
        );
    }
}
