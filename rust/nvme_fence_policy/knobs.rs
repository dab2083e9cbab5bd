// SPDX-License-Identifier: GPL-2.0

//! What the administrator can set, per subsystem.

mod belief;

pub use belief::{Belief, Beliefs};

/// Which commands wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// All that were cancelled and change the medium.
    All,
    /// New ones that overlap what was cancelled and is sent again at once (see [`overlap`]), and what
    /// was cancelled and can not be sent again.
    ///
    /// [`overlap`]: crate::overlap
    Overlap,
    /// None: cancelled commands leave at once, as without fencing.
    None,
}

impl Hold {
    /// All values, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::All, Self::Overlap, Self::None];

    /// The word that stands for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Overlap => "overlap",
            Self::None => "none",
        }
    }

    /// Whether what is cancelled may be tracked: sent again at once, while newer ones wait.
    pub const fn tracks(self) -> bool {
        match self {
            Self::Overlap => true,
            Self::All | Self::None => false,
        }
    }

    /// What `name` stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hold| hold.name() == name)
    }
}

/// The longest Command Quiesce Time that can be set: one hour.
pub const CQT_MS_MAX: u32 = 3_600_000;

/// The Command Quiesce Time of a controller that reports none, if nobody set another (Base
/// Specification 2.1, section 9.6.2).
pub const CQT_DEFAULT_MS: u32 = 10_000;

/// Whose word the Command Quiesce Time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CqtSource {
    /// The controller reported it.
    Controller,
    /// The controller reported 0.
    Default,
    /// The administrator overrode it.
    Override,
}

/// The settings of one subsystem. They can only hold values in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Knobs {
    hold: Hold,
    evidence: Beliefs,
    cqt_default_ms: u32,
    cqt_override_ms: u32,
}

impl Knobs {
    /// The settings before anybody touched them.
    pub const DEFAULT: Self = Self {
        hold: Hold::All,
        evidence: Beliefs::DEFAULT,
        cqt_default_ms: CQT_DEFAULT_MS,
        cqt_override_ms: 0,
    };

    /// Which commands wait.
    pub const fn hold(&self) -> Hold {
        self.hold
    }

    /// Sets which commands wait.
    pub fn set_hold(&mut self, hold: Hold) {
        self.hold = hold;
    }

    /// What is believed.
    pub const fn evidence(&self) -> Beliefs {
        self.evidence
    }

    /// Sets what is believed.
    pub fn set_evidence(&mut self, evidence: Beliefs) {
        self.evidence = evidence;
    }

    /// Whether evidence of this kind counts.
    pub const fn believes(&self, belief: Belief) -> bool {
        self.evidence.contains(belief)
    }

    /// The Command Quiesce Time of a controller that reports 0, in milliseconds.
    pub const fn cqt_default_ms(&self) -> u32 {
        self.cqt_default_ms
    }

    /// Sets the Command Quiesce Time of a controller that reports 0.
    ///
    /// Returns false, and changes nothing, unless `ms` is in 1..=[`CQT_MS_MAX`].
    #[must_use]
    pub fn set_cqt_default_ms(&mut self, ms: u32) -> bool {
        let valid = (1..=CQT_MS_MAX).contains(&ms);
        if valid {
            self.cqt_default_ms = ms;
        }
        valid
    }

    /// The Command Quiesce Time in milliseconds that is used whatever the controller reports, 0 if
    /// what it reports is used.
    pub const fn cqt_override_ms(&self) -> u32 {
        self.cqt_override_ms
    }

    /// Sets the Command Quiesce Time that is used whatever the controller reports; 0 undoes it.
    ///
    /// Returns false, and changes nothing, if `ms` is greater than [`CQT_MS_MAX`].
    #[must_use]
    pub fn set_cqt_override_ms(&mut self, ms: u32) -> bool {
        let valid = ms <= CQT_MS_MAX;
        if valid {
            self.cqt_override_ms = ms;
        }
        valid
    }

    /// The Command Quiesce Time to wait for a controller that reports `reported_ms`, and whose word
    /// it is.
    pub const fn cqt_ms(&self, reported_ms: u16) -> (u32, CqtSource) {
        if self.cqt_override_ms != 0 {
            (self.cqt_override_ms, CqtSource::Override)
        } else if reported_ms != 0 {
            (reported_ms as u32, CqtSource::Controller)
        } else {
            (self.cqt_default_ms, CqtSource::Default)
        }
    }
}

#[cfg(test)]
mod tests;
