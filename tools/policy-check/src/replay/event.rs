// SPDX-License-Identifier: GPL-2.0-only

//! The module's trace events, from their text.

use nvme_fence_policy::ccr::log::{Failure, Status};
use nvme_fence_policy::wait::Notice;
use nvme_fence_policy::{
    Answer, AssociationId, CqtSource, Deadline, Evidence, Kind, Nanos, ResetStep, Rule,
};
use std::str::FromStr;

/// What a line of the trace is.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// An event of the module.
    Event(Event),
    /// One that lacks this field.
    Malformed(&'static str),
    /// The reader of the trace was too slow.
    EventsLost,
    /// Anything else.
    Other,
}

/// An event of the module.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// When it was, in nanoseconds. The trace cuts off what is less than a microsecond.
    pub at: u64,
    /// The controller.
    pub controller: String,
    /// Number of the record.
    pub record: u64,
    /// What it was.
    pub step: Step,
}

/// What happened to a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Its association was lost.
    Lost {
        /// Controller ID.
        cntlid: u16,
        /// Controller Instance Uniquifier.
        ciu: u8,
    },
    /// A command is held.
    Hold {
        /// What it does.
        kind: Kind,
        /// Its length.
        bytes: u32,
        /// Its status.
        status: u16,
        /// Commands that are held, with this one.
        held: u32,
        /// Their bytes.
        held_bytes: u64,
    },
    /// What it waits for, and what the trace says that comes to.
    Deadline(Option<(Deadline, u64)>),
    /// It is fenced.
    Evidence {
        /// What proved it.
        evidence: Evidence,
        /// Commands that are held.
        held: u32,
        /// Their bytes.
        held_bytes: u64,
    },
    /// What was held is sent on.
    Release {
        /// What proved that it may be.
        evidence: Evidence,
        /// Commands.
        commands: u32,
        /// Their bytes.
        bytes: u64,
        /// How long the first of them was held.
        held_ns: u64,
    },
    /// A Cross-Controller Reset of it goes on.
    Reset {
        /// Who is to do it.
        source: AssociationId,
        /// The Controller ID that the source was asked to reset.
        icid: u16,
        /// And the Controller Instance Uniquifier.
        ciu: u8,
        /// How it goes on.
        step: ResetStep,
    },
}

/// Understands a line: `task-pid [cpu] flags seconds: name: text`.
pub fn parse(line: &str) -> Line {
    if line.starts_with("CPU:") && line.contains("[LOST") {
        return Line::EventsLost;
    }
    let Some((before, rest)) = line.split_once(": nvme_fence_") else {
        return Line::Other;
    };
    let Some((name, text)) = rest.split_once(": ") else {
        return Line::Other;
    };
    match event(before, name, text) {
        Ok(Some(event)) => Line::Event(event),
        Ok(None) => Line::Other,
        Err(field) => Line::Malformed(field),
    }
}

fn event(before: &str, name: &str, text: &str) -> Result<Option<Event>, &'static str> {
    let step = match name {
        "lost" => Step::Lost {
            cntlid: number(text, "cntlid")?,
            ciu: number(text, "ciu")?,
        },
        "hold" => Step::Hold {
            kind: kind(word(text, "op")?),
            bytes: number(text, "bytes")?,
            status: status(word(text, "status")?).ok_or("status")?,
            held: number(text, "held")?,
            held_bytes: number(text, "held_bytes")?,
        },
        "deadline" => Step::Deadline(deadline(text)?),
        "evidence" => Step::Evidence {
            evidence: evidence(text)?,
            held: number(text, "held")?,
            held_bytes: number(text, "held_bytes")?,
        },
        "release" => Step::Release {
            evidence: evidence(text)?,
            commands: number(text, "commands")?,
            bytes: number(text, "bytes")?,
            held_ns: number(text, "held_ns")?,
        },
        "reset" => Step::Reset {
            source: AssociationId(number(text, "source_record")?),
            icid: number(text, "icid")?,
            ciu: number(text, "ciu")?,
            step: reset_step(word(text, "step")?).ok_or("step")?,
        },
        _ => return Ok(None),
    };
    Ok(Some(Event {
        at: before.rsplit(' ').next().and_then(stamp).ok_or("time")?,
        controller: text.split(' ').next().unwrap_or_default().into(),
        record: number(text, "record")?,
        step,
    }))
}

