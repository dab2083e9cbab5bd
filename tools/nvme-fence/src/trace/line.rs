// SPDX-License-Identifier: GPL-2.0
//! One line of the trace's text, before its meaning is known.

use crate::units::Nanos;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// An event of any kind.
    Event(RawEvent<'a>),
    /// The reader was too slow: so many events are missing here.
    EventsLost(u64),
    /// A comment, or something that other tools write.
    Other,
}

/// An event's line, taken apart: `task-pid [cpu] flags seconds: name: text`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawEvent<'a> {
    /// When it was, on the clock of the trace.
    pub(crate) at: Nanos,
    /// The event's name.
    pub(crate) name: &'a str,
    /// What the event printed.
    pub(crate) text: &'a str,
}

/// Takes a line apart.
pub(crate) fn split(line: &str) -> Line<'_> {
    // A task may have any name, with blanks and colons in it. What precedes the event's name is
    // known by the time stamp at its end.
    for (colon, _) in line.match_indices(": ") {
        let before = &line[..colon];
        let stamp = before.rsplit(' ').next().and_then(parse_seconds);
        let after = line[colon + 2..].split_once(": ");
        if let (Some(at), Some((name, text))) = (stamp, after) {
            return Line::Event(RawEvent { at, name, text });
        }
    }
    events_lost(line).map_or(Line::Other, Line::EventsLost)
}

/// Reads `seconds.microseconds`.
fn parse_seconds(text: &str) -> Option<Nanos> {
    let (seconds, micros) = text.split_once('.')?;
    if micros.len() != 6 {
        return None;
    }
    let seconds: u32 = seconds.parse().ok()?;
    let micros: u32 = micros.parse().ok()?;
    Some(Nanos(
        i64::from(seconds) * 1_000_000_000 + i64::from(micros) * 1_000,
    ))
}

/// Reads `CPU:1 [LOST 12 EVENTS]`.
fn events_lost(line: &str) -> Option<u64> {
    let (_, lost) = line
        .strip_prefix("CPU:")?
        .strip_suffix(" EVENTS]")?
        .split_once(" [LOST")?;
    if lost.is_empty() {
        // The kernel does not know how many. At least one.
        return Some(1);
    }
    lost.trim_start().parse().ok()
}

/// Makes lines of what arrives in pieces.
#[derive(Default)]
pub(crate) struct LineBuffer {
    /// The beginning of a line of which the end is still to come.
    rest: Vec<u8>,
}

impl LineBuffer {
    /// Takes a piece and passes on every line that it completes.
    pub(crate) fn push<E>(
        &mut self,
        piece: &[u8],
        mut line: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        self.rest.extend_from_slice(piece);
        let complete = self
            .rest
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let lines: Vec<u8> = self.rest.drain(..complete).collect();
        // Task names need not be UTF-8.
        String::from_utf8_lossy(&lines)
            .lines()
            .try_for_each(&mut line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_lines_apart() {
        let event = |at, name, text| {
            Line::Event(RawEvent {
                at: Nanos(at),
                name,
                text,
            })
        };
        for (line, expected) in [
            (
                "     kworker/0:1-12      [000] d..1.     7.540001: nvme_fence_lost: nvme0 record=3",
                event(7_540_001_000, "nvme_fence_lost", "nvme0 record=3"),
            ),
            (
                "  a: b 1.5: c-12 [000] d..1. 7.000000: nvme_setup_cmd: nvme1: disk=nvme0c1n1, qid=1",
                event(7_000_000_000, "nvme_setup_cmd", "nvme1: disk=nvme0c1n1, qid=1"),
            ),
            ("CPU:1 [LOST 12 EVENTS]", Line::EventsLost(12)),
            ("CPU:0 [LOST EVENTS]", Line::EventsLost(1)),
            ("# tracer: nop", Line::Other),
            ("x-1 [000] d..1. 7.000000: no event", Line::Other),
            ("", Line::Other),
        ] {
            assert_eq!(split(line), expected, "{line}");
        }
    }

    #[test]
    fn joins_pieces() {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        let pieces: [&[u8]; 5] = [b"one\ntw", b"o", b"\n", b"\xff\n", b"unfinished"];
        for piece in pieces {
            buffer
                .push(piece, |line| {
                    lines.push(line.to_owned());
                    Ok::<_, ()>(())
                })
                .unwrap();
        }
        assert_eq!(lines, ["one", "two", "\u{fffd}"]);
    }
}
