// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::ccr::source::Offer;
use crate::identity::{AssociationId, ControllerId};
use crate::knobs::Beliefs;
use crate::time::Nanos;
use crate::wait::Terms;

const OLDER: Identity = Identity {
    cntlid: 7,
    ciu: 3,
    cirn: 0x1111,
};

const fn opened(connected: Option<Nanos>, at: Nanos, identity: Identity) -> Opened {
    Opened {
        id: AssociationId(1),
        controller: ControllerId(1),
        connected,
        at,
        identity,
        terms: Terms {
            kato_ms: 5000,
            tbkas: true,
            cqt_ms: 0,
        },
        offer: Offer {
            ccrl: 0,
            port: 0,
            host_port: 0,
            lost_host_log: false,
        },
    }
}

fn believing(believed: &[Belief]) -> Knobs {
    let mut knobs = Knobs::DEFAULT;
    knobs.set_evidence(believed.iter().copied().fold(Beliefs::NONE, Beliefs::with));
    knobs
}

fn proven(newer: Identity, believed: &[Belief]) -> Option<Evidence> {
    proof(
        &opened(Some(Nanos(10)), Nanos(20), OLDER),
        &opened(Some(Nanos(21)), Nanos(30), newer),
        &believing(believed),
    )
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

#[test]
fn what_was_not_connected_later_proves_nothing() {
    let older = opened(Some(Nanos(10)), Nanos(20), OLDER);
    let identity = Identity { ciu: 4, ..OLDER };
    for connected in [None, Some(Nanos(5)), Some(Nanos(19))] {
        let newer = opened(connected, Nanos(30), identity);
        assert_eq!(proof(&older, &newer, &believing(BOTH)), None);
    }
}
