// SPDX-License-Identifier: GPL-2.0

//! Who is registered, who holds the reservation, and what that allows. Knows of no commands and no
//! connections.

use std::collections::BTreeMap;

use crate::nvme::status::Status;

/// A Host Identifier: all controllers of a host are one registrant.
pub(in crate::target) type HostId = [u8; 16];

/// A key is refused, or a host that has none.
const CONFLICT: Status = Status::RESERVATION_CONFLICT.dnr();

/// Reservation Type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    WriteExclusive = 1,
    ExclusiveAccess = 2,
    WriteExclusiveRegistrantsOnly = 3,
    ExclusiveAccessRegistrantsOnly = 4,
    WriteExclusiveAllRegistrants = 5,
    ExclusiveAccessAllRegistrants = 6,
}

/// What a command does to blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::target) enum Access {
    Read,
    Write,
}

/// The reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reservation {
    kind: Kind,
    /// Who has acquired it. If all registrants hold it, that is of no importance.
    holder: HostId,
}

/// See the module.
#[derive(Debug, Default)]
pub(in crate::target) struct Registrants {
    keys: BTreeMap<HostId, u64>,
    reservation: Option<Reservation>,
    /// How often registrations were changed.
    pub(super) generation: u32,
    /// Persist Through Power Loss.
    pub(super) persists: bool,
}

impl Kind {
    pub(super) const ALL: [Kind; 6] = [
        Kind::WriteExclusive,
        Kind::ExclusiveAccess,
        Kind::WriteExclusiveRegistrantsOnly,
        Kind::ExclusiveAccessRegistrantsOnly,
        Kind::WriteExclusiveAllRegistrants,
        Kind::ExclusiveAccessAllRegistrants,
    ];

    pub(super) fn new(number: u32) -> Option<Kind> {
        Self::ALL.into_iter().find(|&kind| kind as u32 == number)
    }

    /// Whether others must not read.
    fn excludes_readers(self) -> bool {
        matches!(
            self,
            Kind::ExclusiveAccess
                | Kind::ExclusiveAccessRegistrantsOnly
                | Kind::ExclusiveAccessAllRegistrants
        )
    }

    /// Whether registrants may do all that the holder may.
    fn admits_registrants(self) -> bool {
        !matches!(self, Kind::WriteExclusive | Kind::ExclusiveAccess)
    }

    /// Whether every registrant is a holder.
    fn all_hold(self) -> bool {
        matches!(
            self,
            Kind::WriteExclusiveAllRegistrants | Kind::ExclusiveAccessAllRegistrants
        )
    }
}

impl Registrants {
    /// Whether this host may do this now.
    pub(in crate::target) fn allow(&self, host: &HostId, access: Access) -> bool {
        let Some(Reservation { kind, holder }) = self.reservation else {
            return true;
        };
        let is_admitted = if kind.admits_registrants() {
            self.keys.contains_key(host)
        } else {
            holder == *host
        };
        is_admitted || (access == Access::Read && !kind.excludes_readers())
    }

