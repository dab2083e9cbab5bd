// SPDX-License-Identifier: GPL-2.0

//! Cross-Controller Reset (TP8028): the command, the reset, log page 1Eh.
//!
//! A reset begins with the end of the association that is reset. What it still holds can be executed
//! until the reset is over; then it is dropped, and after that success is reported.

use std::ops::Range;

use super::abort::Wanted;
use super::command::{Command, Completion, Executed};
use super::config::CcrAnswer;
use super::controller::{AssociationId, CNTLID_MAX, CcrEntry, Controller, Identity};
use super::core::Core;
use super::journal::Line;
use super::script::rule::{Body, EntryFault, Facts, Failure, ResetFault};
use super::timers::Timer;
use crate::nvme::bytes::put;
use crate::nvme::event::Event;
use crate::nvme::status::Status;

/// Dword 0 of a completion: Immediate Reset Successful. Alone it says that there was nothing to reset.
const IRS: u64 = 1;

/// Beside it: the controller was there (Validated), and was reset (Controller Level Reset Initiated).
const V_CLRI: u64 = 1 << 1 | 1 << 2;

/// In an entry: there is no alternate controller.
const NO_CONTROLLER: u16 = 0xffff;

const HEADER_BYTES: usize = 8;
const ENTRY_BYTES: usize = 8;
const PAGE_BYTES: usize = 4096;

/// Cross-Controller Reset Status.
mod ccrs {
    pub(super) const IN_PROGRESS: u8 = 0;
    pub(super) const SUCCESS: u8 = 1;
    pub(super) const FAILED: u8 = 2;
}

/// A reset in progress.
#[derive(Debug)]
pub(super) struct Reset {
    icid: u16,
    ciu: u8,
    fails: Option<Failure>,
    waiters: Vec<Waiter>,
}

/// A controller through which a reset was asked for.
#[derive(Debug)]
struct Waiter {
    source: AssociationId,
    /// The command that is completed when the reset is over; without it, it gets an entry in the
    /// log page.
    command: Option<Command>,
}

impl Core {
    /// Executes the command.
    pub(super) fn ccr(&mut self, source: AssociationId, command: &Command) -> Executed {
        if !self.config.has_ccr() {
            return Status::INVALID_OPCODE.dnr().into();
        }
        let dword = command.sqe.dword(10);
        let icid = dword as u16;
        let identity = Identity {
            ciu: (dword >> 16) as u8,
            cirn: command.sqe.qword(12),
        };
        let is_own = icid == self.controllers[&source].cntlid;
        // CIU 0 is that of a controller without an identity, which may be alive.
        if is_own || identity.ciu == 0 {
            return Status::INVALID_FIELD.dnr().into();
        }
        let impacted = self
            .controllers
            .iter()
            .find(|(_, controller)| controller.is(icid, identity));
        let Some((&impacted, controller)) = impacted else {
            // What never could be here can not be said to be gone.
            if !(1..=CNTLID_MAX).contains(&icid) {
                return Status::INVALID_FIELD.dnr().into();
            }
            return Completion::result(IRS).into();
        };
        if let Err(status) = self.may_reset(source, impacted, controller) {
            return status.into();
        }
        self.begin_reset(impacted, icid, identity.ciu);
        if self.config.ccr_answer == CcrAnswer::Immediate {
            return Executed::AwaitsReset(impacted);
        }
        self.add_waiter(impacted, source, None);
        if let Some(controller) = self.controllers.get_mut(&source) {
            controller.ccr_log.push(CcrEntry {
                icid,
                ciu: identity.ciu,
                acid: NO_CONTROLLER,
                ccrs: ccrs::IN_PROGRESS,
                ccrf: 0,
            });
        }
        Completion::success().into()
    }

