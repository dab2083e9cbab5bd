// SPDX-License-Identifier: GPL-2.0

//! From a line of text to a rule: `SUBJECT [KEY=VALUE...] : ACTION...`.

use std::str::FromStr;

use thiserror::Error;

use super::rule::{
    Answer, AssignedId, AssignedIdentity, Assignment, Body, EntryFault, EventFault, Failure,
    Filter, Hold, LostEntryFault, Plan, QueueFilter, Reply, ResetFault, Rule, ShutdownFault, Stage,
};
use crate::nvme::bytes::parse_number;
use crate::nvme::command::Opcode;
use crate::nvme::event::Event;
use crate::nvme::status::Status;
use crate::target::controller::CNTLID_MAX;

/// A line that is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScriptError {
    /// A rule consists of two parts.
    #[error("a rule is SUBJECT [KEY=VALUE...] : ACTION...")]
    NoRule,
    /// A word has no meaning where it stands.
    #[error("what is {0:?}?")]
    UnknownWord(String),
    /// The value of a key is none that it can have.
    #[error("{0} cannot be {1:?}")]
    BadValue(&'static str, String),
    /// The actions do not go together, or there is none.
    #[error("exactly one of these is needed: {0}")]
    Actions(&'static str),
}

/// Words of the form `KEY=VALUE` or `WORD`, which are taken one by one.
struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    /// The value of `key`, if it is there.
    fn value(&mut self, key: &str) -> Option<&'a str> {
        let position = self.0.iter().position(|word| {
            word.strip_prefix(key)
                .is_some_and(|rest| rest.starts_with('='))
        })?;
        Some(&self.0.remove(position)[key.len() + 1..])
    }

    /// The value of `key` as whatever `read` makes of it.
    fn parsed<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ScriptError> {
        let Some(text) = self.value(key) else {
            return Ok(None);
        };
        let value = read(text).ok_or_else(|| ScriptError::BadValue(key, text.to_owned()))?;
        Ok(Some(value))
    }

    fn number<T: TryFrom<u64>>(&mut self, key: &'static str) -> Result<Option<T>, ScriptError> {
        self.parsed(key, |text| parse_number(text)?.try_into().ok())
    }

    /// Whether `word` is there.
    fn flag(&mut self, word: &str) -> bool {
        let position = self.0.iter().position(|&other| other == word);
        position.map(|position| self.0.remove(position)).is_some()
    }

    /// What is left has no meaning.
    fn finish(self) -> Result<(), ScriptError> {
        match self.0.first() {
            None => Ok(()),
            Some(&word) => Err(ScriptError::UnknownWord(word.to_owned())),
        }
    }
}

impl FromStr for Rule {
    type Err = ScriptError;

    fn from_str(line: &str) -> Result<Self, ScriptError> {
        let (left, right) = line.split_once(':').ok_or(ScriptError::NoRule)?;
        let mut keys = Words(left.split_whitespace().collect());
        let mut actions = Words(right.split_whitespace().collect());
        if keys.0.is_empty() || actions.0.is_empty() {
            return Err(ScriptError::NoRule);
        }
        let subject = keys.0.remove(0);
        let mut filter = Filter {
            port: keys.number("port")?,
            cntlid: keys.number("cntlid")?,
            ..Filter::default()
        };
        let (skip, left) = (keys.number("skip")?.unwrap_or(0), keys.number("times")?);
        let body = match subject {
            "event" => {
                filter.event = keys.parsed("event", Event::named)?;
                Body::Event(event_fault(&mut actions)?)
            }
            "entry" => {
                filter.icid = keys.number("icid")?;
                Body::Entry(entry_fault(&mut actions)?)
            }
            "lost-entry" => Body::LostEntry(lost_entry_fault(&mut actions)?),
            "reset" => Body::Reset(reset_fault(&mut actions)?),
            "assign" => Body::Assign(assignment(&mut actions)?),
            "kato" => ignored(&mut actions, Body::KeepAlive)?,
            "quiesce" => ignored(&mut actions, Body::Quiesce)?,
            "disable" => ignored(&mut actions, Body::Disable)?,
            "shutdown" => Body::Shutdown(shutdown_fault(&mut actions)?),
            "move" => {
                filter.nsid = keys.number("nsid")?;
                ignored(&mut actions, Body::Move)?
            }
            _ => {
                let opcode = command(subject)?;
                filter.queue = keys.parsed("queue", queue)?;
                filter.slba = keys.number("slba")?;
                filter.nsid = keys.number("nsid")?;
                if opcode == Some(Opcode::CrossControllerReset) {
                    filter.icid = keys.number("icid")?;
                }
                if opcode == Some(Opcode::GetLogPage) {
                    filter.lid = keys.number("lid")?;
                }
                Body::Command(opcode, plan(&mut actions)?)
            }
        };
        keys.finish()?;
        actions.finish()?;
        Ok(Rule {
            text: line.trim().to_owned(),
            filter,
            body,
            skip,
            left,
            hits: 0,
        })
    }
}

