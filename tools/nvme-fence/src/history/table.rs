// SPDX-License-Identifier: GPL-2.0
//! The history for people: one line for each event, in local time.

use jiff::tz::TimeZone;
use std::fmt;

use super::History;
use crate::record::event::Event;
use crate::text::{write_columns, OneLine};
use crate::units::Milliseconds;

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

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.events.is_empty() {
            writeln!(f, "nothing has happened")?;
        } else {
            write(f, &self.events, &TimeZone::system())?;
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

/// The cells of a line.
fn cells(event: &Event, zone: &TimeZone) -> [String; HEADINGS.len()] {
    let none = || "-".to_owned();
    let name = |text: &Option<String>| {
        text.as_deref()
            .map_or_else(none, |t| OneLine(t).to_string())
    };
    let when = event.time.to_zoned_datetime(zone.clone());
    let duration = event.duration_ms.map(|ms| Milliseconds(ms).to_string());
    // What became of the module or the monitor is a detail.
    let (word, detail) = match event.event.word().split_once('-') {
        None => (event.event.word(), event.detail()),
        Some((who, what)) => (who, what.to_owned()),
    };
    let commands = event.commands.map(|commands| commands.to_string());
    [
        when.strftime("%m-%d %H:%M:%S").to_string(),
        name(&event.subsystem),
        name(&event.path),
        word.to_owned(),
        duration.unwrap_or_else(none),
        commands.unwrap_or_else(none),
        OneLine(&detail).to_string(),
    ]
}
