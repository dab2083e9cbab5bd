// SPDX-License-Identifier: GPL-2.0

//! What is remembered of Cross-Controller Resets for one association.
//!
//! That is more than all else that is known of it, and most associations need none of it: their
//! controllers neither have names for their instances nor reset others. So it is memory of its own. Who
//! uses the crate lends it when the association is made, and gets it back when that is discarded;
//! nothing is lent later, as nothing is allocated on the failure path.

use super::source::{Offer, Source};
use super::tries::Tries;
use core::ops::DerefMut;

/// What is remembered of resets for one association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resets {
    /// Those that were asked for on its behalf.
    pub(crate) tries: Tries,
    /// What it does for others, those that it is asked for among that.
    pub(crate) source: Source,
}

impl Resets {
    /// For an association that offers this, and was not asked for anything yet.
    pub(crate) const fn new(offer: Offer) -> Self {
        Self {
            tries: Tries::new(),
            source: Source::new(offer),
        }
    }

    /// What is known of those to which nothing is lent: nothing.
    pub(crate) const NONE: Self = Self::new(Offer::NONE);
}

/// How [`Resets`] are lent: in whatever box the user of the crate allocates.
pub trait Lent: DerefMut<Target = Resets> {}

impl<T: DerefMut<Target = Resets>> Lent for T {}

#[cfg(test)]
pub(crate) mod tests;
