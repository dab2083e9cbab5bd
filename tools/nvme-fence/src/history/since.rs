// SPDX-License-Identifier: GPL-2.0
//! Points in time as people write them.

use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp, ZonedDateTime};
use std::str::FromStr;

/// The point from which on events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Since(pub(crate) Timestamp);

/// Why a text is no point in time.
#[derive(Debug, thiserror::Error)]
#[error("give a time of today (03:00), a date (2026-11-29), both (2026-11-29 03:00), or how long ago (2h, 3 days)")]
pub(crate) struct NoTime;

impl FromStr for Since {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        parse(text.trim(), &ZonedDateTime::now())
            .map(Self)
            .ok_or(NoTime)
    }
}

/// What a text means to somebody who lives at `now`.
fn parse(text: &str, now: &ZonedDateTime) -> Option<Timestamp> {
    // With its distance from UTC, as in the output for programs.
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let local = |datetime: DateTime| {
        Some(
            datetime
                .to_zoned_datetime(now.time_zone().clone())
                .ok()?
                .timestamp(),
        )
    };
    if let Ok(datetime) = text.parse::<DateTime>() {
        return local(datetime);
    }
    if let Ok(time) = text.parse::<Time>() {
        return local(now.date().to_datetime(time));
    }
    let span = text.parse::<Span>().ok()?.abs();
    Some(now.checked_sub(span).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write() {
        let now: ZonedDateTime = "2026-11-29T10:00:00+01:00[+01:00]".parse().unwrap();
        for (text, meant) in [
            ("03:00", "2026-11-29T02:00:00Z"),
            ("2026-11-28", "2026-11-27T23:00:00Z"),
            ("2026-11-28 22:30", "2026-11-28T21:30:00Z"),
            ("2026-11-28T22:30:15", "2026-11-28T21:30:15Z"),
            ("2026-11-28T22:30:15.5Z", "2026-11-28T22:30:15.5Z"),
            ("2h", "2026-11-29T07:00:00Z"),
            ("90 min", "2026-11-29T07:30:00Z"),
            ("1 day ago", "2026-11-28T09:00:00Z"),
        ] {
            let meant: Timestamp = meant.parse().unwrap();
            assert_eq!(parse(text, &now), Some(meant), "{text}");
        }
        for text in ["", "yesterday evening", "25:00", "2026-13-01"] {
            assert_eq!(parse(text, &now), None, "{text}");
        }
    }
}
