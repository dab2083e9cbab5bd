// SPDX-License-Identifier: GPL-2.0

//! Carries out what the policy wants done.

use crate::host;
use crate::record::Record;
use crate::subsystem::State;
use crate::sys::{self, trace, TraceEvent};
use crate::warnings::RepeatedId;
use nvme_fence_policy::{AssociationId, Deadline, Evidence, Output, ResetStep, Rule};

/// Does all that the policy wants done. Atomic.
pub(crate) fn carry_out(state: &mut State) {
    while let Some(output) = state.poll_output() {
        carry_out_one(state, output);
    }
}

/// The same, for one association. Atomic.
pub(crate) fn carry_out_of(state: &mut State, id: AssociationId) {
    while let Some(output) = state.poll_output_of(id) {
        carry_out_one(state, output);
    }
}

fn carry_out_one(state: &mut State, output: Output) {
    match output {
        Output::Lost(id) => with(state, id, lost),
        Output::ResetStep {
            impacted,
            source,
            source_controller,
            step,
        } => with(state, impacted, |record| {
            let source = (source, host::instance(source_controller));
            reset_goes_on(record, source, step);
        }),
        Output::Deadline(id, found) => with(state, id, |record| deadline(record, found)),
        Output::Release(id, evidence) => release(state, id, evidence),
        Output::Discard(id) => state.discard(id),
        Output::Repeat(id) => with(state, id, |record| record.assoc().repeat()),
        Output::RepeatedId(id, newcomer) => {
            if let Some(record) = state.record(id) {
                let warning = RepeatedId {
                    cntlid: record.association().identity().cntlid,
                    first: record.instance(),
                    second: host::instance(newcomer),
                };
                state.warnings().repeated_id = Some(warning);
            }
        }
        Output::PathsShared(id) => {
            let instance = state.record(id).map(|record| record.instance());
            state.warnings().paths_shared = instance;
        }
        Output::LogUnmatched(id, entries) => with(state, id, |record| {
            record.count(|counters| {
                counters.ccr_unmatched.add(entries.into());
            });
        }),
        Output::LogUnreadable(id) => with(state, id, |record| {
            record.count(|counters| {
                counters.ccr_log_errors.add(1);
            });
        }),
    }
}

/// Calls `f` on the record of an association.
fn with(state: &mut State, id: AssociationId, f: impl FnOnce(&mut Record)) {
    if let Some(record) = state.record(id) {
        f(record);
    }
}

fn lost(record: &mut Record) {
    let identity = record.association().identity();
    trace(&record.info(), TraceEvent::Lost(identity));
    record.course().note_lost(sys::now());
    record.count(|counters| {
        counters.lost.add(1);
    });
}

fn deadline(record: &mut Record, deadline: Option<Deadline>) {
    trace(&record.info(), TraceEvent::Deadline(deadline));
    note_closed(record);
    let rule = deadline.map(|one| one.rule);
    record.course().note_rule(rule);
    if matches!(rule, Some(Rule::Noticed(_))) {
        record.count(|counters| {
            counters.noticed.add(1);
        });
    }
}

/// If something is held for it, what follows at once when it is closed is a deadline or its release. So
/// this is the moment.
fn note_closed(record: &mut Record) {
    if record.association().is_closed() {
        record.course().note_closed(sys::now());
    }
}

fn reset_goes_on(record: &mut Record, (source, instance): (AssociationId, i32), step: ResetStep) {
    let event = TraceEvent::Reset {
        identity: record.association().identity(),
        source: instance,
        source_record: source.0,
        step,
    };
    trace(&record.info(), event);
    if step == ResetStep::Asked {
        record.count(|counters| {
            counters.ccr_asked.add(1);
        });
    }
}

fn release(state: &mut State, id: AssociationId, evidence: Evidence) {
    let Some(record) = state.record(id) else {
        return;
    };
    let info = record.info();
    trace(&info, TraceEvent::Evidence(evidence));
    trace(&info, TraceEvent::Release(evidence, record.held_ns()));
    record.assoc().fence();
    note_closed(record);
    let fencing = record.fencing(evidence);
    let controller = record.controller().clone();
    state.past().add(fencing);
    controller.note_evidence(state, evidence, info.held);
}
