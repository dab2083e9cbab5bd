// SPDX-License-Identifier: GPL-2.0
//! The events, typed.

use serde::Serialize;

use super::deadline::Deadline;
use super::line::{split, Line, RawEvent};
use crate::fields::{BadField, Fields};
use crate::units::Nanos;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// An event that we understand.
    Event(TracedEvent),
    /// One of our events that does not look as it should: the event's name, and the field at fault.
    Malformed(String, BadField),
    /// So many events are missing here.
    EventsLost(u64),
    /// Nothing of ours.
    Other,
}

/// An event and its time. The names of the fields, here and below, are the keys of `live`'s JSON.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TracedEvent {
    /// When it was, on CLOCK_MONOTONIC.
    #[serde(rename = "at_ns")]
    pub(crate) at: Nanos,
    /// What it was.
    #[serde(flatten)]
    pub(crate) event: Event,
}

/// An event.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Event {
    /// From the module.
    Fence(FenceEvent),
    /// A write on its way to a controller.
    Write(Write),
}

/// An event of the module. Each is about one record.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FenceEvent {
    /// The controller whose association it was.
    pub(crate) controller: String,
    /// The number of the record, unique until the module is unloaded.
    pub(crate) record: u64,
    /// What happened to the record.
    #[serde(flatten)]
    pub(crate) step: Step,
}

/// A step in a record's life.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum Step {
    /// The association is lost.
    Lost(Lost),
    /// A cancelled command is held.
    Hold(Hold),
    /// A cancelled command goes on at once, and newer ones to its blocks wait.
    Track(Hold),
    /// A newer command waits.
    Wait(Wait),
    /// The time rule has a result, or another one: what the controller has noticed moves it.
    Deadline(Deadline),
    /// The record is fenced.
    Evidence(Evidence),
    /// The held commands are sent on.
    Release(Release),
    /// A Cross-Controller Reset of it goes on.
    Reset(Reset),
}

/// Whose association was lost.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Lost {
    /// Controller identifier.
    pub(crate) cntlid: u16,
    /// Controller instance uniquifier.
    pub(crate) ciu: u8,
}

/// A command that is held.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Hold {
    /// The block device that it was sent to, `major:minor`.
    pub(crate) dev: String,
    /// Its operation as the kernel shows it: W, Z, D, A, ZR, ..., or a number.
    pub(crate) op: String,
    /// Where it begins.
    pub(crate) sector: u64,
    /// How long it is.
    pub(crate) bytes: u64,
    /// With which NVMe status it was cancelled; hexadecimal text.
    pub(crate) status: String,
    /// How many the record holds now.
    #[serde(rename = "held_commands")]
    pub(crate) held: u64,
    /// How many bytes these have.
    pub(crate) held_bytes: u64,
    /// How long ago the command had been started; `None` = not known.
    #[serde(rename = "age_ns")]
    pub(crate) age: Option<Nanos>,
}

/// A new command that waits, as it touches what is tracked.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Wait {
    /// The block device that it was sent to, `major:minor`.
    pub(crate) dev: String,
    /// As that of [`Hold`].
    pub(crate) op: String,
    /// Where it begins.
    pub(crate) sector: u64,
    /// How long it is.
    pub(crate) bytes: u64,
}

/// What fenced the record.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Evidence {
    /// The word for it. Text, because a newer module may know more.
    pub(crate) evidence: String,
    /// How many commands the record holds.
    #[serde(rename = "held_commands")]
    pub(crate) held: u64,
    /// How many bytes these have.
    pub(crate) held_bytes: u64,
}

/// What was sent on.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Release {
    /// On which evidence.
    pub(crate) evidence: String,
    /// How many commands.
    pub(crate) commands: u64,
    /// How many bytes these have.
    pub(crate) bytes: u64,
    /// How long the first of them was held.
    #[serde(rename = "held_ns")]
    pub(crate) held: Nanos,
}

/// A Cross-Controller Reset, asked for through a sibling of the lost controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reset {
    /// The sibling: the source controller.
    pub(crate) source: String,
    /// The number of its record.
    pub(crate) source_record: u64,
    /// The controller identifier that the sibling was asked to reset.
    pub(crate) icid: u16,
    /// The controller instance uniquifier.
    pub(crate) ciu: u8,
    /// How it goes on. Text, because a newer module may know more.
    pub(crate) step: String,
}

/// A write that nvme-core has set up, from `nvme_setup_cmd`.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "write")]
pub(crate) struct Write {
    /// The controller that gets it.
    pub(crate) controller: String,
    /// The disk: a path of a multipath namespace, if it is nvmeXcYnZ.
    pub(crate) disk: String,
    /// The command, as nvme-core names it.
    pub(crate) command: String,
}

impl Write {
    /// The number of the controller's subsystem, where the disk's name tells it: the X of
    /// nvmeXcYnZ.
    pub(crate) fn subsystem(&self) -> Option<&str> {
        Some(self.disk.strip_prefix("nvme")?.split_once('c')?.0)
    }
}

/// Understands a line.
pub(crate) fn parse(line: &str) -> Parsed {
    let raw = match split(line) {
        Line::Event(raw) => raw,
        Line::EventsLost(count) => return Parsed::EventsLost(count),
        Line::Other => return Parsed::Other,
    };
    let at = raw.at;
    let event = match raw.name {
        "nvme_setup_cmd" => parse_write(raw.text).map(Event::Write),
        _ => match parse_fence(&raw) {
            Ok(event) => event.map(Event::Fence),
            Err(field) => return Parsed::Malformed(raw.name.to_owned(), field),
        },
    };
    event.map_or(Parsed::Other, |event| {
        Parsed::Event(TracedEvent { at, event })
    })
}

