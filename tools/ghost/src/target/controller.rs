// SPDX-License-Identifier: GPL-2.0

//! A controller: one association between a host and the subsystem, from Connect until its last
//! command can not be executed any more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::command::Command;
use super::reservation::HostId;
use super::script::rule::AssignedIdentity;
use crate::nvme::event::Event;
use crate::sweep::random::Random;

/// What an association is called here; unlike a CNTLID never used again for another one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AssociationId(pub(super) u64);

/// The CNTLIDs that controllers get are 1 to this one.
pub(super) const CNTLID_MAX: u16 = 0xffef;

/// Who uses a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) id: HostId,
    pub(super) nqn: String,
}

/// What a Cross-Controller Reset names beside the CNTLID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) ciu: u8,
    pub(super) cirn: u64,
}

/// What a controller is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Io,
    Discovery,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Controller {
    pub(super) cntlid: u16,
    pub(super) port: u16,
    pub(super) host: Host,
    pub(super) purpose: Purpose,
    /// The association has ended; commands of it may still be executed.
    pub(super) lost: bool,
    pub(super) registers: Registers,
    /// Since CSTS.RDY was asserted.
    pub(super) identity: Option<Identity>,
    /// Where that comes from.
    pub(super) assigned: AssignedIdentity,
    /// 0: there is no keep alive.
    pub(super) keep_alive_ms: u32,
    /// When the host was last heard of.
    pub(super) heard_ns: u64,
    pub(super) events: Events,
    /// Log page 1Eh, in the order in which it grew.
    pub(super) ccr_log: Vec<CcrEntry>,
    /// Log page 1Fh, the oldest one first.
    pub(super) lost_hosts: Vec<LostHost>,
    /// The Volatile Write Cache feature.
    pub(super) write_cache: bool,
}

/// Properties that a host can change, or see changing.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Registers {
    pub(super) cc: u32,
    pub(super) ready: bool,
    pub(super) shutdown: Shutdown,
}

/// How far a shutdown has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shutdown {
    #[default]
    None,
    Occurring,
    Complete,
}

/// Asynchronous events of a controller.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The Asynchronous Event Configuration feature.
    pub(super) enabled: u32,
    /// Asynchronous Event Request commands that wait.
    pub(super) requests: VecDeque<Command>,
    /// Events that wait for a command.
    pub(super) pending: VecDeque<Event>,
    /// Events that were raised; until the log page is read they are not raised again.
    pub(super) masked: BTreeSet<Event>,
}

/// An entry of log page 1Eh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CcrEntry {
    pub(super) icid: u16,
    pub(super) ciu: u8,
    pub(super) acid: u16,
    pub(super) ccrs: u8,
    pub(super) ccrf: u8,
}

/// An entry of log page 1Fh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LostHost {
    pub(super) cntlid: u16,
    pub(super) lc: u8,
    pub(super) ciu: u8,
}

impl Controller {
    /// Whether it is the one that a Cross-Controller Reset names.
    pub(super) fn is(&self, icid: u16, identity: Identity) -> bool {
        self.cntlid == icid && self.identity == Some(identity)
    }
}

/// Makes the identities of instances.
#[derive(Debug)]
pub(super) struct Identities {
    ciu_first: u8,
    /// The newest one, by CNTLID.
    newest: BTreeMap<u16, Identity>,
    random: Random,
}

impl Identities {
    pub(super) fn new(ciu_first: u8, seed: u64) -> Self {
        Identities {
            ciu_first,
            newest: BTreeMap::new(),
            random: Random::new(seed),
        }
    }

    /// The identity of the next instance of a controller, if they have one.
    pub(super) fn next(&mut self, cntlid: u16) -> Option<Identity> {
        if self.ciu_first == 0 {
            return None;
        }
        let ciu = match self.newest.get(&cntlid) {
            None => self.ciu_first,
            // 0 says that there is none.
            Some(newest) => newest.ciu.checked_add(1).unwrap_or(1),
        };
        let cirn = self.random.between(1, u64::MAX);
        let identity = Identity { ciu, cirn };
        self.newest.insert(cntlid, identity);
        Some(identity)
    }

    /// The identity of the next instance, as the script wants it.
    pub(super) fn assign(&mut self, cntlid: u16, how: AssignedIdentity) -> Option<Identity> {
        match how {
            AssignedIdentity::New => self.next(cntlid),
            AssignedIdentity::Same => match self.newest.get(&cntlid) {
                None => self.next(cntlid),
                same => same.copied(),
            },
            AssignedIdentity::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instance_has_an_identity_of_its_own() {
        let mut identities = Identities::new(254, 7);
        let ids: Vec<_> = [1, 2, 1, 1]
            .into_iter()
            .map(|cntlid| identities.next(cntlid).unwrap())
            .collect();
        let cius: Vec<_> = ids.iter().map(|identity| identity.ciu).collect();
        assert_eq!(cius, [254, 254, 255, 1]);
        let cirns: BTreeSet<_> = ids.iter().map(|identity| identity.cirn).collect();
        assert_eq!(cirns.len(), 4);
        assert_eq!(Identities::new(254, 7).next(1), Some(ids[0]));
    }

    #[test]
    fn the_script_may_want_another_identity() {
        let mut identities = Identities::new(3, 7);
        let first = identities.assign(1, AssignedIdentity::Same);
        assert_eq!(first.unwrap().ciu, 3);
        assert_eq!(identities.assign(1, AssignedIdentity::Same), first);
        assert_eq!(identities.assign(1, AssignedIdentity::None), None);
        let second = identities.assign(1, AssignedIdentity::New);
        assert_eq!(second.unwrap().ciu, 4);
        assert_eq!(identities.assign(1, AssignedIdentity::Same), second);
    }

    #[test]
    fn there_may_be_no_identity() {
        assert_eq!(Identities::new(0, 7).next(1), None);
    }
}
