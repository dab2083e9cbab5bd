// SPDX-License-Identifier: GPL-2.0

//! Trace events. All of them are recorded under the lock of the
//! [`Subsystem`](crate::subsystem::Subsystem), so what is about one stands in the trace in the order in
//! which things were decided.

use super::raw;
use nvme_fence_policy::ccr::log::Status;
use nvme_fence_policy::{Answer, CqtSource, Deadline, Evidence, Identity, Notice, ResetStep, Rule};

/// What happened to a record.
pub(crate) enum TraceEvent<'a> {
    /// The host gave its association up.
    Lost(&'a Identity),
    /// It waits for this deadline, or for none.
    Deadline(Option<Deadline>),
    /// It is fenced.
    Evidence(Evidence),
    /// What was held for so many nanoseconds is about to be sent on.
    Release(Evidence, u64),
    /// A Cross-Controller Reset of it goes on.
    Reset {
        /// What is to be reset.
        identity: &'a Identity,
        /// N of `nvmeN`, the source.
        source: i32,
        /// Number of the source's record.
        source_record: u64,
        /// How it goes on.
        step: ResetStep,
    },
}

/// What all events tell of a record.
pub(crate) struct RecordInfo {
    /// Its number.
    pub(crate) id: u64,
    /// N of `nvmeN`.
    pub(crate) instance: i32,
    /// Commands that are held.
    pub(crate) held: u32,
    /// Sum of their lengths.
    pub(crate) held_bytes: u64,
}

impl RecordInfo {
    pub(super) fn to_raw(&self) -> raw::nvme_fence_rec {
        raw::nvme_fence_rec {
            id: self.id,
            held_bytes: self.held_bytes,
            held: self.held,
            instance: self.instance,
        }
    }
}

fn step_to_raw(step: ResetStep) -> u8 {
    let step = match step {
        ResetStep::Asked => raw::nvme_fence_reset_step_NVME_FENCE_RESET_ASKED,
        ResetStep::Answered(answer) => match answer {
            Answer::Immediate => raw::nvme_fence_reset_step_NVME_FENCE_RESET_IMMEDIATE,
            Answer::Gone => raw::nvme_fence_reset_step_NVME_FENCE_RESET_GONE,
            Answer::Accepted => raw::nvme_fence_reset_step_NVME_FENCE_RESET_ACCEPTED,
            Answer::InProgress => raw::nvme_fence_reset_step_NVME_FENCE_RESET_IN_PROGRESS,
            Answer::LogFull => raw::nvme_fence_reset_step_NVME_FENCE_RESET_LOG_FULL,
            Answer::LimitExceeded => raw::nvme_fence_reset_step_NVME_FENCE_RESET_LIMIT_EXCEEDED,
            Answer::Refused => raw::nvme_fence_reset_step_NVME_FENCE_RESET_REFUSED,
            Answer::Failed => raw::nvme_fence_reset_step_NVME_FENCE_RESET_FAILED,
            Answer::Unanswered => raw::nvme_fence_reset_step_NVME_FENCE_RESET_UNANSWERED,
            Answer::NotSent => raw::nvme_fence_reset_step_NVME_FENCE_RESET_NOT_SENT,
        },
        ResetStep::Reported(status) => match status {
            Some(Status::InProgress) => {
                raw::nvme_fence_reset_step_NVME_FENCE_RESET_REPORTED_IN_PROGRESS
            }
            Some(Status::Success) => raw::nvme_fence_reset_step_NVME_FENCE_RESET_REPORTED_SUCCESS,
            Some(Status::Failed(_)) => raw::nvme_fence_reset_step_NVME_FENCE_RESET_REPORTED_FAILED,
            Some(Status::Invalid) => raw::nvme_fence_reset_step_NVME_FENCE_RESET_REPORTED_INVALID,
            None => raw::nvme_fence_reset_step_NVME_FENCE_RESET_NOT_REPORTED,
        },
    };
    step as u8
}

