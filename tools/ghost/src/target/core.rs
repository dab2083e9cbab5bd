// SPDX-License-Identifier: GPL-2.0

//! The whole state of a target, and what happens to it: PDUs, losses, timers. No I/O but the blocks
//! and the journal, no clock, no threads; one lock is around all of it, so that what is executed is
//! visible to whatever is executed after.
//!
//! What it does stands in other files, a topic each; this one has the ways in, and small things
//! that all of them need.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::mpsc::Sender;

use super::ccr::Reset;
use super::command::Command;
use super::config::{AnaState, Config};
use super::connection::{Connection, ConnectionId, Outgoing};
use super::controller::{AssociationId, Controller, Identities};
use super::held::Held;
use super::journal::{Journal, Line};
use super::reservation::Registrants;
use super::script::Rules;
use super::script::rule::{Facts, Stage};
use super::store::Store;
use super::timers::{Timer, Timers};
use crate::nvme::bytes::get;
use crate::nvme::command::Sqe;
use crate::nvme::decode::{Agreement, Fatal, Pdu, Violation};
use crate::nvme::pdu::{self, Digests, Kind, Link};

/// What a command on the admin queue can bring along; the specification wants it.
const ADMIN_CAPSULE_BYTES: u32 = 8192;

pub(super) const NS_PER_MS: u64 = 1_000_000;

/// See the module.
pub(super) struct Core {
    /// `CLOCK_MONOTONIC`, set by whoever takes the lock.
    pub(super) now_ns: u64,
    pub(super) config: Config,
    pub(super) ports: Vec<Port>,
    /// How often the state of each ANA group has changed, anywhere.
    pub(super) ana_changes: Vec<u64>,
    pub(super) rules: Rules,
    pub(super) journal: Journal,
    pub(super) store: Store,
    pub(super) connections: BTreeMap<ConnectionId, Connection>,
    pub(super) controllers: BTreeMap<AssociationId, Controller>,
    pub(super) identities: Identities,
    /// Commands that are held, by number.
    pub(super) held: BTreeMap<u64, Held>,
    /// Those of each namespace.
    registrants: Vec<Registrants>,
    /// Resets in progress, by the controller that is reset.
    pub(super) resets: BTreeMap<AssociationId, Reset>,
    pub(super) timers: Timers,
    newest_connection: u64,
    newest_association: u64,
    newest_held: u64,
}

/// A port.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) address: SocketAddr,
    /// The states of the ANA groups, by number.
    ana: Vec<AnaState>,
    /// New connections are closed at once.
    pub(super) refuses: bool,
}

impl Port {
    pub(super) fn new(address: SocketAddr, ana: AnaState, groups: u32) -> Self {
        Port {
            address,
            ana: vec![ana; groups as usize],
            refuses: false,
        }
    }

    /// The state of a group that there is.
    pub(super) fn ana(&self, group: u32) -> AnaState {
        self.ana[index(group)]
    }

    pub(super) fn set_ana(&mut self, group: u32, state: AnaState) {
        self.ana[index(group)] = state;
    }
}

/// Where something about this namespace or ANA group is: they count from 1.
pub(super) fn index(number: u32) -> usize {
    number as usize - 1
}

impl Core {
    /// A target without connections. `ports` are where it really listens.
    pub(super) fn new(
        config: Config,
        ports: Vec<Port>,
        store: Store,
        rules: Rules,
        journal: Journal,
    ) -> Self {
        Core {
            now_ns: 0,
            identities: Identities::new(config.ciu_first, config.seed),
            ana_changes: vec![0; config.namespaces as usize],
            registrants: config.nsids().map(|_| Registrants::default()).collect(),
            config,
            ports,
            rules,
            journal,
            store,
            connections: BTreeMap::new(),
            controllers: BTreeMap::new(),
            held: BTreeMap::new(),
            resets: BTreeMap::new(),
            timers: Timers::default(),
            newest_connection: 0,
            newest_association: 0,
            newest_held: 0,
        }
    }

    /// A host has connected to this port; none if it is refused.
    pub(super) fn connected(
        &mut self,
        port: u16,
        outgoing: Sender<Outgoing>,
    ) -> Option<ConnectionId> {
        if self.port(port).refuses {
            return None;
        }
        self.newest_connection += 1;
        let id = ConnectionId(self.newest_connection);
        self.connections.insert(id, Connection::new(port, outgoing));
        Some(id)
    }

    /// What the host has to keep to now; none if the connection was given up.
    pub(super) fn agreement(&self, id: ConnectionId) -> Option<Agreement> {
        let connection = self.connections.get(&id)?;
        let is_io = connection
            .queue
            .as_ref()
            .is_some_and(|queue| queue.number > 0);
        // Connect brings data along, whatever queue the connection becomes.
        let capsule_bytes_max = if is_io {
            self.config.in_capsule_bytes
        } else {
            ADMIN_CAPSULE_BYTES
        };
        Some(connection.agreement(capsule_bytes_max, self.config.h2c_data_bytes))
    }