    fn may_reset(
        &self,
        source: AssociationId,
        impacted: AssociationId,
        controller: &Controller,
    ) -> Result<(), Status> {
        let asks = &self.controllers[&source];
        // To say "it is reset" would be a lie, and nobody may reset what belongs to others.
        if controller.host != asks.host {
            return Err(Status::INVALID_FIELD.dnr());
        }
        let waits = |reset: &Reset| reset.waiters.iter().any(|waiter| waiter.source == source);
        if self.resets.get(&impacted).is_some_and(waits) {
            return Err(Status::CCR_IN_PROGRESS);
        }
        let in_progress = self.resets.values().filter(|reset| waits(reset)).count();
        if in_progress >= usize::from(self.config.ccrl) {
            return Err(Status::CCR_LIMIT);
        }
        let needs_entry = self.config.ccr_answer == CcrAnswer::Event;
        if needs_entry && asks.ccr_log.len() >= self.config.ccr_log_entries {
            return Err(Status::CCR_LOG_FULL);
        }
        Ok(())
    }

    /// Begins a reset, or joins the one that is in progress.
    fn begin_reset(&mut self, impacted: AssociationId, icid: u16, ciu: u8) {
        if self.resets.contains_key(&impacted) {
            return;
        }
        let facts = self.facts(impacted);
        let fault = self.rules.apply(&facts, |body| match body {
            Body::Reset(fault) => Some(*fault),
            _ => None,
        });
        let line = Line {
            icid: Some(icid),
            ciu: Some(ciu),
            rule: fault.map(|(rule, _)| rule),
            ..self.line_about("reset-begun", impacted)
        };
        self.journal.note(&line);
        let fault = fault.map(|(_, fault)| fault);
        let (ends, fails, ms) = match fault {
            None => (true, None, Some(self.config.reset_ms)),
            Some(ResetFault::After { ms }) => (true, None, Some(ms)),
            Some(ResetFault::Fail(failure)) => {
                (failure.initiated, Some(failure), Some(self.config.reset_ms))
            }
            Some(ResetFault::Never) => (false, None, None),
        };
        let reset = Reset {
            icid,
            ciu,
            fails,
            waiters: Vec::new(),
        };
        self.resets.insert(impacted, reset);
        if let Some(ms) = ms {
            self.set_timer(ms, Timer::Reset(impacted));
        }
        if ends {
            self.end_association(impacted, "reset");
        }
    }

    fn add_waiter(
        &mut self,
        impacted: AssociationId,
        source: AssociationId,
        command: Option<Command>,
    ) {
        if let Some(reset) = self.resets.get_mut(&impacted) {
            reset.waiters.push(Waiter { source, command });
        }
    }

    /// The command is completed when the reset is over.
    pub(super) fn await_reset(&mut self, impacted: AssociationId, command: Command) {
        if let Some(source) = command.association {
            self.add_waiter(impacted, source, Some(command));
        }
    }

    /// Takes a command that waits for a reset. The reset goes on.
    pub(super) fn take_waiting_for_reset(&mut self, wanted: Wanted) -> Option<Command> {
        self.resets.values_mut().find_map(|reset| {
            let waits = |waiter: &Waiter| waiter.command.as_ref().is_some_and(|it| wanted.is(it));
            let position = reset.waiters.iter().position(waits)?;
            reset.waiters.remove(position).command
        })
    }

    /// An association that has ended does not wait for resets any more; they go on.
    pub(super) fn leave_resets(&mut self, source: AssociationId) {
        for reset in self.resets.values_mut() {
            reset.waiters.retain(|waiter| waiter.source != source);
        }
    }

    /// A reset is over.
    pub(super) fn finish_reset(&mut self, impacted: AssociationId) {
        let Some(reset) = self.resets.remove(&impacted) else {
            return;
        };
        if reset.fails.is_none() {
            self.drop_held("reset", |held| held.command.association == Some(impacted));
        }
        let line = Line {
            icid: Some(reset.icid),
            ciu: Some(reset.ciu),
            reason: Some(match reset.fails {
                Some(_) => "failed",
                None => "success",
            }),
            ..self.line("reset-over")
        };
        self.journal.note(&line);
        self.forget_if_over(impacted);
        for waiter in reset.waiters {
            match waiter.command {
                Some(command) if reset.fails.is_some() => {
                    self.finish(command, Status::INTERNAL.into())
                }
                Some(command) => self.finish(command, Completion::result(IRS | V_CLRI)),
                None => self.log_reset(waiter.source, reset.icid, reset.ciu, reset.fails),
            }
        }
    }

