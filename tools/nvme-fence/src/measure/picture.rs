// SPDX-License-Identifier: GPL-2.0
//! Latency over time, with the incidents drawn in: what both pictures have in common, and the one
//! for a terminal, of plain characters.

mod svg;

use std::fmt;

use super::latencies::Latencies;
use super::report::Shown;
use super::timeline::Timeline;
use crate::units::Nanos;

/// The most columns of the fine picture.
const COLUMNS: usize = 480;
/// Those of the one for a terminal.
const CHARACTERS: usize = 68;
/// How many lines of characters a power of ten has.
const LINES: f64 = 2.0;

/// How long commands took, in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Height {
    /// Half of them, at most.
    p50: Nanos,
    /// And 99 of a hundred.
    p99: Nanos,
    /// And all.
    max: Nanos,
}

/// What ended in a part of the time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Column {
    /// Reads; `None` = there were none.
    reads: Option<Height>,
    /// Writes.
    writes: Option<Height>,
}

/// An incident in the picture.
#[derive(Clone, Debug, PartialEq)]
struct Mark {
    /// What happened, and when.
    events: Vec<(Nanos, String)>,
    /// When it began to hurt.
    from: Nanos,
    /// And when it ended.
    to: Nanos,
}

/// All of the time.
struct Columns {
    /// They.
    all: Vec<Column>,
    /// How much time each one is.
    width: Nanos,
}

/// What is drawn.
pub(crate) struct Picture {
    /// As SVG.
    fine: Columns,
    /// In a terminal.
    coarse: Columns,
    /// What happened.
    marks: Vec<Mark>,
}

impl Picture {
    /// What is drawn of a measurement.
    pub(crate) fn new(timeline: &Timeline, incidents: &[Shown]) -> Self {
        let mark = |incident: &Shown| Mark {
            events: incident
                .events
                .iter()
                .map(|event| (event.noticed_ns, event.words.clone()))
                .collect(),
            from: incident.during.from_ns,
            to: incident.during.to_ns,
        };
        Self {
            fine: Columns::new(timeline, COLUMNS),
            coarse: Columns::new(timeline, CHARACTERS),
            marks: incidents.iter().map(mark).collect(),
        }
    }

    /// The powers of ten of nanoseconds between which everything lies; `None` = there is nothing.
    fn decades(&self) -> Option<(i32, i32)> {
        let heights = self.fine.all.iter().flat_map(|c| [c.reads, c.writes]);
        let heights: Vec<Height> = heights.flatten().collect();
        let least = heights.iter().map(|height| height.p50).min()?;
        let most = heights.iter().map(|height| height.max).max()?;
        let first = logarithm(least).floor() as i32;
        Some((first, (logarithm(most).ceil() as i32).max(first + 1)))
    }
}

impl Columns {
    /// Those of a timeline, at most so many.
    fn new(timeline: &Timeline, most: usize) -> Self {
        let slices = timeline.len().div_ceil(most).max(1);
        let column = |first: usize| {
            let sum = timeline.sum(first..first + slices);
            Column {
                reads: height(&sum.reads),
                writes: height(&sum.writes),
            }
        };
        Self {
            all: (0..timeline.len()).step_by(slices).map(column).collect(),
            width: Nanos(timeline.width.0 * slices as i64),
        }
    }

    /// When the last one ends.
    fn end(&self) -> Nanos {
        Nanos(self.width.0 * self.all.len() as i64)
    }
}

/// How long some commands took.
fn height(latencies: &Latencies) -> Option<Height> {
    Some(Height {
        p50: latencies.percentile(50.0)?,
        p99: latencies.percentile(99.0)?,
        max: latencies.max?,
    })
}

/// The power of ten of a time. What took no time, as it may on a virtual clock, took a nanosecond.
fn logarithm(time: Nanos) -> f64 {
    (time.0.max(1) as f64).log10()
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, last)) = self.decades() else {
            return Ok(());
        };
        writeln!(
            f,
            "latency: R, W the slowest read and write; r, w half of them"
        )?;
        let lines = f64::from(last - first) * LINES;
        let line_of = |time| ((logarithm(time) - f64::from(first)) * LINES).floor();
        for line in (0..=lines as i32).rev() {
            let is_here = |time: Nanos| line_of(time) as i32 == line;
            let here = |column: &Column| {
                let of = |height: Option<Height>, most: char, half: char| match height {
                    Some(height) if is_here(height.max) => Some(most),
                    Some(height) if is_here(height.p50) => Some(half),
                    _ => None,
                };
                // Where both are, that of writes: they are what is held.
                let write = of(column.writes, 'W', 'w');
                write.or(of(column.reads, 'R', 'r')).unwrap_or(' ')
            };
            let label = match line % LINES as i32 {
                0 => label(first + line / LINES as i32),
                _ => String::new(),
            };
            let row: String = self.coarse.all.iter().map(here).collect();
            writeln!(f, "{}", format!("{label:>7} |{row}").trim_end())?;
        }
        let axis = "-".repeat(self.coarse.all.len());
        writeln!(f, "{:>7} +{axis}", "")?;
        writeln!(f, "{:>7}  {}", "", self.marks_in_a_line().trim_end())?;
        let width = self.coarse.all.len().saturating_sub(1);
        writeln!(f, "{:>7}  0{:>width$}", "", self.coarse.end().to_string())
    }
}

impl Picture {
    /// The line below the axis: `=` while it hurts, and the number of the incident where something
    /// happens.
    fn marks_in_a_line(&self) -> String {
        let column = |time: Nanos| (time.0 / self.coarse.width.0) as usize;
        let mut line = vec![' '; self.coarse.all.len()];
        for (index, mark) in self.marks.iter().enumerate() {
            let end = column(Nanos(mark.to.0 - 1)).min(line.len().saturating_sub(1));
            for place in &mut line[column(mark.from).min(end)..=end] {
                *place = '=';
            }
            let digit = char::from_digit(index as u32 + 1, 10).unwrap_or('*');
            for (at, _) in &mark.events {
                if let Some(place) = line.get_mut(column(*at)) {
                    *place = digit;
                }
            }
        }
        line.into_iter().collect()
    }
}

/// A power of ten of nanoseconds, in a unit that fits.
fn label(decade: i32) -> String {
    let unit = ["ns", "us", "ms", "s"][(decade / 3).clamp(0, 3) as usize];
    let number = 10_i64.pow((decade - (decade / 3).min(3) * 3).max(0) as u32);
    format!("{number} {unit}")
}
