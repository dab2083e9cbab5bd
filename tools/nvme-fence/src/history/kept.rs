// SPDX-License-Identifier: GPL-2.0
//! What the module has kept of the last fencings of each subsystem: its files `history`.

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Serialize;

use crate::fields::{BadField, Fields};
use crate::host::Host;
use crate::sysfs::attribute;
use crate::sysfs::part::{self, noted};
use crate::sysfs::topology::subsystems;

/// That a lost association was fenced for which something was held or tracked. The names of the
/// fields are the keys of the JSON output, which scripts rely on.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fencing {
    /// When that was.
    pub(crate) time: Timestamp,
    /// nvme-subsysX
    pub(crate) subsystem: String,
    /// Its qualified name; `None` = it could not be read.
    pub(crate) nqn: Option<String>,
    /// Which one of its subsystem it was, counted from 1.
    pub(crate) number: u32,
    /// nvmeX
    pub(crate) path: String,
    /// Its controller identifier.
    pub(crate) cntlid: u16,
    /// How many commands were held then, and released by that.
    pub(crate) commands: u64,
    /// How many bytes these have.
    pub(crate) bytes: u64,
    /// How many commands were tracked.
    pub(crate) tracked: u64,
    /// How many newer ones had waited for these.
    pub(crate) waited: u64,
    /// What proved it.
    pub(crate) evidence: String,
    /// The rule by which time did; `None` = it did not.
    pub(crate) rule: Option<String>,
    /// From the loss until the connections were terminated; `None` = they were not, or there was no
    /// loss.
    pub(crate) closing_ms: Option<u64>,
    /// From then until it was fenced; `None` = they were not terminated.
    pub(crate) fencing_ms: Option<u64>,
    /// From when the first command was held until it was fenced; 0 = none was.
    pub(crate) held_ms: u64,
}

impl Fencing {
    /// What a line of the module says about a subsystem.
    fn parse(line: &str, subsystem: &str, nqn: Option<&str>) -> Result<Self, BadField> {
        let fields = Fields(line);
        Ok(Self {
            time: time(fields.word("time")?).ok_or(BadField("time"))?,
            subsystem: subsystem.to_owned(),
            nqn: nqn.map(str::to_owned),
            number: fields.parse("number")?,
            path: fields.word("path")?.to_owned(),
            cntlid: fields.parse("cntlid")?,
            commands: fields.parse("commands")?,
            bytes: fields.parse("bytes")?,
            tracked: fields.parse("tracked")?,
            waited: fields.parse("waited")?,
            evidence: fields.word("evidence")?.to_owned(),
            rule: fields.word_if_any("rule")?.map(str::to_owned),
            closing_ms: fields.parse_if_any("closing_ms")?,
            fencing_ms: fields.parse_if_any("fencing_ms")?,
            held_ms: fields.parse("held_ms")?,
        })
    }
}

/// A point in time as the module writes it: seconds since 1970 with a fraction.
fn time(word: &str) -> Option<Timestamp> {
    let (seconds, fraction) = word.split_once('.')?;
    // Any number of digits, as far as there are nanoseconds.
    let digits = format!("{fraction:0<9}");
    let nanoseconds = digits.get(..9)?.parse().ok()?;
    Timestamp::new(seconds.parse().ok()?, nanoseconds).ok()
}

/// Reads what is kept, the oldest first; what can not be read is noted down. `None` = no module keeps
/// anything that can be read: none is loaded, it has no subsystem, or it is older than this tool.
pub(crate) fn read(host: &Host, errors: &mut Vec<String>) -> Option<Vec<Fencing>> {
    let mut kept: Option<Vec<Fencing>> = None;
    for subsystem in noted(subsystems(host).map(Some), errors).unwrap_or_default() {
        let path = subsystem.fence().join("history");
        let text = part::read(
            || part::may_be_there(&path),
            || attribute::read_if_there(&path),
        );
        let Some(text) = noted(text, errors).flatten() else {
            continue;
        };
        let nqn = part::read(|| subsystem.exists(), || subsystem.nqn());
        let nqn = noted(nqn, errors);
        let fencings = text.lines().filter_map(|line| {
            let fencing = Fencing::parse(line, &subsystem.name, nqn.as_deref());
            let context = || format!("{}: `{line}`", path.display());
            noted(fencing.with_context(context).map(Some), errors)
        });
        kept.get_or_insert_default().extend(fencings);
    }
    if let Some(kept) = &mut kept {
        kept.sort_by_key(|fencing| fencing.time);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "number=5 time=1795921921.020 path=nvme3 cntlid=7 commands=4 bytes=16384 \
                        tracked=2 waited=1 evidence=time rule=traffic closing_ms=12 \
                        fencing_ms=23400 held_ms=23412";

    /// What a line says.
    fn fencing() -> Fencing {
        Fencing {
            time: "2026-11-29T03:12:01.02Z".parse().unwrap(),
            subsystem: "nvme-subsys1".to_owned(),
            nqn: Some("nqn.array".to_owned()),
            number: 5,
            path: "nvme3".to_owned(),
            cntlid: 7,
            commands: 4,
            bytes: 16_384,
            tracked: 2,
            waited: 1,
            evidence: "time".to_owned(),
            rule: Some("traffic".to_owned()),
            closing_ms: Some(12),
            fencing_ms: Some(23_400),
            held_ms: 23_412,
        }
    }

    /// What is understood of a line.
    fn parse(line: &str) -> Result<Fencing, BadField> {
        Fencing::parse(line, "nvme-subsys1", Some("nqn.array"))
    }

    #[test]
    fn reads_all_fields() {
        assert_eq!(parse(LINE), Ok(fencing()));
    }

    #[test]
    fn a_newer_module_may_say_more() {
        let line = LINE.replace(
            "evidence=time rule=traffic",
            "omens=3 evidence=dowsing rule=none",
        );
        let expected = Fencing {
            evidence: "dowsing".to_owned(),
            rule: None,
            ..fencing()
        };
        assert_eq!(parse(&line), Ok(expected));
    }

    #[test]
    fn what_was_not_closed_has_no_times() {
        let line = LINE.replace(
            "closing_ms=12 fencing_ms=23400",
            "closing_ms=none fencing_ms=none",
        );
        let expected = Fencing {
            closing_ms: None,
            fencing_ms: None,
            ..fencing()
        };
        assert_eq!(parse(&line), Ok(expected));
    }

    #[test]
    fn names_the_bad_field() {
        for (from, to, field) in [
            ("number=5 ", "", "number"),
            ("held_ms=23412", "held_ms=long", "held_ms"),
            ("closing_ms=12", "closing_ms=some", "closing_ms"),
            ("time=1795921921.020", "time=", "time"),
            ("time=1795921921.020", "time=now", "time"),
            ("time=1795921921.020", "time=1.x", "time"),
            ("time=1795921921.020", "time=1", "time"),
        ] {
            let fencing = parse(&LINE.replace(from, to));
            assert_eq!(fencing, Err(BadField(field)), "{to}");
        }
    }
}
