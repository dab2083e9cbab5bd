// SPDX-License-Identifier: GPL-2.0-only

//! How the host comes to the end of an association.

use super::bounds::{Assumption, Bounds, KeepAlive};
use super::shell::controller_id;
use super::state::{Phase, Place, State};
use nvme_fence_policy::hold::HOST_ABORTED_CMD;
use nvme_fence_policy::{Belief, Clocks, ControllerId, Input};

/// How the host comes to close an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It says when it has closed the connections.
    Told,
    /// It removes the controller, or makes a new association, and has not said it before.
    Silent,
}

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
        let controller = self.controller(on);
        self.tell(bounds, Input::Lost(controller));
        self.note_end(on);
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
        let controller = self.controller(on);
        self.tell(bounds, Input::Resumed(controller));
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

    /// The controller of an association that was given up is disabled.
    pub(super) fn disable(&mut self, bounds: &Bounds, on: u8) {
        self.left.disables -= 1;
        let link = self.link(on);
        link.truth.dead = true;
        link.disabled = true;
        let controller = self.controller(on);
        self.tell(bounds, Input::Disabled(controller));
        self.note_end(on);
    }

    /// A controller is removed, and nobody said before that its association is closed.
    pub(super) fn remove(&mut self, bounds: &Bounds, on: u8) {
        self.left.removals -= 1;
        let controller = self.link(on).controller;
        self.removed[usize::from(controller)] = true;
        self.end(bounds, on, End::Silent);
        self.tell(bounds, Input::Removed(controller_id(controller)));
        self.note_end(on);
    }

    /// The deletion of a controller begins.
    pub(super) fn delete(&mut self, bounds: &Bounds, on: u8) {
        self.left.deletions -= 1;
        let since = self.link(on).phase.since().unwrap_or(self.now);
        self.give_up(bounds, on);
        self.link(on).phase = Phase::Deleting(since);
    }

    /// The host has closed an association, and says so. If it is because the controller is deleted,
    /// that one is gone now.
    pub(super) fn close(&mut self, bounds: &Bounds, on: u8) {
        let deleted = matches!(self.link(on).phase, Phase::Deleting(_));
        let clocks = self.end(bounds, on, End::Told);
        let controller = self.controller(on);
        self.tell(bounds, Input::Closed(controller, clocks));
        self.note_end(on);
        self.tell_moved(bounds, on);
        if deleted {
            let controller = self.link(on).controller;
            self.removed[usize::from(controller)] = true;
            self.tell(bounds, Input::Removed(controller_id(controller)));
        }
    }

    /// The host has closed an association. Returns when that gave signs of life.
    fn end(&mut self, bounds: &Bounds, on: u8, how: End) -> Clocks {
        self.give_up_on(bounds, on);
        let late = self.in_flight(on);
        self.left.late -= late;
        let (now, settings) = (self.now, self.settings);
        let link = self.link(on);
        link.phase = Phase::Closed;
        let last = match (how, bounds.keep_alive) {
            (End::Silent, _) => now,
            (End::Told, KeepAlive::Traffic) => link.truth.sent,
            (End::Told, KeepAlive::Command | KeepAlive::Off) => link.keep_alive_sent,
        };
        let by_keep_alive = (bounds.keep_alive != KeepAlive::Off)
            .then(|| last.max(link.opened) + bounds.timeouts() * bounds.katt_true() + settings.cqt);
        // The host may have sent after the controller's last FIN. Who ends it silently does not ask
        // for FINs.
        let sent = link.truth.sent;
        let by_notice = link
            .noticed
            .filter(|_| settings.believes(Belief::Notification) && how == End::Told)
            .map(|at| at.max(sent) + settings.cqt);
        link.due = match (by_keep_alive, by_notice) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Clocks {
            keep_alive: bounds.nanos(link.keep_alive_sent),
            sent: bounds.nanos(sent),
            peer_closed: link.noticed.map(|at| bounds.nanos(at)),
            kato_ms: bounds.kato_ms(bounds.katt_at_loss),
        }
    }

    /// The host makes a new association with a controller.
    pub(super) fn reconnect(&mut self, bounds: &Bounds, controller: u8) {
        let mine = |link: &super::state::Link| link.controller == controller;
        let last = self.links.iter().rposition(mine);
        let keep_alive_sent = last.map_or(0, |last| self.links[last].keep_alive_sent);
        if let Some(on) = last.map(|last| last as u8)
            && self.link(on).phase != Phase::Closed
        {
            self.end(bounds, on, End::Silent);
            self.note_end(on);
        }
        if bounds.cleans_up && bounds.assumes(Assumption::CleanUpBeforeConnect) {
            for link in self.links.iter_mut().filter(|link| mine(link)) {
                link.truth.dead = true;
            }
        }
        self.open(bounds, controller, keep_alive_sent);
    }

    /// What the policy calls the controller that an association is with.
    fn controller(&self, on: u8) -> ControllerId {
        controller_id(self.links[usize::from(on)].controller)
    }
}
