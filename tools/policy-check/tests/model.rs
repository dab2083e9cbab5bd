// SPDX-License-Identifier: GPL-2.0-only

//! The model in small bounds: what it must find, and what it must not.

use nvme_fence_policy::Hold;
use policy_check::check::{Outcome, Search, check};
use policy_check::model::suite::{self, RESETS, SMALL, TRACKING};
use policy_check::model::{Assumption, Bounds, KeepAlive, Violation, World};

fn run(bounds: Bounds) -> Outcome {
    bounds.validate().unwrap();
    let search = Search {
        threads: 1,
        shortest: true,
    };
    check(&World { bounds }, search)
}

const TWO_WRITES: Bounds = Bounds { writes: 2, ..SMALL };

#[test]
fn nothing_goes_wrong_with_two_writes() {
    for keep_alive in [KeepAlive::Traffic, KeepAlive::Command] {
        let outcome = run(Bounds {
            keep_alive,
            keep_alives: 1,
            ..TWO_WRITES
        });
        assert!(outcome.found.is_none(), "{outcome:?}");
        assert!(outcome.unique > 10_000);
    }
}

#[test]
fn nothing_goes_wrong_with_a_reset() {
    let outcome = run(Bounds {
        writes: 1,
        ..RESETS
    });
    assert!(outcome.found.is_none(), "{outcome:?}");
    assert!(outcome.unique > 10_000);
}

#[test]
fn nothing_goes_wrong_with_what_is_tracked() {
    let outcome = run(Bounds {
        blocks: 1,
        buffers: true,
        ..TRACKING
    });
    assert!(outcome.found.is_none(), "{outcome:?}");
    assert!(outcome.unique > 10_000);
}

#[test]
fn without_fencing_there_is_a_ghost_write() {
    let outcome = run(Bounds {
        hold: Hold::None,
        ..TWO_WRITES
    });
    let found = outcome.found.unwrap();
    assert_eq!(found.violation, Violation::GhostWrite);
    assert_eq!(found.steps.len(), 13);
    assert!(found.steps[12].contains("write 1 executes on association 0"));
}

#[test]
fn every_assumption_is_needed() {
    for assumption in [
        Assumption::HonestAdministrator,
        Assumption::HonestNetwork,
        Assumption::TimelyDelivery,
        Assumption::KnownTimeout,
        Assumption::FailedAssociationsAreLost,
        Assumption::WholeNotification,
        Assumption::DeletionCloses,
        Assumption::HonestTarget,
        Assumption::HonestLostHostLog,
        Assumption::HonestFailure,
        Assumption::OneHost,
        Assumption::OneWriteAtATime,
        Assumption::SameContent,
        Assumption::EmptySockets,
        Assumption::RememberedWhenUnloaded,
        Assumption::CleanUpBeforeConnect,
        Assumption::HonestArray,
    ] {
        let (bounds, violation) = suite::without(assumption);
        let found = run(Bounds {
            writes: 2,
            ..bounds
        })
        .found;
        assert_eq!(
            found.map(|found| found.violation),
            Some(violation),
            "{assumption:?}"
        );
    }
}

#[test]
fn the_cases_are_within_bounds() {
    for case in suite::cases() {
        assert_eq!(case.bounds.validate(), Ok(()), "{}", case.name);
    }
}
