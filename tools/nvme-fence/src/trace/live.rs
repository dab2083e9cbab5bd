// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence trace live`: a line per event, readable or for programs.

use anyhow::Result;
use serde::Serialize;
use std::fmt;
use std::io::{self, Write};

use super::event::{parse, Parsed, TracedEvent};
use super::follow::{Follower, Piece};
use super::line::LineBuffer;
use crate::cli::{LiveArgs, OutputFormat};
use crate::host::Host;
use crate::text::OneLine;
use crate::units::Count;

/// The version of the output for programs, whose description is in `schemas/`.
const SCHEMA: &str = "nvme-fence/live/1";

/// A line for programs.
#[derive(Serialize)]
struct Line<'a> {
    /// Which description it follows.
    schema: &'static str,
    /// What it says.
    #[serde(flatten)]
    said: &'a Said,
}

/// What there is to say.
#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    /// An event of the module, or a write.
    Event(TracedEvent),
    /// Anything else.
    Other(Other),
}

/// What is said beside events.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Other {
    /// What happened to the trace itself.
    Notice {
        /// That, in words.
        text: String,
    },
    /// The trace was too fast.
    EventsLost {
        /// How many are missing here.
        count: u64,
    },
    /// A line of a module that is newer than this tool: still better than nothing.
    NotUnderstood {
        /// As it is in the trace.
        line: String,
    },
    /// It was told to end.
    End {
        /// How many events there were.
        events: u64,
        /// How many were lost.
        events_lost: u64,
    },
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => event.fmt(f),
            Self::Other(Other::Notice { text }) => f.write_str(text),
            Self::Other(Other::EventsLost { count }) => {
                write!(f, "{} lost", Count(*count, "event"))
            }
            Self::Other(Other::NotUnderstood { line }) => f.write_str(line),
            Self::Other(Other::End {
                events,
                events_lost,
            }) => write!(f, "{}, {events_lost} lost", Count(*events, "event")),
        }
    }
}

impl Said {
    /// What a line of the trace says.
    fn of(line: &str) -> Self {
        match parse(line) {
            Parsed::Event(event) => Self::Event(event),
            Parsed::EventsLost(count) => Self::Other(Other::EventsLost { count }),
            Parsed::Malformed(..) | Parsed::Other => Self::Other(Other::NotUnderstood {
                line: line.trim().to_owned(),
            }),
        }
    }

