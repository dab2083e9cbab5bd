// SPDX-License-Identifier: GPL-2.0-only

//! What can happen next.

use super::action::Action;
use super::bounds::{Assumption, Bounds, KeepAlive};
use super::shell::Work;
use super::state::{Link, Phase, Place, State};
use super::truth::{ADMIN, Copy};
use nvme_fence_policy::Belief;

impl State {
    /// Collects what can happen next.
    pub(super) fn enabled(&self, bounds: &Bounds, actions: &mut Vec<Action>) {
        if self.wrong.is_some() {
            return;
        }
        for on in 0..self.links.len() as u8 {
            self.enabled_host(bounds, on, actions);
            self.enabled_network(bounds, on, actions);
            self.enabled_module(on, actions);
            self.enabled_tracking(bounds, on, actions);
            self.enabled_service(bounds, on, actions);
        }
        for write in 0..self.issued {
            if self.writes[usize::from(write)].place == Place::Queued {
                let block = self.writes[usize::from(write)].block;
                let usable = self.usable_links(bounds, block);
                actions.extend(usable.map(|on| Action::Send { write, on }));
            }
        }
        for controller in 0..bounds.controllers {
            self.enabled_controller(bounds, controller, actions);
        }
        self.enabled_issue(bounds, actions);
        self.enabled_others(bounds, actions);
        self.enabled_unload(bounds, actions);
        self.enabled_array(bounds, actions);
        if self.policy.next_deadline().is_some() {
            actions.push(Action::Timeout);
        }
        if bounds.late_asks {
            self.enabled_asker(actions);
        }
        let changes = self.changes(bounds).into_iter();
        actions.extend(changes.map(|setting| Action::Change { setting }));
        self.enabled_admin(bounds, actions);
        if self.may_tick(bounds) {
            actions.push(Action::Tick);
        }
    }

