// SPDX-License-Identifier: GPL-2.0

//! A connection: which queue it is, and what is on its way through it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Sender;

use super::command::Command;
use super::controller::AssociationId;
use crate::nvme::bytes::get;
use crate::nvme::decode::{Agreement, Fatal, Pdu, Violation};
use crate::nvme::pdu::{Digests, Link, Side};

/// What a connection is called; never used again for another one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionId(pub(super) u64);

/// What goes to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// These bytes.
    Pdu(Vec<u8>),
    /// An end of the connection, behind everything that was sent before.
    Close,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    /// Number of the port.
    pub(super) port: u16,
    outgoing: Sender<Outgoing>,
    /// What host and controller have agreed on; nothing before `ICReq`.
    pub(super) link: Option<Link>,
    /// The queue that it became by Connect.
    pub(super) queue: Option<Queue>,
    /// Identifiers of the commands that are not completed.
    pub(super) outstanding: BTreeSet<u16>,
    /// Commands whose data is awaited, by tag.
    pub(super) transfers: BTreeMap<u16, Transfer>,
    /// Commands that are not answered before they are aborted.
    pub(super) ignored: Vec<Command>,
    /// Host or target has told the other one that it ends.
    pub(super) was_ended: bool,
    newest_tag: u16,
}

/// A queue of an association.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub(super) association: AssociationId,
    /// 0 is the admin queue.
    pub(super) number: u16,
    pub(super) entries: u16,
    head: u16,
    /// The host wants to know how far the submission queue was emptied.
    flow_control: bool,
}

/// A command whose data is awaited.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) command: Command,
    /// How much data there will be.
    pub(super) bytes: usize,
}

impl Connection {
    pub(super) fn new(port: u16, outgoing: Sender<Outgoing>) -> Self {
        Connection {
            port,
            outgoing,
            link: None,
            queue: None,
            outstanding: BTreeSet::new(),
            transfers: BTreeMap::new(),
            ignored: Vec::new(),
            was_ended: false,
            newest_tag: 0,
        }
    }

    /// Sends to the host; to one that is gone it does not matter.
    pub(super) fn send(&self, outgoing: Outgoing) {
        let _ = self.outgoing.send(outgoing);
    }

    /// What the host has to keep to.
    pub(super) fn agreement(&self, capsule_bytes_max: u32, data_bytes_max: u32) -> Agreement {
        Agreement {
            sender: Side::Host,
            digests: self.link.map_or(Digests::default(), |link| link.digests),
            capsule_bytes_max,
            data_bytes_max,
        }
    }

    /// Remembers that the data of a command is awaited, and calls it by the tag that it returns.
    pub(super) fn add_transfer(&mut self, transfer: Transfer) -> u16 {
        // There are fewer outstanding commands than tags.
        loop {
            self.newest_tag = self.newest_tag.wrapping_add(1);
            if !self.transfers.contains_key(&self.newest_tag) {
                break;
            }
        }
        self.transfers.insert(self.newest_tag, transfer);
        self.newest_tag
    }

    /// Adds data to the command for which it is, and returns that if it is complete.
    pub(super) fn add_data(&mut self, pdu: &Pdu) -> Result<Option<Command>, Violation> {
        const AT_CID: usize = 8;
        const AT_TAG: usize = 10;
        const AT_OFFSET: usize = 12;
        const AT_BYTES: usize = 16;

        let wrong = |fatal, offset| Err(Violation::new(fatal, offset, &pdu.header));
        let tag = get(&pdu.header, AT_TAG);
        let Some(transfer) = self.transfers.get_mut(&tag) else {
            return wrong(Fatal::InvalidHeaderField, AT_TAG);
        };
        if get::<u16>(&pdu.header, AT_CID) != transfer.command.sqe.cid() {
            return wrong(Fatal::InvalidHeaderField, AT_CID);
        }
        if get::<u32>(&pdu.header, AT_BYTES) as usize != pdu.data.len() {
            return wrong(Fatal::InvalidHeaderField, AT_BYTES);
        }
        let data = &mut transfer.command.data;
        if get::<u32>(&pdu.header, AT_OFFSET) as usize != data.len() {
            return wrong(Fatal::DataOutOfRange, AT_OFFSET);
        }
        if data.len() + pdu.data.len() > transfer.bytes {
            return wrong(Fatal::DataOutOfRange, AT_BYTES);
        }
        data.extend(&pdu.data);
        transfer.command.data_intact &= pdu.data_intact;
        let complete = data.len() == transfer.bytes;
        if complete != pdu.is_last() {
            return wrong(Fatal::InvalidHeaderField, 1);
        }
        let done = complete.then(|| self.transfers.remove(&tag)).flatten();
        Ok(done.map(|transfer| transfer.command))
    }
}

impl Queue {
    pub(super) fn new(
        association: AssociationId,
        number: u16,
        entries: u16,
        flow_control: bool,
    ) -> Self {
        Queue {
            association,
            number,
            entries,
            head: 0,
            flow_control,
        }
    }

    /// The submission queue head after one more command was taken out.
    pub(super) fn advance_head(&mut self) -> u16 {
        if !self.flow_control {
            return u16::MAX;
        }
        self.head = (self.head + 1) % self.entries;
        self.head
    }
}
