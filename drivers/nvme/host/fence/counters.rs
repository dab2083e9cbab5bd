// SPDX-License-Identifier: GPL-2.0

//! What has happened to the associations of a controller, or of a subsystem, so far, in numbers.

use kernel::sync::atomic::{Atomic, Relaxed};
use nvme_fence_policy::Evidence;

/// A number that only grows. Each is exact, but two that are read one after the other may not fit.
pub(crate) struct Counter(Atomic<u64>);

impl Counter {
    const fn new() -> Self {
        Self(Atomic::new(0))
    }

    /// Adds to it, and returns what it was before.
    pub(crate) fn add(&self, n: u64) -> u64 {
        self.0.fetch_add(n, Relaxed)
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// All of them.
pub(crate) struct Counters {
    /// Associations that were lost.
    pub(crate) lost: Counter,
    /// Commands that were held.
    pub(crate) held: Counter,
    /// Bytes that were held.
    pub(crate) held_bytes: Counter,
    /// New commands of these, which waited because they touched what was tracked.
    pub(crate) waited: Counter,
    /// Commands that were tracked.
    pub(crate) tracked: Counter,
    /// Commands of these that were sent again before there was evidence.
    pub(crate) repeated: Counter,
    /// Commands that were sent on.
    pub(crate) released: Counter,
    /// Bytes that were sent on.
    pub(crate) released_bytes: Counter,
    /// Records that were fenced by a Cross-Controller Reset.
    pub(crate) ccr: Counter,
    /// Cross-Controller Resets that were asked for, on behalf of the controller.
    pub(crate) ccr_asked: Counter,
    /// Completed entries in its log page that were not about what it was asked for.
    pub(crate) ccr_unmatched: Counter,
    /// Log pages that could not be read, or made no sense.
    pub(crate) ccr_log_errors: Counter,
    /// Records that were fenced by time.
    pub(crate) time: Counter,
    /// Deadlines that were moved forward, as the controller was known to have noticed.
    pub(crate) noticed: Counter,
    /// Records that were fenced because the host has a new association with another instance.
    pub(crate) reconnect: Counter,
    /// Records that were fenced because the host has a new association with the same Controller ID.
    pub(crate) reconnect_by_id: Counter,
    /// Records that were fenced because the controller was disabled.
    pub(crate) disabled: Counter,
    /// Records that were fenced because the array has moved all that was held.
    pub(crate) target: Counter,
    /// Records that were fenced by the administrator's word.
    pub(crate) admin: Counter,
    /// Commands that were held for these.
    pub(crate) admin_commands: Counter,
}

impl Counters {
    /// So many commands are held, or were.
    pub(crate) fn count_held(&self, commands: u32, bytes: u64) {
        self.held.add(commands.into());
        self.held_bytes.add(bytes);
    }

    /// One more record was fenced by this evidence, for which so many commands are held.
    pub(crate) fn count_fenced(&self, evidence: Evidence, held: u32) {
        match evidence {
            Evidence::Ccr => &self.ccr,
            Evidence::Time => &self.time,
            Evidence::Reconnect => &self.reconnect,
            Evidence::ReconnectById => &self.reconnect_by_id,
            Evidence::Disabled => &self.disabled,
            Evidence::Target => &self.target,
            Evidence::Admin => {
                self.admin_commands.add(held.into());
                &self.admin
            }
        }
        .add(1);
    }

    /// Nothing has happened yet.
    pub(crate) const fn new() -> Self {
        Self {
            lost: Counter::new(),
            held: Counter::new(),
            held_bytes: Counter::new(),
            waited: Counter::new(),
            tracked: Counter::new(),
            repeated: Counter::new(),
            released: Counter::new(),
            released_bytes: Counter::new(),
            ccr: Counter::new(),
            ccr_asked: Counter::new(),
            ccr_unmatched: Counter::new(),
            ccr_log_errors: Counter::new(),
            time: Counter::new(),
            noticed: Counter::new(),
            reconnect: Counter::new(),
            reconnect_by_id: Counter::new(),
            disabled: Counter::new(),
            target: Counter::new(),
            admin: Counter::new(),
            admin_commands: Counter::new(),
        }
    }
}
