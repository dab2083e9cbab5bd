// SPDX-License-Identifier: GPL-2.0
//! What a controller said about itself that matters for fencing: its `identity` attribute.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

use crate::fields::{BadField, Fields};
use crate::units::Milliseconds;

/// The fields of `identity`. Their names are the specification's.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Identity {
    /// Controller identifier.
    pub(crate) cntlid: u16,
    /// Controller instance uniquifier; 0 = not supported.
    pub(crate) ciu: u8,
    /// Keep alive timeout in force.
    pub(crate) kato_ms: u32,
    /// Whether any command keeps the association alive.
    pub(crate) tbkas: bool,
    /// The Command Quiesce Time that the controller reports; 0 = unknown.
    pub(crate) cqt_ms: u32,
    /// Where the Command Quiesce Time in force comes from: controller, default or override.
    pub(crate) cqt_source: String,
    /// How long the time rule waits after the last command; `None` = there is no time rule.
    pub(crate) wait_ms: Option<u64>,
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
            cqt_ms: fields.parse("cqt_ms")?,
            cqt_source: fields.word("cqt_source")?.to_owned(),
            wait_ms: match fields.word("wait_ms")? {
                "none" => None,
                _ => Some(fields.parse("wait_ms")?),
            },
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cntlid {}, CIU {}, ", self.cntlid, self.ciu)?;
        match self.kato_ms {
            0 => write!(f, "keep alive off, ")?,
            kato_ms => write!(
                f,
                "KATO {} ({} based), ",
                Milliseconds(kato_ms.into()),
                if self.tbkas { "traffic" } else { "command" }
            )?,
        }
        match (self.cqt_source.as_str(), self.cqt_ms) {
            ("controller", cqt_ms) => write!(f, "CQT {}, ", Milliseconds(cqt_ms.into()))?,
            (source, 0) => write!(f, "CQT not reported ({source} used), ")?,
            (source, cqt_ms) => write!(
                f,
                "CQT {} reported ({source} used), ",
                Milliseconds(cqt_ms.into())
            )?,
        }
        match self.wait_ms {
            Some(wait_ms) => write!(f, "wait {}", Milliseconds(wait_ms)),
            None => write!(f, "not fenced by time"),
        }
    }
}

#[cfg(test)]
mod tests {
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
                cqt_ms: 0,
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
        for (text, shown) in [
            (
                TEXT.to_owned(),
                "cntlid 1, CIU 0, KATO 5.000 s (traffic based), CQT not reported (default used), wait 25.000 s",
            ),
            (
                TEXT.replace("cqt_ms=0 cqt_source=default", "cqt_ms=700 cqt_source=controller"),
                "cntlid 1, CIU 0, KATO 5.000 s (traffic based), CQT 0.700 s, wait 25.000 s",
            ),
            (
                TEXT.replace("cqt_ms=0 cqt_source=default", "cqt_ms=700 cqt_source=override"),
                "cntlid 1, CIU 0, KATO 5.000 s (traffic based), CQT 0.700 s reported (override used), wait 25.000 s",
            ),
            (
                TEXT.replace("kato_ms=5000", "kato_ms=0").replace("wait_ms=25000", "wait_ms=none"),
                "cntlid 1, CIU 0, keep alive off, CQT not reported (default used), not fenced by time",
            ),
        ] {
            assert_eq!(text.parse::<Identity>().unwrap().to_string(), shown);
        }
    }
}
