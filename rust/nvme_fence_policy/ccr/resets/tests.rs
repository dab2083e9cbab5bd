// SPDX-License-Identifier: GPL-2.0

extern crate std;
use super::*;
use crate::association::{self, Event, Opened, State};
use crate::ccr::answer::Answer;
use crate::hold::tests::WRITE;
use crate::identity::{AssociationId, ControllerId, Identity};
use crate::knobs::Knobs;
use crate::time::Nanos;
use crate::wait::Terms;
use core::mem::size_of;
use std::boxed::Box;

/// An association to which resets are lent in boxes.
pub(crate) type Association = association::Association<Box<Resets>>;

/// What a new association needs.
pub(crate) fn lent(opened: &Opened) -> Option<Box<Resets>> {
    opened.resets().map(Box::new)
}

/// A new association, to which all is lent that it needs.
pub(crate) fn associate(opened: Opened) -> Association {
    let resets = lent(&opened);
    Association::new(opened, resets)
}

/// An association of which nothing but this is known.
fn opened(ciu: u8, cirn: u64, offer: Offer) -> Opened {
    Opened {
        id: AssociationId(1),
        controller: ControllerId(1),
        connected: None,
        at: Nanos(0),
        identity: Identity {
            cntlid: 1,
            ciu,
            cirn,
        },
        terms: Terms {
            kato_ms: 5000,
            tbkas: true,
            cqt_ms: 0,
        },
        offer,
    }
}

#[test]
fn resets_are_lent_to_what_can_be_reset_and_to_what_helps_others() {
    let resets_others = Offer {
        ccrl: 1,
        ..Offer::NONE
    };
    let lists_others = Offer {
        lost_host_log: true,
        ..Offer::NONE
    };
    let lent = |ciu, cirn, offer| opened(ciu, cirn, offer).resets().is_some();
    assert!(lent(1, 1, Offer::NONE));
    assert!(lent(0, 0, resets_others));
    assert!(lent(0, 0, lists_others));
    assert!(!lent(0, 0, Offer::NONE));
    // It could be any instance of that name.
    assert!(!lent(1, 0, Offer::NONE));
    assert!(!lent(0, 1, Offer::NONE));
}

#[test]
fn who_is_lent_nothing_is_not_asked_and_nobody_is_asked_for_it() {
    let offer = Offer {
        ccrl: 1,
        lost_host_log: true,
        ..Offer::NONE
    };
    let mut association = Association::new(opened(1, 1, offer), None);
    association.handle(Nanos(1), Event::Resumed, &Knobs::DEFAULT);
    assert!(association.is_in_use());
    assert!(association.source_mut().is_none());
    assert!(!association.source().wants_log_read(true));
    assert!(!association.source().is_ready());

    association.hold(&WRITE, &Knobs::DEFAULT);
    association.handle(Nanos(2), Event::Detached, &Knobs::DEFAULT);
    assert!(matches!(association.state(), State::Fencing(Some(_))));
    assert!(!association.wants_reset(&Knobs::DEFAULT));
    association.ask(AssociationId(2), Nanos(3));
    assert!(!association.tries().awaits(AssociationId(2)));
    assert_eq!(association.next_deadline(), association.deadline());

    // Nobody was asked, so this is about another one.
    let answered = Event::Answered(AssociationId(2), Answer::Immediate);
    association.handle(Nanos(4), answered, &Knobs::DEFAULT);
    assert!(matches!(association.state(), State::Fencing(Some(_))));
}

/// What the module has beside an association, in one object: three pointers and a name of the tree, and
/// 128 bytes. That object is to have 512 bytes, and the one that is lent 1 KiB.
#[test]
fn an_association_and_what_is_lent_to_it_are_small_enough() {
    assert!(size_of::<Association>() + 4 * size_of::<u64>() + 128 <= 512);
    assert!(size_of::<Resets>() <= 1024);
}
