// SPDX-License-Identifier: GPL-2.0

//! The Cross-Controller Reset log page (1Eh).

use crate::identity::{Identity, Name};

/// Length of the header: the number of entries (NE), and reserved bytes.
const HEADER_BYTES: usize = 8;

/// Length of an entry.
const ENTRY_BYTES: usize = 8;

/// The log page has at most so many entries.
pub const ENTRIES_MAX: usize = 511;

/// Length of the longest log page, in bytes.
pub const LOG_BYTES: usize = HEADER_BYTES + ENTRIES_MAX * ENTRY_BYTES;

/// How a reset stands: the field CCRS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It goes on.
    InProgress,
    /// The controller was reset.
    Success,
    /// It was not.
    Failed,
    /// A value that has no meaning.
    Invalid,
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

    fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; ENTRY_BYTES] = bytes.try_into().ok()?;
        let [icid_low, icid_high, ciu, _, _, _, ccrs, _] = *bytes;
        Some(Self {
            icid: u16::from_le_bytes([icid_low, icid_high]),
            ciu,
            status: match ccrs {
                0 => Status::InProgress,
                1 => Status::Success,
                2 => Status::Failed,
                _ => Status::Invalid,
            },
        })
    }
}

/// A log page as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Log<'a> {
    /// The entries, each of full length.
    entries: &'a [u8],
}

impl<'a> Log<'a> {
    /// A log page at the beginning of `bytes`. [`None`] if it says that it has more entries than
    /// there can be, or than `bytes` has room for.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let [ne_low, ne_high, ..] = *bytes else {
            return None;
        };
        let count = usize::from(u16::from_le_bytes([ne_low, ne_high]));
        if count > ENTRIES_MAX {
            return None;
        }
        let end = HEADER_BYTES + count * ENTRY_BYTES;
        let entries = bytes.get(HEADER_BYTES..end)?;
        Some(Self { entries })
    }

    /// The entries, in their order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + 'a {
        self.entries
            .chunks_exact(ENTRY_BYTES)
            .filter_map(Entry::parse)
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
            Self::Failed => 2,
            Self::Invalid => 3,
        };
        if order(self) <= order(other) {
            self
        } else {
            other
        }
    }
}

#[cfg(test)]
mod tests;
