// SPDX-License-Identifier: GPL-2.0

extern crate std;
use super::*;
use crate::ccr::answer::Answer;
use crate::ccr::log::Status;
use crate::ccr::resets::tests::{associate, Association};
use crate::hold::tests::WRITE;
use crate::hold::Kind;
use crate::knobs::{Beliefs, Hold};
use std::format;

const IDENTITY: Identity = Identity {
    cntlid: 1,
    ciu: 1,
    cirn: 1,
};
const TERMS: Terms = Terms {
    kato_ms: 5000,
    tbkas: true,
    cqt_ms: 0,
};
const CLOCKS: Clocks = Clocks {
    keep_alive: Nanos(90),
    sent: Nanos(100),
    peer_closed: None,
    kato_ms: 5000,
};
const READ: Command = Command {
    kind: Kind::Read,
    ..WRITE
};

fn open_as(identity: Identity, offer: Offer) -> Association {
    associate(Opened {
        id: AssociationId(1),
        controller: ControllerId(1),
        connected: Some(Nanos(0)),
        at: Nanos(0),
        identity,
        terms: TERMS,
        offer,
    })
}

fn open() -> Association {
    open_as(IDENTITY, Offer::default())
}

fn handle(association: &mut Association, now: Nanos, event: Event) -> [Option<Action>; 2] {
    association.handle(now, event, &Knobs::DEFAULT).0
}

fn hold(association: &mut Association) {
    assert_eq!(association.hold(&WRITE, &Knobs::DEFAULT), Verdict::Hold);
}

/// An association that lost one write, and its deadline.
fn fencing() -> (Association, Deadline) {
    let mut association = open();
    let lost = handle(&mut association, Nanos(200), Event::Lost);
    assert_eq!(lost, [Some(Action::ReportLost), None]);
    hold(&mut association);
    let closed = handle(&mut association, Nanos(300), Event::Closed(CLOCKS));
    let [Some(Action::ReportDeadline(Some(deadline))), None] = closed else {
        panic!("{closed:?}");
    };
    (association, deadline)
}

#[test]
fn an_identity_does_not_print_its_secret() {
    let identity = Identity {
        cntlid: 1,
        ciu: 2,
        cirn: 0xdead_beef_1234_5678,
    };
    let association = open_as(identity, Offer::default());
    for text in [format!("{identity:?}"), format!("{association:#?}")] {
        assert!(
            text.contains("cntlid: 1") && text.contains("ciu: 2"),
            "{text}"
        );
        for secret in [format!("{}", identity.cirn), format!("{:x}", identity.cirn)] {
            assert!(!text.contains(&secret), "{text}");
        }
    }
}

#[test]
fn nobody_is_asked_to_reset_what_does_not_say_which_instance_it_is() {
    for (ciu, cirn) in [(0, 0), (0, 2), (1, 0), (1, 2)] {
        let identity = Identity {
            cntlid: 1,
            ciu,
            cirn,
        };
        let mut association = open_as(identity, Offer::default());
        hold(&mut association);
        handle(&mut association, Nanos(300), Event::Closed(CLOCKS));
        assert_eq!(
            association.wants_reset(&Knobs::DEFAULT),
            ciu != 0 && cirn != 0,
            "CIU {ciu}, CIRN {cirn}"
        );
    }
}

#[test]
fn an_answer_before_it_is_closed_is_about_another_one() {
    const SOURCE: AssociationId = AssociationId(9);
    let mut association = open();
    hold(&mut association);
    for before in [Event::Resumed, Event::Lost] {
        handle(&mut association, Nanos(200), before);
        for event in [
            Event::Answered(SOURCE, Answer::Immediate),
            Event::Reported {
                source: SOURCE,
                status: Some(Status::Success),
                reading: Nanos(201),
            },
        ] {
            let state = association.state();
            assert_eq!(handle(&mut association, Nanos(202), event), [None; 2]);
            assert_eq!(association.state(), state);
        }
    }
}

