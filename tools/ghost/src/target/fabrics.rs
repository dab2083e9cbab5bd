// SPDX-License-Identifier: GPL-2.0

//! Fabrics commands: how a connection becomes a queue, and the properties of a controller.

use super::command::{Command, Completion};
use super::connection::Queue;
use super::controller::{
    AssociationId, CNTLID_MAX, Controller, Events, Host, Purpose, Registers, Shutdown,
};
use super::core::Core;
use super::journal::Line;
use super::script::rule::{AssignedId, AssignedIdentity, Assignment, Body, Facts, ShutdownFault};
use crate::nvme::bytes::{get, text};
use crate::nvme::status::Status;

/// The subsystem that every target has beside its own.
pub(super) const DISCOVERY_NQN: &str = "nqn.2014-08.org.nvmexpress.discovery";

/// The version of the specification that is reported.
pub(super) const VERSION: u32 = 0x0002_0100;

/// The most entries of an admin queue, whatever those of I/O queues are.
pub(super) const ADMIN_QUEUE_ENTRIES_MAX: u16 = 128;

/// In Connect: any controller will do.
const ANY_CONTROLLER: u16 = 0xffff;

mod property {
    pub(super) const CAP: u32 = 0x00;
    pub(super) const VS: u32 = 0x08;
    pub(super) const CC: u32 = 0x14;
    pub(super) const CSTS: u32 = 0x1c;
}

mod cc {
    pub(super) const EN: u32 = 1 << 0;
    pub(super) const SHN: u32 = 0b11 << 14;
}

mod csts {
    pub(super) const RDY: u32 = 1 << 0;
    pub(super) const SHST_OCCURRING: u32 = 0b01 << 2;
    pub(super) const SHST_COMPLETE: u32 = 0b10 << 2;
}

/// What Connect asks for.
struct Connect {
    queue: u16,
    /// Entries of the queue.
    entries: u32,
    flow_control: bool,
    keep_alive_ms: u32,
    cntlid: u16,
    subsystem: String,
    host: Host,
}

/// Where a wrong parameter of Connect is.
#[derive(Clone, Copy)]
enum Place {
    Command(u64),
    Data(u64),
}

impl Connect {
    const DATA_BYTES: usize = 1024;

    fn read(command: &Command) -> Option<Self> {
        let (sqe, data) = (&command.sqe.0, &command.data);
        if data.len() != Self::DATA_BYTES {
            return None;
        }
        Some(Connect {
            queue: get(sqe, 42),
            entries: u32::from(get::<u16>(sqe, 44)) + 1,
            flow_control: sqe[46] & 1 << 2 == 0,
            keep_alive_ms: get(sqe, 48),
            cntlid: get(data, 16),
            subsystem: text(&data[256..512]),
            host: Host {
                id: data[..16].try_into().expect("it has this size"),
                nqn: text(&data[512..768]),
            },
        })
    }
}

fn invalid(place: Place) -> Completion {
    let result = match place {
        Place::Command(offset) => offset,
        Place::Data(offset) => 1 << 16 | offset,
    };
    Completion {
        result,
        ..Status::CONNECT_INVALID.dnr().into()
    }
}

impl Core {
    /// Makes a connection the queue of an association.
    pub(super) fn connect(&mut self, command: &Command) -> Completion {
        if get::<u16>(&command.sqe.0, 40) != 0 {
            return Status::CONNECT_FORMAT.dnr().into();
        }
        let Some(connect) = Connect::read(command) else {
            return Status::SGL_INVALID_DATA.dnr().into();
        };
        let entries_max = match connect.queue {
            0 => ADMIN_QUEUE_ENTRIES_MAX,
            _ => self.config.queue_entries,
        };
        if connect.entries < 2 || connect.entries > u32::from(entries_max) {
            return invalid(Place::Command(44));
        }
        let accepted = if connect.queue == 0 {
            self.connect_admin(command.facts.port, &connect)
        } else {
            self.connect_io(command.facts.port, &connect)
        };
        let id = match accepted {
            Ok(id) => id,
            Err(place) => return invalid(place),
        };
        let queue = Queue::new(
            id,
            connect.queue,
            u16::try_from(connect.entries).expect("it was checked"),
            connect.flow_control,
        );
        if let Some(connection) = self.connections.get_mut(&command.connection) {
            connection.queue = Some(queue);
        }
        let line = Line {
            queue: Some(connect.queue),
            host: Some(&connect.host.nqn),
            ..self.line_about("connected", id)
        };
        self.journal.note(&line);
        Completion::result(self.controllers[&id].cntlid.into())
    }

