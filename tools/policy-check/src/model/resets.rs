// SPDX-License-Identifier: GPL-2.0-only

//! How commands for Cross-Controller Resets, their answers, events and log pages travel between host
//! and target.

use super::action::Action;
use super::bounds::{Assumption, Bounds};
use super::lost_host::LostHostPage;
use super::service::{Ccrs, Ending, How, Page, Read, Reply, ResetsPage, Stage};
use super::shell::{association_id, controller_id};
use super::state::{Link, Phase, State};
use super::truth::ADMIN;
use nvme_fence_policy::{Answer, Input};

impl State {
    /// The log pages that are to be read are read, and there is nothing in them.
    pub(super) fn clear_logs(&mut self, bounds: &Bounds) {
        for on in 0..self.links.len() as u8 {
            self.link(on).service.read_log(false);
            self.log_arrives(bounds, on, true);
        }
    }

    /// A command arrives at the source, which replies.
    pub(super) fn reset_arrives(&mut self, bounds: &Bounds, source: u8, of: u8, reply: Reply) {
        let now = self.now;
        let nuisance = match reply {
            Reply::Immediate | Reply::Accepted => false,
            Reply::InProgress => {
                let mut underway = self.link(source).service.underway();
                underway.all(|entry| entry.of != of)
            }
            Reply::LimitExceeded => {
                self.link(source).service.underway().count() < usize::from(bounds.ccrl)
            }
            Reply::LogFull | Reply::Refused | Reply::Failed => true,
        };
        self.left.nuisances -= u8::from(nuisance);
        if reply == Reply::Immediate {
            self.reset(bounds, of);
        }
        let link = self.link(source);
        link.truth.hear(bounds, now, false);
        link.service.reply(of, reply);
    }

    /// The target resets a controller, or a liar only says so.
    fn reset(&mut self, bounds: &Bounds, of: u8) {
        self.link(of).truth.dead |= bounds.assumes(Assumption::HonestTarget);
    }

    /// A command arrives at a source that the host has lost.
    pub(super) fn late_reset_arrives(&mut self, source: u8, of: u8) {
        self.link(source).service.arrives_late(of);
    }

    /// A reset ends.
    pub(super) fn reset_ends(&mut self, bounds: &Bounds, source: u8, of: u8, ending: Ending) {
        let ccrs = match ending {
            Ending::Success => {
                self.reset(bounds, of);
                Ccrs::Success
            }
            Ending::Failed(failure) => {
                self.left.nuisances -= 1;
                let lie = !bounds.assumes(Assumption::HonestFailure);
                if failure.noticed && !lie {
                    self.notices(bounds, of);
                }
                Ccrs::Failed(failure)
            }
        };
        self.link(source).service.complete(of, ccrs);
    }

    /// The answer to a command arrives at the host.
    pub(super) fn reset_answered(&mut self, bounds: &Bounds, source: u8, of: u8) {
        let service = &mut self.link(source).service;
        let answered = service
            .commands
            .iter()
            .position(|command| command.of == of && matches!(command.stage, Stage::Answered(_)));
        let Some(index) = answered else { return };
        if let Stage::Answered(reply) = service.commands.remove(index).stage {
            self.note_answer(bounds, source, of, reply);
            self.link(of).told_reset |= reply == Reply::Immediate;
            self.tell_answer(bounds, source, of, reply.decode());
        }
    }

    /// The host learns what became of a command.
    pub(super) fn tell_answer(&mut self, bounds: &Bounds, source: u8, of: u8, answer: Answer) {
        let answered = Input::Answered {
            source: association_id(source),
            source_controller: controller_id(self.link(source).controller),
            identity: bounds.identity(self.link(of).controller, of),
            answer,
        };
        self.tell(bounds, answered);
    }

    /// The event arrives at the host, which knows the controller that it is from.
    pub(super) fn event_arrives(&mut self, bounds: &Bounds, source: u8) {
        self.link(source).service.event = false;
        let controller = controller_id(self.link(source).controller);
        self.tell(bounds, Input::ResetCompleted(controller));
    }

    /// A log page of a source arrives at the host, or does not.
    pub(super) fn log_arrives(&mut self, bounds: &Bounds, source: u8, arrives: bool) {
        match self.link(source).service.read.take() {
            Some(Read::Answered(Page::Resets(page))) => {
                self.tell_resets(bounds, source, Some(&page).filter(|_| arrives));
            }
            Some(Read::Answered(Page::LostHost(page))) => {
                self.tell_lost_host(bounds, source, Some(&page).filter(|_| arrives));
            }
            Some(Read::Underway(How::Resets { .. })) => self.tell_resets(bounds, source, None),
            Some(Read::Underway(How::LostHost { .. })) => self.tell_lost_host(bounds, source, None),
            None => {}
        }
    }

