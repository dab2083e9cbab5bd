// SPDX-License-Identifier: GPL-2.0

use super::*;

const HOLDER: HostId = [1; 16];
const REGISTRANT: HostId = [2; 16];
const STRANGER: HostId = [3; 16];

const KEY: u64 = 0xa;
const OTHER_KEY: u64 = 0xb;
const WRONG_KEY: u64 = 0xc;

const INVALID: Status = Status::INVALID_FIELD.dnr();

use Kind::{
    ExclusiveAccess, ExclusiveAccessAllRegistrants, ExclusiveAccessRegistrantsOnly, WriteExclusive,
    WriteExclusiveAllRegistrants, WriteExclusiveRegistrantsOnly,
};

/// A holder, a registrant, and a reservation of this type.
fn reserved(kind: Kind) -> Registrants {
    let mut registrants = registered();
    registrants.acquire(HOLDER, KEY, kind).unwrap();
    registrants
}

/// A host with `KEY`, and one with `OTHER_KEY`.
fn registered() -> Registrants {
    let mut registrants = Registrants::default();
    registrants.register(HOLDER, KEY).unwrap();
    registrants.register(REGISTRANT, OTHER_KEY).unwrap();
    registrants
}

fn keys(registrants: &Registrants) -> Vec<(HostId, u64)> {
    registrants
        .iter()
        .map(|(&host, key, _)| (host, key))
        .collect()
}

fn holders(registrants: &Registrants) -> Vec<HostId> {
    let holders = registrants.iter().filter(|&(_, _, holds)| holds);
    holders.map(|(&host, _, _)| host).collect()
}

/// The specification's table "Command Behavior in the Presence of a Reservation": who may read,
/// and who may write.
#[test]
fn types_allow_what_the_specification_says() {
    const ALL: (bool, bool) = (true, true);
    const READ: (bool, bool) = (true, false);
    const NONE: (bool, bool) = (false, false);
    for (kind, holder, registrant, stranger) in [
        (WriteExclusive, ALL, READ, READ),
        (ExclusiveAccess, ALL, NONE, NONE),
        (WriteExclusiveRegistrantsOnly, ALL, ALL, READ),
        (ExclusiveAccessRegistrantsOnly, ALL, ALL, NONE),
        (WriteExclusiveAllRegistrants, ALL, ALL, READ),
        (ExclusiveAccessAllRegistrants, ALL, ALL, NONE),
    ] {
        let registrants = reserved(kind);
        for (host, expected) in [
            (HOLDER, holder),
            (REGISTRANT, registrant),
            (STRANGER, stranger),
        ] {
            let allowed = [Access::Read, Access::Write].map(|it| registrants.allow(&host, it));
            assert_eq!((allowed[0], allowed[1]), expected, "{kind:?} {host:?}");
        }
    }
}

#[test]
fn without_a_reservation_all_is_allowed() {
    for host in [HOLDER, STRANGER] {
        assert!(registered().allow(&host, Access::Write));
    }
}

#[test]
fn a_registrant_has_one_key() {
    let mut registrants = registered();
    assert_eq!(registrants.register(HOLDER, KEY), Ok(()));
    assert_eq!(registrants.register(HOLDER, OTHER_KEY), Err(CONFLICT));
    assert_eq!(registrants.register(STRANGER, 0), Err(INVALID));
    // Two hosts may have the same.
    assert_eq!(registrants.register(STRANGER, KEY), Ok(()));
    assert_eq!(
        keys(&registrants),
        [(HOLDER, KEY), (REGISTRANT, OTHER_KEY), (STRANGER, KEY)]
    );
}

#[test]
fn who_changes_or_ends_a_registration_must_know_the_key() {
    let mut registrants = registered();
    assert_eq!(
        registrants.replace(HOLDER, Some(WRONG_KEY), 7),
        Err(CONFLICT)
    );
    assert_eq!(registrants.replace(STRANGER, Some(KEY), 7), Err(CONFLICT));
    assert_eq!(registrants.replace(HOLDER, Some(KEY), 0), Err(INVALID));
    assert_eq!(registrants.replace(HOLDER, Some(KEY), 7), Ok(()));
    // Or does not care.
    assert_eq!(registrants.replace(HOLDER, None, 8), Ok(()));
    assert_eq!(registrants.replace(STRANGER, None, 9), Ok(()));
    assert_eq!(
        registrants.unregister(HOLDER, Some(WRONG_KEY)),
        Err(CONFLICT)
    );
    assert_eq!(registrants.unregister(HOLDER, Some(8)), Ok(()));
    assert_eq!(registrants.unregister(HOLDER, None), Err(CONFLICT));
    assert_eq!(registrants.unregister(STRANGER, None), Ok(()));
    assert_eq!(keys(&registrants), [(REGISTRANT, OTHER_KEY)]);
}

