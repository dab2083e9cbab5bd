// SPDX-License-Identifier: GPL-2.0

//! Where the associations of a subsystem are kept.

use crate::association::Association;
use crate::ccr::resets::Lent;
use crate::overlap::Slot;

/// The associations of one subsystem. The crate allocates nothing, so whoever uses it keeps them: a
/// new one is put at the end, and what is to be discarded is taken out.
pub trait Storage {
    /// How [`Resets`](crate::Resets) are lent.
    type Lent: Lent;

    /// All of them, in the order in which they were opened.
    fn iter(&self) -> impl Iterator<Item = &Association<Self::Lent>>;

    /// All of them, in the same order.
    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Association<Self::Lent>>;

    /// All of them, in the same order, each with what is lent to it for its table of tracked ranges:
    /// always the same slots, or more with the same in the first ones. Who lends none has held what could
    /// be tracked, and all new writes wait for what can not be held.
    fn iter_mut_with_slots(
        &mut self,
    ) -> impl Iterator<Item = (&mut Association<Self::Lent>, &mut [Slot])> {
        self.iter_mut()
            .map(|association| (association, Default::default()))
    }
}
