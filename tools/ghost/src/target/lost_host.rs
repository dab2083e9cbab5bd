// SPDX-License-Identifier: GPL-2.0

//! Lost Host Communication, log page 1Fh: a controller lists the others of its host that have lost
//! it, without that anybody saw the host do something.
//!
//! Each controller has a list of its own. An entry is made when an association ends, which is before
//! its commands are over: it says that the loss was noticed, and no more.

use super::controller::{AssociationId, Controller, Host, LostHost, Purpose, Shutdown};
use super::core::Core;
use super::script::rule::{Body, Facts, LostEntryFault};
use crate::nvme::bytes::put;
use crate::nvme::event::Event;

const HEADER_BYTES: usize = 8;
const ENTRY_BYTES: usize = 8;
const ENTRIES_MAX: usize = 511;
const PAGE_BYTES: usize = HEADER_BYTES + ENTRIES_MAX * ENTRY_BYTES;

impl Core {
    /// What the others of its host are told about a controller that loses it now.
    pub(super) fn loss_to_list(&self, id: AssociationId) -> Option<(Host, LostHost)> {
        let controller = &self.controllers[&id];
        let entry = LostHost {
            cntlid: controller.cntlid,
            lc: 1,
            ciu: controller.identity.map_or(0, |identity| identity.ciu),
        };
        (self.config.lost_log && controller.is_in_use()).then(|| (controller.host.clone(), entry))
    }

    /// The controllers of this host list a loss.
    pub(super) fn list_loss(&mut self, host: &Host, entry: LostHost) {
        let others: Vec<_> = self
            .controllers
            .iter()
            .filter(|(_, other)| !other.lost && other.purpose == Purpose::Io)
            .filter(|(_, other)| other.host == *host)
            .map(|(&id, _)| id)
            .collect();
        for id in others {
            if let Some(other) = self.controllers.get_mut(&id) {
                other.add_lost_host(entry);
            }
            self.raise_event(id, Event::LostHost);
        }
    }

    /// Log page 1Fh, as the script wants it to be read. Reading removes the entries, unless the
    /// event is to be retained.
    pub(super) fn read_lost_log(&mut self, id: AssociationId, retain: bool) -> Vec<u8> {
        let entries = self.controllers[&id].lost_hosts.clone();
        let mut page = vec![0; HEADER_BYTES];
        let (mut kept, mut count) = (Vec::new(), None);
        for entry in entries {
            let facts = Facts {
                cntlid: entry.cntlid,
                ..self.facts(id)
            };
            let fault = self.rules.apply(&facts, |body| match body {
                Body::LostEntry(fault) => Some(*fault),
                _ => None,
            });
            let (_, fault) = fault.unwrap_or_default();
            count = count.or(fault.ne);
            if !fault.omit {
                page.extend(entry.disturbed(&fault).encode());
            }
            if retain || fault.keep {
                kept.push(entry);
            }
        }
        let really = u16::try_from((page.len() - HEADER_BYTES) / ENTRY_BYTES);
        put(
            &mut page,
            0,
            count.unwrap_or(really.expect("the list is limited")),
        );
        page.resize(PAGE_BYTES, 0);
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.lost_hosts = kept;
        }
        page
    }

    /// Puts an entry into the log page that no loss has made.
    pub(super) fn make_up_lost_entry(&mut self, id: AssociationId, entry: &LostEntryFault) {
        let made_up = LostHost {
            cntlid: 0,
            lc: 1,
            ciu: 0,
        };
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.lost_hosts.push(made_up.disturbed(entry));
            controller.limit_lost_hosts();
        }
    }
}

impl Controller {
    /// Whether a host would miss it: it is ready, and was not shut down.
    fn is_in_use(&self) -> bool {
        self.purpose == Purpose::Io
            && self.registers.ready
            && self.registers.shutdown == Shutdown::None
    }

    /// The newest entry about a controller takes the place of an older one, and counts on.
    fn add_lost_host(&mut self, mut entry: LostHost) {
        let same = |other: &LostHost| other.cntlid == entry.cntlid;
        if let Some(position) = self.lost_hosts.iter().position(same) {
            entry.lc = self.lost_hosts.remove(position).lc.saturating_add(1);
        }
        self.lost_hosts.push(entry);
        self.limit_lost_hosts();
    }

    fn limit_lost_hosts(&mut self) {
        if self.lost_hosts.len() > ENTRIES_MAX {
            self.lost_hosts.remove(0);
        }
    }
}

impl LostHost {
    /// The entry with other values in those fields that have a fault.
    fn disturbed(self, fault: &LostEntryFault) -> Self {
        LostHost {
            cntlid: fault.cntlid.unwrap_or(self.cntlid),
            lc: fault.lc.unwrap_or(self.lc),
            ciu: fault.ciu.unwrap_or(self.ciu),
        }
    }

    fn encode(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        put(&mut bytes, 0, self.cntlid);
        bytes[2] = self.lc;
        bytes[3] = self.ciu;
        bytes
    }
}
