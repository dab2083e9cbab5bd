// SPDX-License-Identifier: GPL-2.0-only

//! What follows when something happens.

use super::action::Action;
use super::bounds::{Assumption, Bounds};
use super::property::Violation;
use super::resets::source_id;
use super::shell::{Work, evidence};
use super::state::{Link, Phase, Place, State};
use super::truth::Copy;
use nvme_fence_policy::hold::HOST_PATH_ERROR;
use nvme_fence_policy::{Action as PolicyAction, Event, Evidence, State as PolicyState};

impl State {
    /// Takes a step.
    pub(super) fn step(&mut self, bounds: &Bounds, action: Action) {
        match action {
            Action::Tick => self.now += 1,
            Action::Issue { write, block, on } => {
                self.issued += 1;
                self.write(write).block = block;
                self.send(write, on);
            }
            Action::Send { write, on } => self.send(write, on),
            Action::KeepAlive { on } => {
                let now = self.now;
                self.left.keep_alives -= 1;
                let link = self.link(on);
                link.keep_alive_sent = now;
                link.truth.sent = now;
                link.truth.keep_alive = true;
            }
            Action::KeepAliveArrives { on } => {
                let now = self.now;
                let truth = &mut self.link(on).truth;
                truth.keep_alive = false;
                truth.hear(bounds, now, true);
            }
            Action::Arrive { write, on } => {
                let now = self.now;
                let truth = &mut self.link(on).truth;
                truth.copies[usize::from(write)] = Copy::Arrived;
                truth.hear(bounds, now, false);
            }
            Action::Execute { write, on } => self.execute(write, on),
            Action::Answer { write, on } => {
                self.link(on).truth.copies[usize::from(write)] = Copy::None;
                self.acknowledge(write);
            }
            Action::PeerCloses { on, connection } => {
                let now = self.now;
                self.left.notifications -= 1;
                let link = self.link(on);
                link.truth.closed_by_peer[usize::from(connection)] = Some(now);
                link.notices |= 1 << connection;
            }
            Action::Forge { on, connection } => {
                self.left.notifications -= 1;
                self.link(on).notices |= 1 << connection;
            }
            Action::NoticeArrives { on, connection } => {
                self.notice_arrives(bounds, on, connection);
            }
            Action::FailSend { write, on } => {
                self.left.send_failures -= 1;
                self.give_up(bounds, on);
                self.cancel(bounds, write, on, HOST_PATH_ERROR);
            }
            Action::Lose { on } => self.lose(bounds, on),
            Action::Resume { on } => self.resume(bounds, on),
            Action::Cancel { on } => self.cancel_all(bounds, on),
            Action::Disable { on } => self.disable(bounds, on),
            Action::Close { on } => self.close(bounds, on, false),
            Action::Remove { on } => self.remove(bounds, on),
            Action::Delete { on } => self.delete(bounds, on),
            Action::Reconnect { controller } => self.reconnect(bounds, controller),
            Action::Timeout => self.timeout(bounds),
            Action::SendOn { on } => self.send_on(on),
            Action::Drained { on } => self.drained(bounds, on),
            Action::AdminReleases { controller } => self.admin_releases(bounds, controller),
            Action::ResetArrives { source, of, reply } => {
                self.reset_arrives(bounds, source, of, reply);
                if bounds.prompt {
                    self.reset_answered(bounds, source, of);
                }
            }
            Action::ResetAnswered { source, of } => self.reset_answered(bounds, source, of),
            Action::ResetEnds {
                source,
                of,
                success,
            } => {
                self.reset_ends(bounds, source, of, success);
                if bounds.prompt && self.link(source).service.event {
                    self.event_arrives(source);
                }
            }
            Action::EventArrives { source } => self.event_arrives(source),
            Action::EventForged { source } => {
                self.left.nuisances -= 1;
                self.event_arrives(source);
            }
            Action::EventLost { source } => {
                self.left.nuisances -= 1;
                self.link(source).service.event = false;
            }
            Action::LogRead { source, foreign } => {
                let now = self.now;
                self.left.nuisances -= u8::from(foreign);
                let link = self.link(source);
                link.truth.hear(bounds, now, false);
                link.service.read_log(foreign);
                if bounds.prompt {
                    self.log_arrives(bounds, source, true);
                }
            }
            Action::LogArrives { source } => self.log_arrives(bounds, source, true),
            Action::LogFails { source } => {
                self.left.nuisances -= 1;
                self.log_arrives(bounds, source, false);
            }
            Action::Unload => self.unload(bounds),
        }
        if !self.unloaded {
            self.ask(bounds);
            self.check_timer(bounds);
            if action == Action::Timeout {
                self.check_unasked(bounds);
                self.check_unread();
            }
        }
        self.tidy(bounds);
    }

    fn send(&mut self, write: u8, on: u8) {
        let now = self.now;
        self.write(write).place = Place::InFlight(on);
        let truth = &mut self.link(on).truth;
        truth.sent = now;
        truth.copies[usize::from(write)] = Copy::Underway;
    }

    fn execute(&mut self, write: u8, on: u8) {
        self.link(on).truth.copies[usize::from(write)] = Copy::Executed;
        let block = usize::from(self.write(write).block);
        self.stored[block] = write + 1;
        let counted = self.counted & 1 << write != 0;
        if self.stored[block] < self.acknowledged[block] && !counted {
            self.blame(Violation::GhostWrite);
        }
    }

