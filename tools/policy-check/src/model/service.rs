// SPDX-License-Identifier: GPL-2.0-only

//! What a controller does for others, seen from the target: Cross-Controller Resets, their log page
//! and their event.
//!
//! A command that arrives is answered in every way that a target may choose: the impacted controller
//! is reset at once, or later, or the reset fails. What is not a matter of choice is decided: a reset
//! that is in progress already, and the limit (CCRL). When a reset is reported to have succeeded, the
//! impacted controller executes nothing any more. One that has failed may say that the impacted
//! controller had begun to reset itself, and where it is to be tried again.

use super::bounds::Bounds;
use super::lost_host::{LostHostLog, LostHostPage};
use nvme_fence_policy::Answer;
use nvme_fence_policy::ccr::answer::{
    CCR_IN_PROGRESS, CCR_LIMIT_EXCEEDED, CCR_LOG_FULL, INVALID_FIELD,
};

/// Internal Error: one of many that stand for nothing in particular.
const INTERNAL_ERROR: u16 = 0x006;

/// ACID if no other controller is to be asked.
const NO_CONTROLLER: u16 = 0xffff;

/// How a controller answers the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reply {
    /// The impacted controller is reset.
    Immediate,
    /// It will be reset.
    Accepted,
    /// A reset of it is in progress.
    InProgress,
    /// The log page is full.
    LogFull,
    /// No more resets at a time.
    LimitExceeded,
    /// It will never do it.
    Refused,
    /// Something went wrong.
    Failed,
}

impl Reply {
    /// As the policy understands status and dword 0 of the completion.
    pub(super) fn decode(self) -> Answer {
        let (status, dword0) = match self {
            // Validated, and Controller Level Reset Initiated, prove nothing.
            Self::Immediate => (0, 0b111),
            Self::Accepted => (0, 0b110),
            Self::InProgress => (CCR_IN_PROGRESS, 0),
            Self::LogFull => (CCR_LOG_FULL, 0),
            Self::LimitExceeded => (CCR_LIMIT_EXCEEDED, 0),
            Self::Refused => (INVALID_FIELD, 0),
            Self::Failed => (INTERNAL_ERROR, 0),
        };
        Answer::decode(status, dword0)
    }
}

/// Where a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Stage {
    /// On its way to the controller.
    Underway,
    /// On its way back.
    Answered(Reply),
}

/// A command that names an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Command {
    /// The number of the association.
    pub(super) of: u8,
    pub(super) stage: Stage,
}

/// Where a reset that failed is to be tried again (RETRY, ACID).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retry {
    /// Nowhere.
    Nowhere,
    /// On this controller.
    On(u8),
    /// On any but the source that says so.
    Elsewhere,
    /// On any.
    Anywhere,
}

/// What a source says of a reset that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Failure {
    /// The impacted controller had begun to reset itself (CLRI).
    pub noticed: bool,
    /// Where it is to be tried again.
    pub retry: Retry,
}

impl Failure {
    /// Nothing has come of it, and it can be tried again.
    pub(super) const PLAIN: Self = Self {
        noticed: false,
        retry: Retry::Anywhere,
    };

    /// All that there can be of an `impacted` controller.
    fn all(bounds: &Bounds, impacted: u8) -> Vec<Self> {
        if !bounds.failures_tell {
            return vec![Self::PLAIN];
        }
        let others = (0..bounds.controllers).filter(|controller| *controller != impacted);
        let retries: Vec<_> = [Retry::Nowhere, Retry::Elsewhere, Retry::Anywhere]
            .into_iter()
            .chain(others.map(Retry::On))
            .collect();
        [false, true]
            .into_iter()
            .flat_map(|noticed| retries.iter().map(move |&retry| Self { noticed, retry }))
            .collect()
    }

    /// The fields ACID and CCRF.
    fn encode(self) -> (u16, u8) {
        let validated_and_initiated = if self.noticed { 0b11 } else { 0b01 };
        let (acid, retry) = match self.retry {
            Retry::Nowhere => (NO_CONTROLLER, 0),
            Retry::On(controller) => (u16::from(controller) + 1, 1),
            Retry::Elsewhere => (NO_CONTROLLER, 2),
            Retry::Anywhere => (NO_CONTROLLER, 3),
        };
        (acid, validated_and_initiated | retry << 2)
    }
}

/// How a reset that was accepted ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The controller is reset.
    Success,
    /// It is not.
    Failed(Failure),
}

