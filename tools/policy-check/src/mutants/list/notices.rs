// SPDX-License-Identifier: GPL-2.0-only

//! Mutants of how the policy learns that a controller has noticed, and of what a reset that failed
//! says.

use super::Mutant;

pub(super) const ALL: &[Mutant] = &[
    Mutant {
        name: "listed-any-instance",
        what: "another instance that is listed counts",
        file: "lost_host/log.rs",
        from: " && ciu == name.ciu\n",
        to: " && ciu != 0\n",
    },
    Mutant {
        name: "listed-any-controller",
        what: "another controller that is listed counts",
        file: "lost_host/log.rs",
        from: "u16::from_le_bytes([cntlid_low, cntlid_high]) == name.icid && ciu == name.ciu",
        to: "u16::from_le_bytes([cntlid_low, cntlid_high]) != 0 && ciu == name.ciu",
    },
    Mutant {
        name: "listed-nameless",
        what: "an entry without CIU is about what has none",
        file: "lost_host/log.rs",
        from: "        name.ciu != 0\n            && self",
        to: "        (name.ciu == 0 || name.ciu != 0)\n            && self",
    },
    Mutant {
        name: "listed-by-itself",
        what: "a controller that lists itself is believed",
        file: "subsystem/reports.rs",
        from: "if association.id() != source && log.lists(",
        to: "if log.lists(",
    },
    Mutant {
        name: "listed-unheard",
        what: "that a controller is listed changes nothing",
        file: "association.rs",
        from: "                self.notice(Notice::LostHostLog, now, knobs)\n",
        to: "                Actions::NONE\n",
    },
    Mutant {
        name: "list-cleared",
        what: "the list is cleared while somebody waits for an entry",
        file: "lost_host/reads.rs",
        from: "        self.event &= self.awaited;\n        self.awaited\n",
        to: "        self.event &= self.awaited;\n        false\n",
    },
    Mutant {
        name: "list-not-read",
        what: "nobody is known to wait for a controller to notice",
        file: "subsystem.rs",
        from: "            .any(|one| one.awaits_notice(&self.knobs));",
        to: "            .any(|one| one.awaits_notice(&self.knobs) && one.is_closed() != one.is_closed());",
    },
    Mutant {
        name: "list-not-polled",
        what: "the list is not read again unless an event comes",
        file: "lost_host/reads.rs",
        from: "            self.poll_at = Some(now.after_millis(millis));",
        to: "            let _ = now.after_millis(millis);",
    },
    Mutant {
        name: "list-polled-for-ever",
        what: "once the list was polled, it always is",
        file: "lost_host/reads.rs",
        from: "self.poll_at.take_if(|at| *at <= now).is_some()",
        to: "self.poll_at.is_some_and(|at| at <= now)",
    },
    Mutant {
        name: "list-event-unheard",
        what: "the event of a list with news is not heard",
        file: "lost_host/reads.rs",
        from: "        self.wanted |= self.awaited;\n",
        to: "",
    },
    Mutant {
        name: "notice-postpones",
        what: "who learns late that a controller has noticed waits for longer",
        file: "association.rs",
        from: "at.at() < before.at())",
        to: "at.at() != before.at())",
    },
    Mutant {
        name: "noticed-anyhow",
        what: "a notice counts though time does not",
        file: "wait.rs",
        from: "        knobs\n            .believes(Belief::Time)\n            .then(",
        to: "        (knobs.believes(Belief::Time) || true)\n            .then(",
    },
    Mutant {
        name: "clri-unheard",
        what: "that a reset failed when it had begun changes nothing",
        file: "association.rs",
        from: "Shown::Noticed => self.notice(Notice::FailedReset, now, knobs),",
        to: "Shown::Noticed => Actions::NONE,",
    },
    Mutant {
        name: "clri-is-reset",
        what: "a reset that failed when it had begun is taken for one that succeeded",
        file: "association.rs",
        from: "Shown::Noticed => self.notice(Notice::FailedReset, now, knobs),",
        to: "Shown::Noticed => self.fence_by_reset(true, knobs),",
    },
    Mutant {
        name: "validated-for-clri",
        what: "that there is such a controller (V) is taken for a reset that has begun",
        file: "ccr/log.rs",
        from: "const INITIATED: u8 = 1 << 1;",
        to: "const INITIATED: u8 = 1 << 0;",
    },
    Mutant {
        name: "clri-unasked",
        what: "who was not asked can say that a controller has noticed",
        file: "ccr/tries.rs",
        from: "            return Shown::Nothing;\n",
        to: "            return match status {\n                Some(Status::Failed(failure)) if failure.noticed => Shown::Noticed,\n                _ => Shown::Nothing,\n            };\n",
    },
    Mutant {
        name: "clri-of-old",
        what: "a failure is believed that is older than the question",
        file: "ccr/tries.rs",
        from: "failure.noticed && is_about_it",
        to: "failure.noticed && (is_about_it || reading <= now)",
    },
    Mutant {
        name: "nowhere-ignored",
        what: "others are asked though there is no use in trying again",
        file: "ccr/tries.rs",
        from: "Retry::Nowhere => self.verdict = Some(Verdict::Never),",
        to: "Retry::Nowhere => {}",
    },
    Mutant {
        name: "acid-ignored",
        what: "others are asked than the one that is named",
        file: "ccr/tries.rs",
        from: "Some(Verdict::OnlyOn(acid)) => acid == cntlid,",
        to: "Some(Verdict::OnlyOn(acid)) => acid == cntlid || acid != cntlid,",
    },
    Mutant {
        name: "elsewhere-ignored",
        what: "a source that wants others to be asked is asked again",
        file: "ccr/tries.rs",
        from: "Retry::Elsewhere => self.refuses(source, now),",
        to: "Retry::Elsewhere => {}",
    },
];
