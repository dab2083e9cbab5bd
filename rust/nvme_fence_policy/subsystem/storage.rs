// SPDX-License-Identifier: GPL-2.0

//! Where the associations of a subsystem are kept.

use crate::association::Association;
use crate::ccr::resets::Lent;
use crate::identity::AssociationId;
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

    /// The one of this name, if it is not discarded yet. Who can do so without a look at all of them
    /// says how: it is done for each command that is held.
    fn get(&self, id: AssociationId) -> Option<&Association<Self::Lent>> {
        self.iter().find(|one| one.id() == id)
    }

    /// The same.
    fn get_mut(&mut self, id: AssociationId) -> Option<&mut Association<Self::Lent>> {
        self.iter_mut().find(|one| one.id() == id)
    }

    /// The same, with its slots.
    fn get_mut_with_slots(
        &mut self,
        id: AssociationId,
    ) -> Option<(&mut Association<Self::Lent>, &mut [Slot])> {
        self.iter_mut_with_slots().find(|(one, _)| one.id() == id)
    }
}