    fn connect_admin(&mut self, port: u16, connect: &Connect) -> Result<AssociationId, Place> {
        if connect.cntlid != ANY_CONTROLLER {
            return Err(Place::Data(16));
        }
        let purpose = match connect.subsystem.as_str() {
            DISCOVERY_NQN => Purpose::Discovery,
            subsystem if subsystem == self.config.nqn => Purpose::Io,
            _ => return Err(Place::Data(256)),
        };
        let honest = self.free_cntlid().ok_or(Place::Data(16))?;
        let (cntlid, identity) = match purpose {
            Purpose::Io => self.assign(port, honest, &connect.host),
            Purpose::Discovery => (honest, AssignedIdentity::New),
        };
        let id = self.new_association();
        let controller = Controller {
            cntlid,
            port,
            host: connect.host.clone(),
            purpose,
            lost: false,
            registers: Registers::default(),
            identity: None,
            assigned: identity,
            keep_alive_ms: 0,
            heard_ns: self.now_ns,
            events: Events::default(),
            ccr_log: Vec::new(),
            lost_hosts: Vec::new(),
            write_cache: self.config.write_cache,
        };
        self.controllers.insert(id, controller);
        self.start_keep_alive(id, connect.keep_alive_ms);
        Ok(id)
    }

    /// What a new controller is called, by the script. `honest` is the CNTLID that it has otherwise.
    fn assign(&mut self, port: u16, honest: u16, host: &Host) -> (u16, AssignedIdentity) {
        let facts = Facts {
            port,
            cntlid: honest,
            ..Facts::default()
        };
        let assignment = self.rules.apply(&facts, |body| match body {
            Body::Assign(assignment) => Some(*assignment),
            _ => None,
        });
        let Some((rule, assignment)) = assignment else {
            return (honest, AssignedIdentity::New);
        };
        let Assignment {
            cntlid,
            cleanup,
            identity,
        } = assignment;
        let cntlid = match cntlid {
            None => honest,
            Some(AssignedId::Number(number)) => number,
            Some(AssignedId::Old) => self.newest_lost(port, host).unwrap_or(honest),
        };
        let line = Line {
            port: Some(port),
            cntlid: Some(cntlid),
            rule: Some(rule),
            ..self.line("assigned")
        };
        self.journal.note(&line);
        if cleanup {
            self.clean_up(cntlid);
        }
        (cntlid, identity)
    }

    /// The newest controller that this host has lost on this port, and that is not over.
    fn newest_lost(&self, port: u16, host: &Host) -> Option<u16> {
        self.controllers
            .values()
            .rev()
            .find(|controller| {
                controller.lost && controller.port == port && controller.host == *host
            })
            .map(|controller| controller.cntlid)
    }

    /// Nothing of the lost controllers with this CNTLID is executed any more.
    fn clean_up(&mut self, cntlid: u16) {
        let lost: Vec<_> = self
            .controllers
            .iter()
            .filter(|(_, controller)| controller.lost && controller.cntlid == cntlid)
            .map(|(&id, _)| id)
            .collect();
        for id in lost {
            self.drop_held("the host is back", |held| {
                held.command.association == Some(id)
            });
            self.forget_if_over(id);
        }
    }

    /// The lowest one that is free: so they are used again as soon as they can be.
    fn free_cntlid(&self) -> Option<u16> {
        (1..=CNTLID_MAX).find(|&cntlid| {
            self.controllers
                .values()
                .all(|controller| controller.cntlid != cntlid)
        })
    }

    fn connect_io(&self, port: u16, connect: &Connect) -> Result<AssociationId, Place> {
        // A rule can have made several of this CNTLID; the newest one is still setting up its queues.
        let (&id, controller) = self
            .controllers
            .iter()
            .rev()
            .find(|(_, controller)| {
                !controller.lost && controller.cntlid == connect.cntlid && controller.port == port
            })
            .ok_or(Place::Data(16))?;
        if !controller.registers.ready {
            return Err(Place::Data(16));
        }
        if controller.purpose != Purpose::Io || connect.subsystem != self.config.nqn {
            return Err(Place::Data(256));
        }
        if controller.host.id != connect.host.id {
            return Err(Place::Data(0));
        }
        if controller.host.nqn != connect.host.nqn {
            return Err(Place::Data(512));
        }
        let is_taken = self.connections.values().any(|connection| {
            connection
                .queue
                .as_ref()
                .is_some_and(|queue| queue.association == id && queue.number == connect.queue)
        });
        if is_taken || connect.queue > self.config.io_queues {
            return Err(Place::Command(42));
        }
        Ok(id)
    }

