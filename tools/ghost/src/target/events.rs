// SPDX-License-Identifier: GPL-2.0

//! Asynchronous events: raised, masked until their log page is read, reported.

use super::command::{Command, Completion, Executed};
use super::controller::{AssociationId, Purpose};
use super::core::Core;
use super::journal::Line;
use super::script::rule::{Body, EventFault, Facts};
use super::timers::Timer;
use crate::nvme::event::Event;
use crate::nvme::status::Status;

/// Asynchronous Event Request commands that a controller takes.
pub(super) const REQUESTS_MAX: usize = 4;

impl Core {
    /// The events that a controller has, as bits.
    pub(super) fn async_events_supported(&self, id: AssociationId) -> u32 {
        if self.controllers[&id].purpose == Purpose::Discovery {
            return 0;
        }
        let supported = |event| match event {
            Event::Namespace => true,
            Event::Ana => self.config.has_ana(),
            Event::Ccr => self.config.has_ccr() && self.config.ccr_event,
            Event::LostHost => self.config.lost_log,
        };
        Event::ALL
            .into_iter()
            .filter(|&event| supported(event))
            .fold(0, |bits, event| bits | event.enable_bit())
    }

    pub(super) fn async_event_request(&self, id: AssociationId) -> Executed {
        if self.controllers[&id].events.requests.len() >= REQUESTS_MAX {
            return Status::EVENT_LIMIT.dnr().into();
        }
        Executed::AwaitsEvent(id)
    }

    pub(super) fn add_event_request(&mut self, id: AssociationId, command: Command) {
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.events.requests.push_back(command);
            self.report_events(id);
        }
    }

    /// Something has happened that the host may want to know, if the script lets it.
    pub(super) fn raise_event(&mut self, id: AssociationId, event: Event) {
        let events = &self.controllers[&id].events;
        if events.enabled & event.enable_bit() == 0 || events.masked.contains(&event) {
            self.note_event("not-notified", id, event, None);
            return;
        }
        let facts = Facts {
            event: Some(event),
            ..self.facts(id)
        };
        let fault = self.rules.apply(&facts, |body| match body {
            Body::Event(fault) => Some(*fault),
            _ => None,
        });
        let Some((rule, fault)) = fault else {
            self.post_event(id, event);
            return;
        };
        self.note_event("event-disturbed", id, event, Some(rule));
        match fault {
            EventFault::Lose => {}
            EventFault::Delay { ms } => self.set_timer(ms, Timer::Event(id, event)),
            EventFault::Double => {
                self.post_event(id, event);
                self.post_event(id, event);
            }
        }
    }

    /// Has an event reported as soon as there is a command for it.
    pub(super) fn post_event(&mut self, id: AssociationId, event: Event) {
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.events.masked.insert(event);
            controller.events.pending.push_back(event);
            self.report_events(id);
        }
    }

    fn report_events(&mut self, id: AssociationId) {
        while let Some((command, event)) = self.take_event_to_report(id) {
            self.note_event("notified", id, event, None);
            self.finish(command, Completion::result(event.result().into()));
        }
    }

    fn take_event_to_report(&mut self, id: AssociationId) -> Option<(Command, Event)> {
        let events = &mut self.controllers.get_mut(&id)?.events;
        let event = *events.pending.front()?;
        let command = events.requests.pop_front()?;
        events.pending.pop_front();
        Some((command, event))
    }

    fn note_event(
        &mut self,
        what: &'static str,
        id: AssociationId,
        event: Event,
        rule: Option<u64>,
    ) {
        let line = Line {
            notice: Some(event.name()),
            rule,
            ..self.line_about(what, id)
        };
        self.journal.note(&line);
    }
}