#[test]
fn that_it_is_reset_counts_also_if_the_source_is_lost_by_then() {
    const SOURCE: AssociationId = AssociationId(9);
    for (answer, fenced) in [
        (Answer::Immediate, true),
        (Answer::Gone, true),
        (Answer::Accepted, false),
        (Answer::Failed, false),
    ] {
        let (mut association, _) = fencing();
        association.ask(SOURCE, Nanos(301));
        handle(&mut association, Nanos(302), Event::SourceLost(SOURCE));
        let release = fenced.then_some(Action::Release(Evidence::Ccr));
        assert_eq!(
            handle(
                &mut association,
                Nanos(303),
                Event::Answered(SOURCE, answer)
            ),
            [release, None],
            "{answer:?}"
        );
    }
}

#[test]
fn a_record_is_released_once_and_kept_until_all_of_it_is_sent_on() {
    let mut association = open();
    hold(&mut association);
    hold(&mut association);
    assert_eq!((association.held(), association.held_bytes()), (2, 8192));
    handle(&mut association, Nanos(300), Event::Closed(CLOCKS));
    assert_eq!(
        handle(&mut association, Nanos(301), Event::Release),
        [Some(Action::Release(Evidence::Admin)), None]
    );
    for event in [Event::Release, Event::Timeout, Event::Disabled] {
        assert_eq!(handle(&mut association, Nanos(u64::MAX), event), [None; 2]);
    }
    let one = Event::Drained {
        commands: 1,
        bytes: 4096,
    };
    assert_eq!(handle(&mut association, Nanos(302), one), [None; 2]);
    assert_eq!((association.held(), association.held_bytes()), (1, 4096));
    assert_eq!(
        handle(&mut association, Nanos(303), one),
        [Some(Action::Discard), None]
    );
}

#[test]
fn a_write_waits_for_the_deadline_and_not_a_nanosecond_longer() {
    let (mut association, deadline) = fencing();
    assert_eq!(deadline.at(), CLOCKS.sent.after_millis(3 * 5000 + 10_000));
    assert_eq!(association.next_deadline(), Some(deadline.at()));

    let early = Nanos(deadline.at().0 - 1);
    assert_eq!(handle(&mut association, early, Event::Timeout), [None; 2]);
    assert_eq!(
        handle(&mut association, deadline.at(), Event::Timeout),
        [Some(Action::Release(Evidence::Time)), None]
    );
    assert_eq!(association.next_deadline(), None);
    let drained = Event::Drained {
        commands: 1,
        bytes: 4096,
    };
    assert_eq!(
        handle(&mut association, deadline.at(), drained),
        [Some(Action::Discard), None]
    );
    assert_eq!(association.state(), State::Gone);
}

#[test]
fn an_association_that_lost_nothing_is_gone_when_it_is_closed() {
    let mut association = open();
    handle(&mut association, Nanos(1), Event::Lost);
    assert_eq!(
        association.hold(&READ, &Knobs::DEFAULT),
        Verdict::Pass(PassReason::Harmless)
    );
    assert_eq!(
        handle(&mut association, Nanos(2), Event::Closed(CLOCKS)),
        [Some(Action::Discard), None]
    );
}

#[test]
fn nothing_is_released_by_time_before_the_host_has_stopped_sending() {
    let mut association = open();
    handle(&mut association, Nanos(1), Event::Lost);
    hold(&mut association);
    assert_eq!(association.next_deadline(), None);
    assert_eq!(
        handle(&mut association, Nanos(u64::MAX), Event::Timeout),
        [None; 2]
    );
}

#[test]
fn a_connection_attempt_that_fails_is_lost_when_it_is_closed() {
    let mut association = open();
    hold(&mut association);
    let closed = handle(&mut association, Nanos(300), Event::Closed(CLOCKS));
    assert_eq!(closed[0], Some(Action::ReportLost));
    assert!(matches!(
        closed[1],
        Some(Action::ReportDeadline(Some(deadline))) if deadline.t_last == CLOCKS.sent
    ));
}

#[test]
fn a_controller_that_is_removed_stopped_sending_now_at_the_latest() {
    let mut association = open();
    hold(&mut association);
    let now = Nanos(400);
    let detached = handle(&mut association, now, Event::Detached);
    assert!(matches!(
        detached[1],
        Some(Action::ReportDeadline(Some(deadline))) if deadline.t_last == now
    ));
}

