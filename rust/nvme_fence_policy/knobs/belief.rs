// SPDX-License-Identifier: GPL-2.0

//! What is believed: the kinds of evidence that the administrator lets count.
//!
//! By default these are the kinds that nothing in the middle can forge and that the specification
//! vouches for. The administrator's own word always counts, and is none of them.

/// A kind of evidence that may count or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// A Cross-Controller Reset succeeded. Unless it counts, none is asked for.
    Ccr,
    /// The wait of TP4129 is over.
    Time,
    /// The host has a new association with another instance of the controller: the same Controller
    /// ID, and a CIU or CIRN that has changed.
    Reconnect,
    /// The host has a new association with the same Controller ID.
    ReconnectById,
    /// CC.EN=0 was written and CSTS.RDY=0 was read back.
    Disabled,
    /// The controller closed all connections before the host did: then, of the wait, only the Command
    /// Quiesce Time is left. Something in the middle can make a FIN or a RST just as well.
    Notification,
    /// The array has moved all namespaces that something is held for to another port. Only arrays that
    /// arbitrate paths themselves prove anything by that.
    Target,
}

impl Belief {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 7] = [
        Self::Ccr,
        Self::Time,
        Self::Reconnect,
        Self::ReconnectById,
        Self::Disabled,
        Self::Notification,
        Self::Target,
    ];

    /// The word that stands for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ccr => "ccr",
            Self::Time => "time",
            Self::Reconnect => "reconnect",
            Self::ReconnectById => "reconnect-by-id",
            Self::Disabled => "disabled",
            Self::Notification => "notification",
            Self::Target => "target",
        }
    }

    /// What `name` stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|belief| belief.name() == name)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Beliefs(u8);

impl Beliefs {
    /// None: nothing counts but the administrator's word.
    pub const NONE: Self = Self(0);

    /// What counts if nobody has said anything else.
    pub const DEFAULT: Self = Self::NONE
        .with(Belief::Ccr)
        .with(Belief::Time)
        .with(Belief::Reconnect)
        .with(Belief::Disabled);

    /// This, and one more.
    #[must_use]
    pub const fn with(self, belief: Belief) -> Self {
        Self(self.0 | belief.bit())
    }

    /// This without one.
    #[must_use]
    pub const fn without(self, belief: Belief) -> Self {
        Self(self.0 & !belief.bit())
    }

    /// Whether it is among them.
    pub const fn contains(self, belief: Belief) -> bool {
        self.0 & belief.bit() != 0
    }

    /// What these words say, which may be separated by blanks or commas. [`None`] if there is no word,
    /// or one that stands for nothing.
    pub fn from_words(words: &str) -> Option<Self> {
        let mut beliefs = Self::NONE;
        let separators = |c: char| c == ',' || c.is_ascii_whitespace();
        for word in words.split(separators).filter(|word| !word.is_empty()) {
            beliefs = beliefs.with(Belief::from_name(word)?);
        }
        (beliefs != Self::NONE).then_some(beliefs)
    }
}

#[cfg(test)]
mod tests;
