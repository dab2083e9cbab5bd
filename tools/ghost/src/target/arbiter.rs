// SPDX-License-Identifier: GPL-2.0

//! An array that arbitrates paths itself: an ANA group is optimized on one port and inaccessible on
//! all others, and moves only when nothing for it that came through another port can be executed any
//! more.

use super::config::AnaState;
use super::controller::Purpose;
use super::core::Core;
use super::journal::Line;
use super::script::rule::{Body, Facts, Stage};
use super::timers::Timer;
use crate::nvme::status::Status;

impl Core {
    /// A port has lost a controller: if it was the last one there, its groups move, after a time.
    pub(super) fn move_group_later(&mut self, port: u16) {
        if let Some(ms) = self.config.move_after_ms {
            if !self.is_used(port) {
                self.timers.cancel(Timer::Move(port));
                self.set_timer(ms, Timer::Move(port));
            }
        }
    }

    /// The time is over. Who has come back meanwhile keeps the groups where they are.
    pub(super) fn move_group_from(&mut self, port: u16) {
        if self.is_used(port) {
            return;
        }
        let count = self.ports.len() as u16;
        let others = (1..count).map(|step| (port - 1 + step) % count + 1);
        let Some(first) = others.clone().next() else {
            return;
        };
        let to = others.clone().find(|&other| self.is_used(other));
        for group in self.config.nsids() {
            if self.port(port).ana(group) == AnaState::Optimized {
                self.move_group(group, to.unwrap_or(first));
            }
        }
    }

    /// Makes this port the optimized one for a group.
    pub(super) fn move_group(&mut self, group: u32, to: u16) {
        let facts = Facts {
            port: to,
            nsid: Some(group),
            ..Facts::default()
        };
        let kept = self
            .rules
            .apply(&facts, |body| matches!(body, Body::Move).then_some(()));
        if kept.is_none() {
            self.end_commands_of_others(group, to);
        }
        let line = Line {
            port: Some(to),
            nsid: Some(group),
            rule: kept.map(|(rule, ())| rule),
            ..self.line("moved")
        };
        self.journal.note(&line);
        for port in 1..=self.ports.len() as u16 {
            let state = match port == to {
                true => AnaState::Optimized,
                false => AnaState::Inaccessible,
            };
            if self.port(port).ana(group) != state {
                self.set_ana(port, group..=group, state);
            }
        }
    }

    /// What was not executed yet, and came through another port, never will be.
    fn end_commands_of_others(&mut self, group: u32, port: u16) {
        let numbers: Vec<u64> = self
            .held
            .iter()
            .filter(|(_, held)| held.stage < Stage::BeforeCompletion)
            .filter(|(_, held)| held.command.facts.queue > Some(0))
            .filter(|(_, held)| held.command.facts.port != port)
            .filter(|(_, held)| self.namespaces_of(&held.command).contains(&group))
            .map(|(&number, _)| number)
            .collect();
        for number in numbers {
            let Some(held) = self.held.remove(&number) else {
                continue;
            };
            let command = held.command;
            if self.connections.contains_key(&command.connection) {
                self.complete_aborted(command, Status::ANA_TRANSITION);
                continue;
            }
            self.note_dropped(&command, "the group moves");
            if let Some(association) = command.association {
                self.forget_if_over(association);
            }
        }
    }

    /// Whether a controller with namespaces is in use there.
    fn is_used(&self, port: u16) -> bool {
        self.controllers.values().any(|controller| {
            controller.port == port && !controller.lost && controller.purpose == Purpose::Io
        })
    }
}
