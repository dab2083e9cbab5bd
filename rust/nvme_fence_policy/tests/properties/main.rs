// SPDX-License-Identifier: GPL-2.0

//! Properties that hold for whatever may happen to an association, in whatever order.

#[path = "../common/mod.rs"]
mod common;
mod namesakes;
mod observer;
mod overlap;
mod resets;
mod tracking;
mod world;

use common::{lent, Association};
use nvme_fence_policy::hold::{HOST_ABORTED_CMD, HOST_PATH_ERROR};
use nvme_fence_policy::{
    Action, AssociationId, Belief, Beliefs, Clocks, Command, ControllerId, Event, Evidence, Hold,
    Identity, Kind, Knobs, Nanos, Offer, Opened, State, Terms, Verdict,
};
use proptest::prelude::*;

/// One thing that happens, so many nanoseconds after the one before.
#[derive(Clone, Copy, Debug)]
enum Step {
    Fail(Command),
    Event(Event),
    /// As much is reported as sent on as was released before.
    Drain,
    SetHold(Hold),
    Believe(Beliefs),
    /// CQT for controllers that report none.
    DefaultCqt(u32),
    /// CQT whatever they report; 0: as they report.
    OverrideCqt(u32),
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Read),
        Just(Kind::Flush),
        Just(Kind::Write),
        Just(Kind::WriteZeroes),
        Just(Kind::Deallocate),
        Just(Kind::ZoneManagementSend),
        Just(Kind::ZoneAppend),
        Just(Kind::Other),
    ]
}

fn commands() -> impl Strategy<Value = Command> {
    let status = prop_oneof![Just(HOST_ABORTED_CMD), Just(HOST_PATH_ERROR), 0u16..0x800];
    let elsewhere = prop::bool::weighted(0.2);
    (kinds(), status, any::<bool>(), 0u32..1 << 21, elsewhere).prop_map(
        |(kind, status, sent, bytes, elsewhere)| Command {
            kind,
            status,
            sent,
            bytes,
            blocks: None,
            fails: false,
            elsewhere,
            repeatable: true,
            holdable: true,
        },
    )
}

fn clocks() -> impl Strategy<Value = Clocks> {
    (
        0u64..1 << 40,
        0u64..1 << 40,
        prop::option::of(0u64..1 << 40),
        0u32..100_000,
    )
        .prop_map(|(keep_alive, sent, peer_closed, kato_ms)| Clocks {
            keep_alive: Nanos(keep_alive),
            sent: Nanos(sent),
            peer_closed: peer_closed.map(Nanos),
            kato_ms,
        })
}

/// Any set of them, that of the default more often than others.
fn beliefs() -> impl Strategy<Value = Beliefs> {
    let any = prop::sample::subsequence(&Belief::ALL[..], 0..=Belief::ALL.len());
    let any = any.prop_map(|some| some.into_iter().fold(Beliefs::NONE, Beliefs::with));
    prop_oneof![Just(Beliefs::DEFAULT), any]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => commands().prop_map(Step::Fail),
        1 => Just(Step::Event(Event::Lost)),
        1 => Just(Step::Event(Event::Resumed)),
        1 => Just(Step::Event(Event::Disabled)),
        1 => clocks().prop_map(|clocks| Step::Event(Event::Closed(clocks))),
        1 => Just(Step::Event(Event::Detached)),
        1 => Just(Step::Event(Event::Release)),
        1 => prop_oneof![Just(Evidence::Reconnect), Just(Evidence::ReconnectById)]
            .prop_map(|proven| Step::Event(Event::Reconnected(proven))),
        2 => Just(Step::Event(Event::Moved)),
        4 => Just(Step::Event(Event::Timeout)),
        2 => Just(Step::Drain),
        1 => prop_oneof![Just(Hold::All), Just(Hold::None)].prop_map(Step::SetHold),
        2 => beliefs().prop_map(Step::Believe),
        1 => (1u32..100_000).prop_map(Step::DefaultCqt),
        1 => (0u32..100_000).prop_map(Step::OverrideCqt),
    ]
}

