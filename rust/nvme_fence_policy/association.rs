// SPDX-License-Identifier: GPL-2.0

//! The life of a record: our state for one association.
//!
//! ```text
//!  Open --lost--> Lost --closed--> Fencing --evidence--> Fenced --drained--> Gone
//!   ^               | |                                    ^
//!   `----resumed----' `-------------disabled---------------'
//! ```
//!
//! An association is *lost* when the host gives it up, and *closed* when the host has terminated all
//! its connections and can send nothing on it any more. Only then does the time rule apply, and only
//! then is another controller asked to reset it. That the controller was disabled can come before:
//! then it is over, whatever the host still sends.
//! An association that is closed and holds nothing is gone at once.

use crate::ccr::answer::Answer;
use crate::ccr::log::Status;
use crate::ccr::source::{Offer, Source};
use crate::ccr::tries::Tries;
use crate::ccr::{Name, SourceId};
use crate::hold::{Command, PassReason, Verdict};
use crate::knobs::{Knobs, Mode};
use crate::time::Nanos;
use crate::wait::{Clocks, Deadline, Terms};
use core::fmt;

/// What identifies an association within its subsystem.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Controller ID.
    pub cntlid: u16,
    /// Controller Instance Uniquifier (TP8028), 0 if not supported.
    pub ciu: u8,
    /// Controller Instance Random Number (TP8028), 0 if not supported. A secret: whoever knows it can
    /// reset the controller.
    pub cirn: u64,
}

impl Identity {
    /// What log pages call it.
    pub const fn name(&self) -> Name {
        Name {
            icid: self.cntlid,
            ciu: self.ciu,
        }
    }
}

/// All but the secret: what is printed may end in a log that everybody can read.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("cntlid", &self.cntlid)
            .field("ciu", &self.ciu)
            .finish_non_exhaustive()
    }
}

/// What proved that no command of an association can execute any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A Cross-Controller Reset of it succeeded.
    Ccr,
    /// The wait of TP4129 is over.
    Time,
    /// CC.EN=0 was written and CSTS.RDY=0 was read back.
    Disabled,
    /// The administrator says so.
    Admin,
}

/// Where an association is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Commands may be sent on it.
    Open,
    /// The host has given it up, but may not have stopped sending on it yet.
    Lost,
    /// It is closed, and held commands wait for evidence: by time at this deadline, if there is one.
    Fencing(Option<Deadline>),
    /// It is proven that no command can execute any more; what was held is being sent on.
    Fenced(Evidence),
    /// Nothing is left to do.
    Gone,
}

/// What happens to an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The host gives the association up.
    Lost,
    /// The host goes on to use it: it has become ready for I/O, or (after an activation of firmware)
    /// it is so again.
    Resumed,
    /// The controller was disabled: CC.EN=0 was written, CSTS.RDY=0 was read back.
    Disabled,
    /// The host has terminated all connections.
    Closed(Clocks),
    /// The controller is removed from the host, and with it all connections, if there still were
    /// any.
    Detached,
    /// The administrator says that nothing can execute any more on associations that are lost. Of one
    /// that is not closed yet it is remembered until then: the host may still send.
    Release,
    /// A source answers the Cross-Controller Reset command that named this association.
    Answered(SourceId, Answer),
    /// The log page of a source was read.
    Reported {
        /// The source.
        source: SourceId,
        /// What it says of this association, if it lists it.
        status: Option<Status>,
        /// When the read of the log page began.
        reading: Nanos,
    },
    /// Another association of the subsystem is lost, or gone: it is no source any more.
    SourceLost(SourceId),
    /// It may have got later than [`Association::next_deadline`].
    Timeout,
    /// So many held commands were sent on, with so many bytes.
    Drained {
        /// Number of commands.
        commands: u32,
        /// Sum of their lengths.
        bytes: u64,
    },
}

/// What the user of the crate is to do. Actions on a record are carried out in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Tell that the association is lost.
    ReportLost,
    /// Tell what held commands wait for. [`None`]: not for time.
    ReportDeadline(Option<Deadline>),
    /// There is evidence: send on what is held, then say [`Event::Drained`].
    Release(Evidence),
    /// Forget the record.
    Discard,
}

/// At most so many actions follow from one event.
const ACTIONS_MAX: usize = 2;

