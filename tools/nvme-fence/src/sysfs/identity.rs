// SPDX-License-Identifier: GPL-2.0
//! What a controller said about itself that matters for fencing: its `identity` attribute.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

use super::knobs::Knobs;
use crate::fields::{BadField, Fields};
use crate::json::none_if_zero;
use crate::units::Seconds;

/// The fields of `identity`. Their names are the specification's.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Identity {
    /// Controller identifier.
    pub(crate) cntlid: u16,
    /// Controller instance uniquifier; 0 = not supported.
    #[serde(serialize_with = "none_if_zero")]
    pub(crate) ciu: u8,
    /// Keep alive timeout in force.
    #[serde(skip)]
    pub(crate) kato_ms: u32,
    /// Whether any command keeps the association alive.
    pub(crate) tbkas: bool,
    /// The Command Quiesce Time that the controller reports; 0 = unknown.
    #[serde(serialize_with = "none_if_zero")]
    pub(crate) cqt_reported_ms: u32,
    /// Where the Command Quiesce Time in force comes from: controller, default or override.
    #[serde(skip)]
    pub(crate) cqt_source: String,
    /// How long the time rule waits after the last command; `None` = there is no time rule.
    #[serde(skip)]
    pub(crate) wait_ms: Option<u64>,
}

impl Identity {
    /// The Command Quiesce Time in force.
    pub(crate) fn cqt_ms(&self, knobs: &Knobs) -> u32 {
        match self.cqt_source.as_str() {
            "override" => knobs.cqt_override_ms,
            "default" => knobs.cqt_default_ms,
            _ => self.cqt_reported_ms,
        }
    }

    /// Why there is no time rule, if there is none.
    pub(crate) fn why_no_wait(&self) -> &'static str {
        match self.kato_ms {
            0 => "keep alive is off",
            _ => "time does not count as evidence",
        }
    }
}

impl FromStr for Identity {
    type Err = BadField;

    fn from_str(text: &str) -> Result<Self, BadField> {
        let fields = Fields(text);
        Ok(Self {
            cntlid: fields.parse("cntlid")?,
            ciu: fields.parse("ciu")?,
            kato_ms: fields.parse("kato_ms")?,
            tbkas: fields.parse::<u8>("tbkas")? != 0,
            cqt_reported_ms: fields.parse("cqt_ms")?,
            cqt_source: fields.word("cqt_source")?.to_owned(),
            wait_ms: fields.parse_if_any("wait_ms")?,
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keep_alive = if self.tbkas { "traffic" } else { "command" };
        write!(f, "cntlid {}, {keep_alive} based keep alive, ", self.cntlid)?;
        match self.cqt_reported_ms {
            0 => f.write_str("CQT not reported"),
            ms => write!(f, "CQT {} reported", Seconds(ms.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::Words;
    use super::*;

    const TEXT: &str =
        "cntlid=1 ciu=0 kato_ms=5000 tbkas=1 cqt_ms=0 cqt_source=default wait_ms=25000";

    #[test]
    fn reads_all_fields() {
        let identity: Identity = TEXT.parse().unwrap();
        assert_eq!(
            identity,
            Identity {
                cntlid: 1,
                ciu: 0,
                kato_ms: 5000,
                tbkas: true,
                cqt_reported_ms: 0,
                cqt_source: "default".to_owned(),
                wait_ms: Some(25000),
            }
        );
    }

    #[test]
    fn names_the_bad_field() {
        for (from, to, field) in [
            ("cntlid=1 ", "", "cntlid"),
            ("tbkas=1", "tbkas=yes", "tbkas"),
            ("wait_ms=25000", "wait_ms=", "wait_ms"),
        ] {
            let error = TEXT.replace(from, to).parse::<Identity>().unwrap_err();
            assert_eq!(error, BadField(field));
        }
    }

    #[test]
    fn reads_well() {
        for (from, to, shown) in [
            (
                "",
                "",
                "cntlid 1, traffic based keep alive, CQT not reported",
            ),
            (
                "tbkas=1",
                "tbkas=0",
                "cntlid 1, command based keep alive, CQT not reported",
            ),
            (
                "cqt_ms=0",
                "cqt_ms=700",
                "cntlid 1, traffic based keep alive, CQT 0.700 s reported",
            ),
        ] {
            let identity: Identity = TEXT.replace(from, to).parse().unwrap();
            assert_eq!(identity.to_string(), shown);
        }
    }

    #[test]
    fn the_quiesce_time_in_force_is_that_of_its_source() {
        let knobs = Knobs {
            hold: Words::parse("[all] none"),
            evidence: Words::parse("[time]"),
            cqt_default_ms: 10_000,
            cqt_override_ms: 20_000,
        };
        for (source, ms) in [
            ("default", 10_000),
            ("override", 20_000),
            ("controller", 700),
        ] {
            let text = TEXT.replace(
                "cqt_ms=0 cqt_source=default",
                &format!("cqt_ms=700 cqt_source={source}"),
            );
            assert_eq!(text.parse::<Identity>().unwrap().cqt_ms(&knobs), ms);
        }
    }
}
