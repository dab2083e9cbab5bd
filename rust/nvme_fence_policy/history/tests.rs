// SPDX-License-Identifier: GPL-2.0

//! What is kept of the past, and how it is written.

extern crate std;

use super::*;
use crate::evidence::Evidence;
use crate::wait::{Notice, Rule};
use std::string::{String, ToString};
use std::vec::Vec;

/// Four writes that time has fenced.
const FENCING: Fencing = Fencing {
    time_ns: 1_795_921_921_020_999_999,
    instance: 3,
    cntlid: 7,
    commands: 4,
    bytes: 16_384,
    tracked: 0,
    waited: 0,
    evidence: Evidence::Time,
    rule: Some(Rule::Traffic),
    closing_ms: Some(12),
    fencing_ms: Some(23_400),
    held_ms: 23_412,
};

/// The numbers and commands of all that is kept.
fn kept(history: &History) -> Vec<(u32, u32)> {
    let mut kept = Vec::new();
    while let Some((number, fencing)) = history.after(kept.last().map_or(0, |&(number, _)| number))
    {
        kept.push((number, fencing.commands));
    }
    kept
}

/// So many fencings, the first of which released 1 command, the next 2, and so on.
fn history(fencings: u32) -> History {
    let mut history = History::EMPTY;
    for commands in 1..=fencings {
        history.add(Fencing {
            commands,
            ..FENCING
        });
    }
    history
}

#[test]
fn the_last_ones_are_kept_oldest_first() {
    for (fencings, expected) in [(0, 1..1), (1, 1..2), (16, 1..17), (17, 2..18), (40, 25..41)] {
        let expected: Vec<_> = expected.map(|number| (number, number)).collect();
        assert_eq!(kept(&history(fencings)), expected, "of {fencings}");
    }
}

#[test]
fn who_reads_on_gets_what_is_new_or_left() {
    let history = history(20);
    let number_after = |number| history.after(number).map(|(number, _)| number);
    for (number, next) in [
        (0, Some(5)),
        (4, Some(5)),
        (12, Some(13)),
        (20, None),
        (99, None),
    ] {
        assert_eq!(number_after(number), next, "after {number}");
    }
    assert_eq!(number_after(u32::MAX), None);
}

#[test]
fn at_the_end_of_all_numbers_the_last_one_is_kept() {
    let mut history = history(3);
    history.latest = u32::MAX - 1;
    for commands in [1, 2] {
        history.add(Fencing {
            commands,
            ..FENCING
        });
    }
    let last = history.after(u32::MAX - 1);
    assert_eq!(
        last.map(|(number, one)| (number, one.commands)),
        Some((u32::MAX, 2))
    );
}

#[test]
fn lines() {
    let by_reset = Fencing {
        tracked: 2,
        waited: 1,
        evidence: Evidence::Ccr,
        closing_ms: None,
        fencing_ms: None,
        ..FENCING
    };
    for (fencing, line) in [
        (
            FENCING,
            "number=5 time=1795921921.020 path=nvme3 cntlid=7 commands=4 bytes=16384 tracked=0 waited=0 \
             evidence=time rule=traffic closing_ms=12 fencing_ms=23400 held_ms=23412",
        ),
        (
            by_reset,
            "number=5 time=1795921921.020 path=nvme3 cntlid=7 commands=4 bytes=16384 tracked=2 waited=1 \
             evidence=ccr rule=none closing_ms=none fencing_ms=none held_ms=23412",
        ),
    ] {
        assert_eq!(Line(5, &fencing).to_string(), line);
    }
}

/// All rules, and none.
fn rules() -> [Option<Rule>; 6] {
    [
        None,
        Some(Rule::Command),
        Some(Rule::Traffic),
        Some(Rule::Notification),
        Some(Rule::Noticed(Notice::FailedReset)),
        Some(Rule::Noticed(Notice::LostHostLog)),
    ]
}

/// What follows from this is that they fit into a file in sysfs.
#[test]
fn no_line_is_longer_than_is_said() {
    let mut longest = 0;
    for evidence in Evidence::ALL {
        for rule in rules() {
            let fencing = Fencing {
                time_ns: u64::MAX,
                instance: u32::MAX,
                cntlid: u16::MAX,
                commands: u32::MAX,
                bytes: u64::MAX,
                tracked: u32::MAX,
                waited: u32::MAX,
                evidence,
                rule,
                closing_ms: Some(u32::MAX),
                fencing_ms: Some(u32::MAX),
                held_ms: u32::MAX,
            };
            let line: String = Line(u32::MAX, &fencing).to_string() + "\n";
            longest = line.len().max(longest);
        }
    }
    assert_eq!(longest, Line::BYTES_MAX);
}

#[test]
fn sentences() {
    for (fencing, sentence) in [
        (
            FENCING,
            "nvme3: 4 command(s) held for 23.412 s, released: time (rule traffic, closed after 12 ms)",
        ),
        (
            Fencing {
                evidence: Evidence::Reconnect,
                ..FENCING
            },
            "nvme3: 4 command(s) held for 23.412 s, released: reconnect (closed after 12 ms)",
        ),
        (
            Fencing {
                commands: 1,
                tracked: 3,
                waited: 1,
                evidence: Evidence::Ccr,
                closing_ms: None,
                ..FENCING
            },
            "nvme3: 1 command(s) held for 23.412 s, 3 tracked, 1 waited, released: ccr (closed)",
        ),
        (
            Fencing {
                evidence: Evidence::Disabled,
                closing_ms: None,
                fencing_ms: None,
                held_ms: 5,
                ..FENCING
            },
            "nvme3: 4 command(s) held for 0.005 s, released: disabled (not closed yet)",
        ),
    ] {
        assert_eq!(Sentence(&fencing).to_string(), sentence);
    }
}
