// SPDX-License-Identifier: GPL-2.0

//! Instances that have the same name in log pages: the same controller ID and the same CIU, but
//! another CIRN. What is said of one is no evidence about the other.

mod common;

use common::{lent, Association, WRITE};
use nvme_fence_policy::{
    Answer, AssociationId, Belief, Clocks, ControllerId, Evidence, Fate, Identity, Input, Knobs,
    LogRead, Nanos, Offer, Opened, Output, Question, Request, Resets, Storage, Subsystem, Terms,
};

const TERMS: Terms = Terms {
    kato_ms: 5000,
    tbkas: true,
    cqt_ms: 5000,
};

/// What both instances are called.
const NAME: (u16, u8) = (5, 7);
const OTHER_NAME: (u16, u8) = (6, 7);
const IN_PROGRESS: u8 = 0;
const SUCCESS: u8 = 1;
const FAILED: u8 = 2;

/// The controller that is asked to reset others.
const SOURCE: ControllerId = ControllerId(1);
const FIRST: ControllerId = ControllerId(2);
const SECOND: ControllerId = ControllerId(3);

fn ms(n: u64) -> Nanos {
    Nanos(1_000_000_000).after_millis(n)
}

struct Associations(Vec<Association>);

impl Storage for Associations {
    type Lent = Box<Resets>;

    fn iter(&self) -> impl Iterator<Item = &Association> {
        self.0.iter()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Association> {
        self.0.iter_mut()
    }
}

/// That a controller is connected again does not count here: records stay until there is a reset.
fn knobs() -> Knobs {
    let mut knobs = Knobs::DEFAULT;
    knobs.set_evidence(knobs.evidence().without(Belief::Reconnect));
    knobs
}

struct Host {
    subsystem: Subsystem,
    associations: Associations,
    source: AssociationId,
}

impl Host {
    /// The source is open, and this is in its log page.
    fn with_source(entries: &[u8]) -> Self {
        let mut host = Self {
            subsystem: Subsystem::new(knobs()),
            associations: Associations(Vec::new()),
            source: AssociationId(0),
        };
        host.source = host.open(SOURCE, (9, 1), ms(0));
        assert!(host.begin_log_read(ms(0)).remove_completed);
        host.log_read(NAME, entries, ms(1));
        host
    }

    /// Each controller has one association in these tests, with a CIRN of its own.
    fn open(&mut self, controller: ControllerId, name: (u16, u8), now: Nanos) -> AssociationId {
        let id = AssociationId(controller.0);
        let opened = Opened {
            id,
            controller,
            connected: Some(now),
            at: now,
            identity: identity(controller, name),
            terms: TERMS,
            offer: Offer {
                ccrl: 4,
                ..Offer::default()
            },
        };
        let resets = lent(&opened);
        let association = self.subsystem.open(&mut self.associations, opened, resets);
        self.associations.0.push(association);
        self.handle(Input::Resumed(controller), now);
        id
    }

    /// An instance is lost and closed with a write. Time does not fence it.
    fn lose(&mut self, controller: ControllerId, name: (u16, u8), now: Nanos) -> AssociationId {
        self.lose_with(controller, name, 0, now)
    }

    fn lose_with(
        &mut self,
        controller: ControllerId,
        name: (u16, u8),
        kato_ms: u32,
        now: Nanos,
    ) -> AssociationId {
        let id = self.open(controller, name, now);
        self.handle(Input::Lost(controller), now);
        let fate = self.subsystem.hold(&mut self.associations, id, &WRITE);
        assert_eq!(fate, Fate::Hold);
        let clocks = Clocks {
            keep_alive: now,
            sent: now,
            peer_closed: None,
            kato_ms,
        };
        self.handle(Input::Closed(controller, clocks), now);
        id
    }

    /// Returns the evidence that it brought, and for which association.
    fn handle(&mut self, input: Input<'_>, now: Nanos) -> Option<(AssociationId, Evidence)> {
        self.subsystem.handle(now, &mut self.associations, input);
        let mut released = None;
        while let Some(output) = self.subsystem.poll_output(&mut self.associations) {
            if let Output::Release(id, evidence) = output {
                assert_eq!(released.replace((id, evidence)), None);
            }
        }
        released
    }

    fn next(&mut self, now: Nanos) -> Option<Request> {
        self.subsystem
            .next_request(now, &mut self.associations, |_, _| true)
    }

    /// The source is asked to reset this.
    fn is_asked(&mut self, controller: ControllerId, name: (u16, u8), now: Nanos) -> bool {
        let Some(request) = self.next(now) else {
            return false;
        };
        assert_eq!(request.source, self.source);
        assert!(matches!(
            request.question,
            Question::Reset(of, _) if of == identity(controller, name)
        ));
        true
    }

    fn answer(
        &mut self,
        controller: ControllerId,
        name: (u16, u8),
        answer: Answer,
        now: Nanos,
    ) -> Option<(AssociationId, Evidence)> {
        let answered = Input::Answered {
            source: self.source,
            source_controller: SOURCE,
            identity: identity(controller, name),
            answer,
        };
        self.handle(answered, now)
    }

    fn begin_log_read(&mut self, now: Nanos) -> LogRead {
        match self.next(now).map(|request| request.question) {
            Some(Question::ReadLog(read)) => read,
            other => panic!("{other:?}"),
        }
    }

