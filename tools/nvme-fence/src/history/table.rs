// SPDX-License-Identifier: GPL-2.0
//! The history for people: one line for each event, and for each fencing that the module has kept,
//! in local time.

use jiff::tz::TimeZone;
use jiff::Timestamp;
use std::fmt;

use super::kept::Fencing;
use super::History;
use crate::record::event::{Event, Kind};
use crate::text::{write_columns, OneLine};
use crate::units::{Count, Milliseconds};

/// The columns. The last one is as wide as it has to be.
const HEADINGS: [&str; 7] = [
    "WHEN",
    "SUBSYSTEM",
    "PATH",
    "EVENT",
    "DURATION",
    "HELD",
    "DETAIL",
];

/// Those of what the module has kept.
const HEADINGS_KEPT: [&str; 6] = [
    "FENCED",
    "SUBSYSTEM",
    "PATH",
    "HELD-FOR",
    "HELD",
    "EVIDENCE",
];

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = TimeZone::system();
        match (self.events.is_empty(), self.fencings.is_empty()) {
            (true, true) => {
                let nothing = match self.has_record {
                    true => "nothing was recorded",
                    // It keeps none of a subsystem whose last controller went.
                    false => "the module has kept no fencing",
                };
                let reservation = if self.is_whole {
                    ""
                } else {
                    " that could be read"
                };
                writeln!(f, "{nothing}{reservation}")?;
            }
            (false, true) => write(f, &self.events, &zone)?,
            (true, false) => write_kept(f, &self.fencings, &zone)?,
            (false, false) => {
                write(f, &self.events, &zone)?;
                writeln!(f, "\nkept by the module:")?;
                write_kept(f, &self.fencings, &zone)?;
            }
        }
        self.errors
            .iter()
            .try_for_each(|error| writeln!(f, "{error}"))
    }
}

/// Writes the table.
fn write(f: &mut fmt::Formatter<'_>, events: &[Event], zone: &TimeZone) -> fmt::Result {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(events.iter().map(|event| cells(event, zone)));
    write_columns(f, &lines)
}

/// Writes the table of what the module has kept.
fn write_kept(f: &mut fmt::Formatter<'_>, fencings: &[Fencing], zone: &TimeZone) -> fmt::Result {
    let mut lines = vec![HEADINGS_KEPT.map(str::to_owned)];
    lines.extend(fencings.iter().map(|fencing| {
        [
            local(fencing.time, zone),
            fencing.subsystem.clone(),
            OneLine(&fencing.path).to_string(),
            Milliseconds(fencing.held_ms).to_string(),
            fencing.commands.to_string(),
            OneLine(&evidence(fencing)).to_string(),
        ]
    }));
    write_columns(f, &lines)
}

/// What fenced it, and what else there is to say.
fn evidence(fencing: &Fencing) -> String {
    let mut text = fencing.evidence.clone();
    if let Some(rule) = &fencing.rule {
        text += &format!(" ({rule})");
    }
    if let Some(ms) = fencing.closing_ms {
        text += &format!(", closed after {}", Milliseconds(ms));
    }
    if fencing.tracked != 0 {
        text += &format!(", {} tracked, {} waited", fencing.tracked, fencing.waited);
    }
    text
}

/// A point in time for people.
fn local(time: Timestamp, zone: &TimeZone) -> String {
    let time = time.to_zoned_datetime(zone.clone());
    time.strftime("%m-%d %H:%M:%S").to_string()
}

/// The cells of a line.
fn cells(event: &Event, zone: &TimeZone) -> [String; HEADINGS.len()] {
    let none = || "-".to_owned();
    let name = |text: &Option<String>| {
        text.as_deref()
            .map_or_else(none, |t| OneLine(t).to_string())
    };
    let duration = event.duration_ms.map(|ms| Milliseconds(ms).to_string());
    // What became of the module or the monitor is a detail.
    let (word, detail) = match event.event.word().split_once('-') {
        None => (event.event.word(), event.detail()),
        Some((who, what)) => (who, what.to_owned()),
    };
    // What is tracked goes on, and is not held.
    let (held, detail) = match (event.event, event.commands) {
        (Kind::Tracked, Some(commands)) => (None, Count(commands, "command").to_string()),
        (_, commands) => (commands.map(|commands| commands.to_string()), detail),
    };
    [
        local(event.time, zone),
        name(&event.subsystem),
        name(&event.path),
        word.to_owned(),
        duration.unwrap_or_else(none),
        held.unwrap_or_else(none),
        OneLine(&detail).to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_held_is_in_the_column_of_that() {
        for (kind, held, detail) in [(Kind::Held, "3", ""), (Kind::Tracked, "-", "3 commands")] {
            let event = Event {
                commands: Some(3),
                ..Event::new(Timestamp::UNIX_EPOCH, kind)
            };
            let cells = cells(&event, &TimeZone::UTC);
            assert_eq!(cells[3..], [kind.word(), "-", held, detail]);
        }
    }
}