    pub(super) fn property_get(&self, id: AssociationId, command: &Command) -> Completion {
        let registers = &self.controllers[&id].registers;
        let value = match get(&command.sqe.0, 44) {
            property::CAP => self.capabilities(),
            property::VS => VERSION.into(),
            property::CC => registers.cc.into(),
            property::CSTS => {
                let ready = if registers.ready { csts::RDY } else { 0 };
                let shutdown = match registers.shutdown {
                    Shutdown::None => 0,
                    Shutdown::Occurring => csts::SHST_OCCURRING,
                    Shutdown::Complete => csts::SHST_COMPLETE,
                };
                (ready | shutdown).into()
            }
            _ => return Status::INVALID_FIELD.dnr().into(),
        };
        Completion::result(value)
    }

    fn capabilities(&self) -> u64 {
        const CONTIGUOUS_QUEUES: u64 = 1 << 16;
        const TIMEOUT_7_5_S: u64 = 15 << 24;
        const NVM_COMMAND_SET: u64 = 1 << 37;
        u64::from(self.config.queue_entries - 1)
            | CONTIGUOUS_QUEUES
            | TIMEOUT_7_5_S
            | NVM_COMMAND_SET
    }

    pub(super) fn property_set(&mut self, id: AssociationId, command: &Command) -> Completion {
        let value: u32 = get(&command.sqe.0, 48);
        match get(&command.sqe.0, 44) {
            property::CC => {
                self.configure(id, value);
                Completion::success()
            }
            _ => Status::INVALID_FIELD.dnr().into(),
        }
    }

    /// Sets CC, and does what that means.
    fn configure(&mut self, id: AssociationId, value: u32) {
        let Some(controller) = self.controllers.get_mut(&id) else {
            return;
        };
        let registers = &mut controller.registers;
        let newly = |bits: u32| value & bits != 0 && registers.cc & bits == 0;
        let (starts, shuts_down) = (newly(cc::EN), newly(cc::SHN));
        let stops = value & cc::EN == 0 && registers.cc & cc::EN != 0;
        registers.cc = value;
        if starts {
            if controller.purpose == Purpose::Io {
                controller.identity = self
                    .identities
                    .assign(controller.cntlid, controller.assigned);
            }
            controller.registers.ready = true;
            controller.registers.shutdown = Shutdown::None;
            let line = Line {
                ciu: controller.identity.map(|identity| identity.ciu),
                ..self.line_about("ready", id)
            };
            self.journal.note(&line);
        }
        if stops && self.only_says_disabled(id) || shuts_down && self.only_says_shut_down(id) {
            return;
        }
        if stops || shuts_down {
            self.stop(id, stops);
        }
    }

    /// Clears CSTS.RDY and nothing else, if the script wants that: queues and commands live on.
    fn only_says_disabled(&mut self, id: AssociationId) -> bool {
        let facts = self.facts(id);
        let rule = self
            .rules
            .apply(&facts, |body| matches!(body, Body::Disable).then_some(()));
        let Some((rule, ())) = rule else {
            return false;
        };
        let line = Line {
            rule: Some(rule),
            ..self.line_about("not-stopped", id)
        };
        self.journal.note(&line);
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.registers.ready = false;
        }
        true
    }

    /// Sets CSTS.SHST and does nothing else, if the script wants that.
    fn only_says_shut_down(&mut self, id: AssociationId) -> bool {
        let facts = self.facts(id);
        let fault = self.rules.apply(&facts, |body| match body {
            Body::Shutdown(fault) => Some(*fault),
            _ => None,
        });
        let Some((rule, fault)) = fault else {
            return false;
        };
        let line = Line {
            rule: Some(rule),
            ..self.line_about("not-stopped", id)
        };
        self.journal.note(&line);
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.registers.shutdown = match fault {
                ShutdownFault::Ignore => Shutdown::Complete,
                ShutdownFault::Never => Shutdown::Occurring,
            };
        }
        true
    }

    /// No command is executed any more; only then CSTS says so.
    fn stop(&mut self, id: AssociationId, disabled: bool) {
        let reason = if disabled { "disabled" } else { "shut down" };
        self.close_queues(id, |number| number > 0, reason);
        self.drop_held(reason, |held| held.command.association == Some(id));
        let line = Line {
            reason: Some(reason),
            ..self.line_about("stopped", id)
        };
        self.journal.note(&line);
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.registers.ready &= !disabled;
            controller.registers.shutdown = match disabled {
                true => Shutdown::None,
                false => Shutdown::Complete,
            };
            if disabled {
                controller.lost_hosts.clear();
            }
        }
    }
}
