// SPDX-License-Identifier: GPL-2.0

//! The hold rule: which of the commands that did not succeed may still execute, and do harm.
//!
//! A command is held if all of this is true:
//!
//! - it changes the medium or the state of the controller (Base Specification 2.1, section 9.6.3);
//! - the *host* gave it up: a status that came from the controller means that it is done with it;
//! - it may have reached the transport.

use crate::knobs::{Knobs, Mode};

/// Status Code Type and Status Code of a command that the host failed for want of a usable path.
pub const HOST_PATH_ERROR: u16 = 0x370;

/// Status Code Type and Status Code of a command that the host cancelled.
pub const HOST_ABORTED_CMD: u16 = 0x371;

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Read, and whatever else changes nothing: Unrestricted Retry.
    Read,
    /// Flush: changes nothing that was not written before.
    Flush,
    /// Write, with or without FUA.
    Write,
    /// Write Zeroes.
    WriteZeroes,
    /// Dataset Management with the Deallocate attribute.
    Deallocate,
    /// Zone Management Send.
    ZoneManagementSend,
    /// Zone Append.
    ZoneAppend,
    /// A command that this crate does not know. It may do anything.
    Other,
}

impl Kind {
    /// Does late execution of such a command do harm?
    const fn changes_medium(self) -> bool {
        match self {
            Self::Read | Self::Flush => false,
            Self::Write
            | Self::WriteZeroes
            | Self::Deallocate
            | Self::ZoneManagementSend
            | Self::ZoneAppend
            | Self::Other => true,
        }
    }
}

/// A command that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it does.
    pub kind: Kind,
    /// Status Code Type and Status Code (11 bits).
    pub status: u16,
    /// False if it is known never to have reached the transport.
    pub sent: bool,
    /// Length of its data in bytes.
    pub bytes: u32,
}

/// Why a command may leave at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassReason {
    /// Fencing is off in this subsystem.
    Off,
    /// It changes nothing, so it may execute twice.
    Harmless,
    /// Its status is the controller's, which is done with it.
    Answered,
    /// It never reached the transport.
    NotSent,
    /// Its association is fenced: it can not execute any more.
    Fenced,
}

/// The decision on a command that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may still execute: it must be held.
    Hold,
    /// It may leave at once.
    Pass(PassReason),
}

impl Command {
    /// Whether it must not leave as long as nothing is known of its association.
    pub fn is_to_be_held(&self, knobs: &Knobs) -> bool {
        knobs.mode() != Mode::Off && self.verdict() == Verdict::Hold
    }

    /// What the command itself says, whatever becomes of its association.
    pub(crate) const fn verdict(&self) -> Verdict {
        if !self.kind.changes_medium() {
            return Verdict::Pass(PassReason::Harmless);
        }
        if self.status != HOST_PATH_ERROR && self.status != HOST_ABORTED_CMD {
            return Verdict::Pass(PassReason::Answered);
        }
        if !self.sent {
            return Verdict::Pass(PassReason::NotSent);
        }
        Verdict::Hold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANCELLED_WRITE: Command = Command {
        kind: Kind::Write,
        status: HOST_ABORTED_CMD,
        sent: true,
        bytes: 4096,
    };

    #[test]
    fn what_changes_the_medium_is_held() {
        for kind in [
            Kind::Write,
            Kind::WriteZeroes,
            Kind::Deallocate,
            Kind::ZoneManagementSend,
            Kind::ZoneAppend,
            Kind::Other,
        ] {
            for status in [HOST_PATH_ERROR, HOST_ABORTED_CMD] {
                let command = Command {
                    kind,
                    status,
                    ..CANCELLED_WRITE
                };
                assert_eq!(command.verdict(), Verdict::Hold, "{command:?}");
            }
        }
    }

    #[test]
    fn what_changes_nothing_passes() {
        for kind in [Kind::Read, Kind::Flush] {
            let command = Command {
                kind,
                ..CANCELLED_WRITE
            };
            assert_eq!(command.verdict(), Verdict::Pass(PassReason::Harmless));
        }
    }

    #[test]
    fn what_the_controller_answered_passes() {
        // internal path error, ANA states, controller path error, a media error, ...
        for status in [0x300, 0x301, 0x302, 0x303, 0x360, 0x280, 0x006] {
            let command = Command {
                status,
                ..CANCELLED_WRITE
            };
            assert_eq!(command.verdict(), Verdict::Pass(PassReason::Answered));
        }
    }

    #[test]
    fn what_was_never_sent_passes() {
        let command = Command {
            status: HOST_PATH_ERROR,
            sent: false,
            ..CANCELLED_WRITE
        };
        assert_eq!(command.verdict(), Verdict::Pass(PassReason::NotSent));
    }

    #[test]
    fn what_is_off_is_not_to_be_held() {
        let mut knobs = Knobs::DEFAULT;
        let read = Command {
            kind: Kind::Read,
            ..CANCELLED_WRITE
        };
        assert!(CANCELLED_WRITE.is_to_be_held(&knobs) && !read.is_to_be_held(&knobs));
        knobs.set_mode(Mode::Off);
        assert!(!CANCELLED_WRITE.is_to_be_held(&knobs));
    }
}
