// SPDX-License-Identifier: GPL-2.0-only

//! Mutants of what a new association proves about older ones.

use super::Mutant;

pub(super) const ALL: &[Mutant] = &[
    Mutant {
        name: "reconnect-another",
        what: "that any controller is connected is evidence",
        file: "reconnect.rs",
        from: "if !is_newer || older.cntlid != newer.cntlid {",
        to: "if !is_newer {",
    },
    Mutant {
        name: "reconnect-older",
        what: "what was connected before proves something when it becomes known",
        file: "reconnect.rs",
        from: "if !is_newer || older.cntlid != newer.cntlid {",
        to: "if older.cntlid != newer.cntlid {",
    },
    Mutant {
        name: "reconnect-nameless",
        what: "what has no CIU and no CIRN is another instance",
        file: "reconnect.rs",
        from: "before != 0 && now != 0 && before != now",
        to: "before == 0 || before != now",
    },
    Mutant {
        name: "reconnect-anyhow",
        what: "another instance counts whatever the administrator says",
        file: "reconnect.rs",
        from: "knobs.believes(Belief::Reconnect) && is_another_instance(older, newer)",
        to: "is_another_instance(older, newer)",
    },
    Mutant {
        name: "reconnect-id-anyhow",
        what: "the ID counts whatever the administrator says",
        file: "reconnect.rs",
        from: "} else if knobs.believes(Belief::ReconnectById) {",
        to: "} else if older.cntlid != 0 {",
    },
    Mutant {
        name: "reconnect-unheard",
        what: "a record that is closed does not hear of a new association",
        file: "association.rs",
        from: "(State::Fencing(_), Event::Reconnected(evidence)) => self.fence(evidence),",
        to: "(State::Fencing(_), Event::Reconnected(_)) => Actions::NONE,",
    },
    Mutant {
        name: "reconnect-too-soon",
        what: "a record that is not closed is released when there is a new association",
        file: "association.rs",
        from: "(State::Lost, Event::Reconnected(evidence)) => self.remember(evidence),",
        to: "(State::Lost, Event::Reconnected(evidence)) => self.fence(evidence),",
    },
    Mutant {
        name: "repeated-id",
        what: "IDs are believed though two controllers have the same",
        file: "subsystem.rs",
        from: "            self.ids_repeat = true;\n",
        to: "",
    },
];
