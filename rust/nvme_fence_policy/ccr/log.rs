// SPDX-License-Identifier: GPL-2.0

//! The Cross-Controller Reset log page (1Eh).

use crate::identity::{Identity, Name};
use crate::log_page::{Entries, ENTRY_BYTES};

/// How a reset stands: the field CCRS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It goes on.
    InProgress,
    /// The controller was reset.
    Success,
    /// It was not.
    Failed(Failure),
    /// A value that has no meaning.
    Invalid,
}

/// What an entry says of a reset that failed: fields of CCRF, and ACID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The controller has begun to reset itself (CLRI): it has noticed that the host is gone.
    pub noticed: bool,
    /// Where the reset is to be tried again (RETRY).
    pub retry: Retry,
}

impl Failure {
    /// Nothing has come of it, and it can be tried again.
    pub const PLAIN: Self = Self {
        noticed: false,
        retry: Retry::Anywhere,
    };
}

/// Where a reset that failed is to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Nowhere.
    Nowhere,
    /// On the controller of this ID (ACID).
    On(u16),
    /// On any but this source.
    Elsewhere,
    /// On any.
    Anywhere,
}

/// ACID if no other controller is to be asked.
const NO_CONTROLLER: u16 = 0xffff;

/// CCRF bit 1: Controller Level Reset Initiated (CLRI).
const INITIATED: u8 = 1 << 1;

impl Failure {
    /// Decodes CCRF and ACID.
    const fn decode(ccrf: u8, acid: u16) -> Self {
        Self {
            noticed: ccrf & INITIATED != 0,
            retry: match ccrf >> 2 & 0b11 {
                0 => Retry::Nowhere,
                1 if acid != NO_CONTROLLER => Retry::On(acid),
                2 => Retry::Elsewhere,
                _ => Retry::Anywhere,
            },
        }
    }
}

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Controller ID of the impacted controller.
    pub icid: u16,
    /// Its instance (CIU).
    pub ciu: u8,
    /// How the reset stands.
    pub status: Status,
}

impl Entry {
    const fn is_called(&self, name: Name) -> bool {
        self.icid == name.icid && self.ciu == name.ciu
    }

    /// What it calls the instance that it is about.
    pub const fn name(&self) -> Name {
        Name {
            icid: self.icid,
            ciu: self.ciu,
        }
    }

    fn decode(bytes: [u8; ENTRY_BYTES]) -> Self {
        let [icid_low, icid_high, ciu, _, acid_low, acid_high, ccrs, ccrf] = bytes;
        let acid = u16::from_le_bytes([acid_low, acid_high]);
        Self {
            icid: u16::from_le_bytes([icid_low, icid_high]),
            ciu,
            status: match ccrs {
                0 => Status::InProgress,
                1 => Status::Success,
                2 => Status::Failed(Failure::decode(ccrf, acid)),
                _ => Status::Invalid,
            },
        }
    }
}

/// A log page as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Log<'a>(Entries<'a>);

impl<'a> Log<'a> {
    /// A log page at the beginning of `bytes`. [`None`] if it says that it has more entries than
    /// there can be, or than `bytes` has room for.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        Entries::parse(bytes).map(Self)
    }

    /// The entries, in their order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + 'a {
        self.0.iter().map(Entry::decode)
    }

    /// How the resets of this instance of a controller stand, all taken together; [`None`] if none
    /// is listed. It can not be told from another instance that has the same name.
    pub fn status(&self, identity: &Identity) -> Option<Status> {
        self.status_of(identity.name())
    }

    /// The same, by its name.
    ///
    /// As long as one goes on, nothing is said: what is completed may be older.
    pub(super) fn status_of(&self, name: Name) -> Option<Status> {
        self.entries()
            .filter(|entry| entry.is_called(name))
            .map(|entry| entry.status)
            .reduce(Status::with)
    }

    /// Whether there is an entry that could be removed.
    pub fn has_completed(&self) -> bool {
        self.entries()
            .any(|entry| entry.status != Status::InProgress)
    }
}

impl Status {
    /// What two entries about the same instance say together.
    fn with(self, other: Self) -> Self {
        let order = |status: Self| match status {
            Self::InProgress => 0,
            Self::Success => 1,
            Self::Failed(_) => 2,
            Self::Invalid => 3,
        };
        // Of two that failed, the first one is as good as the other.
        if order(self) <= order(other) {
            self
        } else {
            other
        }
    }
}

#[cfg(test)]
mod tests;
