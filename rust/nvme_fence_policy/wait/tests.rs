// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::knobs::Beliefs;

const OPENED: Nanos = Nanos(1_000_000_000);
const KEEP_ALIVE: Nanos = Nanos(20_000_000_000);
const SENT: Nanos = Nanos(21_000_000_000);

const CLOCKS: Clocks = Clocks {
    keep_alive: KEEP_ALIVE,
    sent: SENT,
    peer_closed: None,
    kato_ms: 5000,
};

const TERMS: Terms = Terms {
    kato_ms: 5000,
    tbkas: false,
    cqt_ms: 5000,
};

/// The deadline by the settings that nobody touched.
fn find(terms: Terms, clocks: Clocks) -> Option<Deadline> {
    Deadline::find(&terms, OPENED, &clocks, &Knobs::DEFAULT)
}

/// The deadline if the controller closed all connections at this time, and that counts.
fn find_notified(terms: Terms, clocks: Clocks, at: Nanos) -> Option<Deadline> {
    let mut knobs = Knobs::DEFAULT;
    knobs.set_evidence(Beliefs::DEFAULT.with(Belief::Notification));
    Deadline::find(&terms, OPENED, &closed_by_peer(clocks, at), &knobs)
}

fn closed_by_peer(clocks: Clocks, at: Nanos) -> Clocks {
    Clocks {
        peer_closed: Some(at),
        ..clocks
    }
}

#[test]
fn command_based_is_two_timeouts_from_the_last_keep_alive() {
    let deadline = find(TERMS, CLOCKS).unwrap();
    assert_eq!(deadline.rule, Rule::Command);
    assert_eq!(deadline.at(), KEEP_ALIVE.after_millis(2 * 5000 + 5000));
}

#[test]
fn traffic_based_is_three_timeouts_from_the_last_command() {
    let terms = Terms {
        tbkas: true,
        ..TERMS
    };
    let deadline = find(terms, CLOCKS).unwrap();
    assert_eq!(deadline.rule, Rule::Traffic);
    assert_eq!(deadline.at(), SENT.after_millis(3 * 5000 + 5000));
}

#[test]
fn the_examples_of_the_specification() {
    for (kato_ms, tbkas, cqt_ms, wait_ms) in [
        (5_000, false, 5_000, 15_000),
        (5_000, true, 5_000, 20_000),
        (30_000, true, 65_000, 155_000),
        (120_000, false, 0, 250_000),
        (10_000, true, 0, 40_000),
    ] {
        let terms = Terms {
            kato_ms,
            tbkas,
            cqt_ms,
        };
        assert_eq!(terms.wait_ms(&Knobs::DEFAULT), Some(wait_ms));
        let clocks = Clocks { kato_ms, ..CLOCKS };
        let deadline = find(terms, clocks).unwrap();
        assert_eq!(deadline.at(), deadline.t_last.after_millis(wait_ms));
    }
}

#[test]
fn a_notification_leaves_only_the_quiesce_time() {
    let noticed = SENT.after_millis(100);
    let deadline = find_notified(TERMS, CLOCKS, noticed).unwrap();
    assert_eq!(deadline.rule, Rule::Notification);
    assert_eq!(deadline.at(), noticed.after_millis(5000));
}

#[test]
fn a_notification_never_makes_the_wait_longer() {
    let late = KEEP_ALIVE.after_millis(2 * 5000 + 1);
    let deadline = find_notified(TERMS, CLOCKS, late).unwrap();
    assert_eq!(deadline.rule, Rule::Command);
}

#[test]
fn a_notification_does_not_count_before_the_last_command() {
    let deadline = find_notified(TERMS, CLOCKS, Nanos(SENT.0 - 1)).unwrap();
    assert_eq!(deadline.at(), SENT.after_millis(5000));
}

#[test]
fn a_notification_changes_nothing_unless_the_administrator_trusts_it() {
    let deadline = find(TERMS, closed_by_peer(CLOCKS, SENT));
    assert_eq!(deadline, find(TERMS, CLOCKS));
}

#[test]
fn connect_starts_the_timer() {
    let clocks = Clocks {
        keep_alive: Nanos(3),
        sent: Nanos(3),
        ..CLOCKS
    };
    for tbkas in [false, true] {
        let deadline = find(Terms { tbkas, ..TERMS }, clocks).unwrap();
        assert_eq!(deadline.t_last, OPENED);
    }
}

#[test]
fn without_keep_alive_time_proves_nothing() {
    let terms = Terms {
        kato_ms: 0,
        ..TERMS
    };
    let clocks = Clocks {
        kato_ms: 0,
        ..CLOCKS
    };
    assert_eq!(find(terms, clocks), None);
    assert_eq!(terms.wait_ms(&Knobs::DEFAULT), None);
    let deadline = find_notified(terms, clocks, SENT).unwrap();
    assert_eq!(deadline.at(), SENT.after_millis(5000));
}

#[test]
fn a_source_may_take_longer_than_the_impacted_controller_needs() {
    let answer_ms = |kato_ms, cqt_ms| {
        let terms = Terms {
            kato_ms,
            tbkas: true,
            cqt_ms,
        };
        terms.reset_answer_ms(&Knobs::DEFAULT)
    };
    assert_eq!(answer_ms(5_000, 2_000), 8_000);
    assert_eq!(answer_ms(5_000, 0), 16_000);
    assert_eq!(answer_ms(u32::MAX, 1), u32::MAX);
}

#[test]
fn a_changed_timeout_counts_with_the_longer_value() {
    for (before, after) in [(5000, 9000), (9000, 5000)] {
        let terms = Terms {
            kato_ms: before,
            ..TERMS
        };
        let clocks = Clocks {
            kato_ms: after,
            ..CLOCKS
        };
        assert_eq!(find(terms, clocks).unwrap().katt_ms, 9000);
    }
}