fn command(subject: &str) -> Result<Option<Opcode>, ScriptError> {
    if subject == "any" {
        return Ok(None);
    }
    let opcode = Opcode::named(subject);
    opcode
        .map(Some)
        .ok_or_else(|| ScriptError::UnknownWord(subject.to_owned()))
}

fn queue(text: &str) -> Option<QueueFilter> {
    if text == "io" {
        return Some(QueueFilter::Io);
    }
    let number = parse_number(text)?.try_into().ok()?;
    Some(QueueFilter::Number(number))
}

fn stage(text: &str) -> Option<Stage> {
    Stage::ALL.into_iter().find(|stage| stage.name() == text)
}

/// `STAGE` or `STAGE/MS`.
fn hold(text: &str) -> Option<Hold> {
    let (name, ms) = match text.split_once('/') {
        None => (text, None),
        Some((name, ms)) => (name, Some(parse_number(ms)?)),
    };
    let stage = stage(name)?;
    Some(Hold { stage, ms })
}

/// `STATUS` or `STATUS/RESULT`.
fn answer(text: &str) -> Option<Answer> {
    let (status, result) = text.split_once('/').unwrap_or((text, "0"));
    Some(Answer {
        status: Status::new(parse_number(status)?)?,
        result: parse_number(result)?.try_into().ok()?,
    })
}

fn until_abort(text: &str) -> Option<Reply> {
    (text == "until-abort").then_some(Reply::UntilAbort)
}

fn plan(actions: &mut Words<'_>) -> Result<Plan, ScriptError> {
    let replies = [
        actions.parsed("answer", answer)?.map(Reply::Instead),
        actions.parsed("complete", answer)?.map(Reply::But),
        actions.flag("ignore").then_some(Reply::Never),
        actions.parsed("ignore", until_abort)?,
    ];
    let plan = Plan {
        hold: actions.parsed("hold", hold)?,
        disconnect: actions.parsed("disconnect", stage)?,
        reply: one_of(replies, "answer, complete, ignore")?.unwrap_or_default(),
    };
    let does_nothing = plan == Plan::default();
    let cannot_do_it = plan.reply.is_silence() && (plan.hold, plan.disconnect) != (None, None);
    if actions.0.is_empty() && (does_nothing || cannot_do_it) {
        return Err(ScriptError::Actions(
            "ignore; or any of hold, disconnect, and answer or complete",
        ));
    }
    Ok(plan)
}

fn event_fault(actions: &mut Words<'_>) -> Result<EventFault, ScriptError> {
    const CHOICE: &str = "lose, delay, double";
    let faults = [
        actions.flag("lose").then_some(EventFault::Lose),
        actions.number("delay")?.map(|ms| EventFault::Delay { ms }),
        actions.flag("double").then_some(EventFault::Double),
    ];
    required(faults, actions, CHOICE)
}

fn reset_fault(actions: &mut Words<'_>) -> Result<ResetFault, ScriptError> {
    const CHOICE: &str = "fail, never, after";
    let fails = if actions.flag("fail") {
        Some(ResetFault::Fail(failure(actions)?))
    } else {
        None
    };
    let faults = [
        fails,
        actions.flag("never").then_some(ResetFault::Never),
        actions.number("after")?.map(|ms| ResetFault::After { ms }),
    ];
    required(faults, actions, CHOICE)
}

/// What stands beside `fail`.
fn failure(actions: &mut Words<'_>) -> Result<Failure, ScriptError> {
    const RETRY_MAX: u8 = 3;
    Ok(Failure {
        validated: actions.flag("v"),
        initiated: actions.flag("clri"),
        retry: actions.parsed("retry", |text| {
            let retry = u8::try_from(parse_number(text)?).ok()?;
            (retry <= RETRY_MAX).then_some(retry)
        })?,
        acid: actions.number("acid")?,
    })
}

