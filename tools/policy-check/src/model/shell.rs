// SPDX-License-Identifier: GPL-2.0-only

//! What the kernel module is around the policy: a record, its held commands and its work item.

use super::property::Violation;
use nvme_fence_policy::ccr::source::Source;
use nvme_fence_policy::{
    Action, Actions, Association, Command, Event, Evidence, Identity, Kind, Knobs, Nanos, Offer,
    SourceId, Terms, Verdict,
};
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Length of every write.
const BYTES: u32 = 4096;

/// A status with which the controller itself answered.
const ANSWERED: u16 = 0x303;

/// A write that may have been sent and got this status from the host.
fn cancelled(status: u16) -> Command {
    Command {
        kind: Kind::Write,
        status,
        sent: true,
        bytes: BYTES,
    }
}

/// The work item of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Work {
    /// Never queued.
    Idle,
    /// Queued, because of this.
    Queued,
    /// It has sent on so many commands, and is about to say so.
    Sending(u32, u64),
    /// It has run.
    Done,
}

/// A record of the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    association: Association,
    /// Stands for `association` when states are hashed: the policy's types are not made for that.
    digest: u64,
    /// The writes that are held.
    pub(super) bios: u8,
    pub(super) work: Work,
}

impl Hash for Record {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (self.digest, self.bios, self.work).hash(hasher);
    }
}

/// Text of which only the hash is kept.
struct HashedText(DefaultHasher);

impl fmt::Write for HashedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl Record {
    /// A record for an association that was identified `now`.
    pub(super) fn new(now: Nanos, identity: Identity, terms: Terms, ccrl: u8) -> Self {
        // All have the same address: there is no choice to be made for that.
        let offer = Offer { ccrl, port: 0 };
        let mut record = Self {
            association: Association::new(now, identity, terms, offer),
            digest: 0,
            bios: 0,
            work: Work::Idle,
        };
        record.sign();
        record
    }

    fn sign(&mut self) {
        let mut text = HashedText(DefaultHasher::new());
        // The secret is not printed with the rest.
        let cirn = self.association.identity().cirn;
        write!(text, "{:?} {cirn}", self.association).expect("hashing does not fail");
        self.digest = text.0.finish();
    }

    /// Offers a write that the host gave up with `status`. Returns whether it is held now.
    pub(super) fn hold(&mut self, write: u8, status: u16, knobs: &Knobs) -> bool {
        let held = self.association.hold(&cancelled(status), knobs) == Verdict::Hold;
        if held {
            self.bios |= 1 << write;
            self.sign();
        }
        held
    }

    /// Would the policy hold any of the commands that can do no harm?
    pub(super) fn holds_needlessly(&self, status: u16, knobs: &Knobs) -> bool {
        let write = cancelled(status);
        let harmless = [
            Command {
                kind: Kind::Read,
                ..write
            },
            Command {
                kind: Kind::Flush,
                ..write
            },
            Command {
                sent: false,
                ..write
            },
            Command {
                status: ANSWERED,
                ..write
            },
        ];
        harmless
            .iter()
            .any(|command| self.association.clone().hold(command, knobs) == Verdict::Hold)
    }

    /// Tells the policy of an event.
    pub(super) fn handle(&mut self, now: Nanos, event: Event, knobs: &Knobs) -> Actions {
        let actions = self.association.handle(now, event, knobs);
        self.sign();
        actions
    }

    /// What the policy knows of the association.
    pub(super) fn association(&self) -> &Association {
        &self.association
    }

    /// What the association does for others.
    pub(super) fn source(&self) -> &Source {
        self.association.source()
    }

    /// Tells it what happens there.
    pub(super) fn source_mut<T>(&mut self, f: impl FnOnce(&mut Source) -> T) -> T {
        let result = f(self.association.source_mut());
        self.sign();
        result
    }

    /// A source is asked to have it reset.
    pub(super) fn ask(&mut self, source: SourceId, now: Nanos) {
        self.association.ask(source, now);
        self.sign();
    }

    /// Is the timer armed for this record?
    pub(super) fn timer(&self) -> Option<Nanos> {
        self.association.next_deadline()
    }

    /// The policy releases it.
    pub(super) fn queue(&mut self) -> Result<(), Violation> {
        if self.work != Work::Idle {
            return Err(Violation::ReleasedTwice);
        }
        self.work = Work::Queued;
        Ok(())
    }

    /// The work item takes out what is to be sent on. Returns the writes.
    pub(super) fn start_draining(&mut self) -> Result<u8, Violation> {
        let count = self.association.held();
        let bytes = self.association.held_bytes();
        let bios = std::mem::take(&mut self.bios);
        if count != bios.count_ones() || bytes != u64::from(count) * u64::from(BYTES) {
            return Err(Violation::Miscounted);
        }
        self.work = Work::Sending(count, bytes);
        Ok(bios)
    }

    /// Does it hold something for which there is no evidence yet?
    pub(super) fn is_waiting(&self) -> bool {
        self.work == Work::Idle && self.bios != 0
    }

    /// Has it anything that must not be forgotten?
    pub(super) fn is_busy(&self) -> bool {
        self.bios != 0 || matches!(self.work, Work::Queued | Work::Sending(..))
    }
}

/// The evidence of a release, if there is one among the actions.
pub(super) fn evidence(actions: &Actions) -> Option<Evidence> {
    actions.into_iter().find_map(|action| {
        if let Action::Release(evidence) = action {
            Some(evidence)
        } else {
            None
        }
    })
}
