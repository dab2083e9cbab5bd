// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence trace report`: where the time of each failover went.

use anyhow::{Context, Result};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use super::collect::histories;
use super::event::{parse, Event, Parsed, Step, TracedEvent};
use super::history::History;
use super::line::is_of_a_trace;
use super::surroundings::Surroundings;
use crate::cli::ReportArgs;
use crate::output;
use crate::units::Nanos;

/// The version of the output for programs, whose description is in `schemas/`.
const SCHEMA: &str = "nvme-fence/report/1";

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Which description this output follows.
    schema: &'static str,
    /// The host that was recorded; `None` = the recording does not say.
    pub(crate) host: Option<String>,
    /// The release of its kernel; `None` as above.
    pub(crate) kernel: Option<String>,
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
    /// How many of them held something and were not fenced when the trace ended.
    pub(crate) not_fenced: u64,
    /// How many of them held nothing, as when a controller is reset or removed in good order.
    pub(crate) nothing_held: u64,
    /// The commands that were held.
    pub(crate) held_commands: u64,
    /// Their bytes.
    pub(crate) held_bytes: u64,
    /// The cancelled commands that were to go on at once, while newer ones to their blocks would wait.
    pub(crate) tracked_commands: u64,
    /// Those of them that are known to have gone on at once.
    pub(crate) repeated_commands: u64,
    /// Those that are known to have been held after all.
    pub(crate) kept_commands: u64,
    /// The newer commands that waited.
    pub(crate) waited_commands: u64,
    /// The commands that were sent on.
    pub(crate) released_commands: u64,
    /// Their bytes.
    pub(crate) released_bytes: u64,
    /// The longest time from a loss until I/O flowed again.
    #[serde(rename = "total_max_ns")]
    pub(crate) total_max: Option<Nanos>,
    /// The longest time that a command stood still: from the start of a held one, or from when a newer
    /// one began to wait, until I/O flowed again.
    #[serde(rename = "stall_max_ns")]
    pub(crate) stall_max: Option<Nanos>,
    /// The events that the recorder was too slow for. If there are any, nothing above is certain.
    pub(crate) lost_events: u64,
    /// The events that were not understood although they should have been.
    pub(crate) malformed_events: u64,
    /// What is wrong with the first of these.
    pub(crate) first_malformed: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &ReportArgs) -> Result<()> {
    output::print(args.output.format, &load(&args.file)?)
}

/// Reads a recorded trace and explains it.
pub(crate) fn load(file: &Path) -> Result<Report> {
    let bytes = read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let report = match NoTrace::known(&bytes) {
        Some(other) => Err(other),
        // Task names need not be UTF-8.
        None => Report::new(&String::from_utf8_lossy(&bytes)),
    };
    report.with_context(|| file.display().to_string())
}

/// Reads a file, or standard input.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return std::fs::read(path);
    }
    if io::stdin().is_terminal() {
        return Err(io::Error::other(
            "this is a terminal: give a file, or pipe a trace in",
        ));
    }
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a file cannot be explained.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum NoTrace {
    /// Not even the line that `trace record` begins with.
    #[error("it is empty: no recording was begun in it")]
    Empty,
    /// trace-cmd record
    #[error(
        "this is the binary recording of trace-cmd: give what `trace-cmd report` prints of it"
    )]
    TraceCmd,
    /// perf record
    #[error("this is the binary recording of perf: give what `perf script` prints of it")]
    Perf,
    /// Anything else.
    #[error(
        "this is no trace: give what `nvme-fence trace record` wrote, or what \
         `trace-cmd report` or `perf script` prints"
    )]
    Other,
    /// A record is lost once.
    #[error(
        "it contains the same recording twice: {controller} record {record} is lost twice at \
         {:.6} s", at.seconds()
    )]
    Twice {
        /// The controller.
        controller: String,
        /// The record.
        record: u64,
        /// When both were lost.
        at: Nanos,
    },
}

impl NoTrace {
    /// What files that are often taken for a trace are known by.
    fn known(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            Some(Self::Empty)
        } else if bytes.starts_with(b"\x17\x08Dtracing") {
            Some(Self::TraceCmd)
        } else if bytes.starts_with(b"PERFILE2") {
            Some(Self::Perf)
        } else {
            None
        }
    }
}

