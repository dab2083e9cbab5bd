// SPDX-License-Identifier: GPL-2.0-only

//! A state of the model.

use super::asker::Chosen;
use super::bounds::{BLOCKS_MAX, Bounds, CONTROLLERS_MAX, WRITES_MAX};
use super::lost_host::LostHostLog;
use super::policy::Policy;
use super::property::Violation;
use super::service::{Retry, Service};
use super::settings::{self, Settings};
use super::shell::Record;
use super::truth::{Content, Truth};
use std::sync::Arc;

/// Where the host has a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The application has not written it yet.
    #[default]
    Unissued,
    /// It waits for a path.
    Queued,
    /// It is in flight on this association.
    InFlight(u8),
    /// It is held in the record of this association.
    Held(u8),
    /// The application knows that it is done.
    Done,
}

/// A write, as the host sees it. Its value is its number, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Write {
    pub(super) block: u8,
    pub(super) place: Place,
}

/// What the host does with an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// Uses it.
    Open,
    /// Has seen at this time that it is broken.
    Broken(u8),
    /// Tears it down since this time.
    Lost(u8),
    /// Deletes its controller since this time.
    Deleting(u8),
    /// Has closed it.
    Closed,
}

impl Phase {
    /// Since when the host does away with the association, if it does.
    pub(super) fn since(self) -> Option<u8> {
        match self {
            Self::Broken(since) | Self::Lost(since) | Self::Deleting(since) => Some(since),
            Self::Open | Self::Closed => None,
        }
    }
}

impl Link {
    /// Will the host never send anything on it any more?
    pub(super) fn is_given_up(&self) -> bool {
        match self.phase {
            Phase::Lost(_) | Phase::Deleting(_) | Phase::Closed => true,
            Phase::Open | Phase::Broken(_) => false,
        }
    }

    /// Is something held for it or tracked, for which there is no evidence yet?
    pub(super) fn is_waiting(&self) -> bool {
        self.record.as_ref().is_some_and(Record::is_waiting)
    }
}

/// An association.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    pub(super) controller: u8,
    pub(super) opened: u8,
    pub(super) phase: Phase,
    /// When the host last sent a Keep Alive command on the controller. It is not reset when there
    /// is a new association.
    pub(super) keep_alive_sent: u8,
    /// The news that the controller closed a connection are under way: one bit for each connection.
    pub(super) notices: u8,
    /// They have arrived before the host closed the connection itself: one bit for each connection.
    pub(super) told_closed: u8,
    /// When the policy was told that the controller closed the association.
    pub(super) noticed: Option<u8>,
    /// By when the specification has it fenced by time.
    pub(super) due: Option<u8>,
    /// The same, if a log page counts of which the host cannot be sure that it is new enough.
    pub(super) may_be_due: Option<u8>,
    /// The host was told that the controller has noticed.
    pub(super) told_noticed: bool,
    /// Others have listed it among the controllers that have noticed.
    pub(super) listed: bool,
    /// The controller was disabled before the association was closed.
    pub(super) disabled: bool,
    /// The administrator said that nothing can execute any more.
    pub(super) vouched: bool,
    /// The policy was told that nothing of it is left in the host.
    pub(super) emptied: bool,
    /// A source said that it was reset.
    pub(super) told_reset: bool,
    /// Sources that were asked to have it reset, and may not be asked at once again: one bit each.
    pub(super) asked: u8,
    /// Those that may still bring a result: one bit each.
    pub(super) awaited: u8,
    /// Those that have accepted it, in this tick, and in an earlier one: one bit each.
    pub(super) accepted: [u8; 2],
    /// Those that said that others are to be asked instead: one bit each.
    pub(super) declined: u8,
    /// Where a source said last that it is to be tried again, if that is not for itself to say.
    pub(super) retry: Option<Retry>,
    /// Those whose log page was being read when they were asked: what it says may be older.
    pub(super) unfresh: u8,
    /// When it last answered, or its log page was read.
    pub(super) quiet_since: u8,
    /// It said that it cannot be asked for a reset, or that its log page cannot be read, before this
    /// time.
    pub(super) rests_until: u8,
    /// What the controller does for others.
    pub(super) service: Service,
    pub(super) truth: Truth,
    /// What is held for it, until the policy discards it.
    pub(super) record: Option<Record>,
}

/// What may still happen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    pub(super) losses: u8,
    pub(super) keep_alives: u8,
    pub(super) notifications: u8,
    pub(super) disables: u8,
    pub(super) removals: u8,
    pub(super) deletions: u8,
    pub(super) late: u8,
    pub(super) admin: u8,
    pub(super) resumes: u8,
    pub(super) send_failures: u8,
    pub(super) nuisances: u8,
    pub(super) changes: u8,
    pub(super) foreign: u8,
    pub(super) unloads: u8,
    pub(super) moves: u8,
}

/// A state of host, network, controllers and target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub(super) now: u8,
    pub(super) writes: [Write; WRITES_MAX],
    /// How many writes the application has issued.
    pub(super) issued: u8,
    /// What the blocks hold.
    pub(super) stored: [u8; BLOCKS_MAX],
    /// Which content of that write.
    pub(super) contents: [Content; BLOCKS_MAX],
    /// The newest value that the application knows to be in a block.
    pub(super) acknowledged: [u8; BLOCKS_MAX],
    pub(super) links: Vec<Link>,
    /// What the policy knows. States between which that did not change share it.
    pub(super) policy: Arc<Policy>,
    pub(super) settings: Settings,
    /// The module is gone, and with it the policy.
    pub(super) unloaded: bool,
    /// What the work item that asks has been told to ask, and has not sent yet.
    pub(super) chosen: Option<Chosen>,
    /// Controllers that were removed.
    pub(super) removed: [bool; CONTROLLERS_MAX],
    /// Writes that could not be held, as their record was gone, or were not to be held as the
    /// administrator had it. They may come back as ghosts.
    pub(super) counted: u8,
    /// The controller through which each block can be used, if the array arbitrates paths.
    pub(super) owners: [u8; BLOCKS_MAX],
    /// A block could be used elsewhere when a write to it was held, and that was said to prove something.
    pub(super) paths_shared: bool,
    /// Writes that were tracked and sent again, which are not checked: one bit each.
    pub(super) repeated: u8,
    /// Writes whose memory the application has changed: one bit each.
    pub(super) altered: u8,
    pub(super) left: Budget,
    /// What went wrong. Nothing happens after that.
    pub(super) wrong: Option<Violation>,
}

