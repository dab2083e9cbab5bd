// SPDX-License-Identifier: GPL-2.0

//! What the administrator can set, per subsystem.

/// How the end of a lost association is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By whatever proves it first: a Cross-Controller Reset, if there is a way, or the time rule.
    Auto,
    /// By the time rule.
    Time,
    /// Not at all: cancelled commands leave at once, as without fencing.
    Off,
}

impl Mode {
    /// All modes, in the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Time, Self::Off];

    /// The word that stands for the mode.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Time => "time",
            Self::Off => "off",
        }
    }

    /// The mode that `name` stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
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
    mode: Mode,
    cqt_default_ms: u32,
    cqt_override_ms: u32,
    trust_notification: bool,
}

impl Knobs {
    /// The settings before anybody touched them.
    pub const DEFAULT: Self = Self {
        mode: Mode::Auto,
        cqt_default_ms: CQT_DEFAULT_MS,
        cqt_override_ms: 0,
        trust_notification: false,
    };

    /// How the end of a lost association is awaited.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Sets the mode.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
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

    /// Whether it counts as a notification that the controller has noticed if all connections were
    /// closed from the other end.
    ///
    /// Something in the middle can make a FIN or a RST just as well, so this is for the administrator
    /// to say.
    pub const fn trust_notification(&self) -> bool {
        self.trust_notification
    }

    /// Sets whether notifications count.
    pub fn set_trust_notification(&mut self, trust: bool) {
        self.trust_notification = trust;
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