#[test]
fn a_disabled_controller_is_fenced_at_once_and_what_follows_passes() {
    let mut association = open();
    handle(&mut association, Nanos(1), Event::Lost);
    hold(&mut association);
    assert_eq!(
        handle(&mut association, Nanos(2), Event::Disabled),
        [Some(Action::Release(Evidence::Disabled)), None]
    );
    assert_eq!(
        association.hold(&WRITE, &Knobs::DEFAULT),
        Verdict::Pass(PassReason::Fenced)
    );
    let drained = Event::Drained {
        commands: 1,
        bytes: 4096,
    };
    assert_eq!(handle(&mut association, Nanos(3), drained), [None; 2]);
    assert_eq!(
        handle(&mut association, Nanos(4), Event::Closed(CLOCKS)),
        [Some(Action::Discard), None]
    );
}

#[test]
fn what_the_next_association_goes_through_is_no_evidence() {
    let (mut association, _) = fencing();
    for event in [
        Event::Disabled,
        Event::Lost,
        Event::Resumed,
        Event::Detached,
        Event::Closed(Clocks {
            keep_alive: Nanos(0),
            sent: Nanos(0),
            peer_closed: Some(Nanos(0)),
            kato_ms: 1,
        }),
    ] {
        let before = association.clone();
        assert_eq!(handle(&mut association, Nanos(500), event), [None; 2]);
        assert_eq!(association, before);
    }
}

#[test]
fn the_administrator_releases_what_is_closed_and_nothing_else() {
    let mut association = open();
    hold(&mut association);
    for event in [Event::Release, Event::Lost, Event::Release] {
        for action in association.handle(Nanos(1), event, &Knobs::DEFAULT) {
            assert_eq!(action, Action::ReportLost);
        }
    }
    let (mut association, _) = fencing();
    assert_eq!(
        handle(&mut association, Nanos(301), Event::Release),
        [Some(Action::Release(Evidence::Admin)), None]
    );
}

#[test]
fn the_administrators_word_is_remembered_until_it_is_closed() {
    let mut association = open();
    handle(&mut association, Nanos(1), Event::Lost);
    hold(&mut association);
    assert_eq!(
        handle(&mut association, Nanos(2), Event::Release),
        [None; 2]
    );
    assert_eq!(association.vouched(), 1);
    hold(&mut association);
    assert_eq!(
        handle(&mut association, Nanos(3), Event::Closed(CLOCKS)),
        [Some(Action::Release(Evidence::Admin)), None]
    );
    assert_eq!(association.state(), State::Fenced(Evidence::Admin));
    assert_eq!(association.vouched(), 0);
}

#[test]
fn the_administrators_word_is_void_if_it_is_used_on() {
    let mut association = open();
    handle(&mut association, Nanos(1), Event::Lost);
    handle(&mut association, Nanos(2), Event::Release);
    handle(&mut association, Nanos(3), Event::Resumed);
    handle(&mut association, Nanos(4), Event::Lost);
    hold(&mut association);
    let closed = handle(&mut association, Nanos(5), Event::Closed(CLOCKS));
    assert!(matches!(closed, [Some(Action::ReportDeadline(_)), None]));
}

#[test]
fn an_association_that_is_used_on_can_be_lost_again() {
    let mut association = open();
    handle(&mut association, Nanos(1), Event::Lost);
    assert_eq!(
        handle(&mut association, Nanos(2), Event::Resumed),
        [None; 2]
    );
    assert_eq!(association.state(), State::Open);
    hold(&mut association);
    handle(&mut association, Nanos(3), Event::Lost);
    handle(&mut association, Nanos(4), Event::Closed(CLOCKS));
    assert!(association.next_deadline().is_some());
}

#[test]
fn an_association_that_holds_something_does_nothing_for_others() {
    for held in [false, true] {
        for event in [Event::Lost, Event::Release] {
            let mut association = open();
            handle(&mut association, Nanos(1), event);
            if held {
                hold(&mut association);
            }
            assert_eq!(
                handle(&mut association, Nanos(2), Event::Resumed),
                [None; 2]
            );
            assert_eq!(association.state(), State::Open);
            assert_eq!(association.is_in_use(), !held);
        }
    }
}

