// SPDX-License-Identifier: GPL-2.0
//! The time rule of TP4129, with its parts: when a record is fenced without any other evidence.

use serde::Serialize;
use std::fmt;

use crate::fields::{BadField, Fields};
use crate::units::{Milliseconds, Nanos};

/// From when the wait is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rule {
    /// The last Keep Alive command.
    Command,
    /// The last command of any kind: the controller's keep alive is traffic based.
    Traffic,
    /// The transport reported that the controller noticed the loss.
    Notification,
    /// Keep alive is off: there is no deadline.
    None,
}

/// A deadline: `t_last + n x katt + cqt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Deadline {
    /// From when the wait is counted.
    pub(crate) rule: Rule,
    /// When that was.
    #[serde(rename = "t_last_ns")]
    pub(crate) t_last: Nanos,
    /// How many keep alive timeouts are waited for.
    pub(crate) n: u32,
    /// The keep alive timeout.
    pub(crate) katt_ms: u32,
    /// The Command Quiesce Time.
    pub(crate) cqt_ms: u32,
    /// Where it comes from: controller, default or override.
    pub(crate) cqt_source: String,
    /// The sum; `None` = time will not fence the record.
    #[serde(rename = "deadline_ns")]
    pub(crate) deadline: Option<Nanos>,
}

impl Deadline {
    /// Reads the fields of a `nvme_fence_deadline` event.
    pub(crate) fn parse(fields: Fields<'_>) -> Result<Self, BadField> {
        let rule = match fields.word("rule")? {
            "command" => Rule::Command,
            "traffic" => Rule::Traffic,
            "notification" => Rule::Notification,
            "none" => Rule::None,
            _ => return Err(BadField("rule")),
        };
        let deadline = fields.nanos("deadline_ns")?;
        Ok(Self {
            rule,
            t_last: fields.nanos("t_last_ns")?,
            n: fields.parse("n")?,
            katt_ms: fields.parse("katt_ms")?,
            cqt_ms: fields.parse("cqt_ms")?,
            cqt_source: fields.word("cqt_source")?.to_owned(),
            deadline: (rule != Rule::None).then_some(deadline),
        })
    }

    /// The same deadline, with its times counted from `origin`.
    pub(crate) fn since(&self, origin: Nanos) -> Self {
        Self {
            t_last: self.t_last.since(origin),
            deadline: self.deadline.map(|deadline| deadline.since(origin)),
            ..self.clone()
        }
    }
}

/// The deadline and its parts. The times must have been made relative to something the reader
/// knows.
impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(deadline) = self.deadline else {
            return write!(f, "no deadline: keep alive is off, time will not fence it");
        };
        let (start, keep_alive) = match self.rule {
            Rule::Traffic => ("last command", "keep alive, traffic based"),
            Rule::Notification => ("loss noticed by the controller", "keep alive"),
            Rule::Command | Rule::None => ("last keep alive", "keep alive"),
        };
        write!(f, "deadline at {} = {start}", deadline.signed())?;
        write!(f, " {}", self.t_last.signed())?;
        if self.n > 0 {
            let katt = Milliseconds(self.katt_ms.into());
            write!(f, " + {} x {katt} ({keep_alive})", self.n)?;
        }
        let cqt = Milliseconds(self.cqt_ms.into());
        write!(f, " + {cqt} (CQT, {})", self.cqt_source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "rule=traffic t_last_ns=7540000000 n=3 katt_ms=5000 cqt_ms=10000 cqt_source=default deadline_ns=32540000000";

    #[test]
    fn shows_its_parts() {
        for (text, shown) in [
            (
                TEXT.to_owned(),
                "deadline at +24.210 s = last command -790.000 ms + 3 x 5.000 s (keep alive, traffic based) + 10.000 s (CQT, default)",
            ),
            (
                TEXT.replace("rule=traffic", "rule=command").replace("n=3", "n=2"),
                "deadline at +24.210 s = last keep alive -790.000 ms + 2 x 5.000 s (keep alive) + 10.000 s (CQT, default)",
            ),
            (
                TEXT.replace("rule=traffic", "rule=notification").replace("n=3", "n=0"),
                "deadline at +24.210 s = loss noticed by the controller -790.000 ms + 10.000 s (CQT, default)",
            ),
            (
                TEXT.replace("rule=traffic", "rule=none"),
                "no deadline: keep alive is off, time will not fence it",
            ),
        ] {
            let deadline = Deadline::parse(Fields(&text)).unwrap();
            assert_eq!(deadline.since(Nanos(8_330_000_000)).to_string(), shown);
        }
    }

    #[test]
    fn unknown_rule_is_malformed() {
        let text = TEXT.replace("rule=traffic", "rule=luck");
        assert_eq!(Deadline::parse(Fields(&text)), Err(BadField("rule")));
    }
}
