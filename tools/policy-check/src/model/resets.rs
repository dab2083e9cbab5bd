// SPDX-License-Identifier: GPL-2.0-only

//! What the module does about Cross-Controller Resets: its `resets.rs`, once more. What is to be asked
//! for is asked for at once.

use super::bounds::Bounds;
use super::property::Violation;
use super::service::{Ccrs, Page, Read, Reply, Stage};
use super::shell::Record;
use super::state::{Phase, State};
use super::truth::ADMIN;
use nvme_fence_policy::{Answer, Event, Log, Neighbours, Priority, SourceId, Standing};

/// More than this is never to be asked for in one instant.
const ASKED_AT_ONCE_MAX: usize = 32;

/// What an association is called as a source.
pub(super) fn source_id(on: u8) -> SourceId {
    SourceId(u64::from(on))
}

impl State {
    /// Asks for all that is to be asked for.
    pub(super) fn ask(&mut self, bounds: &Bounds) {
        if bounds.ccrl == 0 {
            return;
        }
        for _ in 0..ASKED_AT_ONCE_MAX {
            if !self.ask_for_log(bounds) && !self.ask_for_reset(bounds) {
                return;
            }
        }
        self.blame(Violation::Restless);
    }

    fn records(&self) -> impl Iterator<Item = (u8, &Record)> {
        self.links
            .iter()
            .enumerate()
            .filter_map(|(on, link)| Some((on as u8, link.record.as_ref()?)))
    }

    /// The log pages that are to be read are read, and there is nothing in them.
    pub(super) fn clear_logs(&mut self, bounds: &Bounds) {
        for on in 0..self.links.len() as u8 {
            self.link(on).service.read_log(false);
            self.log_arrives(bounds, on, true);
        }
    }

    fn ask_for_log(&mut self, bounds: &Bounds) -> bool {
        let wanted = |(on, record): (u8, &Record)| record.source().wants_log_read().then_some(on);
        let Some(on) = self.records().find_map(wanted) else {
            return false;
        };
        let now = bounds.nanos(self.now);
        let link = self.link(on);
        if let Some(record) = &mut link.record {
            let read = record.source_mut(|source| source.begin_log_read(now));
            link.service.read = Some(Read::Underway(read.retain_event, read.remove_completed));
        }
        self.sent(on);
        true
    }

    fn ask_for_reset(&mut self, bounds: &Bounds) -> bool {
        let mut best: Option<(Priority, u8, u8)> = None;
        let knobs = bounds.knobs();
        let mut neighbours = Neighbours::default();
        for (_, record) in self.records() {
            neighbours.add(record.association());
        }
        for (by, source) in self.records() {
            let standing = Standing {
                id: source_id(by),
                optimized: true,
            };
            for (of, impacted) in self.records() {
                let (impacted, source) = (impacted.association(), source.association());
                if let Some(priority) =
                    Priority::find(impacted, source, &standing, &neighbours, &knobs)
                    && best.as_ref().is_none_or(|(best, ..)| *best < priority)
                {
                    best = Some((priority, of, by));
                }
            }
        }
        let Some((_, of, by)) = best else {
            return false;
        };
        let now = bounds.nanos(self.now);
        let Some(record) = &mut self.link(of).record else {
            return false;
        };
        record.ask(source_id(by), now);
        let identity = *record.association().identity();
        if let Some(record) = &mut self.link(by).record {
            record.source_mut(|source| source.ask(&identity));
        }
        self.check_asked(bounds, of, by);
        self.link(by).service.send(of);
        self.sent(by);
        true
    }

    /// A command is sent on an association: its clocks count from now on.
    fn sent(&mut self, on: u8) {
        self.link(on).truth.sent = self.now;
    }

    fn is_awaited(&self, by: u8) -> bool {
        self.records()
            .any(|(_, record)| record.association().tries().awaits(source_id(by)))
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
        self.link(of).truth.dead |= bounds.assumes(super::Assumption::HonestTarget);
    }

    /// A reset ends.
    pub(super) fn reset_ends(&mut self, bounds: &Bounds, source: u8, of: u8, success: bool) {
        let ccrs = if success {
            self.reset(bounds, of);
            Ccrs::Success
        } else {
            self.left.nuisances -= 1;
            Ccrs::Failed
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
            self.note_answer(source, of, reply);
            self.link(of).told_reset |= reply == Reply::Immediate;
            self.tell_answer(bounds, source, of, reply.decode());
        }
    }

