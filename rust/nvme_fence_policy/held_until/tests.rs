// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::association::{Event, Opened};
use crate::ccr::resets::tests::{associate, Association};
use crate::ccr::source::Offer;
use crate::hold::tests::WRITE;
use crate::hold::Verdict;
use crate::identity::{AssociationId, ControllerId, Identity};
use crate::knobs::Knobs;
use crate::wait::{Clocks, Terms};

const NOW: Nanos = Nanos(1_000);

fn open(identity: Identity, terms: Terms) -> Association {
    associate(Opened {
        id: AssociationId(1),
        controller: ControllerId(1),
        connected: Some(Nanos(0)),
        at: Nanos(0),
        identity,
        terms,
        offer: Offer::default(),
    })
}

fn association() -> Association {
    let identity = Identity {
        cntlid: 1,
        ciu: 1,
        cirn: 1,
    };
    let terms = Terms {
        kato_ms: 5000,
        tbkas: true,
        cqt_ms: 1000,
    };
    open(identity, terms)
}

fn hold(association: &mut Association) {
    assert_eq!(association.hold(&WRITE, &Knobs::DEFAULT), Verdict::Hold);
}

fn handle(association: &mut Association, event: Event) {
    association.handle(NOW, event, &Knobs::DEFAULT);
}

fn closed(kato_ms: u32) -> Event {
    Event::Closed(Clocks {
        keep_alive: NOW,
        sent: NOW,
        peer_closed: None,
        kato_ms,
    })
}

#[test]
fn what_holds_nothing_is_not_waited_for() {
    let mut association = association();
    assert_eq!(association.held_until(), HeldUntil::NothingHeld);
    handle(&mut association, Event::Lost);
    assert_eq!(association.held_until(), HeldUntil::NothingHeld);
}

#[test]
fn what_is_held_is_waited_for_from_the_first_moment_until_it_is_sent_on() {
    let mut association = association();
    hold(&mut association);
    assert_eq!(association.held_until(), HeldUntil::Soon);
    handle(&mut association, Event::Lost);
    assert_eq!(association.held_until(), HeldUntil::Soon);
    handle(&mut association, closed(5000));
    let deadline = NOW.after_millis(3 * 5000 + 1000);
    assert_eq!(association.held_until(), HeldUntil::At(deadline));
    handle(&mut association, Event::Release);
    assert_eq!(association.held_until(), HeldUntil::Soon);
    let drained = Event::Drained {
        commands: 1,
        bytes: 4096,
    };
    handle(&mut association, drained);
    assert_eq!(association.held_until(), HeldUntil::NothingHeld);
}

#[test]
fn without_keep_alive_there_is_no_such_time() {
    let terms = Terms {
        kato_ms: 0,
        ..*association().terms()
    };
    let identity = *association().identity();
    let mut association = open(identity, terms);
    hold(&mut association);
    handle(&mut association, closed(0));
    assert_eq!(association.held_until(), HeldUntil::NoTime);
}
