// SPDX-License-Identifier: GPL-2.0-only

//! Mutants of the time rule and of its settings.

use super::Mutant;

pub(super) const ALL: &[Mutant] = &[
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
        what: "a notification counts without CQT",
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
        name: "notification-before-data",
        what: "a notification counts, whatever was sent after it",
        file: "wait.rs",
        from: "at.max(clocks.sent)",
        to: "if at < clocks.sent { at } else { at }",
    },
    Mutant {
        name: "notified-by-default",
        what: "a notification counts if nobody said so",
        file: "knobs/belief.rs",
        from: "        .with(Belief::Disabled);",
        to: "        .with(Belief::Disabled)\n        .with(Belief::Notification);",
    },
    Mutant {
        name: "time-anyhow",
        what: "time counts whatever the administrator says",
        file: "wait.rs",
        from: "        if !knobs.believes(Belief::Time) {\n            return None;\n        }\n",
        to: "",
    },
    Mutant {
        name: "notified-anyhow",
        what: "a notification counts whatever the administrator says",
        file: "wait.rs",
        from: ".filter(|_| knobs.believes(Belief::Notification))",
        to: ".filter(|_| true)",
    },
];
