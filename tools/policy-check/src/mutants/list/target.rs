// SPDX-License-Identifier: GPL-2.0-only

//! Mutants of what arrays prove that arbitrate paths themselves.

use super::Mutant;

pub(super) const ALL: &[Mutant] = &[
    Mutant {
        name: "moved-anyhow",
        what: "that all has moved counts whatever the administrator says",
        file: "association.rs",
        from: "knobs.believes(Belief::Target) && !self.elsewhere",
        to: "!self.elsewhere",
    },
    Mutant {
        name: "moved-unheard",
        what: "that all has moved is no evidence",
        file: "association.rs",
        from: "knobs.believes(Belief::Target) && !self.elsewhere",
        to: "!knobs.believes(Belief::Target) && !self.elsewhere",
    },
    Mutant {
        name: "moved-before",
        what: "what could be used elsewhere before has moved as well",
        file: "association.rs",
        from: "knobs.believes(Belief::Target) && !self.elsewhere",
        to: "knobs.believes(Belief::Target)",
    },
    Mutant {
        name: "moved-too-soon",
        what: "that all has moved counts before the association is closed",
        file: "association.rs",
        from: "(State::Fencing(_), Event::Moved)",
        to: "(State::Lost | State::Fencing(_), Event::Moved)",
    },
    Mutant {
        name: "moved-another",
        what: "that one association has moved is taken for the first one",
        file: "subsystem.rs",
        from: "            Input::Moved(association) if self.array.may_arbitrate() => {
                if let Some(association) = associations.get_mut(association) {",
        to: "            Input::Moved(_) if self.array.may_arbitrate() => {
                if let Some(association) = associations.iter_mut().next() {",
    },
    Mutant {
        name: "shared-anyhow",
        what: "an array that has two paths to a namespace arbitrates them all the same",
        file: "array.rs",
        from: "            self.shares_paths = true;\n",
        to: "",
    },
    Mutant {
        name: "tracked-has-moved",
        what: "what is tracked has moved with what is held",
        file: "association.rs",
        from: " && self.tracked.is_empty(),",
        to: ",",
    },
];