impl State {
    /// All controllers are connected, and nothing was written.
    pub(super) fn new(bounds: &Bounds) -> Self {
        let mut state = Self {
            now: 0,
            writes: Default::default(),
            issued: 0,
            stored: [0; BLOCKS_MAX],
            contents: Default::default(),
            acknowledged: [0; BLOCKS_MAX],
            links: Vec::new(),
            policy: Arc::new(settings::policy(bounds)),
            settings: Settings::new(bounds),
            unloaded: false,
            chosen: None,
            removed: [false; CONTROLLERS_MAX],
            counted: 0,
            owners: [0; BLOCKS_MAX],
            paths_shared: false,
            repeated: 0,
            altered: 0,
            left: Budget {
                losses: bounds.losses,
                keep_alives: bounds.keep_alives,
                notifications: bounds.notifications,
                disables: bounds.disables,
                removals: bounds.removals,
                deletions: bounds.deletions,
                late: bounds.late,
                admin: bounds.admin,
                resumes: bounds.resumes,
                send_failures: bounds.send_failures,
                nuisances: bounds.nuisances,
                changes: bounds.changes,
                foreign: bounds.foreign,
                unloads: bounds.unloads,
                moves: bounds.moves,
            },
            wrong: None,
        };
        for controller in 0..bounds.controllers {
            state.open(bounds, controller, 0);
        }
        state.ask(bounds);
        if !bounds.stale {
            state.clear_logs(bounds);
        }
        Arc::make_mut(&mut state.policy).sign(None);
        state
    }

    /// A new association with a controller.
    pub(super) fn open(&mut self, bounds: &Bounds, controller: u8, keep_alive_sent: u8) {
        let number = self.links.len() as u8;
        let listed = self.listed();
        self.links.push(Link {
            controller,
            opened: self.now,
            phase: Phase::Open,
            keep_alive_sent,
            notices: 0,
            told_closed: 0,
            noticed: None,
            due: None,
            may_be_due: None,
            told_noticed: false,
            listed: false,
            disabled: false,
            vouched: false,
            emptied: false,
            told_reset: false,
            asked: 0,
            awaited: 0,
            accepted: [0; 2],
            declined: 0,
            retry: None,
            unfresh: 0,
            quiet_since: 0,
            rests_until: 0,
            service: Service {
                stale: bounds.stale,
                lost_host: LostHostLog::new(listed),
                ..Service::default()
            },
            truth: Truth::new(self.now),
            record: Some(Record::new()),
        });
        self.tell_open(bounds, number);
    }

    /// Prepares it to be told from others: it has come from `before`.
    pub(super) fn sign(&mut self, before: &Self) {
        if !Arc::ptr_eq(&self.policy, &before.policy) {
            Arc::make_mut(&mut self.policy).sign(Some(&before.policy));
        }
    }

    pub(super) fn link(&mut self, on: u8) -> &mut Link {
        &mut self.links[usize::from(on)]
    }

    pub(super) fn write(&mut self, write: u8) -> &mut Write {
        &mut self.writes[usize::from(write)]
    }

    /// Is this write in flight there?
    pub(super) fn is_in_flight(&self, write: u8, on: u8) -> bool {
        self.writes[usize::from(write)].place == Place::InFlight(on)
    }

    /// How many writes are in flight there?
    pub(super) fn in_flight(&self, on: u8) -> u8 {
        let there = |write: &&Write| write.place == Place::InFlight(on);
        self.writes.iter().filter(there).count() as u8
    }

    /// Is any write in flight there?
    pub(super) fn any_in_flight(&self, on: u8) -> bool {
        self.in_flight(on) > 0
    }

    /// Is any write held?
    pub(super) fn any_held(&self) -> bool {
        self.writes
            .iter()
            .any(|write| matches!(write.place, Place::Held(_)))
    }

    /// What is wrong with this state.
    pub fn violation(&self, bounds: &Bounds) -> Option<Violation> {
        let forever = || self.violates(bounds, Violation::HeldForever);
        self.wrong
            .or_else(|| forever().then_some(Violation::HeldForever))
    }

    /// Is this wrong with it?
    pub(super) fn violates(&self, bounds: &Bounds, violation: Violation) -> bool {
        if violation != Violation::HeldForever || self.wrong.is_some() {
            return self.wrong == Some(violation);
        }
        self.any_held() && self.is_stuck(bounds)
    }

    /// Has time come to its end, and does nothing happen but that it is looked at in vain?
    fn is_stuck(&self, bounds: &Bounds) -> bool {
        let mut actions = Vec::new();
        self.enabled(bounds, &mut actions);
        actions.into_iter().all(|action| {
            let mut next = self.clone();
            next.step(bounds, action);
            next == *self
        })
    }

    /// Notes what went wrong first.
    pub(super) fn blame(&mut self, violation: Violation) {
        self.wrong.get_or_insert(violation);
    }
}
