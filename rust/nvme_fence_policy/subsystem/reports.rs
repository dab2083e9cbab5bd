// SPDX-License-Identifier: GPL-2.0

//! What controllers answer, and which associations that is about.

use super::find::find_source;
use super::{Storage, Subsystem};
use crate::association::{Association, Event};
use crate::ccr::answer::Answer;
use crate::ccr::log::{Log, Status};
use crate::ccr::source::LogRead;
use crate::identity::{AssociationId, ControllerId, Identity};
use crate::log_page::LogPage;
use crate::lost_host::log::LostHostLog;
use crate::output::ResetStep;
use crate::time::Nanos;

impl Subsystem {
    /// A source has answered the command that named `identity`.
    ///
    /// That a controller is reset is so, also if the source is lost, or gone, by now.
    pub(super) fn answered(
        &self,
        now: Nanos,
        associations: &mut impl Storage,
        (source, controller): (AssociationId, ControllerId),
        identity: &Identity,
        answer: Answer,
    ) {
        if let Some(source) = find_source(associations, source) {
            source.answered(identity, answer, now);
        }
        let named = associations
            .iter_mut()
            .filter(|one| one.identity() == identity);
        for impacted in named {
            impacted.note_reset_step(source, controller, ResetStep::Answered(answer));
            impacted.note(now, Event::Answered(source, answer), &self.knobs);
        }
    }

    /// The log page of a source was read, or could not be.
    pub(super) fn log_read(
        &self,
        now: Nanos,
        associations: &mut impl Storage,
        source: AssociationId,
        page: Option<&[u8]>,
    ) {
        let Some(asked) = associations.get_mut(source) else {
            return;
        };
        let Some(read) = asked.source().reading() else {
            return;
        };
        if read.page == LogPage::LostHost {
            self.lost_host_read(now, associations, source, page);
            return;
        }
        let controller = asked.controller();
        let Some(log) = page.and_then(Log::parse) else {
            asked.note_unreadable();
            if let Some(source) = asked.source_mut() {
                source.log_read_fails(now);
            }
            return;
        };
        // What is removed has been looked at before.
        let unmatched = if read.remove_completed {
            0
        } else {
            unmatched(associations, source, &log)
        };
        let success = self.report(now, associations, (source, controller), &log, read);
        let awaited = associations.iter().any(|one| one.tries().awaits(source));
        if let Some(asked) = associations.get_mut(source) {
            asked.note_unmatched(unmatched);
            if let Some(source) = asked.source_mut() {
                source.log_read_ends(&log, awaited, success, now);
            }
        }
    }

    /// The log page 1Fh of a source was read, or could not be.
    fn lost_host_read(
        &self,
        now: Nanos,
        associations: &mut impl Storage,
        source: AssociationId,
        page: Option<&[u8]>,
    ) {
        let log = page.and_then(LostHostLog::parse);
        if let Some(asked) = associations.get_mut(source) {
            if log.is_none() {
                asked.note_unreadable();
            }
            match (page, asked.source_mut()) {
                (Some(_), Some(source)) => source.lost_host_read_ends(log.is_none(), now),
                (None, Some(source)) => source.lost_host_read_fails(),
                (_, None) => {}
            }
        }
        let Some(log) = log.filter(|_| !self.ids_repeat) else {
            return;
        };
        for association in associations.iter_mut() {
            if association.id() != source && log.lists(association.identity().name()) {
                association.note(now, Event::Listed(source), &self.knobs);
            }
        }
    }

    /// Tells all that wait for this source what its log page says of them. Returns whether one of them
    /// was reset.
    fn report(
        &self,
        now: Nanos,
        associations: &mut impl Storage,
        (source, controller): (AssociationId, ControllerId),
        log: &Log<'_>,
        read: LogRead,
    ) -> bool {
        let mut success = false;
        let waiting = associations
            .iter_mut()
            .filter(|one| one.tries().awaits(source));
        for impacted in waiting {
            let status = log.status(impacted.identity());
            success |= status == Some(Status::Success);
            impacted.note_reset_step(source, controller, ResetStep::Reported(status));
            let reported = Event::Reported {
                source,
                status,
                reading: read.since,
            };
            impacted.note(now, reported, &self.knobs);
        }
        success
    }
}

/// The command that reads the log page of a source could not be sent. That is not the fault of the
/// source.
pub(super) fn log_not_sent(now: Nanos, associations: &mut impl Storage, source: AssociationId) {
    let source = associations
        .get_mut(source)
        .and_then(Association::source_mut);
    if let Some(source) = source {
        source.log_not_sent(now);
    }
}

/// How many completed entries are not about what the source was asked for.
fn unmatched(associations: &impl Storage, source: AssociationId, log: &Log<'_>) -> u16 {
    let is_asked_for =
        |one: &Association<_>, name| one.identity().name() == name && one.tries().awaits(source);
    let unmatched = log
        .entries()
        .filter(|entry| entry.status != Status::InProgress)
        .filter(|entry| {
            !associations
                .iter()
                .any(|one| is_asked_for(one, entry.name()))
        });
    // A log page has 511 entries at most.
    unmatched.count() as u16
}
