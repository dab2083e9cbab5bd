// SPDX-License-Identifier: GPL-2.0
//! The wait of a path in its parts, and times as sentences want them.

use std::fmt;

use super::facts::PathFacts;
use crate::sysfs::identity::Identity;
use crate::sysfs::knobs::Knobs;

/// Milliseconds as seconds, without a fraction that is zero.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0 / 1000)?;
        match self.0 % 1000 {
            0 => f.write_str(" s"),
            ms => write!(f, ".{ms:03} s"),
        }
    }
}

/// How long what is in flight on a path may be held when it is lost.
#[derive(Clone, Copy)]
pub(crate) struct Wait<'a> {
    /// What the controller said about itself.
    identity: &'a Identity,
    /// The knobs of its subsystem.
    knobs: &'a Knobs,
    /// The whole of it.
    pub(crate) ms: u64,
}

impl<'a> Wait<'a> {
    /// The wait of a path; `None` = time does not end it, or that is not known.
    pub(crate) fn of(path: &'a PathFacts, knobs: &'a Knobs) -> Option<Self> {
        let identity = path.identity.as_ref()?;
        let ms = identity.wait_ms?;
        Some(Self {
            identity,
            knobs,
            ms,
        })
    }

    /// How many keep alive timeouts it has (Base Specification 2.1, section 9.6.2).
    pub(crate) fn katts(self) -> u64 {
        match self.identity.tbkas {
            true => 3,
            false => 2,
        }
    }

    /// The Command Quiesce Time in it.
    pub(crate) fn cqt_ms(self) -> u64 {
        match self.identity.cqt_source.as_str() {
            "override" => self.knobs.cqt_override_ms,
            "default" => self.knobs.cqt_default_ms,
            _ => self.identity.cqt_ms,
        }
        .into()
    }

    /// Whole seconds that are no shorter.
    pub(crate) fn seconds(self) -> u64 {
        self.ms.div_ceil(1000)
    }
}

/// The wait and its parts, unless these were changed while they were read.
impl fmt::Display for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (katts, kato_ms) = (self.katts(), u64::from(self.identity.kato_ms));
        let (whole, cqt_ms) = (Seconds(self.ms), self.cqt_ms());
        if self.ms != katts.saturating_mul(kato_ms).saturating_add(cqt_ms) {
            return write!(f, "{whole}");
        }
        let (kato, cqt) = (Seconds(kato_ms), Seconds(cqt_ms));
        write!(f, "{katts} x KATO {kato} + CQT {cqt} = {whole}")
    }
}
