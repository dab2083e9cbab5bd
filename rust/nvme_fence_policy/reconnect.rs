// SPDX-License-Identifier: GPL-2.0

//! What a new association with a controller proves about an older one (Base Specification 2.3,
//! sections 3.4.5, 3.9.5 and 8.3.3).
//!
//! A controller accepts a Connect only when it has cleaned up after the host that it had before. So
//! when the host has a new association with the same Controller ID in the same subsystem, what was
//! outstanding on older ones is not any more. That is as good as the ID is: where several nodes give
//! out the same IDs, or an ID is given to another controller while the old one lives, it proves
//! nothing. Such a target is not likely to name instances, so by default the new association has to
//! be with *another instance*: one whose CIU or CIRN has changed. The administrator can say that the
//! ID is enough.
//!
//! What has the same ID may also be what was there before: if the policy comes when there are
//! associations already, or controllers are connected at the same time, the order in which they become
//! known says nothing. Newer is what was connected after the older one was known.
//!
//! Two controllers that have the same ID at the same time are proof of the contrary.

use crate::association::Opened;
use crate::evidence::Evidence;
use crate::identity::Identity;
use crate::knobs::{Belief, Knobs};

/// What a new association proves about an older one of the same subsystem.
pub(crate) fn proof(older: &Opened, newer: &Opened, knobs: &Knobs) -> Option<Evidence> {
    let is_newer = newer.connected.is_some_and(|at| at >= older.at);
    let (older, newer) = (&older.identity, &newer.identity);
    if !is_newer || older.cntlid != newer.cntlid {
        None
    } else if knobs.believes(Belief::Reconnect) && is_another_instance(older, newer) {
        Some(Evidence::Reconnect)
    } else if knobs.believes(Belief::ReconnectById) {
        Some(Evidence::ReconnectById)
    } else {
        None
    }
}

/// Whether two associations with the same Controller ID are with two instances of the controller.
fn is_another_instance(older: &Identity, newer: &Identity) -> bool {
    let changed = |before: u64, now: u64| before != 0 && now != 0 && before != now;
    changed(older.ciu.into(), newer.ciu.into()) || changed(older.cirn, newer.cirn)
}

#[cfg(test)]
mod tests;