impl Report {
    /// Explains the text of a trace.
    fn new(text: &str) -> Result<Self, NoTrace> {
        if !text.lines().any(is_of_a_trace) {
            return Err(NoTrace::Other);
        }
        let mut summary = Summary::default();
        let mut events = Vec::new();
        let mut surroundings = Surroundings::default();
        for line in text.lines() {
            surroundings.take(line);
            match parse(line) {
                Parsed::Event(event) => events.push(event),
                Parsed::EventsLost(count) => {
                    summary.lost_events = summary.lost_events.saturating_add(count);
                }
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
        refuse_twice(&events)?;
        let mut records = histories(&events);
        for record in &mut records {
            record.explain(&surroundings);
        }
        summary.add_up(&records);
        Ok(Self {
            schema: SCHEMA,
            host: surroundings.host,
            kernel: surroundings.kernel,
            records,
            summary,
        })
    }
}

/// Fails if a loss is there twice. Everything else would be counted twice as well.
fn refuse_twice(events: &[TracedEvent]) -> Result<(), NoTrace> {
    let mut seen = BTreeSet::new();
    for event in events {
        let Event::Fence(fence) = &event.event else {
            continue;
        };
        let is_loss = matches!(fence.step, Step::Lost(_));
        if is_loss && !seen.insert((event.at.0, fence.record, &fence.controller)) {
            return Err(NoTrace::Twice {
                controller: fence.controller.clone(),
                record: fence.record,
                at: event.at,
            });
        }
    }
    Ok(())
}

impl Summary {
    /// Adds up what the records say.
    fn add_up(&mut self, records: &[History]) {
        for record in records {
            self.records += 1;
            match &record.evidence {
                Some(fenced) => *self.fenced_by.entry(fenced.evidence.clone()).or_default() += 1,
                None if record.held_nothing() => self.nothing_held += 1,
                None => self.not_fenced += 1,
            }
            // Numbers in a trace are anybody's.
            let add = |sum: &mut u64, value| *sum = sum.saturating_add(value);
            if let Some(held) = &record.held {
                add(&mut self.held_commands, held.all.commands);
                add(&mut self.held_bytes, held.all.bytes);
            }
            if let Some(tracked) = &record.tracked {
                add(&mut self.tracked_commands, tracked.all.commands);
                add(&mut self.repeated_commands, record.repeated.unwrap_or(0));
                add(&mut self.kept_commands, record.kept());
            }
            if let Some(waited) = &record.waited {
                add(&mut self.waited_commands, waited.commands);
            }
            for released in &record.releases {
                add(&mut self.released_commands, released.commands);
                add(&mut self.released_bytes, released.bytes);
            }
            self.total_max = self.total_max.max(record.phases.total);
            self.stall_max = self.stall_max.max(record.phases.stall);
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
        let report = Report::new(&format!("{evidence}\n{lost}\n")).unwrap();
        assert_eq!(report.records.len(), 1);
        assert_eq!(report.summary.total_max, Some(Nanos(2_000_000_000)));
    }

    #[test]
    fn an_empty_trace_has_no_records() {
        for header in ["# tracer: nop\n", "# nvme-fence: 0.1.0\n", "cpus=2\n"] {
            let report = Report::new(header).unwrap();
            assert_eq!(report.summary, Summary::default());
        }
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        for (bytes, reason) in [
            (&b""[..], Some(NoTrace::Empty)),
            (b"\x17\x08Dtracing6\0", Some(NoTrace::TraceCmd)),
            (b"PERFILE2\0", Some(NoTrace::Perf)),
            (b"# nvme-fence: 0.1.0\n", None),
        ] {
            assert_eq!(NoTrace::known(bytes), reason);
        }
        for text in ["\n", "tcpmux 1/tcp # port multiplexer\n", "\u{fffd}ELF\0\0"] {
            assert_eq!(Report::new(text).err(), Some(NoTrace::Other), "{text}");
        }
    }

    #[test]
    fn the_same_recording_twice_is_refused() {
        let lost = "a-1 [000] d..1. 1.000000: nvme_fence_lost: nvme0 record=1 cntlid=1 ciu=0\n";
        let error = Report::new(&lost.repeat(2)).err().unwrap();
        assert_eq!(
            error.to_string(),
            "it contains the same recording twice: nvme0 record 1 is lost twice at 1.000000 s"
        );
        // The module was loaded again, or it is another controller.
        let others = [
            lost,
            &lost.replace("1.000000", "2.000000"),
            &lost.replace("nvme0", "nvme1"),
        ];
        let report = Report::new(&others.concat()).unwrap();
        assert_eq!(report.summary.nothing_held, 3);
        assert_eq!(report.summary.not_fenced, 0);
    }

    #[test]
    fn sums_do_not_wrap() {
        let line = |event: &str| format!("a-1 [000] d..1. 1.000000: {event}\n");
        let bytes = u64::MAX;
        let hold = line(&format!(
            "nvme_fence_hold: nvme0 record=1 dev=259,0 op=W sector=0 bytes={bytes} status=0x371 held=1 held_bytes=1"
        ));
        let release = line(&format!(
            "nvme_fence_release: nvme0 record=1 evidence=time commands={bytes} bytes={bytes} held_ns=1"
        ));
        let lost = format!("CPU:0 [LOST {bytes} EVENTS]\n");
        let text = [hold, release, lost].map(|line| line.repeat(2)).concat();
        let summary = Report::new(&text).unwrap().summary;
        assert_eq!(summary.held_bytes, bytes);
        assert_eq!(summary.released_commands, bytes);
        assert_eq!(summary.released_bytes, bytes);
        assert_eq!(summary.lost_events, bytes);
    }

    #[test]
    fn what_is_missing_is_counted() {
        let report = Report::new(
            "CPU:0 [LOST 7 EVENTS]\n\
             a-1 [000] d..1. 1.000000: nvme_fence_lost: nvme0 record=1\n\
             a-1 [000] d..1. 1.000000: nvme_fence_lost: nvme0\n",
        )
        .unwrap();
        assert_eq!(report.summary.lost_events, 7);
        assert_eq!(report.summary.malformed_events, 2);
        assert_eq!(
            report.summary.first_malformed.as_deref(),
            Some("nvme_fence_lost: the field cntlid is missing or malformed")
        );
    }
}
