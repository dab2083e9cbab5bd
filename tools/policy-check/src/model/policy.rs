// SPDX-License-Identifier: GPL-2.0-only

//! The policy as the module keeps it: the crate's subsystem, and the associations that are lent to it.

use nvme_fence_policy::overlap::Slot;
use nvme_fence_policy::{
    AssociationId, Blocks, Command, Fate, Input, Knobs, Nanos, Opened, Output, Request, Resets,
    Storage, Subsystem,
};
use std::fmt::{self, Debug, Write};
use std::hash::{DefaultHasher, Hash, Hasher};

/// An association, to which resets are lent in boxes.
pub(super) type Association = nvme_fence_policy::Association<Box<Resets>>;

/// An association, and what stands for it when states are hashed: the policy's types are not made for
/// that.
#[derive(Clone, Debug)]
struct Kept {
    association: Association,
    slots: Vec<Slot>,
    digest: u64,
}

impl Kept {
    /// The slots that are in use. What is in the others makes no difference.
    fn tracked_slots(&self) -> &[Slot] {
        &self.slots[..usize::from(self.association.tracked().listed())]
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.association == other.association && self.tracked_slots() == other.tracked_slots()
    }
}

impl Eq for Kept {}

/// All associations that are not discarded yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Associations(Vec<Kept>);

impl Storage for Associations {
    type Lent = Box<Resets>;

    fn iter(&self) -> impl Iterator<Item = &Association> {
        self.0.iter().map(|kept| &kept.association)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Association> {
        self.0.iter_mut().map(|kept| &mut kept.association)
    }

    fn iter_mut_with_slots(&mut self) -> impl Iterator<Item = (&mut Association, &mut [Slot])> {
        self.0
            .iter_mut()
            .map(|kept| (&mut kept.association, kept.slots.as_mut_slice()))
    }
}

/// The subsystem, and its associations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    subsystem: Subsystem,
    /// Stands for `subsystem` when states are hashed.
    digest: u64,
    associations: Associations,
}

impl Hash for Policy {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.digest.hash(hasher);
        for kept in &self.associations.0 {
            kept.digest.hash(hasher);
        }
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

fn digest(what: &impl Debug, secret: u64) -> u64 {
    let mut text = HashedText(DefaultHasher::new());
    write!(text, "{what:?} {secret}").expect("hashing does not fail");
    text.0.finish()
}

impl Policy {
    /// There are no associations yet.
    pub(super) fn new(knobs: Knobs) -> Self {
        Self {
            subsystem: Subsystem::new(knobs),
            digest: 0,
            associations: Associations::default(),
        }
    }

    /// Finds anew what stands for all that is not as it was `before`.
    pub(super) fn sign(&mut self, before: Option<&Self>) {
        let same = |before: &&Self| before.subsystem == self.subsystem;
        self.digest = match before.filter(same) {
            Some(before) => before.digest,
            None => digest(&self.subsystem, 0),
        };
        let before = before.map_or(&[][..], |before| &before.associations.0);
        for kept in &mut self.associations.0 {
            let same = |old: &&Kept| **old == *kept;
            kept.digest = match before.iter().find(same) {
                Some(old) => old.digest,
                // The secret is not printed with the rest.
                None => digest(
                    &(&kept.association, kept.tracked_slots()),
                    kept.association.identity().cirn,
                ),
            };
        }
    }

    /// A new association is made. It is to be kept when what follows for others is done.
    pub(super) fn open(&mut self, opened: Opened) -> Association {
        let resets = opened.resets().map(Box::new);
        self.subsystem.open(&mut self.associations, opened, resets)
    }

    /// Keeps a new association, for which so many ranges can be tracked.
    pub(super) fn keep(&mut self, association: Association, slots: u8) {
        self.associations.0.push(Kept {
            association,
            slots: vec![Slot::FREE; usize::from(slots)],
            digest: 0,
        });
    }

    /// Forgets an association.
    pub(super) fn discard(&mut self, id: AssociationId) {
        let Associations(kept) = &mut self.associations;
        kept.retain(|kept| kept.association.id() != id);
    }

    /// What is to become of a command that did not succeed.
    pub(super) fn hold(&mut self, association: AssociationId, command: &Command) -> Fate {
        self.subsystem
            .hold(&mut self.associations, association, command)
    }

    /// Does a new write have to wait, and for which association?
    pub(super) fn check(&mut self, write: &Blocks, bytes: u32) -> Option<AssociationId> {
        let ids: Vec<_> = self.associations.iter().map(Association::id).collect();
        ids.into_iter().find(|&id| {
            self.subsystem
                .check(&mut self.associations, id, write, bytes)
        })
    }

    /// Is anything tracked?
    pub(super) fn tracks(&self) -> bool {
        let mut all = self.associations.iter();
        all.any(|association| !association.tracked().is_empty())
    }

    /// Something happens.
    pub(super) fn handle(&mut self, now: Nanos, input: Input<'_>) {
        self.subsystem.handle(now, &mut self.associations, input);
    }

    /// What is to be done next.
    pub(super) fn next_output(&mut self) -> Option<Output> {
        self.subsystem.poll_output(&mut self.associations)
    }

    /// When the timer is to fire.
    pub(super) fn next_deadline(&self) -> Option<Nanos> {
        self.subsystem.next_deadline(&self.associations)
    }

    /// Is there a reason to run the work item that asks?
    pub(super) fn may_ask(&self) -> bool {
        self.subsystem.may_ask(&self.associations)
    }

    /// What it is to ask next.
    pub(super) fn next_request(&mut self, now: Nanos) -> Option<Request> {
        // All paths are alike: there is no choice to be made for that.
        self.subsystem
            .next_request(now, &mut self.associations, |_, _| true)
    }

    /// Changes the settings.
    pub(super) fn set_knobs(&mut self, change: impl FnOnce(&mut Knobs)) {
        let mut knobs = *self.subsystem.knobs();
        change(&mut knobs);
        self.subsystem.set_knobs(&mut self.associations, knobs);
    }

    /// What is held for an association, as the policy counts it: commands and bytes.
    pub(super) fn held(&self, id: AssociationId) -> (u32, u64) {
        let mut kept = self.associations.iter();
        let found = kept.find(|association| association.id() == id);
        found.map_or((0, 0), |one| (one.held(), one.held_bytes()))
    }
}
