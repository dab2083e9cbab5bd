// SPDX-License-Identifier: GPL-2.0

//! One rule: what it is about, and what it does.

use crate::nvme::command::Opcode;
use crate::nvme::event::Event;
use crate::nvme::status::Status;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(super) text: String,
    pub(super) filter: Filter,
    pub(super) body: Body,
    /// So many matches pass before the first one to which it applies.
    pub(super) skip: u64,
    /// To so many matches it still applies; to all if there is no number.
    pub(super) left: Option<u64>,
    pub(super) hits: u64,
}

/// What a rule is about, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Commands with this opcode, or with any.
    Command(Option<Opcode>, Plan),
    /// Asynchronous events that are about to be reported.
    Event(EventFault),
    /// Entries of log page 1Eh that are about to be read.
    Entry(EntryFault),
    /// Entries of log page 1Fh that are about to be read.
    LostEntry(LostEntryFault),
    /// Resets of a controller that are about to begin.
    Reset(ResetFault),
    /// Controllers that are about to be made: what they are called.
    Assign(Assignment),
    /// Keep-alive timers that are about to expire: they do not.
    KeepAlive,
    /// Commands of a lost association that are about to be dropped: they are kept.
    Quiesce,
    /// Controllers that are about to be disabled: they only say so.
    Disable,
    /// Controllers that are about to be shut down.
    Shutdown(ShutdownFault),
    /// An ANA group, when it is about to be moved: commands that came through other ports are kept.
    Move,
}

/// Which ones of these; what is missing does not matter.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) port: Option<u16>,
    pub(super) cntlid: Option<u16>,
    pub(super) queue: Option<QueueFilter>,
    pub(super) slba: Option<u64>,
    pub(super) nsid: Option<u32>,
    pub(super) icid: Option<u16>,
    pub(super) lid: Option<u8>,
    pub(super) event: Option<Event>,
}

/// Which queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueueFilter {
    /// All I/O queues.
    Io,
    /// This one.
    Number(u16),
}

/// The thing for which a rule is looked for.
#[derive(Debug, Default, Clone, Copy)]
pub struct Facts {
    /// The port it comes through.
    pub port: u16,
    /// The controller it belongs to; 0 if there is none yet.
    pub cntlid: u16,
    /// The queue it came on.
    pub queue: Option<u16>,
    /// First block and number of blocks.
    pub blocks: Option<(u64, u64)>,
    /// The namespace, or ANA group.
    pub nsid: Option<u32>,
    /// The impacted controller.
    pub icid: Option<u16>,
    /// The log page.
    pub lid: Option<u8>,
    /// The event.
    pub event: Option<Event>,
}

/// What becomes of a command.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Where it is held.
    pub hold: Option<Hold>,
    /// Where its association loses all its connections.
    pub disconnect: Option<Stage>,
    /// How it is executed and answered.
    pub reply: Reply,
}

/// That a command is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Where.
    pub stage: Stage,
    /// For how long; until it is released if there is no time.
    pub ms: Option<u64>,
}

/// How a command is executed and answered.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// As it should be.
    #[default]
    Ordinary,
    /// Not executed, but answered like this.
    Instead(Answer),
    /// Executed, and answered like this.
    But(Answer),
    /// Neither executed nor answered, and not aborted either.
    Never,
    /// Neither executed nor answered before an Abort command asks for its end.
    UntilAbort,
}

impl Reply {
    /// Whether the command gets no answer of its own accord.
    pub(in crate::target) fn is_silence(self) -> bool {
        matches!(self, Reply::Never | Reply::UntilAbort)
    }
}

/// What a completion says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: Status,
    /// Dword 0.
    pub result: u32,
}

/// Steps in the life of a command, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its data was not asked for yet.
    BeforeData,
    /// Its data is here; nothing was checked yet.
    AfterData,
    /// It could be executed.
    BeforeExecution,
    /// It was executed.
    BeforeCompletion,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 4] = [
        Stage::BeforeData,
        Stage::AfterData,
        Stage::BeforeExecution,
        Stage::BeforeCompletion,
    ];

    /// Its name in scripts and in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Stage::BeforeData => "before-data",
            Stage::AfterData => "after-data",
            Stage::BeforeExecution => "before-execution",
            Stage::BeforeCompletion => "before-completion",
        }
    }
}

