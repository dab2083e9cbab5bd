// SPDX-License-Identifier: GPL-2.0

//! When the log pages of a source are read.
//!
//! That of its resets is read when an event says so, now and then while a result is awaited, and to
//! have completed entries removed. That is done once before the first reset is asked for, so that no
//! entry is older than what it is taken for. The other one is that of lost hosts: see
//! [`LostHostReads`].

use super::Source;
use crate::ccr::log::Log;
use crate::ccr::{BUSY_MS, FORGOTTEN_POLL_MS, POLL_MS};
use crate::log_page::LogPage;
use crate::lost_host::reads::LostHostReads;
use crate::time::Nanos;

/// How a log page is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRead {
    /// Which one.
    pub page: LogPage,
    /// Retain Asynchronous Event (RAE): the event, if there is one, is not cleared.
    pub retain_event: bool,
    /// Remove Completed (RMC): what is completed is listed for the last time.
    pub remove_completed: bool,
    /// When the read begins.
    pub since: Nanos,
}

/// What the log page is to be read for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// A result may be there, though no event said so.
    pub(super) poll: bool,
    /// An event said so.
    pub(super) event: bool,
    /// Completed entries are to be removed.
    pub(super) removal: bool,
}

impl Source {
    /// Whether a log page is to be read now. There is one read at a time.
    pub fn wants_log_read(&self, may_read_lost_host: bool) -> bool {
        self.reading.is_none()
            && (self.wants_own_read() || (may_read_lost_host && self.lost_host.is_wanted()))
    }

    /// Whether its log page 1Fh is being read.
    pub(crate) fn is_reading_lost_host(&self) -> bool {
        self.reading
            .is_some_and(|read| read.page == LogPage::LostHost)
    }

    fn wants_own_read(&self) -> bool {
        self.log_retry_at.is_none() && self.wanted != Wanted::default()
    }

    /// A log page is to be read now: as this says. It ends with [`Self::log_read_ends`] or
    /// [`Self::log_read_fails`], with [`Self::lost_host_read_ends`] or [`Self::lost_host_read_fails`],
    /// or with [`Self::log_not_sent`].
    pub fn begin_log_read(&mut self, now: Nanos) -> LogRead {
        if !self.wants_own_read() {
            let read = LogRead {
                page: LogPage::LostHost,
                retain_event: self.lost_host.begins(),
                remove_completed: false,
                since: now,
            };
            self.reading = Some(read);
            return read;
        }
        // One read looks for results, another one removes what is completed. So what is removed has
        // been seen before, whether the target removes it before it returns the page or after that.
        let look = self.wanted.event || self.wanted.poll;
        // Nothing is awaited before the first read. An event that nobody has taken stands in the way
        // of others.
        let first = self.removed_at.is_none();
        let read = LogRead {
            page: LogPage::Resets,
            retain_event: !self.wanted.event && !first,
            remove_completed: !look,
            since: now,
        };
        self.wanted = Wanted {
            removal: self.wanted.removal && look,
            ..Wanted::default()
        };
        self.poll_at = None;
        self.pending.read_begins();
        self.reading = Some(read);
        read
    }

    /// The read of the log page that is under way.
    pub const fn reading(&self) -> Option<LogRead> {
        self.reading
    }

    /// The log page has been read. `awaited`: there are still results to come. `success`: a
    /// controller was reset.
    pub fn log_read_ends(&mut self, log: &Log<'_>, awaited: bool, success: bool, now: Nanos) {
        let Some(read) = self.reading.take() else {
            return;
        };
        if success {
            self.last_success = Some(now);
        }
        self.pending.read_ends(log, read.remove_completed);
        if !self.live {
            return;
        }
        if read.remove_completed {
            self.removed_at = Some(now);
        } else if log.has_completed() {
            self.wanted.removal = true;
            self.full_until = None;
        }
        if awaited {
            self.poll_after(now, POLL_MS);
        } else if self.pending.any() {
            self.poll_after(now, FORGOTTEN_POLL_MS);
        }
    }

    /// The log page could not be read, or makes no sense.
    pub fn log_read_fails(&mut self, now: Nanos) {
        let Some(read) = self.reading.take() else {
            return;
        };
        if self.live {
            self.wanted.poll |= !read.remove_completed;
            self.wanted.event |= !read.retain_event;
            self.wanted.removal |= read.remove_completed;
            self.log_retry_at = Some(now.after_millis(BUSY_MS));
        }
    }

    /// The read that is under way could not be sent: it is tried again later.
    pub(crate) fn log_not_sent(&mut self, now: Nanos) {
        match self.reading.map(|read| read.page) {
            Some(LogPage::Resets) => self.log_read_fails(now),
            Some(LogPage::LostHost) => self.lost_host_read_ends(true, now),
            None => {}
        }
    }

    /// The log page 1Fh could not be read. The command may have gone unanswered, which can cost the
    /// path if it is tried again; and no read is worth that.
    pub(crate) fn lost_host_read_fails(&mut self) {
        self.reading = None;
        self.lost_host = LostHostReads::NONE;
        self.offer.lost_host_log = false;
        self.informed = false;
    }

    /// The log page 1Fh has been read, or makes no sense, or no command could be sent.
    pub(crate) fn lost_host_read_ends(&mut self, failed: bool, now: Nanos) {
        let Some(read) = self.reading.take() else {
            return;
        };
        // Nothing is tried again where nothing can be sent any more.
        if self.informed {
            self.lost_host.ends(read.retain_event, failed, now);
        }
    }
}
