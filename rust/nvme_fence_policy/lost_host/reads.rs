// SPDX-License-Identifier: GPL-2.0

//! When the Lost Host Communication log page of one controller is read.
//!
//! It is read while somebody waits for a controller to notice: at once, when an event says that there
//! is news, and now and then, as an event may be lost. Those reads retain the event, as a read that
//! does not removes all entries, and with them what others wait for. When nobody waits any more, one
//! read takes the event, so that there will be another one. Before that the page is looked at once
//! more: it may list what the host has not closed yet, and will wait for then.

use crate::ccr::{BUSY_MS, POLL_MS};
use crate::time::Nanos;

/// The reads of one controller's log page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LostHostReads {
    /// Somebody waits for a controller to notice.
    awaited: bool,
    /// Somebody will wait for an entry that was there.
    needed: bool,
    /// There was an event, which was not taken yet.
    event: bool,
    /// The page was looked at since.
    looked: bool,
    /// It is being looked at: the read that is under way retains the event, and began after it.
    looking: bool,
    /// It is to be read now.
    wanted: bool,
    /// It is being read.
    reading: bool,
    /// It is read again then, if not before.
    poll_at: Option<Nanos>,
}

impl LostHostReads {
    /// Nobody waits.
    pub(crate) const NONE: Self = Self {
        awaited: false,
        needed: false,
        event: false,
        looked: false,
        looking: false,
        wanted: false,
        reading: false,
        poll_at: None,
    };

    /// Whether somebody waits for a controller to notice, or will wait for an entry that was there.
    pub(crate) fn set_awaited(&mut self, awaited: bool, needed: bool) {
        if awaited != self.awaited {
            self.awaited = awaited;
            self.poll_at = None;
            self.wanted = awaited;
        }
        self.needed = needed;
        // What is to be done about the event depends on how the read ends that is under way.
        let idle = !self.reading && self.poll_at.is_none();
        if self.event && !awaited && !needed && idle {
            self.wanted = true;
        }
    }

    /// The controller says that there is news. A read that is under way may not have it yet.
    pub(crate) fn event(&mut self) {
        self.event = true;
        self.looked = false;
        self.looking = false;
        self.wanted = true;
    }

    /// Whether it is to be read now.
    pub(crate) const fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// It is read now. Returns whether the event is to be retained.
    pub(crate) fn begins(&mut self) -> bool {
        self.wanted = false;
        self.reading = true;
        self.poll_at = None;
        let retains = self.awaited || self.needed || !self.looked;
        self.event &= retains;
        self.looking = retains;
        retains
    }

    /// It was read, or could not be.
    pub(crate) fn ends(&mut self, retained: bool, failed: bool, now: Nanos) {
        self.reading = false;
        if failed {
            // The event was not taken.
            self.event |= !retained;
        } else {
            self.looked |= self.looking;
        }
        let millis = if failed { BUSY_MS } else { POLL_MS };
        if self.awaited || (failed && self.event) {
            self.poll_at = Some(now.after_millis(millis));
        }
    }

    /// When [`Self::timeout`] will have an effect.
    pub(crate) const fn next_deadline(&self) -> Option<Nanos> {
        self.poll_at
    }

    /// Time has passed.
    pub(crate) fn timeout(&mut self, now: Nanos) {
        self.wanted |= self.poll_at.take_if(|at| *at <= now).is_some();
    }
}

#[cfg(test)]
mod tests;
