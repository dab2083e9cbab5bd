// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::association::Opened;
use crate::ccr::resets::tests::{associate, Association};
use crate::ccr::source::Offer;
use crate::identity::{AssociationId, ControllerId, Identity};
use crate::knobs::Beliefs;
use crate::output::Output;
use crate::time::Nanos;
use crate::wait::Terms;

const ID: AssociationId = AssociationId(1);

fn association() -> Association {
    associate(Opened {
        id: ID,
        controller: ControllerId(1),
        connected: None,
        at: Nanos(0),
        identity: Identity {
            cntlid: 1,
            ciu: 0,
            cirn: 0,
        },
        terms: Terms {
            kato_ms: 5000,
            tbkas: true,
            cqt_ms: 0,
        },
        offer: Offer::default(),
    })
}

fn believing() -> Knobs {
    let mut knobs = Knobs::DEFAULT;
    knobs.set_evidence(Beliefs::DEFAULT.with(Belief::Target));
    knobs
}

#[test]
fn an_array_that_shares_paths_is_told_of_once() {
    let mut array = Array::UNKNOWN;
    let mut association = association();
    array.note_held(&mut association, false, &believing());
    assert!(array.may_arbitrate());
    assert_eq!(association.take_output(), None);

    array.note_held(&mut association, true, &believing());
    assert!(!array.may_arbitrate());
    assert_eq!(association.take_output(), Some(Output::PathsShared(ID)));

    array.note_held(&mut association, true, &believing());
    assert_eq!(association.take_output(), None);
}

#[test]
fn nothing_is_said_of_an_array_of_which_nobody_says_that_it_arbitrates() {
    let mut array = Array::UNKNOWN;
    let mut association = association();
    array.note_held(&mut association, true, &Knobs::DEFAULT);
    assert!(array.may_arbitrate());
    assert_eq!(association.take_output(), None);
}