    /// A PDU has come.
    pub(super) fn received(&mut self, id: ConnectionId, pdu: Pdu) -> Result<(), Violation> {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Ok(());
        };
        match (pdu.kind, connection.link) {
            (Kind::ICReq, None) => self.initialize(id, &pdu.header),
            (Kind::H2CTermReq, _) => {
                connection.was_ended = true;
                self.lose(id, "the host gave up");
                Ok(())
            }
            (Kind::CapsuleCmd, Some(_)) => {
                let sqe = Sqe(pdu.header[8..]
                    .try_into()
                    .expect("the header has this size"));
                self.accept(id, sqe, pdu.data, pdu.data_intact);
                Ok(())
            }
            (Kind::H2CData, Some(_)) => {
                if let Some(command) = connection.add_data(&pdu)? {
                    self.advance(command, Stage::AfterData);
                }
                Ok(())
            }
            _ => Err(Violation::new(Fatal::Sequence, 0, &pdu.header)),
        }
    }

    fn initialize(&mut self, id: ConnectionId, header: &[u8]) -> Result<(), Violation> {
        const AT_FORMAT: usize = 8;
        const AT_ALIGNMENT: usize = 10;
        const AT_DIGESTS: usize = 11;
        const ALIGNMENT_MAX: u8 = 31;

        if get::<u16>(header, AT_FORMAT) != 0 {
            return Err(Violation::new(
                Fatal::UnsupportedParameter,
                AT_FORMAT,
                header,
            ));
        }
        let alignment = header[AT_ALIGNMENT];
        if alignment > ALIGNMENT_MAX {
            return Err(Violation::new(
                Fatal::InvalidHeaderField,
                AT_ALIGNMENT,
                header,
            ));
        }
        let digests = Digests::from_bits(header[AT_DIGESTS]);
        let data_bytes_max = self.config.h2c_data_bytes;
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.link = Some(Link { digests, alignment });
            connection.send(Outgoing::Pdu(pdu::ic_resp(digests, data_bytes_max)));
        }
        Ok(())
    }

    /// The host has sent something that it must not send: it is told, and the connection ends.
    pub(super) fn violated(&mut self, id: ConnectionId, violation: &Violation) {
        let Violation {
            fatal,
            information,
            header,
        } = violation;
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        connection.was_ended = true;
        let port = connection.port;
        let reason = format!("{fatal:?} at {information}");
        let line = Line {
            port: Some(port),
            reason: Some(&reason),
            ..self.line("violation")
        };
        self.journal.note(&line);
        let terminate = pdu::terminate(*fatal as u16, *information, header);
        if let Some(connection) = self.connections.get(&id) {
            connection.send(Outgoing::Pdu(terminate));
        }
        self.lose(id, "the host broke the protocol");
    }

    /// Does what was to be done by now; says whether there was anything.
    pub(super) fn run_timers(&mut self) -> bool {
        let mut ran = false;
        while let Some(timer) = self.timers.take_expired(self.now_ns) {
            ran = true;
            match timer {
                Timer::KeepAlive(id) => self.keep_alive_expired(id),
                Timer::Quiesce(connection) => self.quiesce(connection),
                Timer::Reset(id) => self.finish_reset(id),
                Timer::Release(held) => {
                    self.release(held);
                }
                Timer::Move(port) => self.move_group_from(port),
                Timer::Event(id, event) => self.post_event(id, event),
            }
        }
        ran
    }

    /// Sets a timer.
    pub(super) fn set_timer(&mut self, ms: u64, timer: Timer) {
        let deadline = self.now_ns.saturating_add(ms.saturating_mul(NS_PER_MS));
        self.timers.set(deadline, timer);
    }

    /// The port with this number, which is one that there is.
    pub(super) fn port(&self, number: u16) -> &Port {
        &self.ports[usize::from(number) - 1]
    }

    /// The registrants of a namespace that there is.
    pub(super) fn registrants(&self, nsid: u32) -> &Registrants {
        &self.registrants[index(nsid)]
    }

    pub(super) fn registrants_mut(&mut self, nsid: u32) -> &mut Registrants {
        &mut self.registrants[index(nsid)]
    }

    pub(super) fn new_association(&mut self) -> AssociationId {
        self.newest_association += 1;
        AssociationId(self.newest_association)
    }

    pub(super) fn new_held(&mut self) -> u64 {
        self.newest_held += 1;
        self.newest_held
    }

    /// The facts about a controller.
    pub(super) fn facts(&self, id: AssociationId) -> Facts {
        let controller = &self.controllers[&id];
        Facts {
            port: controller.port,
            cntlid: controller.cntlid,
            ..Facts::default()
        }
    }

    /// A line for the journal.
    pub(super) fn line(&self, event: &'static str) -> Line<'static> {
        Line {
            ns: self.now_ns,
            event,
            ..Line::default()
        }
    }

    /// A line about a controller.
    pub(super) fn line_about(&self, event: &'static str, id: AssociationId) -> Line<'static> {
        let controller = &self.controllers[&id];
        Line {
            port: Some(controller.port),
            cntlid: Some(controller.cntlid),
            ..self.line(event)
        }
    }

    /// The namespace of a command, if there are several.
    pub(super) fn nsid_to_tell(&self, command: &Command) -> Option<u32> {
        command.facts.nsid.filter(|_| self.config.namespaces > 1)
    }

    /// A line about a command.
    pub(super) fn line_for(&self, event: &'static str, command: &Command) -> Line<'static> {
        let Facts {
            port,
            cntlid,
            queue,
            blocks,
            icid,
            ..
        } = command.facts;
        Line {
            port: Some(port),
            cntlid: (cntlid != 0).then_some(cntlid),
            queue,
            cid: Some(command.sqe.cid()),
            opcode: Some(command.opcode.name()),
            slba: blocks.map(|(first, _)| first),
            blocks: blocks.map(|(_, count)| count),
            nsid: self.nsid_to_tell(command),
            icid,
            ..self.line(event)
        }
    }
}
