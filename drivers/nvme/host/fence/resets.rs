// SPDX-License-Identifier: GPL-2.0

//! Cross-Controller Resets: asks for them, and takes note of what becomes of them.
//!
//! What is to be asked of whom is the policy's choice. One work item asks, one thing after the other,
//! until there is nothing left to ask; it never waits for an answer. Whatever may give it something
//! to do queues it.

use crate::controller::Controller;
use crate::fence::{Fate, Fence, State};
use crate::record::Record;
use crate::sys::{self, Ctrl, ResetStep};
use kernel::sync::Arc;
use nvme_fence_policy::ccr::log::Status;
use nvme_fence_policy::{
    Answer, Event, Identity, Log, LogRead, Nanos, Neighbours, Priority, SourceId, Standing,
};

/// A reset that could be asked for.
struct Choice {
    priority: Priority,
    source: Arc<Record>,
    ctrl: Ctrl,
    impacted: Arc<Record>,
}

/// Something to ask of a source.
enum Request {
    /// Reset what has this identity, and answer within so many milliseconds.
    Reset(Identity, u32),
    /// What does your log page say?
    ReadLog(LogRead),
}

impl Fence {
    /// Asks for all that is to be asked for. Called from the workqueue.
    pub(crate) fn ask(&self) {
        loop {
            let mut state = self.lock();
            let Some((record, ctrl, request)) = state.next_request(sys::now()) else {
                return;
            };
            drop(state);
            let source = record.source_id();

            // It does not go away: who takes it from us waits for this work item.
            let asked = match &request {
                Request::Reset(identity, timeout_ms) => {
                    ctrl.send_reset(identity, *timeout_ms, source)
                }
                Request::ReadLog(read) => ctrl.read_log(read, source),
            };
            if asked.is_err() {
                let mut state = self.lock();
                match request {
                    Request::Reset(identity, _) => {
                        let controller = record.controller();
                        state.reset_answered(controller, source, &identity, Answer::NotSent);
                    }
                    Request::ReadLog(_) => state.log_read(source, None),
                }
            }
        }
    }

    /// A source, which is an association with `controller`, has answered the command that named
    /// `identity`. Atomic.
    pub(crate) fn reset_answered(
        &self,
        controller: &Controller,
        source: SourceId,
        identity: &Identity,
        answer: Answer,
    ) {
        self.lock()
            .reset_answered(controller, source, identity, answer);
        sys::queue_ask();
    }

    /// The log page of a source was read, or could not be. Atomic.
    pub(crate) fn log_read(&self, source: SourceId, page: Option<&[u8]>) {
        self.lock().log_read(source, page);
        sys::queue_ask();
    }
}

impl State {
    /// What is to be asked for now, of whom; that has begun then.
    fn next_request(&mut self, now: Nanos) -> Option<(Arc<Record>, Ctrl, Request)> {
        let next = self.next_log_read(now).or_else(|| self.next_reset(now));
        if next.is_some() {
            self.set_timer();
        }
        next
    }

    fn next_log_read(&mut self, now: Nanos) -> Option<(Arc<Record>, Ctrl, Request)> {
        let (source, ctrl) = self.records().find_map(|record| {
            let wanted = record.association(self).source().wants_log_read();
            let ctrl = record.controller().ctrl(self).filter(|_| wanted)?;
            Some((Arc::from(record), ctrl))
        })?;
        let read = source.source_mut(self).begin_log_read(now);
        Some((source, ctrl, Request::ReadLog(read)))
    }

    fn next_reset(&mut self, now: Nanos) -> Option<(Arc<Record>, Ctrl, Request)> {
        let Choice {
            source,
            ctrl,
            impacted,
            ..
        } = self.most_urgent_reset()?;
        impacted.ask(self, &source, now);
        let knobs = impacted.controller().subsystem().knobs(self);
        let association = impacted.association(self);
        let identity = *association.identity();
        let timeout_ms = association.terms().reset_answer_ms(&knobs);
        source.source_mut(self).ask(&identity);
        let request = Request::Reset(identity, timeout_ms);
        Some((source, ctrl, request))
    }