    /// The host learns what became of a read of the log page about resets.
    pub(super) fn tell_resets(&mut self, bounds: &Bounds, source: u8, page: Option<&ResetsPage>) {
        let released = self.note_page(bounds, source, page);
        let bytes = page.map(|page| page.bytes(bounds, &self.names(bounds)));
        self.tell_log(bounds, source, bytes.as_deref());
        if page.is_some() {
            self.note_log(source, released);
        }
    }

    /// The host learns what became of a read of the log page about controllers that have noticed.
    pub(super) fn tell_lost_host(
        &mut self,
        bounds: &Bounds,
        source: u8,
        page: Option<&LostHostPage>,
    ) {
        self.note_lost_host_page(source, page);
        let bytes = page.map(|page| page.bytes(bounds, &self.names(bounds)));
        self.tell_log(bounds, source, bytes.as_deref());
    }

    /// The host learns that a read could not be sent.
    pub(super) fn tell_log_not_sent(&mut self, bounds: &Bounds, source: u8, how: How) {
        match how {
            How::Resets { .. } => {
                self.note_page(bounds, source, None);
            }
            How::LostHost { .. } => self.note_lost_host_not_read(source),
        }
        let source = association_id(source);
        self.tell(bounds, Input::LogNotSent { source });
    }

    fn tell_log(&mut self, bounds: &Bounds, source: u8, page: Option<&[u8]>) {
        let source = association_id(source);
        self.tell(bounds, Input::LogRead { source, page });
    }

    /// What log pages call each association: its Controller ID and CIU.
    fn names(&self, bounds: &Bounds) -> Vec<(u8, u8)> {
        let name = |(on, link): (usize, &Link)| {
            let identity = bounds.identity(link.controller, on as u8);
            (identity.cntlid as u8, identity.ciu)
        };
        self.links.iter().enumerate().map(name).collect()
    }

    /// What can happen to what `on` does for others.
    pub(super) fn enabled_service(&self, bounds: &Bounds, on: u8, actions: &mut Vec<Action>) {
        let link = &self.links[usize::from(on)];
        if link.phase == Phase::Closed {
            self.enabled_lost_source(bounds, on, actions);
            return;
        }
        let (service, source) = (&link.service, on);
        let arrives = link.truth.may_arrive(bounds, self.now, ADMIN);
        let nuisance = self.left.nuisances > 0;
        for command in &service.commands {
            let of = command.of;
            match command.stage {
                Stage::Underway if arrives => {
                    let dead = self.links[usize::from(of)].truth.dead;
                    for reply in service.replies(bounds, of, dead, nuisance) {
                        actions.push(Action::ResetArrives { source, of, reply });
                    }
                }
                Stage::Underway => {}
                Stage::Answered(_) => actions.push(Action::ResetAnswered { source, of }),
            }
        }
        if !link.truth.dead {
            for entry in service.underway() {
                let of = entry.of;
                let impacted = self.links[usize::from(of)].controller;
                for ending in Ending::all(bounds, impacted, nuisance) {
                    actions.push(Action::ResetEnds { source, of, ending });
                }
            }
        }
        let spurious = !service.commands.is_empty() && !service.event;
        if nuisance && spurious && !bounds.prompt {
            actions.push(Action::EventForged { source });
        }
        if service.event {
            actions.push(Action::EventArrives { source });
            if nuisance {
                actions.push(Action::EventLost { source });
            }
        }
        if service.lost_host.event {
            actions.push(Action::LostHostEventArrives { source });
            if nuisance {
                actions.push(Action::LostHostEventLost { source });
            }
        }
        match &service.read {
            Some(Read::Underway(..)) if arrives => {
                actions.push(Action::LogRead {
                    source,
                    foreign: false,
                });
                if nuisance {
                    actions.push(Action::LogRead {
                        source,
                        foreign: true,
                    });
                }
            }
            Some(Read::Answered(_)) => {
                actions.push(Action::LogArrives { source });
                if nuisance {
                    actions.push(Action::LogFails { source });
                }
            }
            Some(Read::Underway(..)) | None => {}
        }
    }

    /// What was left behind at a source that the host has lost may still have effects.
    fn enabled_lost_source(&self, bounds: &Bounds, source: u8, actions: &mut Vec<Action>) {
        let link = &self.links[usize::from(source)];
        if link.truth.may_arrive(bounds, self.now, ADMIN) {
            for command in &link.service.commands {
                let of = command.of;
                actions.push(Action::LateResetArrives { source, of });
            }
        }
        for entry in link.service.underway() {
            let of = entry.of;
            actions.push(Action::ResetEnds {
                source,
                of,
                ending: Ending::Success,
            });
        }
    }

    /// Nobody waits for anything from this source any more.
    pub(super) fn give_up_on(&mut self, bounds: &Bounds, source: u8) {
        let mut service = std::mem::take(&mut self.link(source).service);
        for command in &service.commands {
            self.tell_answer(bounds, source, command.of, Answer::Failed);
        }
        self.link(source).service.read = service.read.take();
        self.log_arrives(bounds, source, false);
        if bounds.lost_sources_receive {
            self.link(source).service = service.left_behind();
        }
    }
}
