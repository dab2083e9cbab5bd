// SPDX-License-Identifier: GPL-2.0
//! When a record is fenced by time, if nothing else fences it before, with the parts of the wait.

use serde::Serialize;
use std::fmt;

use crate::deadline_rule::DeadlineRule;
use crate::fields::{BadField, Fields};
use crate::units::{Milliseconds, Nanos};

/// A deadline: `t_last + n x katt + cqt`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Deadline {
    /// From when the wait is counted.
    pub(crate) rule: DeadlineRule,
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
        let rule = DeadlineRule::of(fields.word("rule")?);
        let deadline = fields.nanos("deadline_ns")?;
        Ok(Self {
            t_last: fields.nanos("t_last_ns")?,
            n: fields.parse("n")?,
            katt_ms: fields.parse("katt_ms")?,
            cqt_ms: fields.parse("cqt_ms")?,
            cqt_source: fields.word("cqt_source")?.to_owned(),
            deadline: (rule != DeadlineRule::None).then_some(deadline),
            rule,
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
            // The event does not tell which.
            return write!(
                f,
                "no time limit: keep alive is off, or time does not count as evidence"
            );
        };
        let (deadline, t_last) = (deadline.signed(), self.t_last.signed());
        match (&self.rule, self.rule.noticed()) {
            (DeadlineRule::Traffic, _) => write!(f, "deadline at {deadline} = last command")?,
            (DeadlineRule::Command | DeadlineRule::None, _) => {
                write!(f, "deadline at {deadline} = last keep alive")?;
            }
            // It is known when the connections are terminated, as the first two are.
            (DeadlineRule::Notification, Some(how)) => {
                write!(f, "noticed: {how}; deadline at {deadline} =")?;
            }
            (_, Some(how)) => write!(f, "noticed: {how}; deadline now at {deadline} =")?,
            (rule, None) => write!(f, "deadline at {deadline} by {} =", rule.word())?,
        }
        write!(f, " {t_last}")?;
        if self.n > 0 {
            let katt = Milliseconds(self.katt_ms.into());
            let traffic = match self.rule {
                DeadlineRule::Traffic => ", traffic based",
                _ => "",
            };
            write!(f, " + {} x {katt} (keep alive{traffic})", self.n)?;
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
                "noticed: it closed all connections; deadline at +24.210 s = -790.000 ms + 10.000 s (CQT, default)",
            ),
            (
                TEXT.replace("rule=traffic", "rule=ccr-failed").replace("n=3", "n=0"),
                "noticed: a Cross-Controller Reset of it was begun, and failed; deadline now at +24.210 s = -790.000 ms + 10.000 s (CQT, default)",
            ),
            (
                TEXT.replace("rule=traffic", "rule=lost-host-log").replace("n=3", "n=0"),
                "noticed: log page 1Fh of another controller lists it; deadline now at +24.210 s = -790.000 ms + 10.000 s (CQT, default)",
            ),
            (
                TEXT.replace("rule=traffic", "rule=dowsing"),
                "deadline at +24.210 s by dowsing = -790.000 ms + 3 x 5.000 s (keep alive) + 10.000 s (CQT, default)",
            ),
            (
                TEXT.replace("rule=traffic", "rule=none"),
                "no time limit: keep alive is off, or time does not count as evidence",
            ),
        ] {
            let deadline = Deadline::parse(Fields(&text)).unwrap();
            assert_eq!(deadline.since(Nanos(8_330_000_000)).to_string(), shown);
        }
    }

    #[test]
    fn a_deadline_has_a_rule() {
        let text = TEXT.replace("rule=traffic", "");
        assert_eq!(Deadline::parse(Fields(&text)), Err(BadField("rule")));
    }
}
