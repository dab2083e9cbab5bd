// SPDX-License-Identifier: GPL-2.0

//! The way of a command through the target, and where it can be held.
//!
//! Received, its data fetched, checked, executed, completed. At each step the script may hold it;
//! the rest of its way it goes when it is released, in the order of the releases.

use super::connection::{ConnectionId, Outgoing, Queue, Transfer};
use super::controller::AssociationId;
use super::core::Core;
use super::journal::{Line, status_text};
use super::script::rule::{Body, Facts, Plan, Reply, Stage};
use super::timers::Timer;
use crate::nvme::command::{DataPointer, Direction, Opcode, Sqe};
use crate::nvme::pdu::{self, Cqe, Piece};
use crate::nvme::status::Status;

/// A command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) connection: ConnectionId,
    /// None for a command before Connect, and for Connect.
    pub(super) association: Option<AssociationId>,
    /// What rules and journal know of it.
    pub(super) facts: Facts,
    pub(super) sqe: Sqe,
    pub(super) opcode: Opcode,
    pub(super) data: Vec<u8>,
    pub(super) data_intact: bool,
    plan: Plan,
    completion: Option<Completion>,
}

/// A command that is held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) command: Command,
    pub(super) stage: Stage,
}

/// What a command has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Completion {
    pub(super) status: Status,
    pub(super) result: u64,
    pub(super) data: Vec<u8>,
}

/// What became of an attempt to execute a command.
pub(super) enum Executed {
    Done(Completion),
    /// It is completed when an event is to be reported.
    AwaitsEvent(AssociationId),
    /// It is completed when this association was reset.
    AwaitsReset(AssociationId),
}

impl Completion {
    pub(super) fn success() -> Self {
        Completion::result(0)
    }

    pub(super) fn result(result: u64) -> Self {
        Completion {
            status: Status::SUCCESS,
            result,
            data: Vec::new(),
        }
    }

    pub(super) fn data(data: Vec<u8>) -> Self {
        Completion {
            data,
            ..Completion::success()
        }
    }
}

impl From<Status> for Completion {
    fn from(status: Status) -> Self {
        Completion {
            status,
            ..Completion::success()
        }
    }
}

impl<T: Into<Completion>> From<T> for Executed {
    fn from(completion: T) -> Self {
        Executed::Done(completion.into())
    }
}

impl Command {
    /// Whether it can still be executed without its connection: only what works on blocks, and has
    /// its data.
    fn outlives_connection(&self, stage: Stage) -> bool {
        let is_io = self.facts.queue.is_some_and(|queue| queue > 0);
        let lacks_data = stage == Stage::BeforeData
            && matches!(self.sqe.data_pointer(), DataPointer::Transport(_))
            && self.sqe.direction() == Direction::FromHost;
        is_io && !lacks_data && self.opcode != Opcode::Connect
    }
}

impl Core {
    /// A command has come.
    pub(super) fn accept(&mut self, id: ConnectionId, sqe: Sqe, data: Vec<u8>, data_intact: bool) {
        let mut command = self.identify_command(id, sqe);
        (command.data, command.data_intact) = (data, data_intact);
        if let Some(association) = command.association {
            self.heard_of(association, command.opcode);
        }
        let line = self.line_for("received", &command);
        self.journal.note(&line);

        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        let room = connection.queue.as_ref().map_or(1, |queue| queue.entries);
        if connection.outstanding.len() >= usize::from(room) {
            self.lose(id, "more commands than the queue has room for");
            return;
        }
        if !connection.outstanding.insert(sqe.cid()) {
            self.send_completion(&command, Status::ID_CONFLICT.dnr().into());
            return;
        }
        let opcode = command.opcode;
        let plan = self.rules.apply(&command.facts, |body| match body {
            Body::Command(wanted, plan) if wanted.is_none_or(|wanted| wanted == opcode) => {
                Some(*plan)
            }
            _ => None,
        });
        if let Some((number, plan)) = plan {
            let line = Line {
                rule: Some(number),
                ..self.line_for("matched", &command)
            };
            self.journal.note(&line);
            command.plan = plan;
        }
        self.advance(command, Stage::BeforeData);
    }

    /// What is known of a command by its connection and itself.
    fn identify_command(&self, id: ConnectionId, sqe: Sqe) -> Command {
        let connection = &self.connections[&id];
        let queue = connection.queue.as_ref();
        let association = queue.map(|queue| queue.association);
        let opcode = sqe.opcode(queue.is_none_or(|queue| queue.number == 0));
        let has_blocks = matches!(opcode, Opcode::Read | Opcode::Write | Opcode::WriteZeroes);
        let is_ccr = opcode == Opcode::CrossControllerReset;
        Command {
            connection: id,
            association,
            facts: Facts {
                port: connection.port,
                cntlid: association.map_or(0, |id| self.controllers[&id].cntlid),
                queue: queue.map(|queue| queue.number),
                blocks: has_blocks.then(|| sqe.blocks()),
                icid: is_ccr.then(|| (sqe.dword(10) & 0xffff) as u16),
                event: None,
            },
            sqe,
            opcode,
            data: Vec::new(),
            data_intact: true,
            plan: Plan::default(),
            completion: None,
        }
    }

    /// The data that was asked for is here.
    pub(super) fn data_complete(&mut self, command: Command) {
        self.advance(command, Stage::AfterData);
    }

