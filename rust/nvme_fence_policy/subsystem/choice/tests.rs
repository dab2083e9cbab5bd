// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::association::{Event, Opened};
use crate::ccr::answer::Answer;
use crate::ccr::log::Log;
use crate::ccr::resets::tests::{associate, Association};
use crate::ccr::source::{Offer, Source};
use crate::hold::tests::WRITE;
use crate::identity::{AssociationId, ControllerId, Identity};
use crate::knobs::{Belief, Beliefs, Hold};
use crate::wait::{Clocks, Terms};

const NOW: Nanos = Nanos(1_000);
const KNOBS: Knobs = Knobs::DEFAULT;
/// Association N is one with controller N.
fn open_as(identity: Identity, terms: Terms, offer: Offer) -> Association {
    associate(Opened {
        id: AssociationId(identity.cntlid.into()),
        controller: ControllerId(identity.cntlid.into()),
        connected: Some(NOW),
        at: NOW,
        identity,
        terms,
        offer,
    })
}

fn open(cntlid: u16, port: u64) -> Association {
    open_between(cntlid, port, 0)
}

/// An association between a port of the subsystem and one of the host.
fn open_between(cntlid: u16, port: u64, host_port: u64) -> Association {
    let identity = Identity {
        cntlid,
        ciu: 1,
        cirn: u64::from(cntlid),
    };
    let terms = Terms {
        kato_ms: 5000,
        tbkas: true,
        cqt_ms: 0,
    };
    open_as(
        identity,
        terms,
        Offer {
            ccrl: 2,
            port,
            host_port,
            ..Offer::default()
        },
    )
}

fn source(cntlid: u16, port: u64) -> Association {
    ready(open(cntlid, port))
}

/// What it does for others.
fn source_of(association: &mut Association) -> &mut Source {
    association.source_mut().unwrap()
}

/// It can be asked for resets.
fn ready(mut association: Association) -> Association {
    association.handle(NOW, Event::Resumed, &KNOBS);
    source_of(&mut association).begin_log_read(NOW);
    let empty = Log::parse(&[0; 8]).unwrap();
    source_of(&mut association).log_read_ends(&empty, false, false, NOW);
    association
}

fn close(association: &mut Association) {
    let clocks = Clocks {
        keep_alive: NOW,
        sent: NOW,
        peer_closed: None,
        kato_ms: 5000,
    };
    association.handle(NOW, Event::Closed(clocks), &KNOBS);
}

/// An association that was lost with so many writes, and closed.
fn lost(cntlid: u16, held: usize) -> Association {
    let mut association = open(cntlid, 1);
    association.handle(NOW, Event::Lost, &KNOBS);
    for _ in 0..held {
        association.hold(&WRITE, &KNOBS);
    }
    close(&mut association);
    association
}

fn find(impacted: &Association, source: &Association) -> Option<Aptitude> {
    Urgency::find(impacted, &KNOBS)?;
    Aptitude::find(impacted, source, || false)
}

#[test]
fn only_what_holds_something_is_reset_and_only_by_another_controller() {
    assert!(find(&lost(1, 1), &source(2, 1)).is_some());
    assert_eq!(find(&lost(1, 0), &source(2, 1)), None);
    assert_eq!(find(&lost(1, 1), &source(1, 1)), None);
    assert_eq!(find(&lost(1, 1), &open(2, 1)), None);
    assert_eq!(find(&lost(1, 1), &lost(2, 1)), None);
    assert_eq!(find(&open(1, 1), &source(2, 1)), None);
}

#[test]
fn what_the_host_may_be_resetting_itself_is_not_reset() {
    let mut impacted = open(1, 1);
    impacted.hold(&WRITE, &KNOBS);
    impacted.handle(NOW, Event::Lost, &KNOBS);
    assert_eq!(find(&impacted, &source(2, 1)), None);
    close(&mut impacted);
    assert!(find(&impacted, &source(2, 1)).is_some());
}

/// As when its controller activates firmware, and a command takes too long meanwhile.
#[test]
fn what_is_used_on_is_not_reset_before_it_is_closed() {
    let mut impacted = open(1, 1);
    impacted.handle(NOW, Event::Lost, &KNOBS);
    impacted.hold(&WRITE, &KNOBS);
    impacted.handle(NOW, Event::Resumed, &KNOBS);
    assert_eq!(find(&impacted, &source(2, 1)), None);
    impacted.handle(NOW, Event::Lost, &KNOBS);
    assert_eq!(find(&impacted, &source(2, 1)), None);
    close(&mut impacted);
    assert!(find(&impacted, &source(2, 1)).is_some());
}

#[test]
fn only_what_can_be_named_is_reset() {
    let identity = Identity {
        ciu: 0,
        ..*lost(1, 1).identity()
    };
    let terms = *lost(1, 1).terms();
    let mut nameless = open_as(identity, terms, Offer::default());
    nameless.hold(&WRITE, &KNOBS);
    close(&mut nameless);
    assert_eq!(find(&nameless, &source(2, 1)), None);
}

#[test]
fn only_if_resets_count_whatever_is_to_be_held_from_now_on() {
    let others = Beliefs::DEFAULT.without(Belief::Ccr);
    for (hold, evidence, asked) in [
        (Hold::All, Beliefs::DEFAULT, true),
        (Hold::None, Beliefs::DEFAULT, true),
        (Hold::All, others, false),
    ] {
        let mut knobs = KNOBS;
        knobs.set_hold(hold);
        knobs.set_evidence(evidence);
        assert_eq!(Urgency::find(&lost(1, 1), &knobs).is_some(), asked);
    }
}