/// What follows from an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions([Option<Action>; ACTIONS_MAX]);

impl Actions {
    const NONE: Self = Self([None; ACTIONS_MAX]);

    const fn one(action: Action) -> Self {
        Self([Some(action), None])
    }

    const fn two(first: Action, second: Action) -> Self {
        Self([Some(first), Some(second)])
    }
}

impl IntoIterator for Actions {
    type Item = Action;
    type IntoIter = core::iter::Flatten<core::array::IntoIter<Option<Action>, ACTIONS_MAX>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().flatten()
    }
}

/// Our state for one association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    identity: Identity,
    terms: Terms,
    /// When it was identified.
    opened: Nanos,
    state: State,
    /// The host has terminated all connections.
    closed: bool,
    /// The administrator said that nothing can execute any more, when it was lost and not closed yet.
    vouched: bool,
    /// Commands that are held or being sent on.
    held: u32,
    held_bytes: u64,
    /// The resets that were asked for.
    tries: Tries,
    /// What it does for others.
    source: Source,
}

impl Association {
    /// A new association, identified `now`.
    pub const fn new(now: Nanos, identity: Identity, terms: Terms, offer: Offer) -> Self {
        Self {
            identity,
            terms,
            opened: now,
            state: State::Open,
            closed: false,
            vouched: false,
            held: 0,
            held_bytes: 0,
            tries: Tries::new(),
            source: Source::new(offer),
        }
    }

    /// What identifies it.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What its wait depends on.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Where it is in its life.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Number of commands that are held or being sent on.
    pub const fn held(&self) -> u32 {
        self.held
    }

    /// Bytes of the commands that are held or being sent on.
    pub const fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Number of commands that will be sent on when it is closed, because the administrator said so.
    pub const fn vouched(&self) -> u32 {
        match self.state {
            State::Lost if self.vouched => self.held,
            State::Open | State::Lost | State::Fencing(_) | State::Fenced(_) | State::Gone => 0,
        }
    }

    /// The resets that were asked for on its behalf.
    pub const fn tries(&self) -> &Tries {
        &self.tries
    }

    /// What it does for others.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// What it does for others, to tell it what happens there.
    pub fn source_mut(&mut self) -> &mut Source {
        &mut self.source
    }

    /// Whether one more reset of it is to be asked for.
    ///
    /// Not before it is closed: the host may be resetting the controller itself, and would wait in
    /// vain for answers of one that is reset under its hands. And not without both CIU and CIRN, which
    /// a controller that can be reset has to support (Base Specification 2.3): without a CIRN, the
    /// command could be about any instance of that name.
    pub fn wants_reset(&self, knobs: &Knobs) -> bool {
        let closed = match self.state {
            State::Fencing(_) => true,
            State::Open | State::Lost | State::Fenced(_) | State::Gone => false,
        };
        closed
            && knobs.mode() == Mode::Auto
            && self.held != 0
            && self.identity.ciu != 0
            && self.identity.cirn != 0
            && self.tries.has_room()
    }

    /// A source is asked to have it reset, as the greatest [`Priority`](crate::ccr::choice::Priority)
    /// has it. The answer is an [`Event::Answered`].
    pub fn ask(&mut self, source: SourceId, now: Nanos) {
        self.tries.begin(source, now);
    }

    /// When it will be fenced by time, if nothing else happens before.
    pub fn deadline(&self) -> Option<Nanos> {
        match self.state {
            State::Fencing(deadline) => deadline.map(|deadline| deadline.at()),
            State::Open | State::Lost | State::Fenced(_) | State::Gone => None,
        }
    }

