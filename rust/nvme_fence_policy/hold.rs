// SPDX-License-Identifier: GPL-2.0

//! The hold rule: which of the commands that did not succeed may still execute, and do harm.
//!
//! A command is held if all of this is true:
//!
//! - it changes the medium or the state of the controller (Base Specification 2.1, section 9.6.3);
//! - the *host* gave it up: a status that came from the controller means that it is done with it;
//! - it may have reached the transport.

use crate::knobs::{Hold, Knobs};
use crate::overlap::Blocks;

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

    /// Is it the same whether such a command executes once or twice, if nothing else was written to
    /// its blocks in between?
    const fn is_repeatable(self) -> bool {
        match self {
            Self::Read
            | Self::Flush
            | Self::Write
            | Self::WriteZeroes
            | Self::Deallocate
            | Self::ZoneManagementSend => true,
            // One appends a second time; of the other nobody knows.
            Self::ZoneAppend | Self::Other => false,
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
    /// What it changes, if that is known, and is one range: of a command for a zone, the zone.
    pub blocks: Option<Blocks>,
    /// It is to be completed with an error, and not to be sent again.
    pub fails: bool,
    /// There is a usable path to its namespace through another port.
    pub elsewhere: bool,
    /// It may be sent again as soon as its association is closed and emptied: none of its data is
    /// referred to then, and it need not keep its order among others.
    pub repeatable: bool,
    /// It can be held. If not, it fails at once, whatever is said, and all that can be done is to track
    /// its blocks.
    pub holdable: bool,
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
    /// What is to become of it, unless more is known of its association.
    pub(crate) fn verdict(&self, knobs: &Knobs) -> Verdict {
        if knobs.hold() == Hold::None {
            return Verdict::Pass(PassReason::Off);
        }
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

    /// May it be sent again before it is known that its first copy can not execute any more?
    pub(crate) const fn may_be_repeated(&self) -> bool {
        self.repeatable && self.kind.is_repeatable() && !self.fails
    }
}

#[cfg(test)]
pub(crate) mod tests;