/// Understands an event of the module; `None` = it is from elsewhere, or from a newer module.
fn parse_fence(raw: &RawEvent<'_>) -> Result<Option<FenceEvent>, BadField> {
    let fields = Fields(raw.text);
    let step = match raw.name {
        "nvme_fence_lost" => Step::Lost(Lost {
            cntlid: fields.parse("cntlid")?,
            ciu: fields.parse("ciu")?,
        }),
        "nvme_fence_hold" => Step::Hold(parse_hold(fields)?),
        "nvme_fence_track" => Step::Track(parse_hold(fields)?),
        "nvme_fence_wait" => Step::Wait(Wait {
            dev: parse_dev(fields)?,
            op: fields.parse("op")?,
            sector: fields.parse("sector")?,
            bytes: fields.parse("bytes")?,
        }),
        "nvme_fence_deadline" => Step::Deadline(Deadline::parse(fields)?),
        "nvme_fence_evidence" => Step::Evidence(Evidence {
            evidence: fields.parse("evidence")?,
            held: fields.parse("held")?,
            held_bytes: fields.parse("held_bytes")?,
        }),
        "nvme_fence_release" => Step::Release(Release {
            evidence: fields.parse("evidence")?,
            commands: fields.parse("commands")?,
            bytes: fields.parse("bytes")?,
            held: fields.nanos("held_ns")?,
        }),
        "nvme_fence_reset" => Step::Reset(Reset {
            source: fields.parse("source")?,
            source_record: fields.parse("source_record")?,
            icid: fields.parse("icid")?,
            ciu: fields.parse("ciu")?,
            step: fields.parse("step")?,
        }),
        _ => return Ok(None),
    };
    let controller = raw.text.split(' ').next().unwrap_or_default();
    if !controller.starts_with("nvme") {
        return Err(BadField("controller"));
    }
    Ok(Some(FenceEvent {
        controller: controller.to_owned(),
        record: fields.parse("record")?,
        step,
    }))
}

/// Reads the number of a block device. The kernel has commas in events, and colons elsewhere.
fn parse_dev(fields: Fields<'_>) -> Result<String, BadField> {
    fields.word("dev").map(|dev| dev.replace(',', ":"))
}

/// Understands what is told of a cancelled command.
fn parse_hold(fields: Fields<'_>) -> Result<Hold, BadField> {
    Ok(Hold {
        dev: parse_dev(fields)?,
        op: fields.parse("op")?,
        sector: fields.parse("sector")?,
        bytes: fields.parse("bytes")?,
        status: fields.parse("status")?,
        held: fields.parse("held")?,
        held_bytes: fields.parse("held_bytes")?,
        age: fields.nanos_if_known("age_ns")?,
    })
}

/// Understands `nvme1: disk=nvme0c1n1, qid=1, ..., cmd=(nvme_cmd_write slba=0, ...)`; `None` = no
/// write.
fn parse_write(text: &str) -> Option<Write> {
    let (controller, rest) = text.split_once(": ")?;
    let disk = rest.strip_prefix("disk=")?.split_once(',')?.0;
    let command = rest.split_once("cmd=(")?.1.split(' ').next()?;
    matches!(
        command,
        "nvme_cmd_write" | "nvme_cmd_write_zeroes" | "nvme_cmd_dsm"
    )
    .then(|| Write {
        controller: controller.to_owned(),
        disk: disk.to_owned(),
        command: command.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of the trace with this event.
    fn line(event: &str) -> String {
        format!("  kworker/0:1-12  [000] d..1.     7.540000: {event}")
    }

    #[test]
    fn others_are_ignored() {
        for event in [
            "sched_switch: prev_comm=x",
            "nvme_fence_news: nvme0 record=3 something=new",
            "nvme_setup_cmd: nvme1: qid=0, cmdid=1, nsid=0, flags=0x0, meta=0x0, cmd=(nvme_admin_keep_alive cdw10=00)",
            "nvme_setup_cmd: nvme1: disk=nvme0c1n1, qid=1, cmdid=1, nsid=1, flags=0x0, meta=0x0, cmd=(nvme_cmd_read slba=0)",
        ] {
            assert_eq!(parse(&line(event)), Parsed::Other, "{event}");
        }
    }

    #[test]
    fn malformed_events_are_told_apart() {
        for (event, field) in [
            ("nvme_fence_lost: nvme0 record=3 ciu=0", "cntlid"),
            ("nvme_fence_lost: nvme0 record=-3 cntlid=1 ciu=0", "record"),
            ("nvme_fence_lost: record=3 cntlid=1 ciu=0", "controller"),
            (
                "nvme_fence_release: nvme0 record=3 evidence=time commands=1 bytes=1 held_ns=-1",
                "held_ns",
            ),
            (
                "nvme_fence_reset: nvme0 record=3 source_record=4 icid=1 ciu=3 step=asked",
                "source",
            ),
        ] {
            let name = event.split(':').next().unwrap().to_owned();
            assert_eq!(
                parse(&line(event)),
                Parsed::Malformed(name, BadField(field))
            );
        }
    }

    #[test]
    fn disk_tells_the_subsystem() {
        for (disk, subsystem) in [("nvme0c1n1", Some("0")), ("nvme0n1", None), ("", None)] {
            let write = Write {
                controller: "nvme1".to_owned(),
                disk: disk.to_owned(),
                command: "nvme_cmd_write".to_owned(),
            };
            assert_eq!(write.subsystem(), subsystem, "{disk}");
        }
    }
}