    /// When [`Event::Timeout`] will have an effect, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Nanos> {
        let of_resets = match self.state {
            State::Open => self.source.next_deadline(),
            State::Fencing(_) => self.tries.next_deadline(),
            State::Lost | State::Fenced(_) | State::Gone => None,
        };
        [self.deadline(), of_resets].into_iter().flatten().min()
    }

    /// Decides on a command of this association that did not succeed. If it is to be held, it counts
    /// as held from now on.
    pub fn hold(&mut self, command: &Command, knobs: &Knobs) -> Verdict {
        let verdict = match (knobs.mode(), self.state) {
            (Mode::Off, _) => Verdict::Pass(PassReason::Off),
            (Mode::Auto | Mode::Time, State::Fenced(_) | State::Gone) => {
                Verdict::Pass(PassReason::Fenced)
            }
            (Mode::Auto | Mode::Time, State::Open | State::Lost | State::Fencing(_)) => {
                command.verdict()
            }
        };
        if verdict == Verdict::Hold {
            self.held = self.held.saturating_add(1);
            self.held_bytes = self.held_bytes.saturating_add(u64::from(command.bytes));
        }
        verdict
    }

    /// Takes note of an event and says what is to be done.
    pub fn handle(&mut self, now: Nanos, event: Event, knobs: &Knobs) -> Actions {
        match (self.state, event) {
            (State::Open, Event::Lost) => {
                self.state = State::Lost;
                self.source.leave_service();
                Actions::one(Action::ReportLost)
            }
            (State::Open, Event::Closed(clocks)) => {
                let then = self.close(&clocks, knobs);
                Actions::two(Action::ReportLost, then)
            }
            (State::Open, Event::Detached) => {
                let then = self.close(&self.clocks_at_latest(now), knobs);
                Actions::two(Action::ReportLost, then)
            }
            (State::Lost, Event::Closed(clocks)) => Actions::one(self.close(&clocks, knobs)),
            (State::Lost, Event::Detached) => {
                Actions::one(self.close(&self.clocks_at_latest(now), knobs))
            }

            // Only before it is closed: what comes later is about another association.
            (State::Open | State::Lost, Event::Disabled) => self.fence(Evidence::Disabled),

            (State::Open | State::Lost, Event::Resumed) => {
                self.state = State::Open;
                // Nobody vouches for what is in use.
                self.vouched = false;
                // What holds commands is given up once more: their wait begins with its end.
                if self.held == 0 {
                    self.source.enter_service();
                }
                Actions::NONE
            }

            // Nobody can vouch for what the host may still send.
            (State::Lost, Event::Release) => {
                self.vouched = true;
                Actions::NONE
            }
            (State::Fencing(_), Event::Release) => self.fence(Evidence::Admin),

            (State::Fencing(Some(deadline)), Event::Timeout) if now >= deadline.at() => {
                self.fence(Evidence::Time)
            }
            (State::Fencing(_), Event::Timeout) => {
                self.tries.timeout(now);
                Actions::NONE
            }
            (State::Open, Event::Timeout) => {
                self.source.timeout(now);
                Actions::NONE
            }

            (State::Fencing(_), Event::Answered(source, answer)) => {
                let reset = self.tries.answered(source, answer, now);
                self.fence_if(reset)
            }
            (
                State::Fencing(_),
                Event::Reported {
                    source,
                    status,
                    reading,
                },
            ) => {
                let reset = self.tries.reported(source, status, reading, now);
                self.fence_if(reset)
            }
            (State::Fencing(_), Event::SourceLost(source)) => {
                self.tries.forget(source);
                Actions::NONE
            }

            (State::Fenced(_), Event::Closed(_) | Event::Detached) => {
                self.closed = true;
                self.discard_if_drained()
            }
            (State::Fenced(_), Event::Drained { commands, bytes }) => {
                self.held = self.held.saturating_sub(commands);
                self.held_bytes = self.held_bytes.saturating_sub(bytes);
                self.discard_if_drained()
            }

            // Nobody was asked about it before it is closed: an answer is about another association,
            // which calls itself the same.
            (
                State::Open,
                Event::Release
                | Event::Answered(..)
                | Event::Reported { .. }
                | Event::SourceLost(_)
                | Event::Drained { .. },
            )
            | (
                State::Lost,
                Event::Lost
                | Event::Answered(..)
                | Event::Reported { .. }
                | Event::SourceLost(_)
                | Event::Timeout
                | Event::Drained { .. },
            )
            | (
                State::Fencing(_),
                Event::Lost
                | Event::Resumed
                | Event::Disabled
                | Event::Closed(_)
                | Event::Detached
                | Event::Drained { .. },
            )
            | (
                State::Fenced(_),
                Event::Lost
                | Event::Resumed
                | Event::Disabled
                | Event::Release
                | Event::Answered(..)
                | Event::Reported { .. }
                | Event::SourceLost(_)
                | Event::Timeout,
            )
            | (
                State::Gone,
                Event::Lost
                | Event::Resumed
                | Event::Disabled
                | Event::Closed(_)
                | Event::Detached
                | Event::Release
                | Event::Answered(..)
                | Event::Reported { .. }
                | Event::SourceLost(_)
                | Event::Timeout
                | Event::Drained { .. },
            ) => Actions::NONE,
        }
    }

    /// Nothing is known but that nothing was sent after `now`.
    const fn clocks_at_latest(&self, now: Nanos) -> Clocks {
        Clocks {
            keep_alive: now,
            sent: now,
            peer_closed: None,
            kato_ms: self.terms.kato_ms,
        }
    }

    fn close(&mut self, clocks: &Clocks, knobs: &Knobs) -> Action {
        self.closed = true;
        self.source.leave_service();
        if self.held == 0 {
            self.state = State::Gone;
            return Action::Discard;
        }
        if self.vouched {
            self.state = State::Fenced(Evidence::Admin);
            return Action::Release(Evidence::Admin);
        }
        let deadline = Deadline::find(&self.terms, self.opened, clocks, knobs);
        self.state = State::Fencing(deadline);
        Action::ReportDeadline(deadline)
    }

    fn fence_if(&mut self, reset: bool) -> Actions {
        if reset {
            self.fence(Evidence::Ccr)
        } else {
            Actions::NONE
        }
    }

    fn fence(&mut self, evidence: Evidence) -> Actions {
        self.state = State::Fenced(evidence);
        self.tries = Tries::new();
        self.source.leave_service();
        if self.held == 0 {
            self.discard_if_drained()
        } else {
            Actions::one(Action::Release(evidence))
        }
    }

    fn discard_if_drained(&mut self) -> Actions {
        if !self.closed || self.held != 0 {
            return Actions::NONE;
        }
        self.state = State::Gone;
        Actions::one(Action::Discard)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::hold::{Kind, HOST_ABORTED_CMD};
    use std::format;

    const IDENTITY: Identity = Identity {
        cntlid: 1,
        ciu: 0,
        cirn: 0,
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
    const WRITE: Command = Command {
        kind: Kind::Write,
        status: HOST_ABORTED_CMD,
        sent: true,
        bytes: 4096,
    };
    const READ: Command = Command {
        kind: Kind::Read,
        ..WRITE
    };

    fn open() -> Association {
        Association::new(Nanos(0), IDENTITY, TERMS, Offer::default())
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
        let association = Association::new(Nanos(0), identity, TERMS, Offer::default());
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
            let mut association = Association::new(Nanos(0), identity, TERMS, Offer::default());
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
        const SOURCE: SourceId = SourceId(9);
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
        const SOURCE: SourceId = SourceId(9);
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
                assert_eq!(association.source().is_in_use(), !held);
            }
        }
    }

    #[test]
    fn what_is_fenced_does_nothing_for_others_and_waits_for_nobody() {
        const SOURCE: SourceId = SourceId(9);
        let offer = Offer { ccrl: 1, port: 0 };
        let mut disabled = Association::new(Nanos(0), IDENTITY, TERMS, offer);
        handle(&mut disabled, Nanos(1), Event::Resumed);
        assert!(disabled.source().wants_log_read());
        hold(&mut disabled);
        handle(&mut disabled, Nanos(2), Event::Disabled);
        assert!(!disabled.source().wants_log_read() && !disabled.source().is_in_use());

        let (mut association, _) = fencing();
        association.ask(SOURCE, Nanos(301));
        assert!(association.tries().awaits(SOURCE));
        handle(&mut association, Nanos(302), Event::Release);
        assert!(!association.tries().awaits(SOURCE));
    }

    #[test]
    fn off_holds_nothing() {
        let mut knobs = Knobs::DEFAULT;
        knobs.set_mode(Mode::Off);
        let mut association = open();
        assert_eq!(
            association.hold(&WRITE, &knobs),
            Verdict::Pass(PassReason::Off)
        );
        assert_eq!(association.held(), 0);
    }

    #[test]
    fn turning_fencing_off_is_no_evidence() {
        let (mut association, deadline) = fencing();
        let mut knobs = Knobs::DEFAULT;
        knobs.set_mode(Mode::Off);
        let early = Nanos(deadline.at().0 - 1);
        assert_eq!(
            association.handle(early, Event::Timeout, &knobs),
            Actions::NONE
        );
    }
}