#[test]
fn what_is_fenced_does_nothing_for_others_and_waits_for_nobody() {
    const SOURCE: AssociationId = AssociationId(9);
    let offer = Offer {
        ccrl: 1,
        ..Offer::default()
    };
    let mut disabled = open_as(IDENTITY, offer);
    handle(&mut disabled, Nanos(1), Event::Resumed);
    assert!(disabled.source().wants_log_read(true));
    hold(&mut disabled);
    handle(&mut disabled, Nanos(2), Event::Disabled);
    assert!(!disabled.source().wants_log_read(true) && !disabled.is_in_use());

    let identity = Identity {
        ciu: 1,
        cirn: 1,
        ..IDENTITY
    };
    let mut association = open_as(identity, Offer::default());
    hold(&mut association);
    handle(&mut association, Nanos(300), Event::Closed(CLOCKS));
    association.ask(SOURCE, Nanos(301));
    assert!(association.tries().awaits(SOURCE));
    handle(&mut association, Nanos(302), Event::Release);
    assert!(!association.tries().awaits(SOURCE));
}

#[test]
fn nothing_is_held_if_that_is_set() {
    let mut knobs = Knobs::DEFAULT;
    knobs.set_hold(Hold::None);
    let mut association = open();
    assert_eq!(
        association.hold(&WRITE, &knobs),
        Verdict::Pass(PassReason::Off)
    );
    assert_eq!(association.held(), 0);
}

#[test]
fn that_nothing_is_to_be_held_any_more_is_no_evidence() {
    let (mut association, deadline) = fencing();
    let mut knobs = Knobs::DEFAULT;
    knobs.set_hold(Hold::None);
    let early = Nanos(deadline.at().0 - 1);
    assert_eq!(
        association.handle(early, Event::Timeout, &knobs),
        Actions::NONE
    );
}

#[test]
fn what_does_not_count_is_no_evidence() {
    const SOURCE: AssociationId = AssociationId(9);
    let mut knobs = Knobs::DEFAULT;
    knobs.set_evidence(Beliefs::DEFAULT.without(Belief::Disabled));
    let identity = Identity {
        ciu: 1,
        cirn: 1,
        ..IDENTITY
    };
    let mut lost = open_as(identity, Offer::default());
    hold(&mut lost);
    assert_eq!(
        lost.handle(Nanos(2), Event::Disabled, &knobs),
        Actions::NONE
    );
    assert_eq!(lost.state(), State::Open);

    knobs.set_evidence(Beliefs::DEFAULT.without(Belief::Time));
    lost.handle(Nanos(3), Event::Closed(CLOCKS), &knobs);
    assert_eq!(lost.state(), State::Fencing(None));
    assert!(lost.wants_reset(&knobs));

    lost.ask(SOURCE, Nanos(4));
    knobs.set_evidence(Beliefs::DEFAULT.without(Belief::Ccr));
    assert!(!lost.wants_reset(&knobs));
    let answered = Event::Answered(SOURCE, Answer::Immediate);
    assert_eq!(lost.handle(Nanos(5), answered, &knobs), Actions::NONE);
    assert_eq!(lost.state(), State::Fencing(None));
}

#[test]
fn a_new_association_is_evidence_when_the_older_one_is_closed() {
    for evidence in [Evidence::Reconnect, Evidence::ReconnectById] {
        let (mut association, _) = fencing();
        assert_eq!(
            handle(&mut association, Nanos(301), Event::Reconnected(evidence)),
            [Some(Action::Release(evidence)), None]
        );

        let mut association = open();
        hold(&mut association);
        handle(&mut association, Nanos(1), Event::Lost);
        let early = Event::Reconnected(evidence);
        assert_eq!(handle(&mut association, Nanos(2), early), [None; 2]);
        assert_eq!(association.vouched(), 0);
        // The first that was known.
        handle(&mut association, Nanos(3), Event::Release);
        assert_eq!(
            handle(&mut association, Nanos(4), Event::Closed(CLOCKS)),
            [Some(Action::Release(evidence)), None]
        );
    }
}

#[test]
fn a_new_association_proves_nothing_about_one_that_is_in_use() {
    let mut association = open();
    hold(&mut association);
    let before = association.clone();
    handle(
        &mut association,
        Nanos(1),
        Event::Reconnected(Evidence::Reconnect),
    );
    assert_eq!(association, before);
}
