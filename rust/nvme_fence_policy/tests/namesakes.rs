// SPDX-License-Identifier: GPL-2.0

//! Instances that have the same name in log pages: the same controller ID and the same CIU, but
//! another CIRN. What is said of one is no evidence about the other.

use nvme_fence_policy::hold::HOST_ABORTED_CMD;
use nvme_fence_policy::{
    Action, Actions, Answer, Association, Clocks, Command, Event, Evidence, Identity, Kind, Knobs,
    Log, Nanos, Neighbours, Offer, Priority, SourceId, Standing, State, Terms, Verdict,
};

const KNOBS: Knobs = Knobs::DEFAULT;
const SOURCE: SourceId = SourceId(100);
const WRITE: Command = Command {
    kind: Kind::Write,
    status: HOST_ABORTED_CMD,
    sent: true,
    bytes: 4096,
};
const TERMS: Terms = Terms {
    kato_ms: 5000,
    tbkas: true,
    cqt_ms: 5000,
};

/// What both instances are called.
const NAME: (u16, u8) = (5, 7);
const IN_PROGRESS: u8 = 0;
const SUCCESS: u8 = 1;
const FAILED: u8 = 2;

fn ms(n: u64) -> Nanos {
    Nanos(1_000_000_000).after_millis(n)
}

fn open((cntlid, ciu): (u16, u8), cirn: u64, now: Nanos) -> Association {
    let identity = Identity { cntlid, ciu, cirn };
    let mut association = Association::new(now, identity, TERMS, Offer { ccrl: 4, port: 1 });
    association.handle(now, Event::Resumed, &KNOBS);
    association
}

/// An instance that was lost and closed with a write.
fn lost(cirn: u64, now: Nanos) -> Association {
    let mut association = open(NAME, cirn, now);
    association.handle(now, Event::Lost, &KNOBS);
    assert_eq!(association.hold(&WRITE, &KNOBS), Verdict::Hold);
    let clocks = Clocks {
        keep_alive: now,
        sent: now,
        peer_closed: None,
        kato_ms: TERMS.kato_ms,
    };
    association.handle(now, Event::Closed(clocks), &KNOBS);
    association
}

fn page(ccrs: &[u8]) -> Vec<u8> {
    let mut bytes = vec![ccrs.len() as u8, 0, 0, 0, 0, 0, 0, 0];
    for ccrs in ccrs {
        let [low, high] = NAME.0.to_le_bytes();
        bytes.extend([low, high, NAME.1, 0, 0, 0, *ccrs, 0]);
    }
    bytes
}

fn source() -> Association {
    let mut source = open((9, 1), 9, ms(0));
    assert!(source.source_mut().begin_log_read(ms(0)).remove_completed);
    read_ends(&mut source, &[], false, ms(0));
    source
}

fn read_ends(source: &mut Association, ccrs: &[u8], awaited: bool, now: Nanos) {
    let page = page(ccrs);
    let log = Log::parse(&page).unwrap();
    source.source_mut().log_read_ends(&log, awaited, false, now);
}

/// The source is asked to reset it, if the policy lets it. Returns whether it does.
fn ask(impacted: &mut Association, source: &mut Association, now: Nanos) -> bool {
    let standing = Standing {
        id: SOURCE,
        optimized: true,
    };
    let allowed =
        Priority::find(impacted, source, &standing, &Neighbours::default(), &KNOBS).is_some();
    if allowed {
        impacted.ask(SOURCE, now);
        source.source_mut().ask(impacted.identity());
    }
    allowed
}

fn accept(impacted: &mut Association, source: &mut Association, now: Nanos) {
    let identity = *impacted.identity();
    source
        .source_mut()
        .answered(&identity, Answer::Accepted, now);
    impacted.handle(now, Event::Answered(SOURCE, Answer::Accepted), &KNOBS);
}

fn report(impacted: &mut Association, ccrs: &[u8], reading: Nanos, now: Nanos) -> Actions {
    let page = page(ccrs);
    let status = Log::parse(&page).unwrap().status(impacted.identity());
    let reported = Event::Reported {
        source: SOURCE,
        status,
        reading,
    };
    impacted.handle(now, reported, &KNOBS)
}

fn is_released(actions: Actions) -> bool {
    actions
        .into_iter()
        .any(|action| action == Action::Release(Evidence::Ccr))
}

