// SPDX-License-Identifier: GPL-2.0-only

//! How large the model is, and what it takes for granted.

use clap::ValueEnum;
use nvme_fence_policy::{Beliefs, Hold, Identity, Nanos, Terms};
use serde::Serialize;

/// There are at most so many writes in a model.
pub const WRITES_MAX: usize = 4;

/// There are at most so many blocks in a model.
pub const BLOCKS_MAX: usize = 3;

/// There are at most so many controllers in a model.
pub const CONTROLLERS_MAX: usize = 3;

/// An association has at most so many connections in a model.
pub const CONNECTIONS_MAX: usize = 2;

/// How the controllers find out that the host is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum KeepAlive {
    /// No Keep Alive command for one KATT.
    Command,
    /// No command at all for one whole period of KATT (TBKAS).
    Traffic,
    /// They do not.
    Off,
}

/// Who tells the host how long the controllers need to quiesce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Cqt {
    /// The controllers.
    Reported,
    /// Nobody: the controllers report 0.
    Default,
    /// The administrator, because what they report is too short.
    Override,
}

/// What the proof needs and the policy cannot see. Each can be dropped, to show what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Assumption {
    /// The administrator releases only what can really not execute any more.
    HonestAdministrator,
    /// A FIN or RST comes from the controller, not from something in between.
    HonestNetwork,
    /// With traffic based keep alive: no command arrives later than one KATT after the last command
    /// was sent on its association.
    TimelyDelivery,
    /// A host that does not say when an association was closed did not change its keep alive timeout.
    KnownTimeout,
    /// The host loses an association in the end, if a command of it was held.
    FailedAssociationsAreLost,
    /// The transport tells of a closed connection only when all of the association are closed.
    WholeNotification,
    /// A controller that is deleted has its association closed before anybody waits for what the
    /// association holds.
    DeletionCloses,
    /// A target that says that it has reset a controller has done so.
    HonestTarget,
    /// A target lists among the controllers that have lost touch with the host (log page 1Fh) only those
    /// that have noticed, and means the instances that have these CIUs now.
    HonestLostHostLog,
    /// A target that says of a reset that failed that the controller had begun to reset itself
    /// (CLRI) says so truly.
    HonestFailure,
    /// A target accepts a Connect only when the controller that had the same ID before can execute
    /// nothing any more.
    CleanUpBeforeConnect,
    /// Where commands are tracked, no other host writes to the namespace.
    OneHost,
    /// Where commands are tracked, the application does not write to a block before it knows of the
    /// write before that it is done.
    OneWriteAtATime,
    /// Where commands are tracked, the application does not change the memory of a write before it
    /// knows that it is done.
    SameContent,
    /// An array that is said to arbitrate paths moves a namespace to another port only when nothing can
    /// be executed any more of what came through the one before.
    HonestArray,
    /// When the host says that nothing of an association is left in it, nothing leaves any more.
    EmptySockets,
    /// When the module is unloaded, nvme-core knows for which associations something was tracked, and
    /// has all writes wait for their end.
    RememberedWhenUnloaded,
}

/// The bounds of a model. Times are in ticks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// Which commands wait.
    #[serde(skip)]
    pub hold: Hold,
    /// What is believed. With [`Belief::Notification`](nvme_fence_policy::Belief::Notification), the
    /// host takes it that a connection which is closed was closed by the controller.
    #[serde(skip)]
    pub evidence: Beliefs,
    /// How the controllers find out that the host is gone.
    pub keep_alive: KeepAlive,
    /// Keep alive timeout when associations are made.
    pub katt: u8,
    /// Keep alive timeout in force when they are lost.
    pub katt_at_loss: u8,
    /// How long controllers really need to quiesce.
    pub cqt: u8,
    /// Who tells the host.
    pub cqt_source: Cqt,
    /// Controllers, each with one association at first.
    pub controllers: u8,
    /// Associations in all, those of the beginning included.
    pub associations: u8,
    /// Connections of each association.
    pub connections: u8,
    /// Blocks.
    pub blocks: u8,
    /// Writes in all.
    pub writes: u8,
    /// Associations that may be lost.
    pub losses: u8,
    /// The last point in time at which the host may come to see that an association is broken.
    pub lose_by: u8,
    /// The host needs at most so long to close an association that it saw broken.
    pub teardown: u8,
    /// Keep Alive commands in all.
    pub keep_alives: u8,
    /// Connections that controllers may close.
    pub notifications: u8,
    /// Controllers that the host may disable.
    pub disables: u8,
    /// Controllers that may be removed.
    pub removals: u8,
    /// Controllers whose deletion may begin while anything else goes on: what the host had in mind
    /// with them (a reset, using them on) comes to nothing.
    pub deletions: u8,
    /// Commands that the host may cancel after it has closed their association.
    pub late: u8,
    /// How often the administrator may release what a controller has.
    pub admin: u8,
    /// How often the host may go on to use an association that it had given up.
    pub resumes: u8,
    /// Commands that may fail one by one before their association is lost.
    pub send_failures: u8,
    /// Resets that each controller can have in progress for others (CCRL).
    pub ccrl: u8,
    /// How much may go wrong with resets: answers that are no help, resets that fail, events and log
    /// pages that are lost, entries that nobody asked for.
    pub nuisances: u8,
    /// A reset that fails may say that the controller had begun to reset itself, and where it is to
    /// be tried again. Else it can be tried anywhere.
    pub failures_tell: bool,
    /// Controllers list others that have lost touch with the host (log page 1Fh).
    pub lost_host_logs: bool,
    /// Once a source has a command for a reset, or a read of its log page, the answer is there at
    /// once, and so is the event when a reset is over.
    pub prompt: bool,
    /// Log pages begin with entries about earlier instances that had the same names.
    pub stale: bool,
    /// All instances of a controller have the same CIU, and differ in their CIRN only: log pages
    /// cannot tell them apart.
    pub namesakes: bool,
    /// Controllers have no CIU and no CIRN.
    pub nameless: bool,
    /// A controller that is connected again has cleaned up before. Others give out the ID while the
    /// old instance may still execute.
    pub cleans_up: bool,
    /// Milliseconds in a tick.
    pub tick_ms: u16,
    /// How often the administrator may change a setting.
    pub changes: u8,
    /// What is to be asked is not asked at once: the work item is late, and once it knows what to
    /// ask, anything may happen before it sends that.
    pub late_asks: bool,
    /// Commands that a source was sent still arrive when the host has closed its association, and
    /// resets that it had begun go on.
    pub lost_sources_receive: bool,
    /// So many ranges can be tracked for each association.
    pub slots: u8,
    /// Whether what is sent stays in the host for a while, which reads its memory only when it leaves.
    pub buffers: bool,
    /// Writes of another host.
    pub foreign: u8,
    /// How often the module may be unloaded.
    pub unloads: u8,
    /// Each block can be used through one controller at a time: the array arbitrates paths.
    pub arbitrates: bool,
    /// How often the array may move a block to another controller.
    pub moves: u8,
    /// What is not taken for granted.
    pub dropped: Option<Assumption>,
}

