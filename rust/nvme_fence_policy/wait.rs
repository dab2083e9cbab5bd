// SPDX-License-Identifier: GPL-2.0

//! The time rule of TP4129 (Base Specification 2.1, section 9.6.2).
//!
//! After the host has terminated an association and its connections, it waits until the controller
//! must have noticed, and then for the Command Quiesce Time (CQT). The controller must have noticed
//!
//! - with command based keep alive: 2 × KATT after the last Keep Alive command was submitted;
//! - with traffic based keep alive (TBKAS): 3 × KATT after the last command of any kind;
//! - or when it closed all connections itself, if notifications count;
//! - or when it is known to have noticed: its reset through another controller failed when it had begun
//!   (CLRI=1), or another controller lists it in its log page 1Fh.

use crate::knobs::{Belief, CqtSource, Knobs};
use crate::time::Nanos;

/// What the controller said, in Identify and when it was connected, that the wait depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Keep alive timeout (KATT) in milliseconds, 0 if there is no keep alive.
    pub kato_ms: u32,
    /// The keep alive timer is traffic based.
    pub tbkas: bool,
    /// Command Quiesce Time in milliseconds, 0 if the controller does not tell.
    pub cqt_ms: u16,
}

impl Terms {
    /// How many keep alive timeouts it takes until the controller must have noticed.
    const fn keep_alive_timeouts(&self) -> u8 {
        if self.tbkas {
            3
        } else {
            2
        }
    }

    /// The longest wait after the last command, in milliseconds; [`None`] if time sets no limit.
    pub fn wait_ms(&self, knobs: &Knobs) -> Option<u64> {
        if self.kato_ms == 0 || !knobs.believes(Belief::Time) {
            return None;
        }
        let keep_alive_ms = u64::from(self.keep_alive_timeouts()) * u64::from(self.kato_ms);
        Some(keep_alive_ms + u64::from(knobs.cqt_ms(self.cqt_ms).0))
    }

    /// How long the answer to a Cross-Controller Reset command that names this controller may take, in
    /// milliseconds. The source may learn what became of it only when that has lost touch with
    /// everybody (KATT) and has come to rest (CQT); a second more is for the way.
    pub fn reset_answer_ms(&self, knobs: &Knobs) -> u32 {
        self.kato_ms
            .saturating_add(knobs.cqt_ms(self.cqt_ms).0)
            .saturating_add(1_000)
    }
}

/// When a terminated association last gave signs of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The last Keep Alive command was submitted then, or earlier.
    pub keep_alive: Nanos,
    /// The last command of any kind was submitted then, or earlier.
    pub sent: Nanos,
    /// The controller had closed all connections by then, before the host did. That it closed one of
    /// them says nothing: it may serve the others.
    pub peer_closed: Option<Nanos>,
    /// The longest keep alive timeout that the host has set, in milliseconds; 0 if keep alive was off
    /// at any time. It can be changed by Set Features.
    pub kato_ms: u32,
}

/// What the wait for the controller to notice starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The last Keep Alive command: 2 × KATT.
    Command,
    /// The last command of any kind: 3 × KATT.
    Traffic,
    /// The controller closed all connections: nothing more to wait for but CQT.
    Notification,
    /// The controller is known to have noticed, and how.
    Noticed(Notice),
}

/// What shows that a controller has noticed that the host is gone, before the keep alive timeouts are
/// over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It had begun to reset itself when a Cross-Controller Reset of it failed (step 2c of section
    /// 9.6.2.1).
    FailedReset,
    /// Another controller lists it in its log page 1Fh (step 2d).
    LostHostLog,
}

impl Rule {
    /// The word that stands for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Traffic => "traffic",
            Self::Notification => "notification",
            Self::Noticed(Notice::FailedReset) => "ccr-failed",
            Self::Noticed(Notice::LostHostLog) => "lost-host-log",
        }
    }
}

/// When an association is fenced by time, and how that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// What the wait started from.
    pub rule: Rule,
    /// When it started.
    pub t_last: Nanos,
    /// How many keep alive timeouts long it is.
    pub n: u8,
    /// The keep alive timeout in milliseconds.
    pub katt_ms: u32,
    /// The Command Quiesce Time in milliseconds.
    pub cqt_ms: u32,
    /// Whose word that is.
    pub cqt_source: CqtSource,
}

impl Deadline {
    /// `t_last + n × KATT + CQT`
    pub const fn at(&self) -> Nanos {
        self.t_last
            .after_millis(self.n as u64 * self.katt_ms as u64 + self.cqt_ms as u64)
    }

    /// Finds the deadline of an association that was opened at `opened`. [`None`] if time does not
    /// count, or proves nothing because there is no keep alive and no notification.
    pub fn find(terms: &Terms, opened: Nanos, clocks: &Clocks, knobs: &Knobs) -> Option<Self> {
        if !knobs.believes(Belief::Time) {
            return None;
        }
        let by_keep_alive = Self::by_keep_alive(terms, opened, clocks, knobs);
        let by_notification = clocks
            .peer_closed
            .filter(|_| knobs.believes(Belief::Notification))
            // The host may have sent after the controller's last FIN.
            .map(|at| Self::of_quiescing(terms, Rule::Notification, at.max(clocks.sent), knobs));

        match (by_keep_alive, by_notification) {
            (Some(a), Some(b)) => Some(if b.at() < a.at() { b } else { a }),
            (a, b) => a.or(b),
        }
    }

    fn by_keep_alive(terms: &Terms, opened: Nanos, clocks: &Clocks, knobs: &Knobs) -> Option<Self> {
        if clocks.kato_ms == 0 {
            return None;
        }
        let (rule, t_last) = if terms.tbkas {
            (Rule::Traffic, clocks.sent)
        } else {
            (Rule::Command, clocks.keep_alive)
        };
        let (cqt_ms, cqt_source) = knobs.cqt_ms(terms.cqt_ms);

        Some(Self {
            rule,
            // Connect starts the controller's timer as well.
            t_last: t_last.max(opened),
            n: terms.keep_alive_timeouts(),
            // If it was changed, the controller may have been lost before it knew.
            katt_ms: terms.kato_ms.max(clocks.kato_ms),
            cqt_ms,
            cqt_source,
        })
    }

    /// The deadline of an association that is closed and whose controller was known `at` this time to
    /// have noticed. [`None`] if time does not count.
    pub fn noticed(terms: &Terms, notice: Notice, at: Nanos, knobs: &Knobs) -> Option<Self> {
        knobs
            .believes(Belief::Time)
            .then(|| Self::of_quiescing(terms, Rule::Noticed(notice), at, knobs))
    }

    /// The controller had noticed by then: nothing more to wait for but CQT.
    fn of_quiescing(terms: &Terms, rule: Rule, at: Nanos, knobs: &Knobs) -> Self {
        let (cqt_ms, cqt_source) = knobs.cqt_ms(terms.cqt_ms);

        Self {
            rule,
            t_last: at,
            n: 0,
            katt_ms: terms.kato_ms,
            cqt_ms,
            cqt_source,
        }
    }
}

#[cfg(test)]
mod tests;