/// Asked at 10 ms, accepted at 11 ms.
fn reset_under_way() -> (Association, Association) {
    let (mut source, mut first) = (source(), lost(0xaaaa, ms(10)));
    assert!(ask(&mut first, &mut source, ms(10)));
    accept(&mut first, &mut source, ms(11));
    (source, first)
}

#[test]
fn nobody_is_asked_about_a_namesake_before_the_first_reset_is_reported() {
    let (mut source, mut first) = reset_under_way();
    source.handle(ms(1011), Event::Timeout, &KNOBS);
    assert!(source.source().wants_log_read());
    let read = source.source_mut().begin_log_read(ms(1011));
    let mut second = lost(0xbbbb, ms(1012));
    assert!(!ask(&mut second, &mut source, ms(1012)));

    // The first one is reset, and its entry removed: now there can be nothing else of that name.
    assert!(is_released(report(
        &mut first,
        &[SUCCESS],
        read.since,
        ms(1013)
    )));
    read_ends(&mut source, &[SUCCESS], false, ms(1013));
    assert!(!ask(&mut second, &mut source, ms(1013)));
    assert!(
        source
            .source_mut()
            .begin_log_read(ms(1014))
            .remove_completed
    );
    assert!(!ask(&mut second, &mut source, ms(1014)));
    read_ends(&mut source, &[SUCCESS], false, ms(1015));
    assert!(ask(&mut second, &mut source, ms(1015)));
}

#[test]
fn a_log_page_that_is_older_than_the_question_is_no_evidence() {
    let mut second = lost(0xbbbb, ms(1012));
    second.ask(SOURCE, ms(1012));
    assert!(!is_released(report(
        &mut second,
        &[SUCCESS],
        ms(1011),
        ms(1013)
    )));
    accept(&mut second, &mut source(), ms(1014));
    assert!(is_released(report(
        &mut second,
        &[SUCCESS],
        ms(1015),
        ms(1016)
    )));
}

/// The first one was fenced by time while its reset was overdue, and nobody waits for it any more.
#[test]
fn a_reset_that_nobody_waits_for_any_more_is_still_waited_for_by_the_source() {
    let (mut source, mut first) = reset_under_way();
    let mut now = 1011;
    while !matches!(first.state(), State::Fenced(Evidence::Time)) {
        source.handle(ms(now), Event::Timeout, &KNOBS);
        if source.source().wants_log_read() {
            source.source_mut().begin_log_read(ms(now));
            let awaited = first.tries().awaits(SOURCE);
            read_ends(&mut source, &[IN_PROGRESS], awaited, ms(now));
        }
        first.handle(ms(now), Event::Timeout, &KNOBS);
        now += 100;
        assert!(now < 60_000);
    }
    let mut second = lost(0xbbbb, ms(now));
    assert!(!ask(&mut second, &mut source, ms(now)), "it is in progress");

    // The target completes the first one's reset at last, and the second one's would fail.
    now += 60_000;
    source.handle(ms(now), Event::Timeout, &KNOBS);
    assert!(source.source().wants_log_read(), "it is still looked at");
    for _ in 0..2 {
        assert!(!ask(&mut second, &mut source, ms(now)));
        source.source_mut().begin_log_read(ms(now));
        read_ends(&mut source, &[SUCCESS], false, ms(now));
    }
    assert!(ask(&mut second, &mut source, ms(now)));
    accept(&mut second, &mut source, ms(now));
    assert!(!is_released(report(
        &mut second,
        &[FAILED],
        ms(now + 1),
        ms(now + 2)
    )));
}

/// The module was loaded anew, or the source has reconnected to a controller that it used before.
#[test]
fn what_is_in_progress_before_anybody_is_asked_is_waited_for() {
    let mut source = open((9, 1), 9, ms(0));
    source.source_mut().begin_log_read(ms(0));
    read_ends(&mut source, &[IN_PROGRESS], false, ms(1));
    let mut second = lost(0xbbbb, ms(2));
    assert!(!ask(&mut second, &mut source, ms(2)));
    let poll_at = source.next_deadline().unwrap();
    source.handle(poll_at, Event::Timeout, &KNOBS);
    source.source_mut().begin_log_read(poll_at);
    read_ends(&mut source, &[], false, poll_at);
    assert!(ask(&mut second, &mut source, poll_at));
}
