// SPDX-License-Identifier: GPL-2.0

//! How associations end: connections that are lost, keep alive, and what is left over then.

use super::connection::{ConnectionId, Outgoing};
use super::controller::{AssociationId, Events};
use super::core::{Core, NS_PER_MS};
use super::journal::Line;
use super::script::rule::Body;
use super::timers::Timer;
use crate::nvme::command::Opcode;

impl Core {
    /// The connection is gone, or is to go. That of the admin queue takes the association with it;
    /// that of an I/O queue does not, because a host that disconnects in good order closes those
    /// first and still wants to shut the controller down.
    pub(super) fn lose(&mut self, id: ConnectionId, reason: &str) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        if let Some(queue) = &connection.queue {
            let line = Line {
                queue: Some(queue.number),
                reason: Some(reason),
                ..self.line_about("connection-lost", queue.association)
            };
            self.journal.note(&line);
        }
        for transfer in connection.transfers.values() {
            self.note_dropped(&transfer.command, "connection lost");
        }
        if self.drop_held_by_loss(id) {
            self.set_timer(self.config.quiesce_ms, Timer::Quiesce(id));
        }
        match &connection.queue {
            Some(queue) if queue.number != 0 => {}
            Some(queue) if connection.was_ended => self.end_association(queue.association, reason),
            Some(queue) => self.lose_association(queue.association, reason),
            None => {}
        }
        connection.send(Outgoing::Close);
    }

    /// Closes all connections of the association to which this one belongs.
    pub(super) fn disconnect(&mut self, id: ConnectionId, reason: &str) {
        let queue = self
            .connections
            .get(&id)
            .and_then(|connection| connection.queue.as_ref());
        match queue.map(|queue| queue.association) {
            Some(association) => self.lose_association(association, reason),
            None => self.lose(id, reason),
        }
    }

    /// Ends an association whose host has not ended it.
    pub(super) fn lose_association(&mut self, id: AssociationId, reason: &str) {
        let Some(controller) = self.controllers.get(&id) else {
            return;
        };
        if controller.lost {
            return;
        }
        let port = controller.port;
        let loss = self.loss_to_list(id);
        self.end_association(id, reason);
        if let Some((host, entry)) = loss {
            self.list_loss(&host, entry);
        }
        self.move_group_later(port);
    }

    /// Ends an association: no more is received, but what is held can still be executed.
    pub(super) fn end_association(&mut self, id: AssociationId, reason: &str) {
        let Some(controller) = self.controllers.get_mut(&id) else {
            return;
        };
        if controller.lost {
            return;
        }
        controller.lost = true;
        controller.events = Events::default();
        let line = Line {
            reason: Some(reason),
            ..self.line_about("ended", id)
        };
        self.journal.note(&line);
        self.leave_resets(id);
        self.close_queues(id, |_| true, reason);
        self.forget_if_over(id);
    }

    /// Closes the connections of those queues of an association that are `wanted`.
    pub(super) fn close_queues(
        &mut self,
        id: AssociationId,
        wanted: impl Fn(u16) -> bool,
        reason: &str,
    ) {
        let connections: Vec<ConnectionId> = self
            .connections
            .iter()
            .filter(|(_, connection)| {
                connection
                    .queue
                    .as_ref()
                    .is_some_and(|queue| queue.association == id && wanted(queue.number))
            })
            .map(|(&connection, _)| connection)
            .collect();
        for connection in connections {
            self.lose(connection, reason);
        }
    }

    /// What came through a lost connection has had its time.
    pub(super) fn quiesce(&mut self, connection: ConnectionId) {
        let association = self
            .held
            .values()
            .find(|held| held.command.connection == connection)
            .and_then(|held| held.command.association);
        let Some(association) = association else {
            return;
        };
        let facts = self.facts(association);
        let kept = self
            .rules
            .apply(&facts, |body| matches!(body, Body::Quiesce).then_some(()));
        if let Some((rule, ())) = kept {
            let line = Line {
                rule: Some(rule),
                ..self.line_about("not-quiesced", association)
            };
            self.journal.note(&line);
            return;
        }
        self.drop_held("quiesced", |held| held.command.connection == connection);
        self.forget_if_over(association);
    }

    /// Forgets a lost association of which nothing can be executed any more.
    pub(super) fn forget_if_over(&mut self, id: AssociationId) {
        let Some(controller) = self.controllers.get(&id) else {
            return;
        };
        let is_held = self
            .held
            .values()
            .any(|held| held.command.association == Some(id));
        if controller.lost && !is_held && !self.resets.contains_key(&id) {
            let line = self.line_about("gone", id);
            self.journal.note(&line);
            self.controllers.remove(&id);
        }
    }

    /// A command has come from the host.
    pub(super) fn heard_of(&mut self, id: AssociationId, opcode: Opcode) {
        let by_traffic = self.config.keep_alive_by_traffic;
        if let Some(controller) = self.controllers.get_mut(&id) {
            if by_traffic || opcode == Opcode::KeepAlive {
                controller.heard_ns = self.now_ns;
            }
        }
    }

    /// Starts the keep-alive timer with a timeout that is new, rounded up to what it can be.
    pub(super) fn start_keep_alive(&mut self, id: AssociationId, timeout_ms: u32) {
        let granularity_ms = u32::from(self.config.keep_alive_granularity_100ms.max(1)) * 100;
        let timeout_ms = timeout_ms
            .checked_next_multiple_of(granularity_ms)
            .unwrap_or(timeout_ms);
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.keep_alive_ms = timeout_ms;
            controller.heard_ns = self.now_ns;
            self.timers.cancel(Timer::KeepAlive(id));
            if timeout_ms != 0 {
                self.set_timer(timeout_ms.into(), Timer::KeepAlive(id));
            }
        }
    }

    /// A keep-alive timer has expired. The host may have been heard of since it was set.
    pub(super) fn keep_alive_expired(&mut self, id: AssociationId) {
        let Some(controller) = self.controllers.get(&id) else {
            return;
        };
        if controller.lost || controller.keep_alive_ms == 0 {
            return;
        }
        let deadline_ns = controller.heard_ns + u64::from(controller.keep_alive_ms) * NS_PER_MS;
        if self.now_ns < deadline_ns {
            self.timers.set(deadline_ns, Timer::KeepAlive(id));
            return;
        }
        let facts = self.facts(id);
        let ignored = self
            .rules
            .apply(&facts, |body| matches!(body, Body::KeepAlive).then_some(()));
        match ignored {
            None => self.lose_association(id, "keep alive expired"),
            Some((rule, ())) => {
                let line = Line {
                    rule: Some(rule),
                    ..self.line_about("keep-alive-ignored", id)
                };
                self.journal.note(&line);
            }
        }
    }
}