    /// Who is to be reset next, through whom.
    fn most_urgent_reset(&self) -> Option<Choice> {
        let mut best: Option<Choice> = None;
        // Nearly always there is nobody to be reset, and no need to look at all pairs.
        if !self.records().any(|record| record.wants_reset(self)) {
            return None;
        }
        for source in self.records() {
            let association = source.association(self);
            if !association.source().is_ready() {
                continue;
            }
            let Some(ctrl) = source.controller().ctrl(self) else {
                continue;
            };
            let mut lost = self
                .records()
                .filter(|other| other.shares_subsystem_with(&source) && other.wants_reset(self))
                .peekable();
            // What follows looks at all records, and at the namespaces.
            if lost.peek().is_none() {
                continue;
            }
            let neighbours = self.neighbours(&source);
            let standing = Standing {
                id: source.source_id(),
                optimized: ctrl.is_optimized(),
            };
            for impacted in lost {
                let priority = Priority::find(
                    impacted.association(self),
                    association,
                    &standing,
                    &neighbours,
                    &impacted.controller().subsystem().knobs(self),
                );
                let Some(priority) = priority else {
                    continue;
                };
                // Of what is equal, the oldest.
                if best.as_ref().is_none_or(|best| best.priority < priority) {
                    best = Some(Choice {
                        priority,
                        source: source.into(),
                        ctrl,
                        impacted: impacted.into(),
                    });
                }
            }
        }
        best
    }

    /// What is known of all associations of the subsystem together.
    fn neighbours(&self, of: &Record) -> Neighbours {
        let mut neighbours = Neighbours::default();
        for record in self.records().filter(|one| one.shares_subsystem_with(of)) {
            neighbours.add(record.association(self));
        }
        neighbours
    }

    /// Whether somebody waits for what a source was asked for.
    fn is_awaited(&self, source: &Record) -> bool {
        self.records()
            .filter(|record| record.shares_subsystem_with(source))
            .any(|record| record.association(self).tries().awaits(source.source_id()))
    }

    /// The record of a source, if its association is not over yet.
    fn source(&self, id: SourceId) -> Option<Arc<Record>> {
        self.records()
            .find(|record| record.source_id() == id)
            .map(Arc::from)
    }

    /// That a controller is reset is so, also if the source is lost, or gone, by now: the work item
    /// sends without the lock, perhaps on the next association with the same controller.
    fn reset_answered(
        &mut self,
        controller: &Controller,
        id: SourceId,
        identity: &Identity,
        answer: Answer,
    ) {
        if let Some(source) = self.source(id) {
            source
                .source_mut(self)
                .answered(identity, answer, sys::now());
        }
        self.each(|record, state| {
            if !record.is_of(controller.subsystem())
                || record.association(state).identity() != identity
            {
                return Fate::Keep;
            }
            record.trace_reset(state, controller, id, ResetStep::Answered(answer));
            record.handle(state, Event::Answered(id, answer))
        });
    }

    fn log_read(&mut self, id: SourceId, page: Option<&[u8]>) {
        let Some(source) = self.source(id) else {
            return;
        };
        let Some(read) = source.association(self).source().reading() else {
            return;
        };
        let Some(log) = page.and_then(Log::parse) else {
            source.controller().count_log_error(self);
            source.source_mut(self).log_read_fails(sys::now());
            self.set_timer();
            return;
        };
        if !read.remove_completed {
            let unmatched = self.unmatched(&source, &log);
            source.controller().count_unmatched(self, unmatched);
        }
        let success = self.report(&source, &log, read);
        let awaited = self.is_awaited(&source);
        source
            .source_mut(self)
            .log_read_ends(&log, awaited, success, sys::now());
        self.set_timer();
    }

    /// How many completed entries are not about what the source was asked for.
    fn unmatched(&self, source: &Record, log: &Log<'_>) -> u64 {
        log.entries()
            .filter(|entry| entry.status != Status::InProgress)
            .filter(|entry| {
                !self.records().any(|record| {
                    let association = record.association(self);
                    record.shares_subsystem_with(source)
                        && association.tries().awaits(source.source_id())
                        && entry.is_about(association.identity())
                })
            })
            .count() as u64
    }

    /// Tells all who wait for this source what its log page says of them. Returns whether one of them
    /// was reset.
    fn report(&mut self, source: &Arc<Record>, log: &Log<'_>, read: LogRead) -> bool {
        let id = source.source_id();
        let mut success = false;
        self.each(|record, state| {
            let association = record.association(state);
            if !record.shares_subsystem_with(source) || !association.tries().awaits(id) {
                return Fate::Keep;
            }
            let status = log.status(association.identity());
            success |= status == Some(Status::Success);
            record.trace_reset(state, source.controller(), id, ResetStep::Reported(status));
            record.handle(
                state,
                Event::Reported {
                    source: id,
                    status,
                    reading: read.since,
                },
            )
        });
        success
    }
}