    /// Takes a command as far as it gets from the beginning of this stage.
    fn advance(&mut self, mut command: Command, from: Stage) {
        for stage in Stage::ALL.into_iter().filter(|&stage| stage >= from) {
            if command.plan.disconnect == Some(stage) {
                self.drop_command(&command, "script");
                self.disconnect(command.connection, "script");
                return;
            }
            if let Some(hold) = command.plan.hold.take_if(|hold| hold.stage == stage) {
                self.hold(command, stage, hold.ms);
                return;
            }
            match stage {
                Stage::BeforeData if command.plan.reply == Reply::Never => {
                    let line = self.line_for("ignored", &command);
                    self.journal.note(&line);
                    return;
                }
                Stage::BeforeData => match self.data_to_fetch(&command) {
                    Ok(0) => {}
                    Ok(bytes) => {
                        self.fetch_data(command, bytes);
                        return;
                    }
                    Err(status) => command.completion = Some(status.into()),
                },
                Stage::AfterData => {
                    if let Err(status) = self.check(&command) {
                        command.completion.get_or_insert(status.into());
                    }
                }
                Stage::BeforeExecution => {
                    let Some(ready) = self.execute_as_planned(command) else {
                        return;
                    };
                    command = ready;
                }
                Stage::BeforeCompletion => {
                    self.complete(command);
                    return;
                }
            }
        }
    }

    /// How much data has still to be asked for.
    fn data_to_fetch(&self, command: &Command) -> Result<usize, Status> {
        if command.sqe.direction() != Direction::FromHost {
            return Ok(0);
        }
        let in_capsule = command.data.len();
        match command.sqe.data_pointer() {
            DataPointer::None if in_capsule == 0 => Ok(0),
            DataPointer::InCapsule(bytes) if bytes as usize == in_capsule => Ok(0),
            DataPointer::None | DataPointer::InCapsule(_) => Err(Status::SGL_INVALID_DATA.dnr()),
            DataPointer::Transport(_) if in_capsule > 0 => Err(Status::SGL_INVALID_DATA.dnr()),
            DataPointer::Transport(bytes)
                if u64::from(bytes) > self.config.transfer_bytes_max() =>
            {
                Err(Status::INVALID_FIELD.dnr())
            }
            DataPointer::Transport(bytes) => Ok(bytes as usize),
            DataPointer::Invalid => Err(Status::SGL_INVALID_TYPE.dnr()),
        }
    }

    fn fetch_data(&mut self, command: Command, bytes: usize) {
        let line = self.line_for("data-asked", &command);
        let Some(connection) = self.connections.get_mut(&command.connection) else {
            return;
        };
        self.journal.note(&line);
        let cid = command.sqe.cid();
        let tag = connection.add_transfer(Transfer { command, bytes });
        let piece = Piece {
            cid,
            tag,
            offset: 0,
        };
        let link = connection.link.unwrap_or_default();
        connection.send(Outgoing::Pdu(pdu::ready_to_transfer(link, piece, bytes)));
    }

    /// Executes a command, or does what the script wants done instead. It comes back if it can be
    /// completed.
    fn execute_as_planned(&mut self, mut command: Command) -> Option<Command> {
        if let Reply::Instead(answer) = command.plan.reply {
            let line = self.line_for("not-executed", &command);
            self.journal.note(&line);
            command.completion = Some(Completion {
                status: answer.status,
                result: answer.result.into(),
                data: Vec::new(),
            });
            return Some(command);
        }
        if command.completion.is_none() {
            let line = self.line_for("executed", &command);
            self.journal.note(&line);
            match self.execute(&command) {
                Executed::Done(completion) => command.completion = Some(completion),
                Executed::AwaitsEvent(id) => {
                    self.add_event_request(id, command);
                    return None;
                }
                Executed::AwaitsReset(id) => {
                    self.await_reset(id, command);
                    return None;
                }
            }
        }
        if let (Reply::But(answer), Some(completion)) =
            (command.plan.reply, &mut command.completion)
        {
            (completion.status, completion.result) = (answer.status, answer.result.into());
        }
        Some(command)
    }

    /// Completes a command that was waiting for something else.
    pub(super) fn finish(&mut self, mut command: Command, completion: Completion) {
        command.completion = Some(completion);
        self.advance(command, Stage::BeforeCompletion);
    }

    fn complete(&mut self, mut command: Command) {
        let completion = command
            .completion
            .take()
            .unwrap_or_else(Completion::success);
        if let Some(connection) = self.connections.get_mut(&command.connection) {
            connection.outstanding.remove(&command.sqe.cid());
        }
        self.send_completion(&command, completion);
    }

    fn send_completion(&mut self, command: &Command, completion: Completion) {
        let Completion {
            status,
            result,
            data,
        } = completion;
        let event = if self.connections.contains_key(&command.connection) {
            "completed"
        } else {
            "unanswered"
        };
        let line = Line {
            status: status_text(status),
            result: Some(result),
            ..self.line_for(event, command)
        };
        self.journal.note(&line);
        let Some(connection) = self.connections.get_mut(&command.connection) else {
            return;
        };
        let link = connection.link.unwrap_or_default();
        let cid = command.sqe.cid();
        if !data.is_empty() {
            connection.send(Outgoing::Pdu(pdu::controller_data(link, cid, &data)));
        }
        let cqe = Cqe {
            result,
            sq_head: connection.queue.as_mut().map_or(0, Queue::advance_head),
            cid,
            status,
        };
        connection.send(Outgoing::Pdu(pdu::response(link, cqe)));
    }

    fn hold(&mut self, command: Command, stage: Stage, ms: Option<u64>) {
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
    pub(super) fn drop_command(&mut self, command: &Command, reason: &str) {
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
                self.drop_command(&held.command, reason);
            }
        }
    }

    /// Drops the held commands that are worth nothing without this connection. Says whether others
    /// remain.
    pub(super) fn drop_held_by_loss(&mut self, id: ConnectionId) -> bool {
        self.drop_held("connection lost", |held| {
            held.command.connection == id && !held.command.outlives_connection(held.stage)
        });
        self.held.values().any(|held| held.command.connection == id)
    }
}
