// SPDX-License-Identifier: GPL-2.0

//! Resets and log pages that were asked for, and how they stand.

use nvme_fence_policy::ccr::{ANSWER_MS, RESULT_MS};
use nvme_fence_policy::{Answer, AssociationId, LogPage, Nanos};

/// A read of a log page that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) page: LogPage,
    pub(crate) removes_completed: bool,
    pub(super) since: Nanos,
    /// Where its begin stands among all that happened.
    pub(super) order: u64,
}

/// How a reset stands, as far as the observer can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Asked,
    Accepted {
        /// So late that another source may have been asked instead.
        late: bool,
    },
    Over,
}

/// A reset that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try {
    pub(super) source: AssociationId,
    stands: Stands,
    made: Nanos,
    since: Nanos,
    /// Where its answer stands among all that happened: more than one thing may in one instant.
    order: u64,
    /// A log page has shown that the source has nothing in progress for it any more.
    over: bool,
}

impl Try {
    /// It is asked for now.
    pub(super) fn new(source: AssociationId, now: Nanos) -> Self {
        Self {
            source,
            stands: Stands::Asked,
            made: now,
            since: now,
            order: 0,
            over: false,
        }
    }

    /// Its source is lost.
    pub(super) fn end(&mut self) {
        self.stands = Stands::Over;
    }

    /// Is its result to be waited for, before another source is asked?
    pub(super) fn is_hopeful(&self, now: Nanos) -> bool {
        match self.stands {
            Stands::Asked => now < self.since.after_millis(ANSWER_MS),
            Stands::Accepted { late } => !late && now < self.since.after_millis(RESULT_MS),
            Stands::Over => false,
        }
    }

    /// May the source have it in progress?
    pub(super) fn uses_slot(&self) -> bool {
        self.stands != Stands::Over && !self.over
    }

    /// Can a log page be about it that was read from then on?
    pub(super) fn may_be_in(&self, read: &Read) -> bool {
        self.stands != Stands::Over && self.made <= read.since
    }

    /// A log page says that the source does not have it in progress.
    pub(super) fn not_listed(&mut self, read: &Read) {
        if !matches!(self.stands, Stands::Accepted { .. }) {
            return;
        }
        self.over |= self.order < read.order;
        if self.since < read.since {
            self.stands = Stands::Over;
        }
    }

    pub(super) fn answered(&mut self, answer: Answer, now: Nanos, order: u64) {
        self.order = order;
        let late = match self.stands {
            Stands::Asked => now >= self.since.after_millis(ANSWER_MS),
            Stands::Accepted { late } => late || now >= self.since.after_millis(RESULT_MS),
            Stands::Over => return,
        };
        self.since = now;
        self.stands = match answer {
            Answer::Accepted | Answer::InProgress => Stands::Accepted { late },
            _ => Stands::Over,
        };
    }
}
