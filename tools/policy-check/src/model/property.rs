// SPDX-License-Identifier: GPL-2.0-only

//! What must never be.

use super::World;
use serde::{Deserialize, Serialize};
use stateright::Property;
use std::fmt;

/// What went wrong in the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Violation {
    /// A block went back to a value older than one that was acknowledged.
    GhostWrite,
    /// A block became what nobody wrote there: a copy of a write whose memory had changed.
    SpoiledWrite,
    /// A record was released while its association could still execute something.
    NoEvidence,
    /// The evidence named is not what happened.
    WrongEvidence,
    /// Nothing more can happen, and a command is held.
    HeldForever,
    /// A record waited longer than the specification demands.
    Late,
    /// A command was held although it can do no harm.
    NeedlessHold,
    /// A record was forgotten while it held commands.
    Forgotten,
    /// A record was released twice.
    ReleasedTwice,
    /// The policy's count of held commands is wrong.
    Miscounted,
    /// The administrator said that nothing can execute any more, and nothing was released.
    Unheard,
    /// A reset was asked for that nobody needs, or of somebody who cannot have it done.
    AskedInVain,
    /// A reset was asked for while another command for one was not answered.
    ManyUnanswered,
    /// A source with nothing to do was not asked for a reset that somebody waits for.
    Unasked,
    /// A result was not fetched, as its event was lost.
    Unread,
    /// The list of controllers that have noticed was cleared while somebody waited for one.
    Removed,
    /// The host read that a controller was reset, and the record was not released.
    Unbelieved,
    /// The timer, or what asks for resets, does not come to rest.
    Restless,
}

impl Violation {
    /// All of them, the worst first.
    pub const ALL: [Self; 18] = [
        Self::GhostWrite,
        Self::SpoiledWrite,
        Self::NoEvidence,
        Self::WrongEvidence,
        Self::HeldForever,
        Self::Late,
        Self::NeedlessHold,
        Self::Forgotten,
        Self::ReleasedTwice,
        Self::Miscounted,
        Self::Unheard,
        Self::AskedInVain,
        Self::ManyUnanswered,
        Self::Unasked,
        Self::Unread,
        Self::Removed,
        Self::Unbelieved,
        Self::Restless,
    ];

    /// The property that does not hold then.
    pub const fn property(self) -> &'static str {
        match self {
            Self::GhostWrite => "no block goes back behind what was acknowledged",
            Self::SpoiledWrite => "no block becomes what nobody wrote there",
            Self::NoEvidence => "what is released cannot execute any more",
            Self::WrongEvidence => "the evidence named is what happened",
            Self::HeldForever => "every held command is released in the end",
            Self::Late => "no wait is longer than the specification's",
            Self::NeedlessHold => "what can do no harm never waits",
            Self::Forgotten => "no held command is forgotten",
            Self::ReleasedTwice => "no record is released twice",
            Self::Miscounted => "held commands are counted right",
            Self::Unheard => "the administrator's word counts",
            Self::AskedInVain => "resets are asked for only where there is a use for them",
            Self::ManyUnanswered => "one command for a reset is unanswered at most",
            Self::Unasked => "who can have a controller reset is asked to",
            Self::Unread => "a result is fetched although its event was lost",
            Self::Removed => "no list is cleared while somebody waits for an entry",
            Self::Unbelieved => "a reset that the host has read of is evidence",
            Self::Restless => "the module comes to rest",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GhostWrite => "ghost write",
            Self::SpoiledWrite => "spoiled write",
            Self::NoEvidence => "release without evidence",
            Self::WrongEvidence => "wrong evidence",
            Self::HeldForever => "held forever",
            Self::Late => "waits too long",
            Self::NeedlessHold => "needless hold",
            Self::Forgotten => "forgotten commands",
            Self::ReleasedTwice => "released twice",
            Self::Miscounted => "wrong count",
            Self::Unheard => "word not heard",
            Self::AskedInVain => "asked in vain",
            Self::ManyUnanswered => "many unanswered",
            Self::Unasked => "not asked for",
            Self::Unread => "result not fetched",
            Self::Removed => "list cleared",
            Self::Unbelieved => "reset not believed",
            Self::Restless => "no rest",
        })
    }
}

macro_rules! properties {
    ($($violation:ident),*) => {
        vec![$(
            Property::always(
                Violation::$violation.property(),
                |world: &World, state: &super::State| {
                    !state.violates(&world.bounds, Violation::$violation)
                },
            )
        ),*]
    };
}

/// The properties, as the model checker wants them.
pub(super) fn all() -> Vec<Property<World>> {
    properties![
        GhostWrite,
        SpoiledWrite,
        NoEvidence,
        WrongEvidence,
        HeldForever,
        Late,
        NeedlessHold,
        Forgotten,
        ReleasedTwice,
        Miscounted,
        Unheard,
        AskedInVain,
        ManyUnanswered,
        Unasked,
        Unread,
        Removed,
        Unbelieved,
        Restless
    ]
}
