// SPDX-License-Identifier: GPL-2.0

//! What is to happen later.

use std::collections::BTreeMap;

use super::connection::ConnectionId;
use super::controller::AssociationId;
use crate::nvme::event::Event;

/// What is to happen. Whatever it is about may be gone by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// The association may have been silent for too long.
    KeepAlive(AssociationId),
    /// What came through this lost connection must not be executed any more.
    Quiesce(ConnectionId),
    /// The reset of this association is over.
    Reset(AssociationId),
    /// The command with this number was held long enough.
    Release(u64),
    /// The ANA group may move away from this port.
    Move(u16),
    /// A late event is reported.
    Event(AssociationId, Event),
}

/// All timers. Those with the same deadline expire in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    timers: BTreeMap<(u64, u64), Timer>,
    set: u64,
}

impl Timers {
    pub(super) fn set(&mut self, deadline_ns: u64, timer: Timer) {
        self.set += 1;
        self.timers.insert((deadline_ns, self.set), timer);
    }

    /// Takes a timer back, if it is set.
    pub(super) fn cancel(&mut self, timer: Timer) {
        self.timers.retain(|_, other| *other != timer);
    }

    /// When the next one expires.
    pub(super) fn deadline_ns(&self) -> Option<u64> {
        self.timers.keys().next().map(|&(deadline, _)| deadline)
    }

    /// One that has expired.
    pub(super) fn take_expired(&mut self, now_ns: u64) -> Option<Timer> {
        let entry = self.timers.first_entry()?;
        (entry.key().0 <= now_ns).then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_expire_in_order() {
        let mut timers = Timers::default();
        assert_eq!(timers.deadline_ns(), None);
        timers.set(20, Timer::Release(3));
        timers.set(10, Timer::Release(2));
        timers.set(10, Timer::Release(1));
        assert_eq!(timers.deadline_ns(), Some(10));
        assert_eq!(timers.take_expired(9), None);
        assert_eq!(timers.take_expired(10), Some(Timer::Release(2)));
        assert_eq!(timers.take_expired(10), Some(Timer::Release(1)));
        assert_eq!(timers.take_expired(10), None);
        timers.set(20, Timer::Release(4));
        timers.cancel(Timer::Release(3));
        assert_eq!(timers.take_expired(30), Some(Timer::Release(4)));
    }
}