    /// The type of the reservation, if there is one.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.reservation.map(|reservation| reservation.kind)
    }

    /// The registrants: host, key, whether it holds the reservation.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&HostId, u64, bool)> {
        self.keys
            .iter()
            .map(|(host, &key)| (host, key, self.holds(host)))
    }

    fn holds(&self, host: &HostId) -> bool {
        self.reservation
            .is_some_and(|Reservation { kind, holder }| {
                if kind.all_hold() {
                    self.keys.contains_key(host)
                } else {
                    holder == *host
                }
            })
    }

    /// Registers a host. A registrant may do it again with the key that it has.
    pub(super) fn register(&mut self, host: HostId, key: u64) -> Result<(), Status> {
        if key == 0 {
            return Err(Status::INVALID_FIELD.dnr());
        }
        if *self.keys.entry(host).or_insert(key) != key {
            return Err(CONFLICT);
        }
        self.changed();
        Ok(())
    }

    /// Ends a registration; without `current` whatever its key is.
    pub(super) fn unregister(&mut self, host: HostId, current: Option<u64>) -> Result<(), Status> {
        let key = *self.keys.get(&host).ok_or(CONFLICT)?;
        if current.is_some_and(|current| current != key) {
            return Err(CONFLICT);
        }
        self.remove(host);
        self.changed();
        Ok(())
    }

    /// Gives a registrant another key; without `current` whatever its key is, and also if it has
    /// none.
    pub(super) fn replace(
        &mut self,
        host: HostId,
        current: Option<u64>,
        key: u64,
    ) -> Result<(), Status> {
        if let Some(current) = current {
            self.check_key(host, current)?;
        }
        if key == 0 {
            return Err(Status::INVALID_FIELD.dnr());
        }
        self.keys.insert(host, key);
        self.changed();
        Ok(())
    }

    /// Takes the reservation if nobody has it. Who has it can take it again, as what it is.
    pub(super) fn acquire(&mut self, host: HostId, key: u64, kind: Kind) -> Result<(), Status> {
        self.check_key(host, key)?;
        match self.reservation {
            None => {
                self.reservation = Some(Reservation { kind, holder: host });
                Ok(())
            }
            Some(reservation) if self.holds(&host) && reservation.kind == kind => Ok(()),
            Some(_) => Err(CONFLICT),
        }
    }

    /// Ends the registrations that have the key `victim`, and takes the reservation if it was
    /// theirs. Returns the other hosts whose registrations were ended.
    pub(super) fn preempt(
        &mut self,
        host: HostId,
        key: u64,
        victim: u64,
        kind: Kind,
    ) -> Result<Vec<HostId>, Status> {
        self.check_key(host, key)?;
        let takes = self.reservation.is_some_and(|held| {
            if held.kind.all_hold() {
                victim == 0
            } else {
                self.keys.get(&held.holder) == Some(&victim)
            }
        });
        let everybody = takes && victim == 0;
        if victim == 0 && !everybody {
            return Err(Status::INVALID_FIELD.dnr());
        }
        let victims: Vec<HostId> = self
            .keys
            .iter()
            .filter(|&(_, &key)| everybody || key == victim)
            .map(|(&other, _)| other)
            // Who takes the reservation must stay a registrant.
            .filter(|&other| !takes || other != host)
            .collect();
        if victims.is_empty() && !takes {
            return Err(CONFLICT);
        }
        for &victim in &victims {
            self.remove(victim);
        }
        if takes {
            self.reservation = Some(Reservation { kind, holder: host });
        }
        self.changed();
        Ok(victims.into_iter().filter(|&other| other != host).collect())
    }

    /// Gives the reservation up. If this host has none, nothing happens.
    pub(super) fn release(&mut self, host: HostId, key: u64, kind: u32) -> Result<(), Status> {
        self.check_key(host, key)?;
        let Some(reservation) = self.reservation.filter(|_| self.holds(&host)) else {
            return Ok(());
        };
        if reservation.kind as u32 != kind {
            return Err(Status::INVALID_FIELD.dnr());
        }
        self.reservation = None;
        Ok(())
    }

    /// Ends the reservation and all registrations.
    pub(super) fn clear(&mut self, host: HostId, key: u64) -> Result<(), Status> {
        self.check_key(host, key)?;
        self.reservation = None;
        self.keys.clear();
        self.changed();
        Ok(())
    }

    fn check_key(&self, host: HostId, key: u64) -> Result<(), Status> {
        if self.keys.get(&host) == Some(&key) {
            Ok(())
        } else {
            Err(CONFLICT)
        }
    }

    /// Removes a registrant. The reservation ends with the last one who holds it.
    fn remove(&mut self, host: HostId) {
        self.keys.remove(&host);
        if let Some(Reservation { kind, holder }) = self.reservation {
            let is_over = if kind.all_hold() {
                self.keys.is_empty()
            } else {
                holder == host
            };
            if is_over {
                self.reservation = None;
            }
        }
    }

    fn changed(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests;