#[test]
fn who_has_no_registration_or_another_key_can_do_nothing() {
    for (host, key) in [(STRANGER, KEY), (REGISTRANT, WRONG_KEY)] {
        let mut registrants = reserved(WriteExclusive);
        assert_eq!(
            registrants.acquire(host, key, WriteExclusive),
            Err(CONFLICT)
        );
        let preempted = registrants.preempt(host, key, KEY, WriteExclusive);
        assert_eq!(preempted, Err(CONFLICT));
        assert_eq!(registrants.release(host, key, 1), Err(CONFLICT));
        assert_eq!(registrants.clear(host, key), Err(CONFLICT));
        assert_eq!(holders(&registrants), [HOLDER]);
    }
}

#[test]
fn a_reservation_is_acquired_once() {
    for kind in Kind::ALL {
        let mut registrants = reserved(kind);
        assert_eq!(registrants.acquire(HOLDER, KEY, kind), Ok(()), "{kind:?}");
        for other in Kind::ALL.into_iter().filter(|&other| other != kind) {
            assert_eq!(registrants.acquire(HOLDER, KEY, other), Err(CONFLICT));
        }
        let by_other = registrants.acquire(REGISTRANT, OTHER_KEY, kind);
        if kind.all_hold() {
            assert_eq!(by_other, Ok(()), "{kind:?}");
            assert_eq!(holders(&registrants), [HOLDER, REGISTRANT]);
        } else {
            assert_eq!(by_other, Err(CONFLICT), "{kind:?}");
            assert_eq!(holders(&registrants), [HOLDER]);
        }
    }
}

#[test]
fn the_holder_releases_what_it_has() {
    for kind in Kind::ALL {
        let mut registrants = reserved(kind);
        let wrong = if kind as u32 == 1 { 2 } else { 1 };
        assert_eq!(registrants.release(HOLDER, KEY, wrong), Err(INVALID));
        assert_eq!(registrants.kind(), Some(kind));
        // Who holds none has nothing to release.
        assert_eq!(
            registrants.release(REGISTRANT, OTHER_KEY, kind as u32),
            Ok(())
        );
        let left = if kind.all_hold() { None } else { Some(kind) };
        assert_eq!(registrants.kind(), left, "{kind:?}");
        assert_eq!(registrants.release(HOLDER, KEY, kind as u32), Ok(()));
        assert_eq!(registrants.kind(), None);
    }
}

#[test]
fn a_reservation_ends_with_the_last_holder() {
    for kind in Kind::ALL {
        let mut registrants = reserved(kind);
        registrants.unregister(HOLDER, Some(KEY)).unwrap();
        let left = kind.all_hold().then_some(kind);
        assert_eq!(registrants.kind(), left, "{kind:?}");
        registrants.unregister(REGISTRANT, Some(OTHER_KEY)).unwrap();
        assert_eq!(registrants.kind(), None, "{kind:?}");
    }
}

#[test]
fn who_preempts_the_holder_has_the_reservation() {
    for (before, after) in [
        (WriteExclusive, ExclusiveAccess),
        (WriteExclusiveRegistrantsOnly, WriteExclusiveRegistrantsOnly),
        (ExclusiveAccessRegistrantsOnly, WriteExclusiveAllRegistrants),
    ] {
        let mut registrants = reserved(before);
        let preempted = registrants.preempt(REGISTRANT, OTHER_KEY, KEY, after);
        assert_eq!(preempted, Ok(vec![HOLDER]));
        assert_eq!(keys(&registrants), [(REGISTRANT, OTHER_KEY)]);
        assert_eq!(registrants.kind(), Some(after));
        assert_eq!(holders(&registrants), [REGISTRANT]);
        assert!(!registrants.allow(&HOLDER, Access::Write));
    }
}