/// Reads `seconds.microseconds`.
fn stamp(text: &str) -> Option<u64> {
    let (seconds, micros) = text.split_once('.')?;
    if micros.len() != 6 {
        return None;
    }
    let seconds: u64 = seconds.parse().ok()?;
    let micros: u64 = micros.parse().ok()?;
    seconds
        .checked_mul(1_000_000_000)?
        .checked_add(micros * 1000)
}

fn word<'a>(text: &'a str, key: &'static str) -> Result<&'a str, &'static str> {
    text.split_ascii_whitespace()
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
        .ok_or(key)
}

fn number<T: FromStr>(text: &str, key: &'static str) -> Result<T, &'static str> {
    word(text, key)?.parse().map_err(|_| key)
}

fn status(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn kind(op: &str) -> Kind {
    match op {
        "W" => Kind::Write,
        "Z" => Kind::WriteZeroes,
        "D" => Kind::Deallocate,
        "A" => Kind::ZoneAppend,
        "ZO" | "ZC" | "ZF" | "ZR" | "ZRA" => Kind::ZoneManagementSend,
        "R" => Kind::Read,
        "F" => Kind::Flush,
        _ => Kind::Other,
    }
}

fn evidence(text: &str) -> Result<Evidence, &'static str> {
    Evidence::from_name(word(text, "evidence")?).ok_or("evidence")
}

fn reset_step(step: &str) -> Option<ResetStep> {
    Some(match step {
        "asked" => ResetStep::Asked,
        "immediate" => ResetStep::Answered(Answer::Immediate),
        "gone" => ResetStep::Answered(Answer::Gone),
        "accepted" => ResetStep::Answered(Answer::Accepted),
        "in-progress" => ResetStep::Answered(Answer::InProgress),
        "log-full" => ResetStep::Answered(Answer::LogFull),
        "limit-exceeded" => ResetStep::Answered(Answer::LimitExceeded),
        "refused" => ResetStep::Answered(Answer::Refused),
        "failed" => ResetStep::Answered(Answer::Failed),
        "unanswered" => ResetStep::Answered(Answer::Unanswered),
        "not-sent" => ResetStep::Answered(Answer::NotSent),
        "reported-in-progress" => ResetStep::Reported(Some(Status::InProgress)),
        "reported-success" => ResetStep::Reported(Some(Status::Success)),
        "reported-failed" => ResetStep::Reported(Some(Status::Failed(Failure::PLAIN))),
        "reported-invalid" => ResetStep::Reported(Some(Status::Invalid)),
        "not-reported" => ResetStep::Reported(None),
        _ => return None,
    })
}

fn deadline(text: &str) -> Result<Option<(Deadline, u64)>, &'static str> {
    let rule = match word(text, "rule")? {
        "none" => return Ok(None),
        "command" => Rule::Command,
        "traffic" => Rule::Traffic,
        "notification" => Rule::Notification,
        "ccr-failed" => Rule::Noticed(Notice::FailedReset),
        "lost-host-log" => Rule::Noticed(Notice::LostHostLog),
        _ => return Err("rule"),
    };
    let deadline = Deadline {
        rule,
        t_last: Nanos(number(text, "t_last_ns")?),
        n: number(text, "n")?,
        katt_ms: number(text, "katt_ms")?,
        cqt_ms: number(text, "cqt_ms")?,
        cqt_source: match word(text, "cqt_source")? {
            "controller" => CqtSource::Controller,
            "default" => CqtSource::Default,
            "override" => CqtSource::Override,
            _ => return Err("cqt_source"),
        },
    };
    Ok(Some((deadline, number(text, "deadline_ns")?)))
}
