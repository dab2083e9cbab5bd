// SPDX-License-Identifier: GPL-2.0
//! The report for people: a timeline per record, and a summary.

use jiff::tz::TimeZone;
use std::fmt;

use super::describe;
use super::history::{Cancelled, Commands, History, ResetStep};
use super::report::{Report, Summary};
use crate::units::{Bytes, Count, Nanos};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(host), Some(kernel)) = (&self.host, &self.kernel) {
            writeln!(f, "recorded on {host}, Linux {kernel}\n")?;
        }
        for record in &self.records {
            writeln!(f, "{record}")?;
        }
        write!(f, "{}", self.summary)
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}: {}", self.record, self.controller)?;
        if let Some(cntlid) = self.cntlid {
            write!(f, " cntlid {cntlid}")?;
        }
        if let Some(nqn) = &self.nqn {
            write!(f, " of {nqn}")?;
        }
        write!(f, ", at {:.6} s", self.origin.seconds())?;
        if let Some(time) = self.time {
            let time = time.to_zoned_datetime(TimeZone::system());
            write!(f, ", {}", time.strftime("%F %T%.3f"))?;
        }
        writeln!(f)?;
        for (at, what) in self.timeline() {
            let at = at.signed().to_string();
            writeln!(f, "  {at:>11}  {what}")?;
        }
        let phases = self.phases_in_words();
        if !phases.is_empty() {
            writeln!(f, "  phases: {}", phases.join(", "))?;
        }
        // Of one disk that has no name, the lines above tell all.
        if self.devices.len() > 1 || self.devices.iter().any(|device| device.name.is_some()) {
            for device in &self.devices {
                writeln!(f, "  {device}")?;
            }
        }
        Ok(())
    }
}

impl History {
    /// The lines of the timeline, in the order of their times.
    pub(crate) fn timeline(&self) -> Vec<(Nanos, String)> {
        let beginning = if self.held_nothing() {
            "reset, removed or lost; nothing was held"
        } else if self.begins_with_loss() {
            "path lost"
        } else {
            "first event; the path was lost before the trace began"
        };
        let mut lines = vec![(Nanos(0), beginning.to_owned())];
        if let Some(held) = &self.held {
            lines.extend(held.oldest_in_words("held"));
            let all = &held.all;
            let (commands, bytes) = (Count(all.commands, "command"), Bytes(all.bytes));
            let line = format!("held {commands}, {bytes}{}", all.until_last());
            lines.push((all.first, line));
        }
        if let Some(tracked) = &self.tracked {
            lines.extend(tracked.oldest_in_words("tracked"));
            let all = &tracked.all;
            let commands = Count(all.commands, "cancelled command");
            let mut line = format!(
                "tracked {commands}, {}: to go on at once, while newer ones to the same blocks wait",
                Bytes(all.bytes)
            );
            if self.kept() > 0 {
                line += &format!("; {} held after all", self.kept());
            }
            lines.push((all.first, line));
        }
        if let Some(waited) = &self.waited {
            let commands = Count(waited.commands, "newer command");
            let bytes = Bytes(waited.bytes);
            let line = format!("{commands}, {bytes}, began to wait{}", waited.until_last());
            lines.push((waited.first, line));
        }
        lines.extend(self.news_of_resets());
        for announced in &self.deadlines {
            lines.push((announced.at, announced.deadline.to_string()));
        }
        if let Some(fenced) = &self.evidence {
            lines.push((fenced.at, format!("fenced: {}", fenced.evidence)));
        }
        for released in &self.releases {
            let line = describe::released(released.commands, released.bytes, released.held);
            lines.push((released.at, line));
        }
        if let Some(write) = &self.first_write {
            // The lost controller's name comes back with its next association.
            let path = if write.controller == self.controller {
                "the reconnected path"
            } else {
                "a surviving path"
            };
            let line = format!("first write on {path} ({})", write.controller);
            lines.push((write.at, line));
        }
        // Stable: what happened at the same time stays in the order above, which is that of causes.
        lines.sort_by_key(|(at, _)| *at);
        lines
    }
}