#[test]
fn who_preempts_a_registrant_leaves_the_reservation() {
    for kind in Kind::ALL {
        let mut registrants = reserved(kind);
        let preempted = registrants.preempt(HOLDER, KEY, OTHER_KEY, WriteExclusive);
        assert_eq!(preempted, Ok(vec![REGISTRANT]), "{kind:?}");
        assert_eq!(registrants.kind(), Some(kind));
        assert_eq!(keys(&registrants), [(HOLDER, KEY)]);
        // Nobody has this key any more.
        let again = registrants.preempt(HOLDER, KEY, OTHER_KEY, WriteExclusive);
        assert_eq!(again, Err(CONFLICT), "{kind:?}");
    }
}

#[test]
fn without_a_reservation_only_registrations_are_preempted() {
    let mut registrants = registered();
    let preempted = registrants.preempt(HOLDER, KEY, OTHER_KEY, WriteExclusive);
    assert_eq!(preempted, Ok(vec![REGISTRANT]));
    assert_eq!(registrants.kind(), None);
    // Also one's own.
    assert_eq!(
        registrants.preempt(HOLDER, KEY, KEY, WriteExclusive),
        Ok(vec![])
    );
    assert_eq!(keys(&registrants), []);
}

#[test]
fn key_0_is_everybody_where_all_hold_and_nobody_elsewhere() {
    for kind in Kind::ALL {
        let mut registrants = reserved(kind);
        registrants.register(STRANGER, KEY).unwrap();
        let preempted = registrants.preempt(REGISTRANT, OTHER_KEY, 0, WriteExclusive);
        if kind.all_hold() {
            assert_eq!(preempted, Ok(vec![HOLDER, STRANGER]), "{kind:?}");
            assert_eq!(registrants.kind(), Some(WriteExclusive));
            assert_eq!(holders(&registrants), [REGISTRANT]);
        } else {
            assert_eq!(preempted, Err(INVALID), "{kind:?}");
            assert_eq!(holders(&registrants), [HOLDER]);
        }
    }
    let preempted = registered().preempt(HOLDER, KEY, 0, WriteExclusive);
    assert_eq!(preempted, Err(INVALID));
}

#[test]
fn a_holder_can_preempt_itself_to_change_the_type() {
    let mut registrants = reserved(WriteExclusive);
    let preempted = registrants.preempt(HOLDER, KEY, KEY, ExclusiveAccess);
    assert_eq!(preempted, Ok(vec![]));
    assert_eq!(registrants.kind(), Some(ExclusiveAccess));
    assert_eq!(holders(&registrants), [HOLDER]);
}

#[test]
fn clear_leaves_nothing() {
    let mut registrants = reserved(ExclusiveAccess);
    assert_eq!(registrants.clear(REGISTRANT, OTHER_KEY), Ok(()));
    assert_eq!(registrants.kind(), None);
    assert_eq!(keys(&registrants), []);
}

#[test]
fn the_generation_counts_changes_of_registrations() {
    let mut registrants = Registrants::default();
    let mut expect = |change: &dyn Fn(&mut Registrants) -> bool, counts: bool, succeeds: bool| {
        let before = registrants.generation;
        assert_eq!(change(&mut registrants), succeeds);
        assert_eq!(registrants.generation, before + u32::from(counts));
    };
    expect(&|it| it.register(HOLDER, KEY).is_ok(), true, true);
    expect(&|it| it.register(HOLDER, WRONG_KEY).is_ok(), false, false);
    expect(&|it| it.register(REGISTRANT, OTHER_KEY).is_ok(), true, true);
    expect(&|it| it.replace(HOLDER, Some(KEY), KEY).is_ok(), true, true);
    expect(
        &|it| it.acquire(HOLDER, KEY, WriteExclusive).is_ok(),
        false,
        true,
    );
    expect(&|it| it.release(HOLDER, KEY, 1).is_ok(), false, true);
    expect(
        &|it| it.preempt(HOLDER, KEY, WRONG_KEY, WriteExclusive).is_ok(),
        false,
        false,
    );
    expect(
        &|it| it.preempt(HOLDER, KEY, OTHER_KEY, WriteExclusive).is_ok(),
        true,
        true,
    );
    expect(&|it| it.clear(HOLDER, KEY).is_ok(), true, true);
}