    /// Prints it. Standard output is flushed at the newline.
    fn print(&self, out: &mut impl Write, format: OutputFormat) -> Result<()> {
        match format {
            OutputFormat::Normal => writeln!(out, "{}", OneLine(&self.to_string()))?,
            OutputFormat::Json => {
                let line = Line {
                    schema: SCHEMA,
                    said: self,
                };
                serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &LiveArgs) -> Result<()> {
    let format = args.output.format;
    let follower = Follower::start(host, &args.events)?;
    let mut stdout = io::stdout().lock();
    let mut lines = LineBuffer::default();
    let (mut events, mut events_lost) = (0, 0u64);
    follower.run(|piece| {
        let piece = match piece {
            Piece::Text(text) => text,
            Piece::Notice(notice) => {
                let text = notice.to_owned();
                return Said::Other(Other::Notice { text }).print(&mut stdout, format);
            }
        };
        lines.push(piece, |line| -> Result<()> {
            let said = Said::of(line);
            match &said {
                Said::Event(_) => events += 1,
                Said::Other(Other::EventsLost { count }) => {
                    events_lost = count.saturating_add(events_lost);
                }
                Said::Other(_) => {}
            }
            said.print(&mut stdout, format)
        })
    })?;
    Said::Other(Other::End {
        events,
        events_lost,
    })
    .print(&mut stdout, format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{ExitStatus, Output};

    /// What is printed of it for programs, which the schema describes.
    fn json(said: &Said) -> serde_json::Value {
        let mut stdout = Vec::new();
        said.print(&mut stdout, OutputFormat::Json).unwrap();
        assert_eq!(stdout.iter().filter(|&&byte| byte == b'\n').count(), 1);
        let output = Output {
            status: ExitStatus::from_raw(0),
            stdout,
            stderr: Vec::new(),
        };
        schema::checked("live-1", &output)
    }

    #[test]
    fn programs_are_told_each_event() {
        for (event, pointer, expected) in [
            ("nvme_fence_lost: nvme0 record=3 cntlid=1 ciu=7", "/ciu", "7"),
            (
                "nvme_fence_hold: nvme0 record=3 dev=259,0 op=W sector=8 bytes=512 status=0x371 held=1 held_bytes=512 age_ns=7",
                "/age_ns",
                "7",
            ),
            (
                "nvme_fence_track: nvme0 record=3 dev=259,0 op=W sector=8 bytes=512 status=0x371 held=1 held_bytes=512",
                "/age_ns",
                "null",
            ),
            (
                "nvme_fence_wait: nvme0 record=3 dev=259,1 op=D sector=8 bytes=512 held=1 held_bytes=512",
                "/dev",
                "\"259:1\"",
            ),
            (
                "nvme_fence_deadline: nvme0 record=3 rule=traffic t_last_ns=7 n=3 katt_ms=5 cqt_ms=10 cqt_source=default deadline_ns=32",
                "/deadline_ns",
                "32",
            ),
            (
                "nvme_fence_evidence: nvme0 record=3 evidence=time held=1 held_bytes=512",
                "/held_commands",
                "1",
            ),
            (
                "nvme_fence_release: nvme0 record=3 evidence=time commands=1 bytes=512 held_ns=25",
                "/held_ns",
                "25",
            ),
            (
                "nvme_fence_reset: nvme0 record=3 source=nvme1 source_record=4 icid=1 ciu=3 step=asked",
                "/step",
                "\"asked\"",
            ),
            (
                "nvme_setup_cmd: nvme1: disk=nvme0c1n1, qid=1, cmdid=4113, nsid=1, flags=0x0, meta=0x0, cmd=(nvme_cmd_write slba=0)",
                "/disk",
                "\"nvme0c1n1\"",
            ),
        ] {
            let said = Said::of(&format!("a-1 [000] d..1. 7.540000: {event}"));
            let json = json(&said);
            let name = event.split(':').next().unwrap();
            let name = name.strip_prefix("nvme_fence_").unwrap_or("write");
            assert_eq!(json["event"], name);
            assert_eq!(json["at_ns"], 7_540_000_000_i64);
            assert_eq!(json.pointer(pointer).unwrap().to_string(), expected, "{json}");
        }
    }

    #[test]
    fn programs_are_told_the_rest() {
        assert_eq!(json(&Said::of("CPU:0 [LOST 7 EVENTS]"))["count"], 7);
        let line = json(&Said::of(
            " a-1 [000] d..1. 7.540000: nvme_fence_news: nvme0 \x1b\n",
        ));
        assert_eq!(line["event"], "not-understood");
        let text = "the module was unloaded".to_owned();
        assert_eq!(
            json(&Said::Other(Other::Notice { text }))["event"],
            "notice"
        );
        let end = Other::End {
            events: 3,
            events_lost: 7,
        };
        assert_eq!(json(&Said::Other(end))["events_lost"], 7);
    }

    #[test]
    fn people_read_lines() {
        for (line, shown) in [
            ("CPU:0 [LOST 7 EVENTS]", "7 events lost\n"),
            (
                " a-1 [000] d..1. 7.540000: news: \x1b[2J ",
                "a-1 [000] d..1. 7.540000: news: \\u{1b}[2J\n",
            ),
        ] {
            let mut out = Vec::new();
            Said::of(line)
                .print(&mut out, OutputFormat::Normal)
                .unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), shown);
        }
    }
}
