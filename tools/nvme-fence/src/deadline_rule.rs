// SPDX-License-Identifier: GPL-2.0
//! By which rule a deadline was found: the words of sysfs and of the trace.

use serde::{Serialize, Serializer};

/// From when the wait is counted, and so what is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeadlineRule {
    /// `none`: there is no deadline.
    None,
    /// `command`: from the last Keep Alive command.
    Command,
    /// `traffic`: from the last command of any kind; the controller's keep alive is traffic based.
    Traffic,
    /// `notification`: from the moment at which the other end had closed all connections.
    Notification,
    /// `ccr-failed`: from the moment at which a Cross-Controller Reset was known to have begun and
    /// failed.
    CcrFailed,
    /// `lost-host-log`: from the moment at which log page 1Fh was read.
    LostHostLog,
    /// A word of a module that is newer than this tool.
    Other(String),
}

impl DeadlineRule {
    /// What a word of the module means.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "none" => Self::None,
            "command" => Self::Command,
            "traffic" => Self::Traffic,
            "notification" => Self::Notification,
            "ccr-failed" => Self::CcrFailed,
            "lost-host-log" => Self::LostHostLog,
            word => Self::Other(word.to_owned()),
        }
    }

    /// The word for it.
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Command => "command",
            Self::Traffic => "traffic",
            Self::Notification => "notification",
            Self::CcrFailed => "ccr-failed",
            Self::LostHostLog => "lost-host-log",
            Self::Other(word) => word,
        }
    }

    /// How it is known that the controller has noticed the loss, so that only its Command Quiesce
    /// Time is waited; `None` = it is not known to have.
    pub(crate) fn noticed(&self) -> Option<&'static str> {
        match self {
            Self::Notification => Some("it closed all connections"),
            Self::CcrFailed => Some("a Cross-Controller Reset of it was begun, and failed"),
            Self::LostHostLog => Some("log page 1Fh of another controller lists it"),
            Self::None | Self::Command | Self::Traffic | Self::Other(_) => None,
        }
    }
}

impl Serialize for DeadlineRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.word().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_what_they_are() {
        for (word, is_noticed) in [
            ("none", false),
            ("command", false),
            ("traffic", false),
            ("notification", true),
            ("ccr-failed", true),
            ("lost-host-log", true),
            ("dowsing", false),
        ] {
            let rule = DeadlineRule::of(word);
            assert_eq!(rule.word(), word);
            assert_eq!(rule.noticed().is_some(), is_noticed, "{word}");
            assert_eq!(matches!(rule, DeadlineRule::Other(_)), word == "dowsing");
        }
    }
}
