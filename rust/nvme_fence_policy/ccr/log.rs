// SPDX-License-Identifier: GPL-2.0

//! The Cross-Controller Reset log page (1Eh).

use super::Name;
use crate::association::Identity;

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
    /// Whether it is about this instance of a controller, or about another one that has the same
    /// name.
    pub const fn is_about(&self, identity: &Identity) -> bool {
        self.is_called(identity.name())
    }

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
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn page(entries: &[[u8; 8]]) -> Vec<u8> {
        let mut bytes = Vec::from([0; HEADER_BYTES]);
        bytes[..2].copy_from_slice(&(entries.len() as u16).to_le_bytes());
        for entry in entries {
            bytes.extend_from_slice(entry);
        }
        bytes
    }

    const fn entry(icid: u16, ciu: u8, ccrs: u8) -> [u8; 8] {
        let [low, high] = icid.to_le_bytes();
        [low, high, ciu, 0xff, 9, 0, ccrs, 0xff]
    }

    const fn identity(cntlid: u16, ciu: u8) -> Identity {
        Identity {
            cntlid,
            ciu,
            cirn: 0x1234,
        }
    }

    #[test]
    fn an_entry_is_found_by_controller_and_instance() {
        let bytes = page(&[entry(0x102, 3, 1), entry(7, 3, 2), entry(0x102, 4, 0)]);
        let log = Log::parse(&bytes).unwrap();
        assert_eq!(log.status(&identity(0x102, 3)), Some(Status::Success));
        assert_eq!(log.status(&identity(7, 3)), Some(Status::Failed));
        assert_eq!(log.status(&identity(0x102, 4)), Some(Status::InProgress));
        assert_eq!(log.status(&identity(2, 3)), None);
        assert_eq!(log.status(&identity(7, 4)), None);
    }

    #[test]
    fn a_value_without_meaning_is_no_success() {
        for ccrs in 3..=255 {
            let bytes = page(&[entry(1, 1, ccrs)]);
            let log = Log::parse(&bytes).unwrap();
            assert_eq!(log.status(&identity(1, 1)), Some(Status::Invalid));
        }
    }

    #[test]
    fn what_goes_on_hides_what_is_older() {
        for entries in [
            [entry(1, 1, 1), entry(1, 1, 0)],
            [entry(1, 1, 0), entry(1, 1, 2)],
        ] {
            let bytes = page(&entries);
            let log = Log::parse(&bytes).unwrap();
            assert_eq!(log.status(&identity(1, 1)), Some(Status::InProgress));
        }
        let bytes = page(&[entry(1, 1, 2), entry(1, 1, 1)]);
        let log = Log::parse(&bytes).unwrap();
        assert_eq!(log.status(&identity(1, 1)), Some(Status::Success));
    }

    #[test]
    fn a_page_that_is_too_short_for_what_it_says_is_no_page() {
        assert!(Log::parse(&[]).is_none());
        assert!(Log::parse(&[0]).is_none());
        let mut bytes = page(&[entry(1, 1, 1), entry(1, 1, 1)]);
        assert!(Log::parse(&bytes).is_some());
        bytes.pop();
        assert!(Log::parse(&bytes).is_none());
        let mut bytes = Vec::from([0; 2 * LOG_BYTES]);
        for (count, valid) in [(511_u16, true), (512, false), (u16::MAX, false)] {
            bytes[..2].copy_from_slice(&count.to_le_bytes());
            assert_eq!(Log::parse(&bytes).is_some(), valid);
        }
    }

    #[test]
    fn only_completed_entries_can_be_removed() {
        assert!(!Log::parse(&page(&[])).unwrap().has_completed());
        assert!(!Log::parse(&page(&[entry(1, 1, 0)]))
            .unwrap()
            .has_completed());
        assert!(Log::parse(&page(&[entry(1, 1, 0), entry(2, 1, 2)]))
            .unwrap()
            .has_completed());
    }
}
