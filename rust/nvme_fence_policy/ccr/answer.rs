// SPDX-License-Identifier: GPL-2.0

//! What a source says to a Cross-Controller Reset command.

/// Status Code Type 1h, Status Code 3Fh: a reset of that controller is in progress already.
pub const CCR_IN_PROGRESS: u16 = 0x13f;

/// Status Code Type 1h, Status Code 40h: the log page is full.
pub const CCR_LOG_FULL: u16 = 0x140;

/// Status Code Type 1h, Status Code 41h: the limit (CCRL) is exceeded.
pub const CCR_LIMIT_EXCEEDED: u16 = 0x141;

/// Status Code Type 0h, Status Code 02h: Invalid Field in Command.
pub const INVALID_FIELD: u16 = 0x002;

/// Status Code Type 0h, Status Code 07h: Command Abort Requested. The host has the command aborted
/// when it is not answered in time.
pub const COMMAND_ABORT_REQUESTED: u16 = 0x007;

/// Dword 0 of the completion, bit 0 (IRS): the impacted controller is reset, or gone, already.
const IMMEDIATE_RESET_SUCCESSFUL: u32 = 1;

/// Dword 0 of the completion, bit 1 (V): there was such a controller. It means something if IRS is set.
const VALIDATED: u32 = 1 << 1;

/// What a source says to the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The impacted controller is reset.
    Immediate,
    /// There is no such instance of a controller, or not any more: there was nothing to reset.
    Gone,
    /// It will be reset; the result will be in the log page.
    Accepted,
    /// The source has a reset of that controller in progress; its result will be in the log page.
    InProgress,
    /// The log page is full: nothing happens before completed entries are removed from it.
    LogFull,
    /// The source has as many resets in progress as it can.
    LimitExceeded,
    /// The source will never reset that controller.
    Refused,
    /// Something else went wrong, or the source was lost.
    Failed,
    /// The host has given the command up, because the source did not answer it.
    Unanswered,
    /// The command could not be sent just now.
    NotSent,
}

impl Answer {
    /// Decodes Status Code Type and Status Code (11 bits), and dword 0 of the completion.
    pub const fn decode(status: u16, result: u32) -> Self {
        match status {
            0 if result & IMMEDIATE_RESET_SUCCESSFUL == 0 => Self::Accepted,
            0 if result & VALIDATED == 0 => Self::Gone,
            0 => Self::Immediate,
            CCR_IN_PROGRESS => Self::InProgress,
            CCR_LOG_FULL => Self::LogFull,
            CCR_LIMIT_EXCEEDED => Self::LimitExceeded,
            INVALID_FIELD => Self::Refused,
            COMMAND_ABORT_REQUESTED => Self::Unanswered,
            _ => Self::Failed,
        }
    }

    /// Whether nothing of the impacted controller can execute any more.
    pub const fn is_evidence(self) -> bool {
        match self {
            Self::Immediate | Self::Gone => true,
            Self::Accepted
            | Self::InProgress
            | Self::LogFull
            | Self::LimitExceeded
            | Self::Refused
            | Self::Failed
            | Self::Unanswered
            | Self::NotSent => false,
        }
    }
}

#[cfg(test)]
mod tests;
