// SPDX-License-Identifier: GPL-2.0

//! What the log pages about controllers have in common: 1Eh (Cross-Controller Reset) and 1Fh (Lost
//! Host Communication) are lists of entries of eight bytes.

/// Which log page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPage {
    /// 1Eh: how the resets stand that the controller was asked for.
    Resets,
    /// 1Fh: the controllers of the subsystem that have lost touch with this host.
    LostHost,
}

/// Length of the header: the number of entries (NE), and reserved bytes.
const HEADER_BYTES: usize = 8;

/// Length of an entry.
pub(crate) const ENTRY_BYTES: usize = 8;

/// A log page has at most so many entries.
pub const ENTRIES_MAX: usize = 511;

/// Length of the longest log page, in bytes.
pub const LOG_BYTES: usize = HEADER_BYTES + ENTRIES_MAX * ENTRY_BYTES;

/// The entries of a log page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    /// Those of a log page at the beginning of `bytes`. [`None`] if it says that it has more than there
    /// can be, or than `bytes` has room for.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let [ne_low, ne_high, ..] = *bytes else {
            return None;
        };
        let count = usize::from(u16::from_le_bytes([ne_low, ne_high]));
        if count > ENTRIES_MAX {
            return None;
        }
        let end = HEADER_BYTES + count * ENTRY_BYTES;
        bytes.get(HEADER_BYTES..end).map(Self)
    }

    /// One after the other.
    pub(crate) fn iter(self) -> impl Iterator<Item = [u8; ENTRY_BYTES]> + 'a {
        self.0
            .chunks_exact(ENTRY_BYTES)
            .filter_map(|entry| entry.try_into().ok())
    }
}