    fn acknowledge(&mut self, write: u8) {
        self.write(write).place = Place::Done;
        let block = usize::from(self.write(write).block);
        self.acknowledged[block] = self.acknowledged[block].max(write + 1);
    }

    fn timeout(&mut self, bounds: &Bounds) {
        let now = self.now;
        for on in 0..self.links.len() as u8 {
            self.handle(bounds, on, Event::Timeout);
            let link = self.link(on);
            let waits = link
                .record
                .as_ref()
                .is_some_and(|record| record.is_waiting());
            if waits && link.phase == Phase::Closed && link.due.is_some_and(|due| now >= due) {
                self.blame(Violation::Late);
            }
        }
        let now = bounds.nanos(now);
        let armed = |link: &Link| link.record.as_ref().and_then(|record| record.timer());
        if self.links.iter().filter_map(armed).any(|at| at <= now) {
            self.blame(Violation::Restless);
        }
    }

    /// Is the timer armed for when the time rule is fulfilled, at the latest?
    fn check_timer(&mut self, bounds: &Bounds) {
        let late = self.links.iter().any(|link| {
            let waits = |record: &&super::shell::Record| record.is_waiting();
            let record = link.record.as_ref().filter(waits);
            link.phase == Phase::Closed
                && record.is_some_and(|record| {
                    let due = link.due.map(|due| bounds.nanos(due));
                    due.is_some_and(|due| record.timer().is_none_or(|at| at > due))
                })
        });
        if late {
            self.blame(Violation::Late);
        }
    }

    fn send_on(&mut self, on: u8) {
        let Some(record) = &mut self.link(on).record else {
            return;
        };
        match record.start_draining() {
            Ok(bios) => {
                for write in 0..self.issued {
                    if bios & 1 << write != 0 {
                        self.write(write).place = Place::Queued;
                    }
                }
            }
            Err(violation) => self.blame(violation),
        }
    }

    fn drained(&mut self, bounds: &Bounds, on: u8) {
        let Some(record) = &mut self.link(on).record else {
            return;
        };
        if let Work::Sending(commands, bytes) = record.work {
            record.work = Work::Done;
            self.references -= commands as u8;
            self.handle(bounds, on, Event::Drained { commands, bytes });
        }
    }

    fn admin_releases(&mut self, bounds: &Bounds, controller: u8) {
        self.left.admin -= 1;
        for on in 0..self.links.len() as u8 {
            let link = self.link(on);
            if link.controller != controller {
                continue;
            }
            // Of what is not closed yet it counts when that is.
            if link.is_given_up() {
                link.vouched = true;
                link.truth.dead |= bounds.assumes(Assumption::HonestAdministrator);
            }
            self.handle(bounds, on, Event::Release);
        }
    }

    fn unload(&mut self, bounds: &Bounds) {
        for controller in 0..bounds.controllers {
            if let Some(on) = self.current[usize::from(controller)] {
                self.handle(bounds, on, Event::Detached);
            }
        }
        let busy = |link: &Link| link.record.as_ref().is_some_and(|record| record.is_busy());
        if self.any_held() || self.links.iter().any(busy) {
            self.blame(Violation::UnloadedWhileHolding);
        } else {
            // All that ended well is alike.
            let wrong = self.wrong;
            *self = Self::new(bounds);
            self.wrong = wrong;
            self.unloaded = true;
        }
    }

    /// An event of the controller that the association is with.
    pub(super) fn tell(&mut self, bounds: &Bounds, about: u8, event: Event) {
        let controller = self.link(about).controller;
        for on in 0..self.links.len() as u8 {
            let meant = self.current[usize::from(controller)] == Some(on);
            if meant || (bounds.broadcast && self.link(on).controller == controller) {
                self.handle(bounds, on, event);
            }
        }
        let record = self.link(about).record.as_ref();
        if record.is_none_or(|record| record.association().state() != PolicyState::Open) {
            self.note_end(about);
            for on in 0..self.links.len() as u8 {
                self.handle(bounds, on, Event::SourceLost(source_id(about)));
            }
        }
    }

    /// The policy handles an event, and the module does what follows.
    pub(super) fn handle(&mut self, bounds: &Bounds, on: u8, event: Event) {
        let now = bounds.nanos(self.now);
        let Some(record) = &mut self.link(on).record else {
            return;
        };
        let actions = record.handle(now, event, &bounds.knobs());
        if let Some(evidence) = evidence(&actions) {
            self.judge(bounds, on, evidence);
        }
        for action in actions {
            let Some(record) = &mut self.link(on).record else {
                return;
            };
            if let PolicyAction::Release(_) = action {
                if let Err(violation) = record.queue() {
                    self.blame(violation);
                }
            } else if action == PolicyAction::Discard {
                let busy = record.is_busy();
                self.link(on).record = None;
                if busy {
                    self.blame(Violation::Forgotten);
                }
            }
        }
    }

    /// Is a release right?
    fn judge(&mut self, bounds: &Bounds, on: u8, evidence: Evidence) {
        if bounds.dropped.is_some() {
            // It shall be seen what comes of it.
            return;
        }
        let now = self.now;
        let link = self.link(on);
        if link.truth.may_execute(bounds, now) {
            self.blame(Violation::NoEvidence);
            return;
        }
        let happened = match evidence {
            Evidence::Ccr => link.told_reset,
            Evidence::Time => link.due.is_some_and(|due| now >= due),
            Evidence::Disabled => link.disabled,
            Evidence::Admin => link.vouched,
        };
        if !happened {
            self.blame(Violation::WrongEvidence);
        }
    }
}
