// SPDX-License-Identifier: GPL-2.0

//! The Lost Host Communication log page (1Fh).

use crate::identity::Name;
use crate::log_page::Entries;

/// A log page as it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LostHostLog<'a>(Entries<'a>);

impl<'a> LostHostLog<'a> {
    /// A log page at the beginning of `bytes`, if it makes sense.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        Entries::parse(bytes).map(Self)
    }

    /// Whether it lists this instance of a controller. One that has no CIU can not be told from others
    /// of the same ID.
    pub(crate) fn lists(&self, name: Name) -> bool {
        name.ciu != 0
            && self.0.iter().any(|entry| {
                let [cntlid_low, cntlid_high, _loss_count, ciu, ..] = entry;
                u16::from_le_bytes([cntlid_low, cntlid_high]) == name.icid && ciu == name.ciu
            })
    }
}

#[cfg(test)]
mod tests;