impl Bounds {
    /// Is it taken for granted?
    pub fn assumes(&self, assumption: Assumption) -> bool {
        self.dropped != Some(assumption)
    }

    /// The keep alive timeout that a controller may go by.
    pub fn katt_true(&self) -> u8 {
        self.katt.max(self.katt_at_loss)
    }

    /// What the policy is told when an association is made.
    pub fn terms(&self) -> Terms {
        Terms {
            kato_ms: self.kato_ms(self.katt),
            tbkas: self.keep_alive == KeepAlive::Traffic,
            cqt_ms: match self.cqt_source {
                Cqt::Reported => u16::from(self.cqt) * self.tick_ms,
                Cqt::Default => 0,
                Cqt::Override => 1,
            },
        }
    }

    /// The connection that a write is sent on, whatever the association.
    pub fn connection(&self, write: u8) -> u8 {
        write % self.connections
    }

    /// What identifies association number `on`, which is with `controller`.
    pub fn identity(&self, controller: u8, on: u8) -> Identity {
        let ciu = if self.namesakes { 1 } else { on + 1 };
        let cirn = u64::from(on) + 1;
        Identity {
            cntlid: u16::from(controller) + 1,
            ciu: if self.nameless { 0 } else { ciu },
            cirn: if self.nameless { 0 } else { cirn },
        }
    }

    /// The number of the association that this identifies.
    pub fn number(&self, identity: &Identity) -> u8 {
        (identity.cirn - 1) as u8
    }

    /// A keep alive timeout as the policy is told.
    pub fn kato_ms(&self, katt: u8) -> u32 {
        match self.keep_alive {
            KeepAlive::Command | KeepAlive::Traffic => u32::from(katt) * u32::from(self.tick_ms),
            KeepAlive::Off => 0,
        }
    }

    /// What the policy is told the time is.
    pub fn nanos(&self, ticks: u8) -> Nanos {
        Nanos(0).after_millis(u64::from(ticks) * u64::from(self.tick_ms))
    }

    /// How many KATT the specification has the host wait: 2 or 3.
    pub fn timeouts(&self) -> u8 {
        1 + self.periods()
    }

    /// How many KATT a controller needs at most to see that it hears nothing any more.
    pub fn periods(&self) -> u8 {
        match self.keep_alive {
            KeepAlive::Command | KeepAlive::Off => 1,
            KeepAlive::Traffic => 2,
        }
    }

    /// When time ends. Whatever is lost at all is fenced by then.
    pub fn horizon(&self) -> u8 {
        // What is used on may be torn down once more.
        let closed_by = self.lose_by + self.teardown * (1 + self.resumes);
        // The administrator may have made the host wait for a tick more.
        let cqt = self.cqt + u8::from(self.changes > 0);
        closed_by + self.timeouts() * self.katt_true() + cqt
    }

    /// Says what is wrong with the bounds, if anything is.
    pub fn validate(&self) -> Result<(), &'static str> {
        let in_range = |value: u8, max: usize| (1..=max).contains(&usize::from(value));
        if !in_range(self.writes, WRITES_MAX) {
            return Err("there can be one to four writes");
        }
        if !in_range(self.blocks, BLOCKS_MAX) {
            return Err("there can be one to three blocks");
        }
        if !in_range(self.connections, CONNECTIONS_MAX) {
            return Err("an association can have one or two connections");
        }
        if !in_range(self.controllers, CONTROLLERS_MAX) {
            return Err("there can be one to three controllers");
        }
        if !(self.controllers..=8).contains(&self.associations) {
            return Err("each controller needs an association, and there can be eight");
        }
        if !in_range(self.katt, 8) || !in_range(self.katt_at_loss, 8) || !in_range(self.cqt, 8) {
            return Err("timeouts and CQT can be one to eight ticks");
        }
        if self.nameless && self.ccrl > 0 {
            return Err("a controller without CIU and CIRN cannot be reset through another one");
        }
        if self.unloads > 0 && (self.ccrl > 0 || self.admin > 0) {
            return Err(
                "without the module nobody asks for resets, and there is no word to be said",
            );
        }
        if !(1..=1000).contains(&self.tick_ms) {
            return Err("a tick can be one millisecond to one second");
        }
        if self.lose_by > 100 || self.teardown > 8 {
            return Err("associations must be lost by tick 100 and closed 8 ticks later");
        }
        Ok(())
    }
}