    fn open_links(&self) -> impl Iterator<Item = u8> + '_ {
        let is_open = |on: &u8| self.links[usize::from(*on)].phase == Phase::Open;
        (0..self.links.len() as u8).filter(is_open)
    }

    /// The associations on which a block can be used.
    fn usable_links(&self, bounds: &Bounds, block: u8) -> impl Iterator<Item = u8> + '_ {
        let usable: Vec<u8> = self
            .open_links()
            .filter(|on| self.is_usable(bounds, *on, block))
            .collect();
        usable.into_iter()
    }

    /// A block is written again when the write before is done. Blocks and controllers are alike, so
    /// the first ones are used first.
    fn enabled_issue(&self, bounds: &Bounds, actions: &mut Vec<Action>) {
        let write = self.issued;
        if write >= bounds.writes {
            return;
        }
        let issued = &self.writes[..usize::from(write)];
        let fresh = issued.iter().map(|write| write.block + 1).max();
        for block in 0..bounds.blocks.min(fresh.unwrap_or(0) + 1) {
            if self.is_outstanding(block) && bounds.assumes(Assumption::OneWriteAtATime) {
                continue;
            }
            for on in self.usable_links(bounds, block) {
                if write > 0 || on == 0 {
                    actions.push(Action::Issue { write, block, on });
                }
            }
        }
    }

    /// What the host may do with an association.
    fn enabled_host(&self, bounds: &Bounds, on: u8, actions: &mut Vec<Action>) {
        let link = &self.links[usize::from(on)];
        match link.phase {
            Phase::Open => {
                let keep_alive = !link.truth.keep_alive && self.left.keep_alives > 0;
                if keep_alive && self.any_in_flight(on) {
                    actions.push(Action::KeepAlive { on });
                }
                if self.left.losses == 0 || self.now > bounds.lose_by {
                    return;
                }
                actions.push(Action::Lose { on });
                if self.left.send_failures > 0 {
                    for write in 0..self.issued {
                        if self.is_in_flight(write, on) {
                            actions.push(Action::FailSend { write, on });
                        }
                    }
                }
            }
            Phase::Broken(_) => {
                actions.push(Action::Lose { on });
                self.enabled_disable(bounds, on, actions);
            }
            Phase::Lost(_) => {
                self.enabled_disable(bounds, on, actions);
                self.enabled_end(bounds, on, actions);
                let resumable = link.truth.listens(bounds, self.now) && !link.disabled;
                if self.left.resumes > 0 && resumable {
                    actions.push(Action::Resume { on });
                }
            }
            Phase::Deleting(_) => self.enabled_end(bounds, on, actions),
            Phase::Closed => {
                if self.any_in_flight(on) {
                    actions.push(Action::Cancel { on });
                }
                return;
            }
        }
        // Whatever else the host was doing: somebody has the controller deleted.
        let fresh = !matches!(link.phase, Phase::Deleting(_));
        if self.left.deletions > 0 && fresh {
            actions.push(Action::Delete { on });
        }
    }

    /// The host may disable the controller of an association that it does away with.
    fn enabled_disable(&self, bounds: &Bounds, on: u8, actions: &mut Vec<Action>) {
        let link = &self.links[usize::from(on)];
        if self.left.disables > 0 && !link.disabled && link.truth.listens(bounds, self.now) {
            actions.push(Action::Disable { on });
        }
    }

    /// How the host may come to the end of an association that it has given up.
    fn enabled_end(&self, bounds: &Bounds, on: u8, actions: &mut Vec<Action>) {
        if self.any_in_flight(on) {
            actions.push(Action::Cancel { on });
        }
        if !self.may_close(bounds, on) {
            return;
        }
        actions.push(Action::Close { on });
        let silently = self.may_close_silently(bounds) && !self.any_in_flight(on);
        if self.left.removals > 0 && silently {
            actions.push(Action::Remove { on });
        }
    }

    /// May the host close an association that it has given up?
    fn may_close(&self, bounds: &Bounds, on: u8) -> bool {
        let link = &self.links[usize::from(on)];
        let deleting = matches!(link.phase, Phase::Deleting(_));
        let waits_for_held = deleting && !bounds.assumes(Assumption::DeletionCloses);
        self.in_flight(on) <= self.left.late && !(waits_for_held && link.is_waiting())
    }

    /// What network and controller may do with an association.
    fn enabled_network(&self, bounds: &Bounds, on: u8, actions: &mut Vec<Action>) {
        let link = &self.links[usize::from(on)];
        let truth = &link.truth;
        if truth.keep_alive && truth.may_arrive(bounds, self.now, ADMIN) {
            actions.push(Action::KeepAliveArrives { on });
        }
        for write in 0..self.issued {
            match truth.copies[usize::from(write)] {
                Copy::Underway
                    if truth.buffered & 1 << write == 0
                        && truth.may_arrive(bounds, self.now, bounds.connection(write)) =>
                {
                    actions.push(Action::Arrive { write, on });
                }
                Copy::Arrived if truth.may_execute(bounds, self.now) => {
                    actions.push(Action::Execute { write, on });
                }
                Copy::Executed if self.is_in_flight(write, on) => {
                    actions.push(Action::Answer { write, on });
                }
                Copy::None | Copy::Underway | Copy::Arrived | Copy::Executed => {}
            }
        }
        if self.may_notice(bounds, link) {
            actions.push(Action::Notices { on });
        }
        if link.phase == Phase::Closed {
            return;
        }
        for connection in 0..bounds.connections {
            self.enabled_notice(bounds, on, connection, actions);
        }
    }

    /// May others come to know that a controller has lost touch with the host? It makes no difference
    /// if the host does not lose it.
    fn may_notice(&self, bounds: &Bounds, link: &Link) -> bool {
        let may_be_lost = self.now <= bounds.lose_by && self.left.losses > 0;
        let matters = link.record.is_some() && (link.phase != Phase::Open || may_be_lost);
        let truly = link.truth.may_give_up(bounds, self.now)
            || !bounds.assumes(Assumption::HonestLostHostLog);
        bounds.lost_host_logs && !link.listed && matters && truly
    }

    /// How a connection may come to be closed from the other end.
    fn enabled_notice(&self, bounds: &Bounds, on: u8, connection: u8, actions: &mut Vec<Action>) {
        let link = &self.links[usize::from(on)];
        let in_time = self.now <= bounds.lose_by && self.left.losses > 0;
        if !in_time && link.phase == Phase::Open {
            return;
        }
        let underway = link.notices & 1 << connection != 0;
        if self.left.notifications > 0 {
            if link.truth.listens_on(bounds, self.now, connection) {
                actions.push(Action::PeerCloses { on, connection });
            }
            // It does not matter to a host that does not believe it.
            let never_counts =
                !bounds.evidence.contains(Belief::Notification) && bounds.changes == 0;
            let forges = !bounds.assumes(Assumption::HonestNetwork) || never_counts;
            if forges && !underway {
                actions.push(Action::Forge { on, connection });
            }
        }
        if underway {
            actions.push(Action::NoticeArrives { on, connection });
        }
    }

    /// What the work items of the module may do.
    fn enabled_module(&self, on: u8, actions: &mut Vec<Action>) {
        let record = self.links[usize::from(on)].record.as_ref();
        match record.map(|record| record.work) {
            Some(Work::Queued) => actions.push(Action::SendOn { on }),
            Some(Work::Sending(..)) => actions.push(Action::Drained { on }),
            Some(Work::Idle | Work::Done) | None => {}
        }
    }

    /// What may happen to a controller.
    fn enabled_controller(&self, bounds: &Bounds, controller: u8, actions: &mut Vec<Action>) {
        let mine = |link: &Link| link.controller == controller;
        let last = self.links.iter().rposition(mine);
        // A transport need not say that an association is closed before it makes the next one.
        let silently = self.may_close_silently(bounds);
        let idle = last.is_some_and(|last| match self.links[last].phase {
            // What comes late comes before there is a new association.
            Phase::Closed => !self.any_in_flight(last as u8),
            Phase::Lost(_) => silently && !self.any_in_flight(last as u8),
            Phase::Open | Phase::Broken(_) | Phase::Deleting(_) => false,
        });
        let room = self.links.len() < usize::from(bounds.associations);
        if idle && room && !self.removed[usize::from(controller)] {
            actions.push(Action::Reconnect { controller });
        }
    }

    /// The administrator may release what waits. Of removed controllers there is nothing left to name
    /// them by.
    fn enabled_admin(&self, bounds: &Bounds, actions: &mut Vec<Action>) {
        if self.left.admin == 0 {
            return;
        }
        let waits = |controller: u8| {
            let mut mine = self
                .links
                .iter()
                .filter(|link| link.controller == controller);
            mine.any(|link| link.is_given_up() && link.is_waiting())
        };
        let waiting = (0..bounds.controllers).filter(|controller| waits(*controller));
        let (removed, there): (Vec<u8>, Vec<u8>) =
            waiting.partition(|controller| self.removed[usize::from(*controller)]);
        let releases = |controller| Action::AdminReleases { controller };
        actions.extend(there.into_iter().map(releases));
        if !removed.is_empty() {
            actions.push(Action::AdminReleasesRemoved);
        }
    }

    /// What the work item that asks may do.
    fn enabled_asker(&self, actions: &mut Vec<Action>) {
        let Some(chosen) = self.chosen else {
            if self.policy.may_ask() {
                actions.push(Action::Choose);
            }
            return;
        };
        let sendable = self.may_send(chosen);
        if sendable {
            actions.push(Action::Ask);
        }
        if !sendable || self.left.nuisances > 0 {
            actions.push(Action::AskFails);
        }
    }

    fn may_close_silently(&self, bounds: &Bounds) -> bool {
        bounds.katt == bounds.katt_at_loss || !bounds.assumes(Assumption::KnownTimeout)
    }

    /// Time passes while somebody waits for something, and never beyond what must be done.
    fn may_tick(&self, bounds: &Bounds) -> bool {
        let overdue = |on: &u8| {
            let since = self.links[usize::from(*on)].phase.since();
            since.is_some_and(|since| self.now >= since + bounds.teardown)
                && (self.any_in_flight(*on) || self.may_close(bounds, *on))
        };
        let waits = |place: Place| match place {
            Place::Queued | Place::InFlight(_) | Place::Held(_) => true,
            Place::Unissued | Place::Done => false,
        };
        self.now < bounds.horizon()
            && self.writes.iter().any(|write| waits(write.place))
            && !(0..self.links.len() as u8).any(|on| overdue(&on))
            && (bounds.keep_alive != KeepAlive::Off || self.now <= bounds.lose_by + bounds.cqt + 1)
    }
}
