// SPDX-License-Identifier: GPL-2.0-only

//! The mutants.

use anyhow::{Result, ensure};

/// A small change of the policy.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// What the change means.
    pub what: &'static str,
    /// In which source file of the policy.
    pub file: &'static str,
    /// What is replaced; it is there once.
    from: &'static str,
    /// What it is replaced with.
    to: &'static str,
}

impl Mutant {
    /// Changes the source. Fails if what is to be changed is not there, or there more than once.
    pub fn apply(&self, source: &str) -> Result<String> {
        // Below are tests, which are not to be changed.
        let (code, tests) = source.split_once("#[cfg(test)]").unwrap_or((source, ""));
        let places = code.matches(self.from).count();
        ensure!(
            places == 1,
            "mutant {}: {places} places in {} read {:?}; the source has changed",
            self.name,
            self.file,
            self.from
        );
        Ok(code.replacen(self.from, self.to, 1) + "#[cfg(test)]" + tests)
    }
}

/// All mutants.
pub fn all() -> &'static [Mutant] {
    &[
        Mutant {
            name: "early-tick",
            what: "the deadline is one millisecond early",
            file: "wait.rs",
            from: "self.n as u64 * self.katt_ms as u64 + self.cqt_ms as u64)",
            to: "(self.n as u64 * self.katt_ms as u64 + self.cqt_ms as u64).saturating_sub(1))",
        },
        Mutant {
            name: "late-tick",
            what: "the deadline is one millisecond late",
            file: "wait.rs",
            from: "self.n as u64 * self.katt_ms as u64 + self.cqt_ms as u64)",
            to: "self.n as u64 * self.katt_ms as u64 + self.cqt_ms as u64 + 1)",
        },
        Mutant {
            name: "no-cqt",
            what: "CQT is not waited for",
            file: "wait.rs",
            from: "self.n as u64 * self.katt_ms as u64 + self.cqt_ms as u64)",
            to: "self.n as u64 * self.katt_ms as u64)",
        },
        Mutant {
            name: "n-less-one",
            what: "one keep alive timeout less: N is 1 or 2",
            file: "wait.rs",
            from: "n: terms.keep_alive_timeouts(),",
            to: "n: terms.keep_alive_timeouts() - 1,",
        },
        Mutant {
            name: "n-swapped",
            what: "N is 2 with traffic based keep alive, and 3 without",
            file: "wait.rs",
            from: "        if self.tbkas {\n            3",
            to: "        if !self.tbkas {\n            3",
        },
        Mutant {
            name: "other-clock",
            what: "command based: counts from the last command, not the last Keep Alive",
            file: "wait.rs",
            from: "(Rule::Command, clocks.keep_alive)",
            to: "(Rule::Command, clocks.sent)",
        },
        Mutant {
            name: "wrong-clock",
            what: "traffic based: counts from the last Keep Alive, not the last command",
            file: "wait.rs",
            from: "(Rule::Traffic, clocks.sent)",
            to: "(Rule::Traffic, clocks.keep_alive)",
        },
        Mutant {
            name: "connect-forgotten",
            what: "that Connect starts the timer is forgotten",
            file: "wait.rs",
            from: "t_last: t_last.max(opened),",
            to: "t_last: if opened > t_last { t_last } else { t_last },",
        },
        Mutant {
            name: "shorter-katt",
            what: "of two keep alive timeouts the shorter one counts",
            file: "wait.rs",
            from: "terms.kato_ms.max(clocks.kato_ms)",
            to: "terms.kato_ms.min(clocks.kato_ms)",
        },
        Mutant {
            name: "bare-notification",
            what: "a notification is trusted without CQT",
            file: "wait.rs",
            from: "            katt_ms: terms.kato_ms,\n            cqt_ms,",
            to: "            katt_ms: terms.kato_ms,\n            cqt_ms: 0 * cqt_ms,",
        },
        Mutant {
            name: "default-ignored",
            what: "CQT of 0 is taken at its word",
            file: "knobs.rs",
            from: "(self.cqt_default_ms, CqtSource::Default)",
            to: "(0, CqtSource::Default)",
        },
        Mutant {
            name: "override-ignored",
            what: "what the administrator set does not count",
            file: "knobs.rs",
            from: "if self.cqt_override_ms != 0 {",
            to: "if false {",
        },
        Mutant {
            name: "writes-pass",
            what: "reads are held, writes pass",
            file: "hold.rs",
            from: "if !self.kind.changes_medium() {",
            to: "if self.kind.changes_medium() {",
        },
        Mutant {
            name: "sent-inverted",
            what: "what was sent passes, what was not is held",
            file: "hold.rs",
            from: "if !self.sent {",
            to: "if self.sent {",
        },
        Mutant {
            name: "half-cancelled",
            what: "only one of the host's two statuses counts",
            file: "hold.rs",
            from: "if self.status != HOST_PATH_ERROR && self.status != HOST_ABORTED_CMD {",
            to: "if self.status != HOST_ABORTED_CMD {",
        },
        Mutant {
            name: "answered-held",
            what: "what the controller answered is held",
            file: "hold.rs",
            from: "return Verdict::Pass(PassReason::Answered);",
            to: "return Verdict::Hold;",
        },
        Mutant {
            name: "lost-passes",
            what: "what is cancelled after the loss passes",
            file: "association.rs",
            from: "                command.verdict()\n",
            to: "                if self.state == State::Lost {\n                    return Verdict::Pass(PassReason::Fenced);\n                }\n                command.verdict()\n",
        },
        Mutant {
            name: "timeout-any-time",
            what: "any timeout is evidence, whosever deadline it was",
            file: "association.rs",
            from: "if now >= deadline.at() =>",
            to: "if now >= deadline.t_last =>",
        },
        Mutant {
            name: "timeout-never",
            what: "the deadline has no effect",
            file: "association.rs",
            from: "if now >= deadline.at() =>",
            to: "if now >= deadline.at() && self.held == 0 =>",
        },
        Mutant {
            name: "no-timer",
            what: "the timer is not armed",
            file: "association.rs",
            from: "State::Fencing(deadline) => deadline.map(|deadline| deadline.at()),",
            to: "State::Fencing(_) => None,",
        },
        Mutant {
            name: "closed-is-fenced",
            what: "a closed association counts as fenced",
            file: "association.rs",
            from: "        self.state = State::Fencing(deadline);\n        Action::ReportDeadline(deadline)",
            to: "        self.state = if deadline.is_some() { State::Fenced(Evidence::Time) } else { State::Fencing(None) };\n        Action::Release(Evidence::Time)",
        },
        Mutant {
            name: "others-disabled",
            what: "that the next association was disabled is evidence",
            file: "association.rs",
            from: "(State::Open | State::Lost, Event::Disabled) => self.fence(Evidence::Disabled),",
            to: "(State::Open | State::Lost, Event::Disabled) => self.fence(Evidence::Disabled),\n            (State::Fencing(_), Event::Disabled) => self.fence(Evidence::Disabled),",
        },
        Mutant {
            name: "admin-too-soon",
            what: "the administrator releases what is not closed",
            file: "association.rs",
            from: "(State::Fencing(_), Event::Release) => self.fence(Evidence::Admin),",
            to: "(State::Fencing(_) | State::Lost, Event::Release) => self.fence(Evidence::Admin),",
        },
        Mutant {
            name: "fin-after-loss",
            what: "a FIN of the next association is evidence",
            file: "association.rs",
            from: "            // A FIN that comes after the host's own is no notification.",
            to: "            (State::Fencing(_), Event::PeerClosed) => self.fence(Evidence::Time),\n            // A FIN that comes after the host's own is no notification.",
        },
        Mutant {
            name: "last-notification",
            what: "a notification counts from the end of the connection",
            file: "association.rs",
            from: "self.peer_closed.get_or_insert(now);",
            to: "self.peer_closed = Some(Nanos(0));",
        },
        Mutant {
            name: "forgotten-record",
            what: "a record that holds commands is forgotten when it is closed",
            file: "association.rs",
            from: "        if self.held == 0 {\n            self.state = State::Gone;",
            to: "        if self.held <= 1 {\n            self.state = State::Gone;",
        },
        Mutant {
            name: "released-twice",
            what: "a record that is released can be released again",
            file: "association.rs",
            from: "(State::Fencing(_), Event::Release) => self.fence(Evidence::Admin),",
            to: "(State::Fencing(_), Event::Release) => self.fence(Evidence::Admin),\n            (State::Fenced(_), Event::Timeout) => self.fence(Evidence::Time),",
        },
        Mutant {
            name: "drained-too-early",
            what: "a record is discarded before it is drained",
            file: "association.rs",
            from: "        if !self.closed || self.held != 0 {",
            to: "        if !self.closed {",
        },
        Mutant {
            name: "uncounted",
            what: "held commands are not counted",
            file: "association.rs",
            from: "self.held = self.held.saturating_add(1);",
            to: "self.held = self.held.max(1);",
        },
        Mutant {
            name: "wrong-evidence",
            what: "time is named as the administrator's word",
            file: "association.rs",
            from: "self.fence(Evidence::Time)",
            to: "self.fence(Evidence::Admin)",
        },
        Mutant {
            name: "detached-long-ago",
            what: "a removed controller counts as silent since it was connected",
            file: "association.rs",
            from: "        Clocks {\n            keep_alive: now,\n            sent: now,",
            to: "        let _ = now;\n        Clocks {\n            keep_alive: Nanos(0),\n            sent: Nanos(0),",
        },
        Mutant {
            name: "terminate-forgotten",
            what: "an association that holds something is used on",
            file: "association.rs",
            from: "Actions::one(Action::Terminate)",
            to: "Actions::NONE",
        },
        Mutant {
            name: "reset-accepted",
            what: "that a reset will be done is evidence",
            file: "ccr/tries.rs",
            from: "        answer == Answer::Immediate\n",
            to: "        matches!(answer, Answer::Immediate | Answer::Accepted)\n",
        },
        Mutant {
            name: "reset-joined",
            what: "that a reset is in progress is evidence",
            file: "ccr/tries.rs",
            from: "        answer == Answer::Immediate\n",
            to: "        matches!(answer, Answer::Immediate | Answer::InProgress)\n",
        },
        Mutant {
            name: "reset-failed",
            what: "that a reset has failed is evidence",
            file: "ccr/tries.rs",
            from: "            Some(Status::Success) => one.uses_slot(),",
            to: "            Some(Status::Success | Status::Failed) => one.uses_slot(),",
        },
        Mutant {
            name: "reset-goes-on",
            what: "that a reset goes on is evidence",
            file: "ccr/tries.rs",
            from: "            Some(Status::InProgress) => false,",
            to: "            Some(Status::InProgress) => one.uses_slot(),",
        },
        Mutant {
            name: "reset-unasked",
            what: "who was not asked can bring evidence",
            file: "ccr/tries.rs",
            from: "            return false;\n",
            to: "            return status == Some(Status::Success);\n",
        },
        Mutant {
            name: "old-report",
            what: "a log page is believed that is older than the answer",
            file: "ccr/tries.rs",
            from: "one.since < reading",
            to: "one.since <= now && reading <= now",
        },
        Mutant {
            name: "source-kept",
            what: "a source that is lost is waited for",
            file: "ccr/tries.rs",
            from: "    pub(crate) fn source_lost(&mut self, source: SourceId) {\n        if let Some(place) = self.find(source) {",
            to: "    pub(crate) fn source_lost(&mut self, source: SourceId) {\n        if let Some(place) = self.find(source).filter(|_| false) {",
        },
        Mutant {
            name: "second-for-ever",
            what: "that a second source may be asked is to be thought of again and again",
            file: "ccr/tries.rs",
            from: "        self.second_at.take_if(|at| *at <= now);",
            to: "        self.second_at.filter(|at| *at <= now);",
        },
        Mutant {
            name: "three-at-once",
            what: "three sources are waited for at once",
            file: "ccr/tries.rs",
            from: "hopeful < TRIES_AT_ONCE",
            to: "hopeful <= TRIES_AT_ONCE",
        },
        Mutant {
            name: "foreign-instance",
            what: "an entry about another instance is believed",
            file: "ccr/log.rs",
            from: "entry.icid == icid && entry.ciu == ciu",
            to: "entry.icid == icid && (ciu == entry.ciu || ciu != entry.ciu)",
        },
        Mutant {
            name: "foreign-controller",
            what: "an entry about another controller is believed",
            file: "ccr/log.rs",
            from: "entry.icid == icid && entry.ciu == ciu",
            to: "entry.ciu == ciu && (icid == entry.icid || icid != entry.icid)",
        },
        Mutant {
            name: "meaningless-entry",
            what: "a value without meaning is success",
            file: "ccr/log.rs",
            from: "_ => Status::Invalid,",
            to: "_ => Status::Success,",
        },
        Mutant {
            name: "older-entry",
            what: "what is completed counts more than what goes on",
            file: "ccr/log.rs",
            from: "Self::InProgress => 0,",
            to: "Self::InProgress => 4,",
        },
        Mutant {
            name: "endless-log",
            what: "a log page may say that it has any number of entries",
            file: "ccr/log.rs",
            from: "if count > ENTRIES_MAX {",
            to: "if count > usize::from(u16::MAX) {",
        },
        Mutant {
            name: "clri-for-irs",
            what: "that a reset was begun is taken for its end",
            file: "ccr/answer.rs",
            from: "const IMMEDIATE_RESET_SUCCESSFUL: u32 = 1;",
            to: "const IMMEDIATE_RESET_SUCCESSFUL: u32 = 4;",
        },
        Mutant {
            name: "error-accepted",
            what: "an error is taken for an accepted reset",
            file: "ccr/answer.rs",
            from: "_ => Self::Failed,",
            to: "_ => Self::Accepted,",
        },
        Mutant {
            name: "log-not-cleared",
            what: "a source is asked before old entries are removed",
            file: "ccr/source.rs",
            from: "            && self.removed_at.is_some()\n            && !self.wanted.removal\n            && !removing\n",
            to: "            && (removing || !removing)\n",
        },
        Mutant {
            name: "event-not-cleared",
            what: "the event is never cleared",
            file: "ccr/source.rs",
            from: "retain_event: !self.wanted.event,",
            to: "retain_event: self.wanted.event || !self.wanted.event,",
        },
        Mutant {
            name: "no-poll",
            what: "a lost event is not survived",
            file: "ccr/source.rs",
            from: "            self.poll_at.get_or_insert(now.after_millis(POLL_MS));",
            to: "            let _ = now.after_millis(POLL_MS);",
        },
        Mutant {
            name: "poll-for-ever",
            what: "once polled, always polled",
            file: "ccr/source.rs",
            from: "self.poll_at.take_if(|at| *at <= now).is_some()",
            to: "self.poll_at.is_some_and(|at| at <= now)",
        },
        Mutant {
            name: "rest-for-ever",
            what: "a source that had no slot rests for ever",
            file: "ccr/source.rs",
            from: "        self.full_until.take_if(|at| *at <= now);",
            to: "        self.full_until.filter(|at| *at <= now);",
        },
        Mutant {
            name: "no-rest",
            what: "a source without slots is asked over and over",
            file: "ccr/source.rs",
            from: "            self.full_until = Some(now.after_millis(BUSY_MS));",
            to: "            self.full_until = Some(now);",
        },
        Mutant {
            name: "slots-plus-one",
            what: "a source is asked for one reset too many",
            file: "ccr/source.rs",
            from: "usize::from(self.ccrl).saturating_sub(used)",
            to: "(usize::from(self.ccrl) + 1).saturating_sub(used)",
        },
        Mutant {
            name: "dead-source",
            what: "what is lost is asked for resets",
            file: "ccr/source.rs",
            from: "            ..Self::new(self.offer())",
            to: "            live: self.live,\n            removed_at: self.removed_at,\n            ..Self::new(self.offer())",
        },
        Mutant {
            name: "asks-itself",
            what: "a controller is asked to reset itself",
            file: "ccr/choice.rs",
            from: "impacted.identity().cntlid == source.identity().cntlid",
            to: "false",
        },
        Mutant {
            name: "asks-the-failed",
            what: "who has just failed is asked again",
            file: "ccr/choice.rs",
            from: "|| !impacted.tries().allows(standing.id)",
            to: "|| impacted.tries().awaits(standing.id)",
        },
        Mutant {
            name: "asks-in-mode-time",
            what: "resets are asked for in mode time",
            file: "association.rs",
            from: "knobs.mode() == Mode::Auto\n",
            to: "knobs.mode() != Mode::Off\n",
        },
        Mutant {
            name: "asks-without-name",
            what: "what has no CIU is to be reset",
            file: "association.rs",
            from: "            && self.identity.ciu != 0\n",
            to: "",
        },
        Mutant {
            name: "asks-for-nothing",
            what: "what holds nothing is to be reset",
            file: "association.rs",
            from: "            && self.held != 0\n            &&",
            to: "            &&",
        },
        Mutant {
            name: "asks-for-the-living",
            what: "what is in use is to be reset",
            file: "association.rs",
            from: "State::Lost | State::Fencing(_) => true,\n            State::Open | State::Fenced(_) | State::Gone => false,",
            to: "State::Open | State::Lost | State::Fencing(_) => true,\n            State::Fenced(_) | State::Gone => false,",
        },
        Mutant {
            name: "reset-extends",
            what: "the time rule waits for resets",
            file: "association.rs",
            from: "if now >= deadline.at() =>",
            to: "if now >= deadline.at() && self.tries.next_deadline().is_none() =>",
        },
        Mutant {
            name: "latest-timer",
            what: "the timer is set to the latest deadline",
            file: "association.rs",
            from: "[self.deadline(), of_resets].into_iter().flatten().min()",
            to: "[self.deadline(), of_resets].into_iter().flatten().max()",
        },
    ]
}