impl Ending {
    /// How that of an `impacted` controller may end; it fails only if there `may_fail` something.
    pub(super) fn all(bounds: &Bounds, impacted: u8, may_fail: bool) -> Vec<Self> {
        let mut endings = vec![Self::Success];
        if may_fail {
            let failures = Failure::all(bounds, impacted);
            endings.extend(failures.into_iter().map(Self::Failed));
        }
        endings
    }
}

/// The field CCRS, and what else is there of a reset that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Ccrs {
    InProgress,
    Success,
    Failed(Failure),
}

impl Ccrs {
    /// The fields ACID, CCRS and CCRF.
    fn encode(self) -> (u16, u8, u8) {
        match self {
            Self::InProgress => (NO_CONTROLLER, 0, 0),
            Self::Success => (NO_CONTROLLER, 1, 0),
            Self::Failed(failure) => {
                let (acid, ccrf) = failure.encode();
                (acid, 2, ccrf)
            }
        }
    }
}

/// An entry of the log page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Entry {
    /// The number of the association that is reset.
    pub(super) of: u8,
    pub(super) ccrs: Ccrs,
}

/// What the log page about resets (1Eh) says when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ResetsPage {
    pub(super) entries: Vec<Entry>,
    /// Those whose reset was accepted before the read began: one bit each.
    pub(super) accepted: u8,
    /// It lists earlier instances that had the same names as those of today.
    pub(super) stale: bool,
    /// It lists what was never asked for.
    pub(super) foreign: bool,
}

impl ResetsPage {
    /// Its bytes. Of each association, what log pages call it is its Controller ID and CIU.
    pub(super) fn bytes(&self, bounds: &Bounds, names: &[(u8, u8)]) -> Vec<u8> {
        let mut entries: Vec<[u8; 8]> = Vec::new();
        let mut list = |icid: u8, ciu: u8, ccrs: Ccrs| {
            let (acid, ccrs, ccrf) = ccrs.encode();
            let [acid_low, acid_high] = acid.to_le_bytes();
            entries.push([icid, 0, ciu, 0, acid_low, acid_high, ccrs, ccrf]);
        };
        if self.stale {
            for of in 0..bounds.associations {
                for icid in 1..=bounds.controllers {
                    list(icid, of + 1, Ccrs::Success);
                }
            }
        }
        for entry in &self.entries {
            let (icid, ciu) = names[usize::from(entry.of)];
            list(icid, ciu, entry.ccrs);
        }
        if self.foreign {
            for (icid, ciu) in names {
                list(*icid, ciu + bounds.associations, Ccrs::Success);
                list(icid + bounds.controllers, *ciu, Ccrs::Success);
            }
        }
        page(&entries)
    }

    /// Does it truly say that an association was reset?
    pub(super) fn says_reset(&self, of: u8) -> bool {
        let mut about = self.entries.iter().filter(|entry| entry.of == of);
        about.any(|entry| entry.ccrs == Ccrs::Success)
    }

    /// What it truly says of the failure of a reset.
    pub(super) fn failure(&self, of: u8) -> Option<Failure> {
        self.entries.iter().find_map(|entry| match entry.ccrs {
            Ccrs::Failed(failure) if entry.of == of => Some(failure),
            Ccrs::InProgress | Ccrs::Success | Ccrs::Failed(_) => None,
        })
    }
}

/// The bytes of a log page with these entries.
pub(super) fn page(entries: &[[u8; 8]]) -> Vec<u8> {
    let mut bytes = vec![entries.len() as u8, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(entries.concat());
    bytes
}

/// What a log page says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Page {
    /// 1Eh.
    Resets(ResetsPage),
    /// 1Fh.
    LostHost(LostHostPage),
}

/// How a log page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum How {
    /// 1Eh.
    Resets {
        /// Retain Asynchronous Event.
        retain_event: bool,
        /// Remove Completed.
        remove_completed: bool,
        /// Those whose reset was accepted before the read began: one bit each.
        accepted: u8,
    },
    /// 1Fh.
    LostHost {
        /// Retain Asynchronous Event, and the entries with it.
        retain_event: bool,
    },
}

/// How far the read of a log page is. There is one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Read {
    /// The command is on its way.
    Underway(How),
    /// The page is on its way back.
    Answered(Page),
}

/// A controller as a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Service {
    /// In a fixed order, so that equal futures are equal states.
    pub(super) commands: Vec<Command>,
    pub(super) entries: Vec<Entry>,
    /// The log page still has entries of earlier times.
    pub(super) stale: bool,
    /// The event is on its way.
    pub(super) event: bool,
    /// It is not sent again before the log page was read.
    pub(super) masked: bool,
    pub(super) read: Option<Read>,
    /// Its log page 1Fh.
    pub(super) lost_host: LostHostLog,
}

