// SPDX-License-Identifier: GPL-2.0-only

//! What follows when something happens.

use super::action::Action;
use super::bounds::Bounds;
use super::property::Violation;
use super::shell::controller_id;
use super::state::{Place, State};
use super::truth::{Content, Copy};
use nvme_fence_policy::hold::HOST_PATH_ERROR;
use nvme_fence_policy::{Input, Scope};

impl State {
    /// Takes a step.
    pub(super) fn step(&mut self, bounds: &Bounds, action: Action) {
        match action {
            Action::Tick => self.tick(),
            Action::Issue { write, block, on } => {
                self.issued += 1;
                self.write(write).block = block;
                self.submit(bounds, write, on);
            }
            Action::Send { write, on } => self.submit(bounds, write, on),
            Action::Leave { write, on } => self.leave(write, on),
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
            Action::Close { on } => self.close(bounds, on),
            Action::Remove { on } => self.remove(bounds, on),
            Action::Delete { on } => self.delete(bounds, on),
            Action::Reconnect { controller } => self.reconnect(bounds, controller),
            Action::Timeout => self.timeout(bounds),
            Action::SendOn { on } => self.send_on(on),
            Action::Drained { on } => self.drained(bounds, on),
            Action::Empty { on } => self.empty(bounds, on),
            Action::Repeat { on } => self.repeat(on),
            Action::Repeated { on } => self.repeated(bounds, on),
            Action::Unload => self.unload(bounds),
            Action::Expire { on } => self.expire(bounds, on),
            Action::ForeignWrite { write, block } => self.foreign_write(write, block),
            Action::Alter { write } => self.altered |= 1 << write,
            Action::AdminReleases { controller } => self.admin_releases(bounds, controller),
            Action::AdminReleasesRemoved => self.admin_releases_removed(bounds),
            Action::Change { setting } => self.change(bounds, setting),
            Action::Choose => self.choose(bounds),
            Action::Ask => self.send_chosen(),
            Action::AskFails => {
                let sendable = self.chosen.is_some_and(|chosen| self.may_send(chosen));
                self.left.nuisances -= u8::from(sendable);
                self.drop_chosen(bounds);
            }
            Action::ResetArrives { source, of, reply } => {
                self.reset_arrives(bounds, source, of, reply);
                if bounds.prompt {
                    self.reset_answered(bounds, source, of);
                }
            }
            Action::LateResetArrives { source, of } => self.late_reset_arrives(source, of),
            Action::ResetAnswered { source, of } => self.reset_answered(bounds, source, of),
            Action::ResetEnds { source, of, ending } => {
                self.reset_ends(bounds, source, of, ending);
                if bounds.prompt && self.link(source).service.event {
                    self.event_arrives(bounds, source);
                }
            }
            Action::EventArrives { source } => self.event_arrives(bounds, source),
            Action::EventForged { source } => {
                self.left.nuisances -= 1;
                self.event_arrives(bounds, source);
            }
            Action::EventLost { source } => {
                self.left.nuisances -= 1;
                self.link(source).service.event = false;
            }
            Action::Move { block, to } => self.move_block(bounds, block, to),
            Action::Notices { on } => self.notices(bounds, on),
            Action::LostHostEventArrives { source } => {
                self.lost_host_event_arrives(bounds, source);
            }
            Action::LostHostEventLost { source } => {
                self.left.nuisances -= 1;
                self.link(source).service.lost_host.event = false;
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
        }
        if !bounds.late_asks {
            self.ask(bounds);
        }
        if !self.unloaded {
            self.check_timer(bounds);
            self.check_heard(bounds);
            self.check_moved(bounds);
        }
        if action == Action::Timeout && (!bounds.late_asks || self.has_asked(bounds)) {
            self.check_unasked(bounds);
            self.check_unread();
            self.check_unread_notices(bounds);
        }
        self.tidy(bounds);
    }

    fn tick(&mut self) {
        self.now += 1;
        for link in &mut self.links {
            let [just_now, before] = link.accepted;
            link.accepted = [0, before | just_now];
        }
    }

    pub(super) fn send(&mut self, bounds: &Bounds, write: u8, on: u8) {
        let now = self.now;
        self.write(write).place = Place::InFlight(on);
        let truth = &mut self.link(on).truth;
        truth.sent = now;
        truth.copies[usize::from(write)] = Copy::Underway;
        truth.buffered |= 1 << write;
        if !bounds.buffers {
            self.leave(write, on);
        }
    }

    fn execute(&mut self, write: u8, on: u8) {
        let truth = &mut self.link(on).truth;
        truth.copies[usize::from(write)] = Copy::Executed;
        let content = truth.contents[usize::from(write)];
        let block = usize::from(self.write(write).block);
        let (old, new) = (self.stored[block], write + 1);
        let changes = (old, self.contents[block]) != (new, content);
        self.stored[block] = new;
        self.contents[block] = content;
        // Of two writes that are under way at once, either may be the last.
        let done = self.write(write).place == Place::Done;
        if !done || !changes || self.counted & 1 << write != 0 {
            return;
        }
        if old == new || content == Content::Reused {
            self.blame(Violation::SpoiledWrite);
        } else if new < self.acknowledged[block] {
            self.blame(Violation::GhostWrite);
        }
    }

    fn acknowledge(&mut self, write: u8) {
        self.write(write).place = Place::Done;
        let block = usize::from(self.write(write).block);
        self.acknowledged[block] = self.acknowledged[block].max(write + 1);
    }

    fn admin_releases(&mut self, bounds: &Bounds, controller: u8) {
        self.left.admin -= 1;
        self.vouch_for(bounds, |one| one == controller);
        let scope = Scope::Controller(controller_id(controller));
        self.tell(bounds, Input::Release(scope));
    }

    fn admin_releases_removed(&mut self, bounds: &Bounds) {
        self.left.admin -= 1;
        let removed = self.removed;
        self.vouch_for(bounds, |one| removed[usize::from(one)]);
        self.tell(bounds, Input::Release(Scope::Removed));
    }
}