    fn tell_answer(&mut self, bounds: &Bounds, source: u8, of: u8, answer: Answer) {
        let now = bounds.nanos(self.now);
        let identity = bounds.identity(self.link(of).controller, of);
        // What it says counts, also if the record of the source is gone.
        if let Some(record) = &mut self.link(source).record {
            record.source_mut(|source| source.answered(&identity, answer, now));
        }
        self.handle(bounds, of, Event::Answered(source_id(source), answer));
    }

    /// The event arrives at the host.
    pub(super) fn event_arrives(&mut self, source: u8) {
        let link = self.link(source);
        link.service.event = false;
        if let Some(record) = &mut link.record {
            record.source_mut(|source| source.completed_event());
        }
    }

    /// The log page of a source arrives at the host, or does not.
    pub(super) fn log_arrives(&mut self, bounds: &Bounds, source: u8, arrives: bool) {
        let read = self.link(source).service.read.take();
        let page = match read {
            Some(Read::Answered(page)) if arrives => Some(page),
            _ => None,
        };
        self.tell_log(bounds, source, page.as_ref());
    }

    fn tell_log(&mut self, bounds: &Bounds, source: u8, page: Option<&Page>) {
        let now = bounds.nanos(self.now);
        let Some(record) = &mut self.link(source).record else {
            return;
        };
        let Some(read) = record.source().reading() else {
            return;
        };
        if page.is_none() {
            self.link(source).rests_until = self.now + 1;
        }
        let bytes = page.map(|page| self.bytes(bounds, page));
        let Some(log) = bytes.as_deref().and_then(Log::parse) else {
            if let Some(record) = &mut self.link(source).record {
                record.source_mut(|source| source.log_read_fails(now));
            }
            return;
        };
        let due = page.map_or(0, |page| self.expect_release(source, page));
        let mut success = false;
        for of in 0..self.links.len() as u8 {
            let link = self.link(of);
            let Some(record) = &link.record else { continue };
            if !record.association().tries().awaits(source_id(source)) {
                continue;
            }
            let identity = *record.association().identity();
            let status = log.status(&identity);
            success |= status == Some(nvme_fence_policy::ccr::log::Status::Success);
            if page.is_some_and(|page| page.says_reset(of)) {
                link.told_reset = true;
                // Whatever comes of it, that was all.
                link.asked &= !(1 << source);
                link.awaited &= !(1 << source);
            }
            let reported = Event::Reported {
                source: source_id(source),
                status,
                reading: read.since,
            };
            self.handle(bounds, of, reported);
        }
        self.note_log(source, due);
        let awaited = self.is_awaited(source);
        if let Some(record) = &mut self.link(source).record {
            record.source_mut(|source| source.log_read_ends(&log, awaited, success, now));
        }
    }

    /// The bytes of a log page.
    fn bytes(&self, bounds: &Bounds, page: &Page) -> Vec<u8> {
        let name = |of: u8| {
            let identity = bounds.identity(self.links[usize::from(of)].controller, of);
            (identity.cntlid as u8, identity.ciu)
        };
        let mut entries: Vec<[u8; 8]> = Vec::new();
        let mut list = |icid: u8, ciu: u8, ccrs: Ccrs| {
            entries.push([icid, 0, ciu, 0, 0, 0, ccrs as u8, 0]);
        };
        if page.stale {
            for of in 0..bounds.associations {
                for icid in 1..=bounds.controllers {
                    list(icid, of + 1, Ccrs::Success);
                }
            }
        }
        for entry in &page.entries {
            let (icid, ciu) = name(entry.of);
            list(icid, ciu, entry.ccrs);
        }
        if page.foreign {
            for of in 0..self.links.len() as u8 {
                let (icid, ciu) = name(of);
                list(icid, ciu + bounds.associations, Ccrs::Success);
                list(icid + bounds.controllers, ciu, Ccrs::Success);
            }
        }
        let mut bytes = vec![entries.len() as u8, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(entries.concat());
        bytes
    }

    /// What can happen to what `on` does for others.
    pub(super) fn enabled_service(
        &self,
        bounds: &Bounds,
        on: u8,
        actions: &mut Vec<super::Action>,
    ) {
        use super::Action;
        let link = &self.links[usize::from(on)];
        if link.phase == Phase::Closed {
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
                actions.push(Action::ResetEnds {
                    source,
                    of,
                    success: true,
                });
                if nuisance {
                    actions.push(Action::ResetEnds {
                        source,
                        of,
                        success: false,
                    });
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

    /// Nobody waits for anything from this source any more.
    pub(super) fn give_up_on(&mut self, bounds: &Bounds, source: u8) {
        let service = std::mem::take(&mut self.link(source).service);
        for command in service.commands {
            self.tell_answer(bounds, source, command.of, Answer::Failed);
        }
        if service.read.is_some() {
            self.tell_log(bounds, source, None);
        }
    }
}