fn evidence_to_raw(evidence: Evidence) -> u8 {
    let evidence = match evidence {
        Evidence::Ccr => raw::nvme_fence_evidence_NVME_FENCE_EVIDENCE_CCR,
        Evidence::Time => raw::nvme_fence_evidence_NVME_FENCE_EVIDENCE_TIME,
        Evidence::Reconnect => raw::nvme_fence_evidence_NVME_FENCE_EVIDENCE_RECONNECT,
        Evidence::ReconnectById => raw::nvme_fence_evidence_NVME_FENCE_EVIDENCE_RECONNECT_BY_ID,
        Evidence::Disabled => raw::nvme_fence_evidence_NVME_FENCE_EVIDENCE_DISABLED,
        Evidence::Target => raw::nvme_fence_evidence_NVME_FENCE_EVIDENCE_TARGET,
        Evidence::Admin => raw::nvme_fence_evidence_NVME_FENCE_EVIDENCE_ADMIN,
    };
    evidence as u8
}

fn wait_to_raw(deadline: Option<Deadline>) -> raw::nvme_fence_wait {
    let Some(deadline) = deadline else {
        return raw::nvme_fence_wait::default();
    };
    let rule = match deadline.rule {
        Rule::Command => raw::nvme_fence_rule_NVME_FENCE_RULE_COMMAND,
        Rule::Traffic => raw::nvme_fence_rule_NVME_FENCE_RULE_TRAFFIC,
        Rule::Notification => raw::nvme_fence_rule_NVME_FENCE_RULE_NOTIFICATION,
        Rule::Noticed(Notice::FailedReset) => raw::nvme_fence_rule_NVME_FENCE_RULE_CCR_FAILED,
        Rule::Noticed(Notice::LostHostLog) => raw::nvme_fence_rule_NVME_FENCE_RULE_LOST_HOST_LOG,
    };
    let cqt_source = match deadline.cqt_source {
        CqtSource::Controller => raw::nvme_fence_cqt_source_NVME_FENCE_CQT_CONTROLLER,
        CqtSource::Default => raw::nvme_fence_cqt_source_NVME_FENCE_CQT_DEFAULT,
        CqtSource::Override => raw::nvme_fence_cqt_source_NVME_FENCE_CQT_OVERRIDE,
    };
    raw::nvme_fence_wait {
        t_last_ns: deadline.t_last.0,
        deadline_ns: deadline.at().0,
        katt_ms: deadline.katt_ms,
        cqt_ms: deadline.cqt_ms,
        n: deadline.n,
        rule: rule as u8,
        cqt_source: cqt_source as u8,
    }
}

/// Records an event.
pub(crate) fn trace(record: &RecordInfo, event: TraceEvent<'_>) {
    let rec = record.to_raw();
    match event {
        // SAFETY: `rec` is valid for the duration of the call.
        TraceEvent::Lost(identity) => unsafe {
            raw::nvme_fence_trace_lost(&rec, identity.cntlid, identity.ciu)
        },
        // SAFETY: Both arguments are valid for the duration of the call.
        TraceEvent::Deadline(deadline) => unsafe {
            raw::nvme_fence_trace_deadline(&rec, &wait_to_raw(deadline))
        },
        // SAFETY: `rec` is valid for the duration of the call.
        TraceEvent::Evidence(evidence) => unsafe {
            raw::nvme_fence_trace_evidence(&rec, evidence_to_raw(evidence))
        },
        // SAFETY: `rec` is valid for the duration of the call.
        TraceEvent::Release(evidence, held_ns) => unsafe {
            raw::nvme_fence_trace_release(&rec, evidence_to_raw(evidence), held_ns)
        },
        TraceEvent::Reset {
            identity,
            source,
            source_record,
            step,
        } => {
            let reset = raw::nvme_fence_reset {
                source_id: source_record,
                source,
                icid: identity.cntlid,
                ciu: identity.ciu,
                step: step_to_raw(step),
            };
            // SAFETY: Both arguments are valid for the duration of the call.
            unsafe { raw::nvme_fence_trace_reset(&rec, &reset) }
        }
    }
}