impl Service {
    /// The replies that it may give to a command about `of`, which is `dead` or not; those that
    /// would be a nuisance only if there `may_fail` something.
    pub(super) fn replies(
        &self,
        bounds: &Bounds,
        of: u8,
        dead: bool,
        may_fail: bool,
    ) -> Vec<Reply> {
        let mut underway = self.underway();
        if underway.any(|entry| entry.of == of) {
            return vec![Reply::InProgress];
        }
        if self.underway().count() >= usize::from(bounds.ccrl) {
            return vec![Reply::LimitExceeded];
        }
        let mut replies = vec![Reply::Immediate];
        if !dead {
            replies.push(Reply::Accepted);
        }
        if may_fail {
            replies.extend([
                // Somebody else has asked for it.
                Reply::InProgress,
                Reply::LogFull,
                Reply::LimitExceeded,
                Reply::Refused,
                Reply::Failed,
            ]);
        }
        replies
    }

    /// The resets that are in progress.
    pub(super) fn underway(&self) -> impl Iterator<Item = &Entry> {
        let in_progress = |entry: &&Entry| entry.ccrs == Ccrs::InProgress;
        self.entries.iter().filter(in_progress)
    }

    /// It is dead: nothing reads its log page any more.
    pub(super) fn forget(&mut self) {
        self.entries.clear();
        self.stale = false;
        self.masked = false;
        self.lost_host.forget();
    }

    /// What is left of it when the host has closed the association: commands that may still arrive,
    /// and resets that it has begun.
    pub(super) fn left_behind(mut self) -> Self {
        self.commands
            .retain(|command| command.stage == Stage::Underway);
        self.entries.retain(|entry| entry.ccrs == Ccrs::InProgress);
        Self {
            commands: self.commands,
            entries: self.entries,
            ..Self::default()
        }
    }

    /// A command arrives that was left behind: there will be a reset, of which nobody hears.
    pub(super) fn arrives_late(&mut self, of: u8) {
        self.reply(of, Reply::Accepted);
        self.commands.retain(|command| command.of != of);
    }

    /// Forgets commands and resets about those that `f` names.
    pub(super) fn forget_about(&mut self, f: impl Fn(u8) -> bool) {
        self.commands.retain(|command| !f(command.of));
        self.entries.retain(|entry| !f(entry.of));
    }

    /// A command is sent to it.
    pub(super) fn send(&mut self, of: u8) {
        let stage = Stage::Underway;
        self.commands.push(Command { of, stage });
        self.commands.sort_unstable();
    }

    /// It replies to a command.
    pub(super) fn reply(&mut self, of: u8, reply: Reply) {
        let arrived = Command {
            of,
            stage: Stage::Underway,
        };
        if let Some(command) = self.commands.iter_mut().find(|c| **c == arrived) {
            command.stage = Stage::Answered(reply);
        }
        self.commands.sort_unstable();
        let known = self.underway().any(|entry| entry.of == of);
        if matches!(reply, Reply::Accepted | Reply::InProgress) && !known {
            let ccrs = Ccrs::InProgress;
            self.entries.push(Entry { of, ccrs });
            self.entries.sort_unstable();
        }
    }

    /// A reset ends.
    pub(super) fn complete(&mut self, of: u8, ccrs: Ccrs) {
        let underway = |entry: &&mut Entry| entry.of == of && entry.ccrs == Ccrs::InProgress;
        if let Some(entry) = self.entries.iter_mut().find(underway) {
            entry.ccrs = ccrs;
        }
        self.entries.sort_unstable();
        self.event |= !self.masked;
        self.masked = true;
    }

    /// One of its log pages is read.
    pub(super) fn read_log(&mut self, foreign: bool) {
        let page = match self.read {
            Some(Read::Underway(How::Resets {
                retain_event,
                remove_completed,
                accepted,
            })) => {
                Page::Resets(self.read_resets(retain_event, remove_completed, accepted, foreign))
            }
            Some(Read::Underway(How::LostHost { retain_event })) => {
                Page::LostHost(self.lost_host.read(retain_event, foreign))
            }
            Some(Read::Answered(_)) | None => return,
        };
        self.read = Some(Read::Answered(page));
    }

    fn read_resets(
        &mut self,
        retain_event: bool,
        remove_completed: bool,
        accepted: u8,
        foreign: bool,
    ) -> ResetsPage {
        let page = ResetsPage {
            entries: self.entries.clone(),
            accepted,
            stale: self.stale,
            foreign,
        };
        if remove_completed {
            self.entries.retain(|entry| entry.ccrs == Ccrs::InProgress);
            self.stale = false;
        }
        if !retain_event {
            self.masked = false;
        }
        page
    }
}
