// SPDX-License-Identifier: GPL-2.0-only

//! How the host comes to the end of an association.

use super::bounds::{Assumption, Bounds, KeepAlive};
use super::property::Violation;
use super::state::{Phase, Place, State};
use super::truth::Copy;
use nvme_fence_policy::hold::HOST_ABORTED_CMD;
use nvme_fence_policy::{Clocks, Event, Mode};

impl State {
    /// The host sees that an association is broken.
    pub(super) fn give_up(&mut self, bounds: &Bounds, on: u8) {
        let now = self.now;
        if self.link(on).phase == Phase::Open {
            self.left.losses = self.left.losses.saturating_sub(1);
            // Else it may be that it never sees it.
            if bounds.assumes(Assumption::FailedAssociationsAreLost) {
                self.link(on).phase = Phase::Broken(now);
            }
        }
    }

    /// The host gives an association up.
    pub(super) fn lose(&mut self, bounds: &Bounds, on: u8) {
        let since = self.link(on).phase.since().unwrap_or(self.now);
        self.give_up(bounds, on);
        self.link(on).phase = Phase::Lost(since);
        self.tell(bounds, on, Event::Lost);
    }

    /// The host learns that a connection was closed.
    pub(super) fn notice_arrives(&mut self, bounds: &Bounds, on: u8, connection: u8) {
        let now = self.now;
        let all = (1 << bounds.connections) - 1;
        let one_is_enough = !bounds.assumes(Assumption::WholeNotification);
        let link = self.link(on);
        link.notices &= !(1 << connection);
        link.told_closed |= 1 << connection;
        let tells = one_is_enough || link.told_closed == all;
        if tells && matches!(link.phase, Phase::Open | Phase::Broken(_)) {
            link.noticed.get_or_insert(now);
        }
        self.give_up(bounds, on);
    }

    /// The host goes on to use an association after all.
    pub(super) fn resume(&mut self, bounds: &Bounds, on: u8) {
        self.left.resumes -= 1;
        let link = self.link(on);
        link.noticed = None;
        link.told_closed = 0;
        link.phase = Phase::Open;
        self.tell(bounds, on, Event::Resumed);
        self.left.losses += 1;
        // nvme-core itself gives it up once more if something of it is held: the same loss.
        if self.holds_writes_of(on) {
            self.give_up(bounds, on);
        }
    }

    /// Is a write of an association held?
    fn holds_writes_of(&self, on: u8) -> bool {
        self.writes
            .iter()
            .any(|write| write.place == Place::Held(on))
    }

    /// The host gives up all writes that are in flight on an association.
    pub(super) fn cancel_all(&mut self, bounds: &Bounds, on: u8) {
        for write in 0..self.issued {
            if self.is_in_flight(write, on) {
                self.cancel(bounds, write, on, HOST_ABORTED_CMD);
            }
        }
    }

    /// The host gives up a write: the policy is asked.
    pub(super) fn cancel(&mut self, bounds: &Bounds, write: u8, on: u8, status: u16) {
        let knobs = bounds.knobs();
        let mut held = false;
        if let Some(record) = &mut self.link(on).record {
            let needless = record.holds_needlessly(status, &knobs);
            held = record.hold(write, status, &knobs);
            if needless {
                self.blame(Violation::NeedlessHold);
            }
            let passes = !held && bounds.mode != Mode::Off && bounds.dropped.is_none();
            if passes && self.may_still_execute(bounds, write, on) {
                self.blame(Violation::NoEvidence);
            }
        } else {
            // Nothing was held when the association was closed, so nobody waits for its end.
            self.counted |= 1 << write;
        }
        self.references += u8::from(held);
        self.write(write).place = if held { Place::Held(on) } else { Place::Queued };
    }

    /// May a write still be executed on an association?
    fn may_still_execute(&self, bounds: &Bounds, write: u8, on: u8) -> bool {
        let truth = &self.links[usize::from(on)].truth;
        match truth.copies[usize::from(write)] {
            Copy::Underway | Copy::Arrived => truth.may_execute(bounds, self.now),
            Copy::None | Copy::Executed => false,
        }
    }

    /// The controller of an association that was given up is disabled.
    pub(super) fn disable(&mut self, bounds: &Bounds, on: u8) {
        self.left.disables -= 1;
        let link = self.link(on);
        link.truth.dead = true;
        link.disabled = true;
        self.tell(bounds, on, Event::Disabled);
    }

    /// A controller is removed, and nobody said before that its association is closed.
    pub(super) fn remove(&mut self, bounds: &Bounds, on: u8) {
        self.left.removals -= 1;
        let controller = self.link(on).controller;
        self.removed[usize::from(controller)] = true;
        self.close(bounds, on, true);
    }

    /// The deletion of a controller begins.
    pub(super) fn delete(&mut self, bounds: &Bounds, on: u8) {
        self.left.deletions -= 1;
        let controller = self.link(on).controller;
        self.removed[usize::from(controller)] = true;
        let since = self.link(on).phase.since().unwrap_or(self.now);
        self.give_up(bounds, on);
        self.link(on).phase = Phase::Deleting(since);
    }

    /// The host has closed an association.
    pub(super) fn close(&mut self, bounds: &Bounds, on: u8, removed: bool) {
        let now = self.now;
        self.give_up_on(bounds, on);
        let clocks = {
            let link = self.link(on);
            Clocks {
                keep_alive: bounds.nanos(link.keep_alive_sent),
                sent: bounds.nanos(link.truth.sent),
                peer_closed: link.noticed.map(|at| bounds.nanos(at)),
                kato_ms: bounds.kato_ms(bounds.katt_at_loss),
            }
        };
        let late = self.in_flight(on);
        self.left.late -= late;
        let link = self.link(on);
        link.phase = Phase::Closed;
        let last = match (removed, bounds.keep_alive) {
            (true, _) => now,
            (false, KeepAlive::Traffic) => link.truth.sent,
            (false, KeepAlive::Command | KeepAlive::Off) => link.keep_alive_sent,
        };
        let by_keep_alive = (bounds.keep_alive != KeepAlive::Off)
            .then(|| last.max(link.opened) + bounds.timeouts() * bounds.katt_true() + bounds.cqt);
        // The host may have sent after the controller's last FIN. Who removes it does not ask for FINs.
        let sent = link.truth.sent;
        let by_notice = link
            .noticed
            .filter(|_| bounds.trust_notification && !removed)
            .map(|at| at.max(sent) + bounds.cqt);
        link.due = match (by_keep_alive, by_notice) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let event = if removed {
            Event::Detached
        } else {
            Event::Closed(clocks)
        };
        self.tell(bounds, on, event);
        let controller = usize::from(self.link(on).controller);
        if self.current[controller] == Some(on) {
            self.current[controller] = None;
        }
    }

    /// The host makes a new association with a controller.
    pub(super) fn reconnect(&mut self, bounds: &Bounds, controller: u8) {
        if let Some(on) = self.current[usize::from(controller)] {
            self.close(bounds, on, true);
        }
        let last = self
            .links
            .iter()
            .rfind(|link| link.controller == controller);
        let keep_alive_sent = last.map_or(0, |link| link.keep_alive_sent);
        self.open(bounds, controller, keep_alive_sent);
    }
}
