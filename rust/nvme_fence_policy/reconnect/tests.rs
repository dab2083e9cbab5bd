// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::knobs::Beliefs;

const OLDER: Identity = Identity {
    cntlid: 7,
    ciu: 3,
    cirn: 0x1111,
};

fn proven(newer: Identity, believed: &[Belief]) -> Option<Evidence> {
    let mut knobs = Knobs::DEFAULT;
    knobs.set_evidence(believed.iter().copied().fold(Beliefs::NONE, Beliefs::with));
    proof(&OLDER, &newer, &knobs)
}

const STRICT: &[Belief] = &[Belief::Reconnect];
const BY_ID: &[Belief] = &[Belief::ReconnectById];
const BOTH: &[Belief] = &[Belief::Reconnect, Belief::ReconnectById];

#[test]
fn another_instance_is_strict_evidence() {
    for newer in [
        Identity { ciu: 4, ..OLDER },
        Identity {
            cirn: 0x2222,
            ..OLDER
        },
        Identity {
            ciu: 4,
            cirn: 0x2222,
            ..OLDER
        },
        // One of the two is enough.
        Identity {
            ciu: 0,
            cirn: 0x2222,
            ..OLDER
        },
        Identity {
            ciu: 4,
            cirn: 0,
            ..OLDER
        },
    ] {
        assert_eq!(
            proven(newer, STRICT),
            Some(Evidence::Reconnect),
            "{newer:?}"
        );
        assert_eq!(proven(newer, BOTH), Some(Evidence::Reconnect), "{newer:?}");
        assert_eq!(proven(newer, BY_ID), Some(Evidence::ReconnectById));
        assert_eq!(proven(newer, &[]), None);
    }
}

#[test]
fn the_id_alone_is_evidence_only_if_the_administrator_says_so() {
    for newer in [
        OLDER,
        Identity { ciu: 0, ..OLDER },
        Identity { cirn: 0, ..OLDER },
        Identity {
            ciu: 0,
            cirn: 0,
            ..OLDER
        },
    ] {
        assert_eq!(proven(newer, STRICT), None, "{newer:?}");
        assert_eq!(proven(newer, BOTH), Some(Evidence::ReconnectById));
    }
}

#[test]
fn another_id_is_no_evidence() {
    let newer = Identity {
        cntlid: 8,
        ciu: 4,
        cirn: 0x2222,
    };
    assert_eq!(proven(newer, BOTH), None);
}