/// What goes wrong with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFault {
    /// It is never reported.
    Lose,
    /// It is reported later.
    Delay {
        /// How much later.
        ms: u64,
    },
    /// It is reported twice.
    Double,
}

/// What goes wrong with an entry of log page 1Eh: fields that have another value.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the specification's names
pub struct EntryFault {
    pub icid: Option<u16>,
    pub ciu: Option<u8>,
    pub acid: Option<u16>,
    pub ccrs: Option<u8>,
    pub ccrf: Option<u8>,
    /// The number of entries in the header of the log page.
    pub ne: Option<u16>,
    /// The entry is missing.
    pub omit: bool,
}

/// What goes wrong with an entry of log page 1Fh: fields that have another value.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the specification's names
pub struct LostEntryFault {
    pub cntlid: Option<u16>,
    pub lc: Option<u8>,
    pub ciu: Option<u8>,
    /// The number of entries in the header of the log page.
    pub ne: Option<u16>,
    /// The entry is missing.
    pub omit: bool,
    /// Reading does not remove the entry.
    pub keep: bool,
}

/// What goes wrong with a reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetFault {
    /// It fails in the end, and the controller is not reset.
    Fail(Failure),
    /// It never ends; nothing is reset.
    Never,
    /// It takes this time.
    After {
        /// Which time.
        ms: u64,
    },
}

/// What the entry of a failed reset says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// V: host, CIU and CIRN were the right ones.
    pub validated: bool,
    /// CLRI: the reset was begun. The association ends, and its commands live on as those of any lost
    /// connection do.
    pub initiated: bool,
    /// RETRY. If it is missing: 1 if another controller is named, else 0.
    pub retry: Option<u8>,
    /// ACID.
    pub acid: Option<u16>,
}

/// What a new controller is called.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// Its CNTLID; the lowest one that is free if this is missing.
    pub cntlid: Option<AssignedId>,
    /// What others of this CNTLID, which are lost, still hold is dropped before.
    pub cleanup: bool,
    /// Its CIU and CIRN.
    pub identity: AssignedIdentity,
}

/// Which CNTLID a new controller has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignedId {
    /// This one, whoever has it.
    Number(u16),
    /// That of the newest controller that this host has lost on this port, as long as something of
    /// it can be executed.
    Old,
}

/// Which CIU and CIRN a new controller has when it is ready.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum AssignedIdentity {
    /// New ones.
    #[default]
    New,
    /// Those of the newest instance of this CNTLID.
    Same,
    /// None: both are 0.
    None,
}

/// What goes wrong with a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownFault {
    /// CSTS.SHST says that it is complete, and nothing was stopped.
    Ignore,
    /// CSTS.SHST says for ever that it occurs, and nothing is stopped.
    Never,
}

impl Rule {
    /// The rule as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// To how many things it has applied.
    pub fn hits(&self) -> u64 {
        self.hits
    }

    pub(super) fn body(&self) -> &Body {
        &self.body
    }

    /// Whether it applies; if so, that is counted.
    pub(super) fn applies_to(&mut self, facts: &Facts) -> bool {
        if self.left == Some(0) || !self.filter.matches(facts) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.left = self.left.map(|left| left - 1);
        self.hits += 1;
        true
    }
}

impl Filter {
    fn matches(&self, facts: &Facts) -> bool {
        fn is<T: PartialEq>(wanted: Option<T>, fact: Option<T>) -> bool {
            wanted.is_none() || wanted == fact
        }
        is(self.port, Some(facts.port))
            && is(self.cntlid, Some(facts.cntlid))
            && is(self.icid, facts.icid)
            && is(self.lid, facts.lid)
            && is(self.nsid, facts.nsid)
            && is(self.event, facts.event)
            && self.queue.is_none_or(|queue| queue.matches(facts.queue))
            && self.slba.is_none_or(|block| touches(facts.blocks, block))
    }
}

impl QueueFilter {
    fn matches(self, queue: Option<u16>) -> bool {
        match self {
            QueueFilter::Io => queue.is_some_and(|queue| queue > 0),
            QueueFilter::Number(number) => queue == Some(number),
        }
    }
}

fn touches(blocks: Option<(u64, u64)>, block: u64) -> bool {
    blocks.is_some_and(|(first, count)| block >= first && block - first < count)
}
