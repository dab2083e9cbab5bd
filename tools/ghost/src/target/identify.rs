// SPDX-License-Identifier: GPL-2.0

//! Identify data.

use super::command::{Command, Completion};
use super::config::Config;
use super::controller::{AssociationId, Controller, Purpose};
use super::core::Core;
use super::events::REQUESTS_MAX;
use super::fabrics::VERSION;
use super::reservation;
use crate::nvme::bytes::{put, put_text};
use crate::nvme::command::{CQE_BYTES, DataPointer, SQE_BYTES};
use crate::nvme::status::Status;

const IDENTIFY_BYTES: usize = 4096;

/// A namespace that more than one controller can attach to.
const SHARED: u8 = 1;

/// Controller or Namespace Structure.
mod cns {
    pub(super) const NAMESPACE: u32 = 0x00;
    pub(super) const CONTROLLER: u32 = 0x01;
    pub(super) const ACTIVE_NAMESPACES: u32 = 0x02;
    pub(super) const NAMESPACE_DESCRIPTORS: u32 = 0x03;
    pub(super) const COMMAND_SET_NAMESPACE: u32 = 0x05;
    pub(super) const COMMAND_SET_CONTROLLER: u32 = 0x06;
    pub(super) const INDEPENDENT_NAMESPACE: u32 = 0x08;
}

impl Core {
    pub(super) fn identify(&self, id: AssociationId, command: &Command) -> Completion {
        let controller = &self.controllers[&id];
        let nsid = command.sqe.nsid();
        let cns = command.sqe.dword(10) & 0xff;
        let has_namespaces = controller.purpose == Purpose::Io;
        if !matches!(command.sqe.data_pointer(), DataPointer::Transport(bytes) if bytes as usize == IDENTIFY_BYTES)
        {
            return Status::SGL_INVALID_DATA.dnr().into();
        }
        let of_namespace: Option<fn(&Config, u32) -> Vec<u8>> = match cns {
            cns::NAMESPACE => Some(namespace),
            cns::NAMESPACE_DESCRIPTORS => Some(namespace_descriptors),
            cns::COMMAND_SET_NAMESPACE => Some(|_, _| vec![0; IDENTIFY_BYTES]),
            cns::INDEPENDENT_NAMESPACE => Some(independent_namespace),
            _ => None,
        };
        if let Some(page) = of_namespace {
            if has_namespaces && self.config.nsids().contains(&nsid) {
                return Completion::data(page(&self.config, nsid));
            }
            return Status::INVALID_NAMESPACE.dnr().into();
        }
        match cns {
            cns::CONTROLLER => Completion::data(self.identify_controller(id, controller)),
            cns::ACTIVE_NAMESPACES if has_namespaces => {
                Completion::data(active_namespaces(&self.config, nsid))
            }
            // No limit is reported that the transfer size has not.
            cns::COMMAND_SET_CONTROLLER if has_namespaces => {
                Completion::data(vec![0; IDENTIFY_BYTES])
            }
            _ => Status::INVALID_FIELD.dnr().into(),
        }
    }

    fn identify_controller(&self, id: AssociationId, controller: &Controller) -> Vec<u8> {
        const HOST_ID_128_BITS: u32 = 1 << 0;
        const TRAFFIC_BASED_KEEP_ALIVE: u32 = 1 << 6;
        const COMMAND_EFFECTS_LOG: u8 = 1 << 1;
        const EXTENDED_LOG_DATA: u8 = 1 << 2;
        const SGL_SUPPORTED: u32 = 1 << 0;
        const SGL_OFFSETS: u32 = 1 << 20;

        let config = &self.config;
        let is_io = controller.purpose == Purpose::Io;
        let mut page = vec![0; IDENTIFY_BYTES];
        let queue_entry = |bytes: usize| {
            let exponent = bytes.ilog2() as u8;
            exponent << 4 | exponent
        };

        put_text(&mut page[4..24], &format!("{:020}", config.seed), b' ');
        put_text(&mut page[24..64], "ghost target", b' ');
        put_text(&mut page[64..72], env!("CARGO_PKG_VERSION"), b' ');
        page[77] = config.mdts.unwrap_or(0); // MDTS
        put(&mut page, 78, controller.cntlid); // CNTLID
        put(&mut page, 80, VERSION); // VER
        put(&mut page, 92, self.async_events_supported(id)); // OAES
        let mut attributes = HOST_ID_128_BITS;
        if config.keep_alive_by_traffic {
            attributes |= TRAFFIC_BASED_KEEP_ALIVE;
        }
        put(&mut page, 96, attributes); // CTRATT
        page[111] = if is_io { 1 } else { 2 }; // CNTRLTYPE
        if let Some(identity) = controller.identity {
            page[135] = identity.ciu; // CIU
            put(&mut page, 136, identity.cirn); // CIRN
        }
        page[258] = 3; // ACL: four Abort commands
        page[259] = REQUESTS_MAX as u8 - 1; // AERL
        page[261] = COMMAND_EFFECTS_LOG | EXTENDED_LOG_DATA; // LPA
        put(&mut page, 320, config.keep_alive_granularity_100ms); // KAS
        put(&mut page, 386, config.cqt_ms); // CQT
        page[512] = queue_entry(SQE_BYTES); // SQES
        page[513] = queue_entry(CQE_BYTES); // CQES
        put(&mut page, 514, config.queue_entries); // MAXCMD
        put(&mut page, 536, SGL_SUPPORTED | SGL_OFFSETS); // SGLS
        put_text(&mut page[768..1024], self.nqn_of(controller), 0); // SUBNQN
        let in_capsule_bytes = if is_io { config.in_capsule_bytes } else { 0 };
        let capsule_units = (SQE_BYTES as u32 + in_capsule_bytes) / 16;
        put(&mut page, 1792, capsule_units); // IOCCSZ
        put(&mut page, 1796, CQE_BYTES as u32 / 16); // IORCSZ
        page[1803] = 1; // MSDBD
        if is_io {
            self.identify_io_controller(&mut page);
        }
        page
    }

