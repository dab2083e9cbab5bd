// SPDX-License-Identifier: GPL-2.0
//! The wait of a path in its parts.

use std::fmt;

use crate::sysfs::identity::Identity;
use crate::sysfs::knobs::Knobs;
use crate::units::Seconds;

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
    /// The wait for a controller; `None` = time does not end it.
    pub(crate) fn of(identity: &'a Identity, knobs: &'a Knobs) -> Option<Self> {
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
        self.identity.cqt_ms(self.knobs).into()
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