/// One that was opened then, with no others beside it.
fn open(opened: u64, terms: Terms) -> Association {
    let opened = Opened {
        id: AssociationId(1),
        controller: ControllerId(1),
        connected: Some(Nanos(opened)),
        at: Nanos(opened),
        identity: Identity {
            cntlid: 1,
            ciu: 2,
            cirn: 3,
        },
        terms,
        offer: Offer::default(),
    };
    let resets = lent(&opened);
    Association::new(opened, resets)
}

fn terms() -> impl Strategy<Value = Terms> {
    let cqt_ms = prop_oneof![Just(0), any::<u16>()];
    (0u32..100_000, any::<bool>(), cqt_ms).prop_map(|(kato_ms, tbkas, cqt_ms)| Terms {
        kato_ms,
        tbkas,
        cqt_ms,
    })
}

/// What the administrator has set.
#[derive(Clone, Copy)]
struct Settings {
    believed: Beliefs,
    default_cqt_ms: u32,
    override_cqt_ms: u32,
}

/// What an outsider knows of the association, from what happened alone.
struct Observer {
    terms: Terms,
    opened: u64,
    /// The host has given it up, and has not gone on to use it.
    lost: bool,
    closed: Option<Clocks>,
    /// The settings, and those that were in force when it was closed.
    settings: Settings,
    at_close: Settings,
    disabled_before_closed: bool,
    admin: bool,
    /// What new associations have proved, in their order.
    reconnected: Vec<Evidence>,
    /// A command was held to which there was another path.
    elsewhere: bool,
    /// All that was held has moved, when that counted.
    moved: bool,
    held: u32,
    held_bytes: u64,
    released: bool,
}

impl Observer {
    fn note(&mut self, now: u64, event: &Event) {
        match *event {
            Event::Lost => self.lost = true,
            Event::Resumed if self.closed.is_none() && !self.disabled_before_closed => {
                self.lost = false;
                self.admin = false;
                self.reconnected.clear();
            }
            Event::Disabled if self.closed.is_none() => {
                self.disabled_before_closed |= self.settings.believed.contains(Belief::Disabled);
            }
            Event::Closed(clocks) if self.closed.is_none() => self.closed = Some(clocks),
            Event::Detached if self.closed.is_none() => {
                self.closed = Some(Clocks {
                    keep_alive: Nanos(now),
                    sent: Nanos(now),
                    peer_closed: None,
                    kato_ms: self.terms.kato_ms,
                });
            }
            // Before, the host may still send; it counts when that is over.
            Event::Release if self.closed.is_some() || self.lost => self.admin = true,
            Event::Reconnected(proven) if self.closed.is_some() || self.lost => {
                self.reconnected.push(proven);
            }
            Event::Moved if self.closed.is_some() && !self.elsewhere => {
                self.moved |= self.settings.believed.contains(Belief::Target);
            }
            _ => {}
        }
    }