impl Cancelled {
    /// When the oldest was started, if that is known.
    fn oldest_in_words(&self, became: &str) -> Option<(Nanos, String)> {
        let line = format!("the oldest {became} command was started");
        Some((self.oldest?, line))
    }
}

impl Commands {
    /// When it happened to the last, if not all at once.
    fn until_last(&self) -> String {
        match self.last == self.first {
            true => String::new(),
            false => format!(", the last at {}", self.last.signed()),
        }
    }
}

impl History {
    /// The lines about resets. What the log page of a source says once more is left out.
    fn news_of_resets(&self) -> impl Iterator<Item = (Nanos, String)> + '_ {
        let is_news = |(number, step): &(usize, &ResetStep)| {
            let before = self.resets[..*number].iter().rev();
            let last = before
                .map(|before| &before.reset)
                .find(|reset| reset.source_record == step.reset.source_record);
            last != Some(&step.reset)
        };
        self.resets
            .iter()
            .enumerate()
            .filter(is_news)
            .map(|(_, step)| (step.at, step.reset.to_string()))
    }
}

impl History {
    /// The phases that are known.
    fn phases_in_words(&self) -> Vec<String> {
        let phases = &self.phases;
        let mut words: Vec<String> = [
            ("noticed", phases.noticed),
            ("fencing", phases.fencing),
            ("release", phases.release),
            ("resume", phases.resume),
            ("stall", phases.stall),
        ]
        .iter()
        .filter_map(|(name, duration)| Some(format!("{name} {}", (*duration)?)))
        .collect();
        match (phases.total, &self.evidence) {
            (_, None) if self.held_nothing() => {}
            (_, None) => words.push("not fenced when the trace ended".to_owned()),
            // How long the host took to notice is part of what an application sees.
            (Some(total), Some(_)) if phases.stall.is_none() => {
                words.push(format!("total {total} since the host noticed"));
            }
            _ => {}
        }
        words
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Count(self.records, "record"))?;
        for (evidence, count) in &self.fenced_by {
            write!(f, ", {count} fenced by {evidence}")?;
        }
        if self.not_fenced > 0 {
            write!(f, ", {} not fenced", self.not_fenced)?;
        }
        if self.nothing_held > 0 {
            write!(f, ", {} without held commands", self.nothing_held)?;
        }
        writeln!(f)?;
        let (held, released) = (self.held_commands, self.released_commands);
        write!(f, "held {}, ", Count(held, "command"))?;
        write!(f, "{}; ", Bytes(self.held_bytes))?;
        write!(f, "released {}, ", Count(released, "command"))?;
        writeln!(f, "{}", Bytes(self.released_bytes))?;
        if self.tracked_commands > 0 {
            let tracked = Count(self.tracked_commands, "cancelled command");
            write!(f, "tracked {tracked}")?;
            let known = self.repeated_commands.saturating_add(self.kept_commands);
            for (count, what) in [
                (self.repeated_commands, "went on at once"),
                (self.kept_commands, "held after all"),
                (self.tracked_commands.saturating_sub(known), "not fenced"),
            ] {
                if count > 0 {
                    write!(f, ", {count} {what}")?;
                }
            }
            let waited = Count(self.waited_commands, "newer command");
            writeln!(f, "; {waited} waited")?;
        }
        match (self.stall_max, self.total_max) {
            (Some(stall), _) => writeln!(f, "longest stall {stall}")?,
            (None, Some(total)) => writeln!(f, "longest total {total} since the host noticed")?,
            (None, None) => {}
        }
        writeln!(f, "{} lost by the trace", Count(self.lost_events, "event"))?;
        if let Some(first) = &self.first_malformed {
            let malformed = Count(self.malformed_events, "malformed event");
            writeln!(f, "{malformed} ignored; the first: {first}")?;
        }
        Ok(())
    }
}