fn assignment(actions: &mut Words<'_>) -> Result<Assignment, ScriptError> {
    let assignment = Assignment {
        cntlid: actions.parsed("cntlid", assigned_id)?,
        cleanup: actions.flag("cleanup"),
        identity: actions
            .parsed("identity", assigned_identity)?
            .unwrap_or_default(),
    };
    if actions.0.is_empty() && assignment == Assignment::default() {
        return Err(ScriptError::Actions("cntlid, cleanup, identity"));
    }
    Ok(assignment)
}

fn assigned_id(text: &str) -> Option<AssignedId> {
    if text == "old" {
        return Some(AssignedId::Old);
    }
    let number = u16::try_from(parse_number(text)?).ok()?;
    (1..=CNTLID_MAX)
        .contains(&number)
        .then_some(AssignedId::Number(number))
}

fn assigned_identity(text: &str) -> Option<AssignedIdentity> {
    match text {
        "new" => Some(AssignedIdentity::New),
        "same" => Some(AssignedIdentity::Same),
        "none" => Some(AssignedIdentity::None),
        _ => None,
    }
}

fn shutdown_fault(actions: &mut Words<'_>) -> Result<ShutdownFault, ScriptError> {
    const CHOICE: &str = "ignore, never";
    let faults = [
        actions.flag("ignore").then_some(ShutdownFault::Ignore),
        actions.flag("never").then_some(ShutdownFault::Never),
    ];
    required(faults, actions, CHOICE)
}

fn entry_fault(actions: &mut Words<'_>) -> Result<EntryFault, ScriptError> {
    Ok(EntryFault {
        icid: actions.number("icid")?,
        ciu: actions.number("ciu")?,
        acid: actions.number("acid")?,
        ccrs: actions.number("ccrs")?,
        ccrf: actions.number("ccrf")?,
        ne: actions.number("ne")?,
        omit: actions.flag("omit"),
    })
}

fn lost_entry_fault(actions: &mut Words<'_>) -> Result<LostEntryFault, ScriptError> {
    Ok(LostEntryFault {
        cntlid: actions.number("cntlid")?,
        lc: actions.number("lc")?,
        ciu: actions.number("ciu")?,
        ne: actions.number("ne")?,
        omit: actions.flag("omit"),
        keep: actions.flag("keep"),
    })
}

fn ignored(actions: &mut Words<'_>, body: Body) -> Result<Body, ScriptError> {
    required([actions.flag("ignore").then_some(body)], actions, "ignore")
}

/// The one that is there, if there is one.
fn one_of<T, const N: usize>(
    choices: [Option<T>; N],
    names: &'static str,
) -> Result<Option<T>, ScriptError> {
    let mut present = choices.into_iter().flatten();
    match (present.next(), present.next()) {
        (choice, None) => Ok(choice),
        _ => Err(ScriptError::Actions(names)),
    }
}

/// The one that is there. A word that nobody knows is named first: it may have been meant.
fn required<T, const N: usize>(
    choices: [Option<T>; N],
    actions: &Words<'_>,
    names: &'static str,
) -> Result<T, ScriptError> {
    if let Some(&word) = actions.0.first() {
        return Err(ScriptError::UnknownWord(word.to_owned()));
    }
    one_of(choices, names)?.ok_or(ScriptError::Actions(names))
}

/// The entry of log page 1Eh that an operator made up: `icid=N ciu=N [acid=N] [ccrs=N] [ccrf=N]`.
pub(in crate::target) fn made_up_entry(words: &[&str]) -> Result<EntryFault, ScriptError> {
    let mut words = Words(words.to_vec());
    let entry = entry_fault(&mut words)?;
    words.finish()?;
    Ok(entry)
}

/// The entry of log page 1Fh that an operator made up: `cntlid=N ciu=N [lc=N]`.
pub(in crate::target) fn made_up_lost_entry(words: &[&str]) -> Result<LostEntryFault, ScriptError> {
    let mut words = Words(words.to_vec());
    let entry = lost_entry_fault(&mut words)?;
    words.finish()?;
    Ok(entry)
}

#[cfg(test)]
mod tests;