    /// The rule of section 9.6.2, written down once more and in another way.
    fn fenced_by_time(&self, now: u64) -> bool {
        let Some(clocks) = self.closed else {
            return false;
        };
        let ms = 1_000_000u128;
        let cqt_ms = match (self.at_close.override_cqt_ms, self.terms.cqt_ms) {
            (0, 0) => self.at_close.default_cqt_ms,
            (0, reported) => u32::from(reported),
            (set, _) => set,
        };
        let cqt = u128::from(cqt_ms) * ms;
        let (n, last) = match self.terms.tbkas {
            true => (3u128, clocks.sent),
            false => (2u128, clocks.keep_alive),
        };
        let katt = u128::from(self.terms.kato_ms.max(clocks.kato_ms)) * ms;
        let noticed = u128::from(last.0.max(self.opened)) + n * katt;
        let by_keep_alive = clocks.kato_ms != 0 && u128::from(now) >= noticed + cqt;
        let by_notification = clocks.peer_closed.is_some_and(|at| {
            let counts = self.at_close.believed.contains(Belief::Notification);
            counts && u128::from(now) >= u128::from(at.max(clocks.sent).0) + cqt
        });
        let counts = self.at_close.believed.contains(Belief::Time);
        counts && (by_keep_alive || by_notification)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn no_release_without_evidence_and_no_command_is_forgotten(
        terms in terms(),
        opened in 0u64..1 << 40,
        history in prop::collection::vec((0u64..1 << 37, steps()), 1..60),
    ) {
        let mut knobs = Knobs::DEFAULT;
        let mut association = open(opened, terms);
        // Those that the guide names.
        let settings = Settings {
            believed: Beliefs::DEFAULT,
            default_cqt_ms: 10_000,
            override_cqt_ms: 0,
        };
        let mut seen = Observer {
            terms,
            opened,
            lost: false,
            closed: None,
            settings,
            at_close: settings,
            disabled_before_closed: false,
            admin: false,
            reconnected: Vec::new(),
            elsewhere: false,
            moved: false,
            held: 0,
            held_bytes: 0,
            released: false,
        };
        let mut now = opened;

        for (delay, step) in history {
            now += delay;
            let event = match step {
                Step::SetHold(hold) => {
                    knobs.set_hold(hold);
                    continue;
                }
                Step::Believe(beliefs) => {
                    knobs.set_evidence(beliefs);
                    seen.settings.believed = beliefs;
                    continue;
                }
                Step::DefaultCqt(ms) => {
                    prop_assert!(knobs.set_cqt_default_ms(ms));
                    seen.settings.default_cqt_ms = ms;
                    continue;
                }
                Step::OverrideCqt(ms) => {
                    prop_assert!(knobs.set_cqt_override_ms(ms));
                    seen.settings.override_cqt_ms = ms;
                    continue;
                }
                Step::Fail(command) => {
                    if association.hold(&command, &knobs) == Verdict::Hold {
                        prop_assert!(!seen.released, "held after there was evidence");
                        seen.elsewhere |= command.elsewhere;
                        seen.held += 1;
                        seen.held_bytes += u64::from(command.bytes);
                    }
                    continue;
                }
                Step::Drain if seen.released => Event::Drained {
                    commands: seen.held,
                    bytes: seen.held_bytes,
                },
                Step::Drain => continue,
                Step::Event(event) => event,
            };
            if seen.closed.is_none() {
                seen.at_close = seen.settings;
            }
            seen.note(now, &event);
            for action in association.handle(Nanos(now), event, &knobs) {
                match action {
                    Action::Release(evidence) => {
                        prop_assert!(!seen.released, "released twice");
                        prop_assert!(seen.held > 0);
                        prop_assert!(match evidence {
                            // Nobody was asked for a reset.
                            Evidence::Ccr => false,
                            Evidence::Reconnect | Evidence::ReconnectById => {
                                seen.closed.is_some() && seen.reconnected.contains(&evidence)
                            }
                            Evidence::Time => seen.fenced_by_time(now),
                            Evidence::Disabled => seen.disabled_before_closed,
                            Evidence::Target => seen.moved,
                            Evidence::Admin => seen.admin && seen.closed.is_some(),
                        }, "{evidence:?}");
                        seen.released = true;
                    }
                    Action::Discard => {
                        prop_assert!(seen.closed.is_some());
                        prop_assert_eq!(association.held(), 0, "forgot held commands");
                    }
                    Action::Repeat => prop_assert!(false, "nothing is tracked"),
                    Action::ReportLost | Action::ReportDeadline(_) => {}
                }
            }
            if let Event::Drained { .. } = event {
                seen.held = 0;
                seen.held_bytes = 0;
            }
            prop_assert_eq!(association.held(), seen.held);
            prop_assert_eq!(association.held_bytes(), seen.held_bytes);
        }
    }

    #[test]
    fn what_is_held_is_released_at_its_deadline(
        terms in terms().prop_filter("keep alive", |terms| terms.kato_ms != 0),
        clocks in clocks().prop_filter("keep alive", |clocks| clocks.kato_ms != 0),
        command in commands(),
    ) {
        let knobs = Knobs::DEFAULT;
        let mut association = open(0, terms);
        if association.hold(&command, &knobs) != Verdict::Hold {
            return Ok(());
        }
        association.handle(Nanos(1 << 40), Event::Closed(clocks), &knobs);
        let deadline = association.next_deadline().expect("a deadline");
        let before = Nanos(deadline.0 - 1);
        prop_assert_eq!(association.handle(before, Event::Timeout, &knobs).into_iter().count(), 0);
        let actions = association.handle(deadline, Event::Timeout, &knobs);
        prop_assert!(actions.into_iter().eq([Action::Release(Evidence::Time)]));
        prop_assert_eq!(association.state(), State::Fenced(Evidence::Time));
    }
}