#[test]
fn slots_are_not_exceeded() {
    let mut source = source(9, 1);
    for cntlid in 1..=2 {
        assert!(find(&lost(cntlid, 1), &source).is_some());
        source_of(&mut source).ask(lost(cntlid, 1).identity());
    }
    assert_eq!(find(&lost(3, 1), &source), None);
}

fn allowed(associations: &[&Association]) -> bool {
    Neighbours::of(associations.iter().copied()).allow()
}

#[test]
fn one_command_of_a_subsystem_is_unanswered_at_most() {
    let (impacted, other, mut asked) = (lost(1, 1), source(3, 1), source(2, 1));
    assert!(allowed(&[&impacted, &asked]), "the last path is asked");
    source_of(&mut asked).ask(impacted.identity());
    assert!(!allowed(&[&impacted, &asked, &other]));
    for answer in [Answer::Accepted, Answer::InProgress, Answer::Failed] {
        let mut asked = asked.clone();
        source_of(&mut asked).answered(impacted.identity(), answer, NOW);
        assert!(allowed(&[&impacted, &asked]), "{answer:?}");
    }
}

#[test]
fn once_a_command_was_not_answered_the_last_path_is_not_asked() {
    let (mut impacted, other, mut asked) = (lost(1, 1), source(3, 1), source(2, 1));
    let identity = *impacted.identity();
    source_of(&mut asked).ask(&identity);
    source_of(&mut asked).answered(&identity, Answer::Unanswered, NOW);
    assert_eq!(find(&impacted, &asked), None);
    assert!(allowed(&[&impacted, &asked, &other]));
    assert!(!allowed(&[&impacted, &asked]));

    // It is remembered when the source is gone.
    assert!(allowed(&[&impacted, &other]));
    impacted.ask(asked.id(), NOW);
    let unanswered = Event::Answered(asked.id(), Answer::Unanswered);
    impacted.handle(NOW, unanswered, &KNOBS);
    assert!(!allowed(&[&impacted, &other]));
    assert!(allowed(&[&impacted, &other, &source(4, 1)]));
}

#[test]
fn nobody_is_asked_about_two_of_the_same_name() {
    let mut source = source(9, 1);
    let identity = Identity {
        cirn: 0xbad,
        ..*lost(1, 1).identity()
    };
    source_of(&mut source).ask(&identity);
    assert_eq!(find(&lost(1, 1), &source), None);
    assert!(find(&lost(2, 1), &source).is_some());
}

#[test]
fn who_was_asked_is_not_asked_again() {
    let mut impacted = lost(1, 1);
    let asked = source(2, 1);
    impacted.ask(asked.id(), NOW);
    let failed = Event::Answered(asked.id(), Answer::Failed);
    impacted.handle(NOW, failed, &KNOBS);
    assert_eq!(find(&impacted, &asked), None);
    assert!(find(&impacted, &source(10, 1)).is_some());
}

#[test]
fn who_holds_most_goes_first_and_none_starves() {
    let urgency = |impacted: &Association| Urgency::find(impacted, &KNOBS).unwrap();
    let few = lost(1, 1);
    let mut many = lost(2, 100);
    assert!(urgency(&many) > urgency(&few));
    many.ask(AssociationId(5), NOW);
    many.handle(
        NOW,
        Event::Answered(AssociationId(5), Answer::Failed),
        &KNOBS,
    );
    assert!(urgency(&many) < urgency(&few));
    assert!(urgency(&lost(3, 1)) < urgency(&few), "the oldest of equals");
}

#[test]
fn who_refused_goes_last() {
    let (impacted, willing) = (lost(1, 1), source(2, 1));
    let refused = |at| {
        let mut source = source(3, 2);
        source_of(&mut source).answered(impacted.identity(), Answer::Refused, at);
        find(&impacted, &source)
    };
    assert!(find(&impacted, &willing) > refused(NOW));
    assert!(refused(NOW) > refused(Nanos(NOW.0 + 1)));
}

#[test]
fn the_best_source_goes_first() {
    let impacted = lost(1, 1);
    let optimized = |source: &Association| Aptitude::find(&impacted, source, || true);
    let asked = *lost(8, 1).identity();
    let busy = |cntlid, port| {
        let mut source = source(cntlid, port);
        source_of(&mut source).ask(&asked);
        source
    };
    let mut proven = source(4, 1);
    source_of(&mut proven).ask(&asked);
    source_of(&mut proven).answered(&asked, Answer::Immediate, NOW);
    let in_order = [
        find(&impacted, &busy(2, 2)),
        optimized(&source(3, 1)),
        find(&impacted, &proven),
        find(&impacted, &source(4, 1)),
        find(&impacted, &busy(4, 1)),
    ];
    assert!(in_order.iter().all(Option::is_some));
    assert!(in_order.is_sorted_by(|a, b| a > b));
}

#[test]
fn sources_are_ranked_as_the_specification_has_it() {
    let mut impacted = lost(1, 1);
    impacted.handle(NOW, Event::Listed(AssociationId(2)), &KNOBS);
    let between = |cntlid, port, host_port| ready(open_between(cntlid, port, host_port));
    let in_order = [
        // It lists what is lost.
        find(&impacted, &between(2, 1, 0)),
        // Another port of the subsystem, and of the host.
        find(&impacted, &between(3, 2, 1)),
        find(&impacted, &between(4, 2, 0)),
        find(&impacted, &between(5, 1, 1)),
        find(&impacted, &between(6, 1, 0)),
    ];
    assert!(in_order.iter().all(Option::is_some));
    assert!(in_order.is_sorted_by(|a, b| a > b));
}