    /// What a controller with namespaces has beside that.
    fn identify_io_controller(&self, page: &mut [u8]) {
        const DATASET_MANAGEMENT: u16 = 1 << 2;
        const WRITE_ZEROES: u16 = 1 << 3;
        const RESERVATIONS: u16 = 1 << 5;
        const ANA_ALL_STATES: u8 = 0x1f;
        const ANA_TRANSITION_S: u8 = 10;

        let config = &self.config;
        page[76] = config.cmic; // CMIC
        put(page, 516, config.namespaces); // NN
        put(page, 520, DATASET_MANAGEMENT | WRITE_ZEROES | RESERVATIONS); // ONCS
        page[525] = u8::from(config.write_cache); // VWC
        if config.has_ana() {
            page[342] = ANA_TRANSITION_S; // ANATT
            page[343] = ANA_ALL_STATES; // ANACAP
            put(page, 344, config.namespaces); // ANAGRPMAX
            put(page, 348, config.namespaces); // NANAGRPID
        }
        put(page, 540, config.namespaces); // MNAN
        page[1807] = if config.has_ccr() { config.ccrl } else { 0 }; // CCRL
    }

    fn nqn_of(&self, controller: &Controller) -> &str {
        match controller.purpose {
            Purpose::Io => &self.config.nqn,
            Purpose::Discovery => super::fabrics::DISCOVERY_NQN,
        }
    }
}

fn namespace(config: &Config, nsid: u32) -> Vec<u8> {
    /// Deallocated blocks read as zeros, and Write Zeroes may deallocate.
    const DEALLOCATED_ARE_ZERO: u8 = 1 | 1 << 3;

    let mut page = vec![0; IDENTIFY_BYTES];
    put(&mut page, 0, config.blocks()); // NSZE
    put(&mut page, 8, config.blocks()); // NCAP
    put(&mut page, 16, config.blocks()); // NUSE
    page[30] = SHARED; // NMIC
    page[31] = reservation::CAPABILITIES; // RESCAP
    page[33] = DEALLOCATED_ARE_ZERO; // DLFEAT
    if config.has_ana() {
        put(&mut page, 92, nsid); // ANAGRPID
    }
    page[104..120].copy_from_slice(&nguid(config, nsid)); // NGUID
    page[130] = config.block_bytes.ilog2() as u8; // LBAF0, LBADS
    page
}

fn independent_namespace(config: &Config, nsid: u32) -> Vec<u8> {
    const READY: u8 = 1;

    let mut page = vec![0; IDENTIFY_BYTES];
    page[1] = SHARED; // NMIC
    page[2] = reservation::CAPABILITIES; // RESCAP
    if config.has_ana() {
        put(&mut page, 4, nsid); // ANAGRPID
    }
    page[14] = READY; // NSTAT
    page
}

fn namespace_descriptors(config: &Config, nsid: u32) -> Vec<u8> {
    const TYPE_NGUID: u8 = 2;
    const TYPE_COMMAND_SET: u8 = 4;

    let nguid = nguid(config, nsid);
    let mut page = Vec::with_capacity(IDENTIFY_BYTES);
    page.extend([TYPE_NGUID, nguid.len() as u8, 0, 0]);
    page.extend(nguid);
    // The NVM command set.
    page.extend([TYPE_COMMAND_SET, 1, 0, 0, 0]);
    page.resize(IDENTIFY_BYTES, 0);
    page
}

fn active_namespaces(config: &Config, after: u32) -> Vec<u8> {
    let mut page: Vec<u8> = config
        .nsids()
        .filter(|&nsid| nsid > after)
        .flat_map(u32::to_le_bytes)
        .collect();
    page.resize(IDENTIFY_BYTES, 0);
    page
}

/// The same subsystem has the same namespaces on all ports and in all runs.
fn nguid(config: &Config, nsid: u32) -> [u8; 16] {
    let mut nguid = *b"ghost\0target\0\0\0\0";
    // The first one has the name that it had when there was no other.
    nguid[5] = (nsid - 1) as u8;
    put(&mut nguid, 12, crc32c::crc32c(config.nqn.as_bytes()));
    nguid
}
