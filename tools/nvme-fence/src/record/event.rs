// SPDX-License-Identifier: GPL-2.0
//! An event: one line of the record, and one line for the journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::units::{Bytes, Count, Milliseconds};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// The monitor began: of what was before, it knows nothing.
    MonitorStarted,
    /// The monitor ended.
    MonitorStopped,
    /// There were more events than the kernel keeps: a path that came back at once may be missing.
    Missed,
    /// The module was loaded.
    ModuleLoaded,
    /// The module was unloaded.
    ModuleUnloaded,
    /// A path was connected.
    Added,
    /// The connection of a path was given up.
    Lost,
    /// A path was connected again.
    Back,
    /// A path was removed.
    Removed,
    /// A path to a namespace has another ANA state.
    Ana,
    /// Cancelled commands of a path went on at once, and newer ones to their blocks wait.
    Tracked,
    /// Commands of a path are held.
    Held,
    /// It is proven that a lost connection executes nothing any more.
    Fenced,
}

impl Kind {
    /// The word for it, as in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::MonitorStarted => "monitor-started",
            Self::MonitorStopped => "monitor-stopped",
            Self::Missed => "missed",
            Self::ModuleLoaded => "module-loaded",
            Self::ModuleUnloaded => "module-unloaded",
            Self::Added => "added",
            Self::Lost => "lost",
            Self::Back => "back",
            Self::Removed => "removed",
            Self::Ana => "ana",
            Self::Tracked => "tracked",
            Self::Held => "held",
            Self::Fenced => "fenced",
        }
    }
}

/// An event. The names of the fields are the keys of the record and of the JSON output, which
/// scripts rely on. `None` = it has no such thing, or that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// When the monitor saw it.
    pub(crate) time: Timestamp,
    /// What happened.
    pub(crate) event: Kind,
    /// nvme-subsysX
    pub(crate) subsystem: Option<String>,
    /// Its qualified name.
    pub(crate) nqn: Option<String>,
    /// nvmeX; of an ANA state, nvmeXcYnZ.
    pub(crate) path: Option<String>,
    /// Its transport address.
    pub(crate) address: Option<String>,
    /// The state before.
    pub(crate) from: Option<String>,
    /// The state since.
    pub(crate) to: Option<String>,
    /// For how long it was lost, or commands were held or tracked.
    pub(crate) duration_ms: Option<u64>,
    /// How many commands it is about.
    pub(crate) commands: Option<u64>,
    /// How many bytes these have.
    pub(crate) bytes: Option<u64>,
    /// What proved it.
    pub(crate) evidence: Option<String>,
}

impl Event {
    /// An event of which nothing else is known.
    pub(crate) fn new(time: Timestamp, event: Kind) -> Self {
        Self {
            time,
            event,
            subsystem: None,
            nqn: None,
            path: None,
            address: None,
            from: None,
            to: None,
            duration_ms: None,
            commands: None,
            bytes: None,
            evidence: None,
        }
    }

    /// What there is to say beyond times and numbers.
    pub(crate) fn detail(&self) -> String {
        match (&self.evidence, &self.from, &self.to) {
            (Some(evidence), ..) => evidence.clone(),
            // It was live.
            (_, Some(_), Some(to)) if self.event == Kind::Lost => to.clone(),
            (_, Some(from), Some(to)) => format!("{from} -> {to}"),
            (_, None, Some(to)) => to.clone(),
            (_, Some(from), None) => format!("was {from}"),
            (_, None, None) => String::new(),
        }
    }
}

/// A sentence for the journal, which knows the time.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in [&self.subsystem, &self.path].into_iter().flatten() {
            write!(f, "{name} ")?;
        }
        f.write_str(self.event.word())?;
        let detail = self.detail();
        if !detail.is_empty() {
            write!(f, ": {detail}")?;
        }
        if let Some(commands) = self.commands {
            write!(f, ", {}", Count(commands, "command"))?;
        }
        if let Some(bytes) = self.bytes {
            write!(f, ", {}", Bytes(bytes))?;
        }
        if let Some(ms) = self.duration_ms {
            write!(f, ", after {}", Milliseconds(ms))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_for_the_journal() {
        let new = |kind| Event {
            subsystem: Some("nvme-subsys0".to_owned()),
            path: Some("nvme0".to_owned()),
            ..Event::new(Timestamp::UNIX_EPOCH, kind)
        };
        for (event, line) in [
            (
                Event {
                    from: Some("live".to_owned()),
                    to: Some("connecting".to_owned()),
                    ..new(Kind::Lost)
                },
                "nvme-subsys0 nvme0 lost: connecting",
            ),
            (
                Event {
                    evidence: Some("time".to_owned()),
                    commands: Some(1),
                    bytes: Some(4096),
                    duration_ms: Some(65_740),
                    ..new(Kind::Fenced)
                },
                "nvme-subsys0 nvme0 fenced: time, 1 command, 4.0 KiB, after 65.740 s",
            ),
            (
                Event::new(Timestamp::UNIX_EPOCH, Kind::ModuleLoaded),
                "module-loaded",
            ),
        ] {
            assert_eq!(event.to_string(), line);
        }
    }

    #[test]
    fn words_are_those_of_json() {
        for kind in [Kind::MonitorStarted, Kind::Ana] {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.word()));
        }
    }
}