    /// Time passes until the log page is polled. Returns when that is.
    fn begin_poll(&mut self) -> Nanos {
        loop {
            let at = self.subsystem.next_deadline(&self.associations).unwrap();
            assert_eq!(self.handle(Input::Timeout, at), None);
            match self.next(at).map(|request| request.question) {
                None => {}
                Some(Question::ReadLog(read)) => {
                    assert!(!read.remove_completed);
                    return at;
                }
                Some(Question::Reset(..)) => panic!("nobody is to be asked"),
            }
        }
    }

    /// The log page has arrived, with entries of this name.
    fn log_read(
        &mut self,
        (icid, ciu): (u16, u8),
        entries: &[u8],
        now: Nanos,
    ) -> Option<(AssociationId, Evidence)> {
        let mut page = vec![entries.len() as u8, 0, 0, 0, 0, 0, 0, 0];
        for ccrs in entries {
            let [low, high] = icid.to_le_bytes();
            page.extend([low, high, ciu, 0, 0, 0, *ccrs, 0]);
        }
        let read = Input::LogRead {
            source: self.source,
            page: Some(&page),
        };
        self.handle(read, now)
    }
}

fn identity(controller: ControllerId, (cntlid, ciu): (u16, u8)) -> Identity {
    Identity {
        cntlid,
        ciu,
        cirn: controller.0,
    }
}

#[test]
fn nobody_is_asked_about_a_namesake_before_the_first_reset_is_reported() {
    let mut host = Host::with_source(&[]);
    let first = host.lose(FIRST, NAME, ms(10));
    assert!(host.is_asked(FIRST, NAME, ms(10)));
    host.answer(FIRST, NAME, Answer::Accepted, ms(11));
    let now = host.begin_poll();
    host.lose(SECOND, NAME, now);
    assert_eq!(host.next(now), None);

    // The first one is reset, and its entry removed: now there can be nothing else of that name.
    let released = host.log_read(NAME, &[SUCCESS], now);
    assert_eq!(released, Some((first, Evidence::Ccr)));
    assert!(host.begin_log_read(now).remove_completed);
    assert_eq!(host.next(now), None);
    assert_eq!(host.log_read(NAME, &[SUCCESS], now), None);
    assert!(host.is_asked(SECOND, NAME, now));
}

#[test]
fn an_answer_about_one_is_none_about_the_other() {
    let mut host = Host::with_source(&[]);
    let first = host.lose(FIRST, NAME, ms(10));
    host.lose(SECOND, NAME, ms(11));
    assert!(host.is_asked(FIRST, NAME, ms(12)));
    let released = host.answer(FIRST, NAME, Answer::Immediate, ms(13));
    assert_eq!(released, Some((first, Evidence::Ccr)));
    assert!(host.is_asked(SECOND, NAME, ms(14)));
}

/// Its read is under way for another reset when somebody asks about this name.
#[test]
fn a_log_page_that_is_older_than_the_question_is_no_evidence() {
    let mut host = Host::with_source(&[]);
    host.lose(FIRST, OTHER_NAME, ms(10));
    assert!(host.is_asked(FIRST, OTHER_NAME, ms(10)));
    host.answer(FIRST, OTHER_NAME, Answer::Accepted, ms(11));
    let now = host.begin_poll();

    let later = now.after_millis(1);
    let second = host.lose(SECOND, NAME, later);
    assert!(host.is_asked(SECOND, NAME, later));
    assert_eq!(host.log_read(NAME, &[SUCCESS], later), None);
    assert!(host.begin_log_read(later).remove_completed);
    assert_eq!(host.log_read(NAME, &[], later), None);
    host.answer(SECOND, NAME, Answer::Accepted, later);
    let now = host.begin_poll();
    let released = host.log_read(NAME, &[SUCCESS], now);
    assert_eq!(released, Some((second, Evidence::Ccr)));
}

/// The first one was fenced by time while its reset was overdue, and nobody waits for it any more.
#[test]
fn a_reset_that_nobody_waits_for_any_more_is_still_waited_for_by_the_source() {
    let mut host = Host::with_source(&[]);
    let first = host.lose_with(FIRST, NAME, TERMS.kato_ms, ms(10));
    assert!(host.is_asked(FIRST, NAME, ms(10)));
    host.answer(FIRST, NAME, Answer::Accepted, ms(11));
    let mut now = ms(11);
    while host.handle(Input::Timeout, now) != Some((first, Evidence::Time)) {
        while host.next(now).is_some() {
            assert_eq!(host.log_read(NAME, &[IN_PROGRESS], now), None);
        }
        now = host.subsystem.next_deadline(&host.associations).unwrap();
        assert!(now < ms(60_000));
    }
    host.lose(SECOND, NAME, now);
    assert_eq!(host.next(now), None, "it is in progress");

    // The target completes the first one's reset at last, and the second one's would fail.
    let now = host.begin_poll();
    assert_eq!(host.log_read(NAME, &[SUCCESS], now), None);
    assert!(host.begin_log_read(now).remove_completed);
    assert_eq!(host.next(now), None);
    assert_eq!(host.log_read(NAME, &[SUCCESS], now), None);
    assert!(host.is_asked(SECOND, NAME, now));
    host.answer(SECOND, NAME, Answer::Accepted, now);
    let now = host.begin_poll();
    assert_eq!(host.log_read(NAME, &[FAILED], now), None);
}

/// The module was loaded anew, or the source has reconnected to a controller that it used before.
#[test]
fn what_is_in_progress_before_anybody_is_asked_is_waited_for() {
    let mut host = Host::with_source(&[IN_PROGRESS]);
    host.lose(SECOND, NAME, ms(2));
    assert_eq!(host.next(ms(2)), None);
    let now = host.begin_poll();
    host.log_read(NAME, &[], now);
    assert!(host.is_asked(SECOND, NAME, now));
}
