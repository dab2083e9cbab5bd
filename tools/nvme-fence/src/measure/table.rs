// SPDX-License-Identifier: GPL-2.0
//! The result for people: a table for each incident, and a small picture.

use std::fmt;

use super::report::{Numbers, Report, Shown, Window};
use crate::units::{Count, Nanos};

/// The columns, as wide as the numbers in them get.
const HEADINGS: &str =
    "  WINDOW  OP        IOPS         P50         P95         P99         MAX  CPU/IO";

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nqn = self.nqn.as_deref().unwrap_or("of a subsystem that is gone");
        let length = self.whole.length();
        writeln!(f, "{} {nqn}", self.device)?;
        writeln!(
            f,
            "measured for {length}, in slices of {}",
            self.resolution_ns
        )?;
        writeln!(f, "{HEADINGS}")?;
        write_window(f, "whole", &self.whole)?;
        for (index, incident) in self.incidents.iter().enumerate() {
            writeln!(f)?;
            write_incident(f, index + 1, incident)?;
        }
        let picture = self.picture.to_string();
        if !picture.is_empty() {
            write!(f, "\n{picture}")?;
        }
        self.write_remarks(f)
    }
}

impl Report {
    /// Writes what is not in the numbers.
    fn write_remarks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way = &self.under_way;
        if let Some(oldest) = under_way.oldest_ns {
            let commands = Count(under_way.commands as u64, "command");
            writeln!(f, "\n{commands} still under way, the oldest for {oldest}")?;
        }
        if self.lost_events > 0 {
            let lost = Count(self.lost_events, "event");
            let forgotten = Count(self.forgotten as u64, "command");
            writeln!(
                f,
                "\n{lost} lost by the trace: at least {forgotten} and what began or ended\n\
                 meanwhile are in no number"
            )?;
        }
        Ok(())
    }
}

/// Writes an incident.
fn write_incident(f: &mut fmt::Formatter<'_>, number: usize, incident: &Shown) -> fmt::Result {
    let during = &incident.during;
    writeln!(
        f,
        "incident {number}: {} from {} on",
        during.length(),
        during.from_ns.signed()
    )?;
    for event in &incident.events {
        let at = event.noticed_ns.signed().to_string();
        writeln!(f, "  {at:>11}  {}", event.words)?;
    }
    writeln!(f, "{HEADINGS}")?;
    write_window(f, "before", &incident.before)?;
    write_window(f, "during", during)?;
    write_window(f, "after", &incident.after)
}

/// Writes the lines of a window: one for reads, one for writes, of what there is.
fn write_window(f: &mut fmt::Formatter<'_>, name: &str, window: &Window) -> fmt::Result {
    let both = [("read", &window.reads), ("write", &window.writes)];
    let some = both.into_iter().filter(|(_, numbers)| numbers.commands > 0);
    let mut busy = window.busy_per_command_ns.map(|busy| busy.to_string());
    let mut nothing = true;
    for (op, numbers) in some {
        nothing = false;
        write_numbers(f, name, op, numbers, &busy.take().unwrap_or_default())?;
    }
    match window.length() {
        Nanos(0) => writeln!(f, "  {name:6}  not measured"),
        length if nothing => writeln!(f, "  {name:6}  nothing ended in {length}"),
        _ => Ok(()),
    }
}

/// Writes a line. The processors are busy for reads and writes alike: it stands in the first one.
fn write_numbers(
    f: &mut fmt::Formatter<'_>,
    window: &str,
    op: &str,
    numbers: &Numbers,
    busy: &str,
) -> fmt::Result {
    let text = |nanos: Option<Nanos>| nanos.map(|nanos| nanos.to_string()).unwrap_or_default();
    let line = format!(
        "  {window:6}  {op:5} {:>8.1}  {:>10}  {:>10}  {:>10}  {:>10}  {busy:>6}",
        numbers.per_second.unwrap_or_default(),
        text(numbers.p50_ns),
        text(numbers.p95_ns),
        text(numbers.p99_ns),
        text(numbers.max_ns),
    );
    writeln!(f, "{}", line.trim_end())?;
    if numbers.failed > 0 {
        writeln!(f, "          {} of them failed", numbers.failed)?;
    }
    Ok(())
}
