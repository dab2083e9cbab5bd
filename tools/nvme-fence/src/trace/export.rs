// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence trace export`: a recorded trace for Perfetto, in the JSON trace event format that it
//! reads.
//!
//! A controller is a process there, and each of its records a thread: the phases are slices of it,
//! and what else happened are marks.

use anyhow::Result;
use serde::Serialize;
use serde_json::{json, Value};
use std::fmt::Write;

use super::history::History;
use super::report::load;
use crate::cli::ExportArgs;
use crate::output;
use crate::units::Nanos;

/// What is exported.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    /// The unit in which it is shown at first.
    display_time_unit: &'static str,
    /// In no particular order.
    trace_events: Vec<Value>,
}

/// Runs the command.
pub(crate) fn run(args: &ExportArgs) -> Result<()> {
    let export = Export::new(&load(&args.file)?.records);
    let mut text = serde_json::to_string_pretty(&export)?;
    writeln!(text)?;
    output::print_text(&text)
}

impl Export {
    /// What is exported of some records.
    fn new(records: &[History]) -> Self {
        let mut controllers: Vec<&str> = records.iter().map(|r| r.controller.as_str()).collect();
        controllers.sort_unstable();
        controllers.dedup();
        let mut trace_events = Vec::new();
        for (index, controller) in controllers.iter().enumerate() {
            let place = Place(index + 1, 0);
            trace_events.push(place.named("process_name", controller));
            let of_it = records.iter().filter(|r| r.controller == *controller);
            // The number of a record may come again, when the module was loaded anew.
            for (index, record) in of_it.enumerate() {
                let place = Place(place.0, index + 1);
                let name = format!("record {}", record.record);
                trace_events.push(place.named("thread_name", &name));
                trace_events.extend(events(record, place));
            }
        }
        Self {
            display_time_unit: "ms",
            trace_events,
        }
    }
}

/// A process and a thread.
#[derive(Clone, Copy)]
struct Place(usize, usize);

impl Place {
    /// What this is called.
    fn named(self, what: &str, name: &str) -> Value {
        json!({
            "name": what, "ph": "M", "pid": self.0, "tid": self.1, "args": { "name": name },
        })
    }

    /// Something that took some time.
    fn slice(self, name: &str, from: Nanos, length: Nanos) -> Value {
        json!({
            "name": name, "ph": "X", "pid": self.0, "tid": self.1,
            "ts": microseconds(from), "dur": microseconds(length),
        })
    }

    /// Something that happened.
    fn mark(self, name: &str, at: Nanos) -> Value {
        json!({
            "name": name, "ph": "i", "s": "t", "pid": self.0, "tid": self.1,
            "ts": microseconds(at),
        })
    }
}

/// A time as the format has it.
fn microseconds(time: Nanos) -> f64 {
    time.0 as f64 / 1e3
}

/// What happened to a record.
fn events(record: &History, place: Place) -> Vec<Value> {
    let phases = &record.phases;
    let oldest = record.oldest();
    let lost = Some(Nanos(0));
    let fenced = record.evidence.as_ref().map(|fenced| fenced.at);
    let released = record.released();
    let absolute = |at: Nanos| Nanos(record.origin.0.saturating_add(at.0));
    let slices = [
        // The others are inside of it.
        ("stall", record.stood_still(), phases.stall),
        ("noticed", oldest, phases.noticed),
        ("fencing", lost, phases.fencing),
        ("release", fenced, phases.release),
        ("resume", released, phases.resume),
    ];
    let slice = |(name, from, length): (&str, Option<Nanos>, Option<Nanos>)| {
        Some(place.slice(name, absolute(from?), length?))
    };
    let marks = record.timeline().into_iter();
    let marks = marks.map(|(at, what)| place.mark(&what, absolute(at)));
    slices.into_iter().filter_map(slice).chain(marks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The export of a file of tests/data, as programs read it.
    fn export(file: &str) -> Vec<Value> {
        let report = load(&Path::new("tests/data").join(file)).unwrap();
        let export = serde_json::to_value(Export::new(&report.records)).unwrap();
        export["traceEvents"].as_array().unwrap().clone()
    }

    /// The slices of a thread: name, begin, and length, in microseconds.
    fn slices(events: &[Value], pid: u64, tid: u64) -> Vec<(&str, f64, f64)> {
        let here = |e: &&Value| e["ph"] == "X" && e["pid"] == pid && e["tid"] == tid;
        let slice = |e: &'_ Value| (e["ts"].as_f64().unwrap(), e["dur"].as_f64().unwrap());
        let named = events.iter().filter(here);
        named
            .map(|e| (e["name"].as_str().unwrap(), slice(e).0, slice(e).1))
            .collect()
    }

    #[test]
    fn phases_follow_each_other_within_the_stall() {
        let events = export("stall.trace");
        assert_eq!(
            slices(&events, 1, 1),
            [
                ("stall", 4_449_000.0, 3_882_325.0),
                ("noticed", 4_449_000.0, 3_881_000.0),
                ("fencing", 8_330_000.0, 1_204.0),
                ("release", 8_331_204.0, 31.0),
                ("resume", 8_331_235.0, 90.0),
            ]
        );
        let mark = events.iter().find(|e| e["name"] == "fenced: ccr").unwrap();
        assert_eq!(
            (&mark["ph"], &mark["ts"]),
            (&json!("i"), &json!(8_331_204.0))
        );
    }

    #[test]
    fn a_controller_is_a_process_and_a_record_a_thread() {
        let events = export("stall.trace");
        let names: Vec<_> = events
            .iter()
            .filter(|e| e["ph"] == "M")
            .map(|e| (&e["pid"], &e["tid"], e["args"]["name"].as_str().unwrap()))
            .collect();
        let (one, two) = (&json!(1), &json!(2));
        assert_eq!(
            names,
            [
                (one, &json!(0), "nvme0"),
                (one, one, "record 3"),
                (two, &json!(0), "nvme1"),
                (two, one, "record 4"),
                (two, two, "record 5"),
            ]
        );
        // Nothing was held: there is no phase.
        assert_eq!(slices(&events, 2, 1), []);
    }

    #[test]
    fn what_has_no_loss_begins_with_its_first_event() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "\
            a-1 [000] d..1. 1.000000: nvme_fence_deadline: nvme0 record=1 rule=none\n\
            a-1 [000] d..1. 3.000000: nvme_fence_evidence: nvme0 record=1 evidence=admin held=1 held_bytes=512\n\
            a-1 [000] d..1. 3.000100: nvme_fence_release: nvme0 record=1 evidence=admin commands=1 bytes=512 held_ns=1\n";
        std::fs::write(&file, text).unwrap();
        let events = export(file.path().to_str().unwrap());
        assert_eq!(slices(&events, 1, 1), [("release", 3_000_000.0, 100.0)]);
    }
}