    fn log_reset(&mut self, source: AssociationId, icid: u16, ciu: u8, fails: Option<Failure>) {
        let Some(controller) = self.controllers.get_mut(&source) else {
            return;
        };
        let entry = controller
            .ccr_log
            .iter_mut()
            .find(|entry| (entry.icid, entry.ciu, entry.ccrs) == (icid, ciu, ccrs::IN_PROGRESS));
        if let Some(entry) = entry {
            match fails {
                Some(failure) => entry.fail(failure),
                None => entry.ccrs = ccrs::SUCCESS,
            }
            self.raise_event(source, Event::Ccr);
        }
    }

    /// Log page 1Eh, as the script wants it to be read.
    pub(super) fn ccr_log(&mut self, id: AssociationId) -> Vec<u8> {
        let entries = self.controllers[&id].ccr_log.clone();
        let mut page = vec![0; HEADER_BYTES];
        let mut count = None;
        for entry in entries {
            if page.len() == PAGE_BYTES {
                break;
            }
            let facts = Facts {
                icid: Some(entry.icid),
                ..self.facts(id)
            };
            let fault = self.rules.apply(&facts, |body| match body {
                Body::Entry(fault) => Some(*fault),
                _ => None,
            });
            let (_, fault) = fault.unwrap_or_default();
            count = count.or(fault.ne);
            if !fault.omit {
                page.extend(entry.disturbed(&fault).encode());
            }
        }
        let really = u16::try_from((page.len() - HEADER_BYTES) / ENTRY_BYTES);
        put(
            &mut page,
            0,
            count.unwrap_or(really.expect("the page is limited")),
        );
        page.resize(PAGE_BYTES, 0);
        page
    }

    /// Removes the entries of resets that are over, if they lie wholly in the part that was read.
    pub(super) fn remove_completed(&mut self, id: AssociationId, read: &Range<u64>) {
        if let Some(controller) = self.controllers.get_mut(&id) {
            let mut end = HEADER_BYTES as u64;
            controller.ccr_log.retain(|entry| {
                let start = end;
                end += ENTRY_BYTES as u64;
                let was_read = read.start <= start && end <= read.end;
                !was_read || entry.ccrs == ccrs::IN_PROGRESS
            });
        }
    }

    /// Puts an entry into the log page that no reset has made.
    pub(super) fn make_up_entry(&mut self, id: AssociationId, entry: &EntryFault) {
        let success = CcrEntry {
            icid: 0,
            ciu: 0,
            acid: NO_CONTROLLER,
            ccrs: ccrs::SUCCESS,
            ccrf: 0,
        };
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.ccr_log.push(success.disturbed(entry));
        }
    }
}

impl CcrEntry {
    /// The entry with other values in those fields that have a fault.
    fn disturbed(self, fault: &EntryFault) -> Self {
        CcrEntry {
            icid: fault.icid.unwrap_or(self.icid),
            ciu: fault.ciu.unwrap_or(self.ciu),
            acid: fault.acid.unwrap_or(self.acid),
            ccrs: fault.ccrs.unwrap_or(self.ccrs),
            ccrf: fault.ccrf.unwrap_or(self.ccrf),
        }
    }

    fn fail(&mut self, failure: Failure) {
        const RETRY_SHIFT: u8 = 2;
        const RETRY_THERE: u8 = 1;

        let named = failure.acid.map_or(0, |_| RETRY_THERE);
        self.ccrs = ccrs::FAILED;
        self.acid = failure.acid.unwrap_or(NO_CONTROLLER);
        self.ccrf = u8::from(failure.validated)
            | u8::from(failure.initiated) << 1
            | failure.retry.unwrap_or(named) << RETRY_SHIFT;
    }

    fn encode(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        put(&mut bytes, 0, self.icid);
        bytes[2] = self.ciu;
        put(&mut bytes, 4, self.acid);
        bytes[6] = self.ccrs;
        bytes[7] = self.ccrf;
        bytes
    }
}
