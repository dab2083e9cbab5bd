// SPDX-License-Identifier: GPL-2.0
//! One line of the trace's text, before its meaning is known.

use crate::units::Nanos;

/// How what this tool says in a recording begins.
pub(crate) const HEADER: &str = "# nvme-fence: ";

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
        let Some((at, (name, text))) = stamp.zip(after) else {
            continue;
        };
        // trace-cmd pads names with blanks, and perf puts the name of the group before them.
        let (name, text) = (name.trim(), text.trim_start());
        let name = name.rsplit(':').next().unwrap_or(name);
        if !name.is_empty() && name.bytes().all(is_of_a_name) {
            return Line::Event(RawEvent { at, name, text });
        }
    }
    events_lost(line).map_or(Line::Other, Line::EventsLost)
}

/// Whether the name of an event may contain a byte.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Reads seconds with a fraction of six digits, or of nine, which perf and trace-cmd print if asked.
fn parse_seconds(text: &str) -> Option<Nanos> {
    let (seconds, fraction) = text.split_once('.')?;
    let unit = match fraction.len() {
        6 => 1_000,
        9 => 1,
        _ => return None,
    };
    let seconds: u32 = seconds.parse().ok()?;
    let fraction: u32 = fraction.parse().ok()?;
    Some(Nanos(
        i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * unit,
    ))
}

/// Whether a line is one of a trace's, also of one in which nothing happened: of an event, or what
/// this tool, the kernel or trace-cmd begins with.
pub(crate) fn is_of_a_trace(line: &str) -> bool {
    let headers = [HEADER, "# tracer: ", "cpus="];
    headers.iter().any(|header| line.starts_with(header)) || split(line) != Line::Other
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
            // trace-cmd report, without and with -t
            (
                "          <idle>-0     [000]     7.540001: nvme_fence_lost:      nvme0 record=3",
                event(7_540_001_000, "nvme_fence_lost", "nvme0 record=3"),
            ),
            (
                "      kworker/0:1-12   [000] d..1.     7.540001002: nvme_fence_lost: nvme0 record=3",
                event(7_540_001_002, "nvme_fence_lost", "nvme0 record=3"),
            ),
            // perf script
            (
                "kworker/0:1    12 [000]     7.540001:           nvme_fence:nvme_fence_lost: nvme0 record=3",
                event(7_540_001_000, "nvme_fence_lost", "nvme0 record=3"),
            ),
            ("Nov 28 1.000000: this is prose: it is", Line::Other),
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
