// SPDX-License-Identifier: GPL-2.0

//! The way of a command through the target.
//!
//! Received, its data fetched, checked, executed, completed. At each step the script may hold it
//! (see `held`).

use super::connection::{ConnectionId, Outgoing, Queue, Transfer};
use super::controller::AssociationId;
use super::core::Core;
use super::journal::{Line, status_text};
use super::script::rule::{Body, Facts, Plan, Reply, Stage};
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
    /// Whether the script answers it, and does not want it to stop where its data is here.
    fn is_answered_without_data(&self) -> bool {
        let Plan {
            hold,
            disconnect,
            reply,
        } = self.plan;
        matches!(reply, Reply::Instead(_)) && hold.is_none() && disconnect.is_none()
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
        let is_io = queue.is_some_and(|queue| queue.number > 0);
        let is_ccr = opcode == Opcode::CrossControllerReset;
        Command {
            connection: id,
            association,
            facts: Facts {
                port: connection.port,
                cntlid: association.map_or(0, |id| self.controllers[&id].cntlid),
                queue: queue.map(|queue| queue.number),
                blocks: has_blocks.then(|| sqe.blocks()),
                nsid: is_io.then(|| sqe.nsid()),
                icid: is_ccr.then(|| (sqe.dword(10) & 0xffff) as u16),
                lid: (opcode == Opcode::GetLogPage).then(|| sqe.dword(10) as u8),
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

    /// Takes a command as far as it gets from the beginning of this stage.
    pub(super) fn advance(&mut self, mut command: Command, from: Stage) {
        for stage in Stage::ALL.into_iter().filter(|&stage| stage >= from) {
            if command.plan.disconnect == Some(stage) {
                self.note_dropped(&command, "script");
                self.disconnect(command.connection, "script");
                return;
            }
            if let Some(hold) = command.plan.hold.take_if(|hold| hold.stage == stage) {
                self.hold(command, stage, hold.ms);
                return;
            }
            match stage {
                Stage::BeforeData if command.plan.reply.is_silence() => {
                    self.ignore(command);
                    return;
                }
                Stage::BeforeData => match self.data_to_fetch(&command) {
                    Ok(0) => {}
                    Ok(_) if command.is_answered_without_data() => {}
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

    fn ignore(&mut self, command: Command) {
        let line = self.line_for("ignored", &command);
        self.journal.note(&line);
        if command.plan.reply == Reply::UntilAbort {
            if let Some(connection) = self.connections.get_mut(&command.connection) {
                connection.ignored.push(command);
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
            // Nobody asks for the data of a command that he is going to refuse.
            DataPointer::Transport(bytes) => {
                self.check_request(command)?;
                Ok(bytes as usize)
            }
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
        // Another host may have reserved the namespace while the command was held.
        if command.completion.is_none() {
            command.completion = self.check_reservation(&command).err().map(Completion::from);
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
        Some(command)
    }

    /// Completes a command that was waiting for something else.
    pub(super) fn finish(&mut self, mut command: Command, completion: Completion) {
        command.completion = Some(completion);
        self.advance(command, Stage::BeforeCompletion);
    }

    /// Completes a command that another command has ended. Whatever the script wanted to happen to
    /// it would happen to an execution that there is not.
    pub(super) fn complete_aborted(&mut self, mut command: Command, status: Status) {
        self.note_dropped(&command, "aborted");
        command.plan = Plan::default();
        self.finish(command, status.into());
    }

    fn complete(&mut self, mut command: Command) {
        let mut completion = command
            .completion
            .take()
            .unwrap_or_else(Completion::success);
        if let Reply::But(answer) = command.plan.reply {
            (completion.status, completion.result) = (answer.status, answer.result.into());
        }
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
}
