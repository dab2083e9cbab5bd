// SPDX-License-Identifier: GPL-2.0

//! What is noted of an association on its way, to be told when it is fenced.

use nvme_fence_policy::{Nanos, Rule};

/// What has happened to an association so far. Guarded by the lock of the subsystem, as all of its
/// [`Record`](crate::record::Record).
#[derive(Default)]
pub(crate) struct Course {
    /// When the host gave it up.
    lost: Option<Nanos>,
    /// When the host had terminated all connections.
    closed: Option<Nanos>,
    /// By which rule its last deadline was found.
    rule: Option<Rule>,
    /// Commands that were tracked.
    tracked: u32,
    /// New commands that had to wait.
    waited: u32,
}

impl Course {
    /// It is lost. If the host went on to use it and has given it up once more, that is what counts.
    pub(crate) fn note_lost(&mut self, now: Nanos) {
        self.lost = Some(now);
    }

    /// It is closed now, or has been before.
    pub(crate) fn note_closed(&mut self, now: Nanos) {
        self.closed.get_or_insert(now);
    }

    /// Its deadline was found by this rule, or it has none.
    pub(crate) fn note_rule(&mut self, rule: Option<Rule>) {
        self.rule = rule;
    }

    /// A command is tracked.
    pub(crate) fn note_tracked(&mut self) {
        self.tracked = self.tracked.saturating_add(1);
    }

    /// A new command has to wait.
    pub(crate) fn note_waited(&mut self) {
        self.waited = self.waited.saturating_add(1);
    }

    /// By which rule its last deadline was found.
    pub(crate) fn rule(&self) -> Option<Rule> {
        self.rule
    }

    /// Commands that were tracked.
    pub(crate) fn tracked(&self) -> u32 {
        self.tracked
    }

    /// New commands that had to wait.
    pub(crate) fn waited(&self) -> u32 {
        self.waited
    }

    /// For how many milliseconds it was lost before it was closed.
    pub(crate) fn closing_ms(&self) -> Option<u32> {
        Some(millis(self.lost?, self.closed?))
    }

    /// For how many milliseconds it has been closed.
    pub(crate) fn fencing_ms(&self, now: Nanos) -> Option<u32> {
        Some(millis(self.closed?, now))
    }
}

/// Milliseconds from one moment to a later one: at most the 49 days that there is room for.
pub(crate) fn millis(from: Nanos, to: Nanos) -> u32 {
    u32::try_from(to.millis_from(from)).unwrap_or(u32::MAX)
}
