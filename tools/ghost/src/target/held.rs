// SPDX-License-Identifier: GPL-2.0

//! Commands that are held: the rest of their way they go when they are released, in the order of
//! the releases, unless something drops them before.

use super::command::Command;
use super::connection::ConnectionId;
use super::core::Core;
use super::journal::Line;
use super::script::rule::Stage;
use super::timers::Timer;
use crate::nvme::command::{DataPointer, Direction, Opcode};

/// A command that is held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) command: Command,
    /// Where it goes on.
    pub(super) stage: Stage,
}

impl Held {
    /// Whether it can still be executed without its connection: only what works on blocks, and has
    /// its data.
    fn outlives_connection(&self) -> bool {
        let Held { command, stage } = self;
        let is_io = command.facts.queue.is_some_and(|queue| queue > 0);
        let lacks_data = *stage == Stage::BeforeData
            && matches!(command.sqe.data_pointer(), DataPointer::Transport(_))
            && command.sqe.direction() == Direction::FromHost;
        is_io && !lacks_data && command.opcode != Opcode::Connect
    }
}

impl Core {
    /// Holds a command, for ever or for a time.
    pub(super) fn hold(&mut self, command: Command, stage: Stage, ms: Option<u64>) {
        let number = self.new_held();
        let line = Line {
            stage: Some(stage.name()),
            held: Some(number),
            ..self.line_for("held", &command)
        };
        self.journal.note(&line);
        self.held.insert(number, Held { command, stage });
        if let Some(ms) = ms {
            self.set_timer(ms, Timer::Release(number));
        }
    }

    /// Lets a held command go on; says whether there was one with this number.
    pub(super) fn release(&mut self, number: u64) -> bool {
        let Some(Held { command, stage }) = self.held.remove(&number) else {
            return false;
        };
        let line = Line {
            stage: Some(stage.name()),
            held: Some(number),
            ..self.line_for("released", &command)
        };
        self.journal.note(&line);
        let (association, connected) = (
            command.association,
            self.connections.contains_key(&command.connection),
        );
        self.advance(command, stage);
        if let (Some(association), false) = (association, connected) {
            self.forget_if_over(association);
        }
        true
    }

    /// A command will never be executed, or never be answered.
    pub(super) fn note_dropped(&mut self, command: &Command, reason: &str) {
        let line = Line {
            reason: Some(reason),
            ..self.line_for("dropped", command)
        };
        self.journal.note(&line);
    }

    /// Drops the held commands that are `wanted`.
    pub(super) fn drop_held(&mut self, reason: &str, wanted: impl Fn(&Held) -> bool) {
        let numbers: Vec<u64> = self
            .held
            .iter()
            .filter(|(_, held)| wanted(held))
            .map(|(&number, _)| number)
            .collect();
        for number in numbers {
            if let Some(held) = self.held.remove(&number) {
                self.note_dropped(&held.command, reason);
            }
        }
    }

    /// Drops the held commands that are worth nothing without this connection. Says whether others
    /// remain.
    pub(super) fn drop_held_by_loss(&mut self, id: ConnectionId) -> bool {
        self.drop_held("connection lost", |held| {
            held.command.connection == id && !held.outlives_connection()
        });
        self.held.values().any(|held| held.command.connection == id)
    }
}
