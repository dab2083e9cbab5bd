// SPDX-License-Identifier: GPL-2.0

//! The unit of decision: an NVM subsystem, with all associations that the host has with it.
//!
//! Nothing in one subsystem has anything to do with another one. Who uses the crate has one
//! [`Subsystem`] for each, with a [`Storage`] for its associations and a lock around both, and then
//!
//! 1. tells it what happens, by [`Subsystem::open`], [`Subsystem::hold`] and [`Subsystem::handle`], and,
//!    as long as anything is tracked, of new writes by [`Subsystem::check`];
//! 2. after each of these takes what is to be done, by [`Subsystem::poll_output`], until there is
//!    nothing left;
//! 3. says [`Input::Timeout`] at [`Subsystem::next_deadline`], or later;
//! 4. when [`Subsystem::may_ask`], asks of controllers what [`Subsystem::next_request`] says, and tells
//!    what they answer.

pub mod choice;
mod find;
mod input;
mod reports;
mod requests;
mod storage;
#[cfg(test)]
mod tests;

pub use input::{Input, Scope};
pub use requests::{Question, Request};
pub use storage::Storage;

use self::find::current;
use crate::array::Array;
use crate::association::{Association, Event, Opened, State};
use crate::hold::{Command, PassReason, Verdict};
use crate::identity::{AssociationId, ControllerId};
use crate::knobs::Knobs;
use crate::output::Output;
use crate::overlap::Blocks;
use crate::reconnect;
use crate::sum::Sum;
use crate::time::Nanos;

/// What is to become of a command that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It must be held.
    Hold,
    /// It must be kept until [`Output::Repeat`] has it sent again. If it can not be held, its blocks are
    /// tracked: new writes are to be checked ([`Subsystem::touches`]) before anybody is told that it has
    /// failed.
    Track,
    /// It may leave at once.
    Pass(PassReason),
    /// It has to be held, but nothing is known of its association any more.
    Unknown,
}

/// A subsystem. Its associations are in a [`Storage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subsystem {
    knobs: Knobs,
    /// Two controllers had the same ID at the same time: IDs prove nothing here.
    ids_repeat: bool,
    /// Whether the array can be one that arbitrates paths itself.
    array: Array,
}

impl Subsystem {
    /// A subsystem without associations.
    pub const fn new(knobs: Knobs) -> Self {
        Self {
            knobs,
            ids_repeat: false,
            array: Array::UNKNOWN,
        }
    }

    /// The settings in force.
    pub const fn knobs(&self) -> &Knobs {
        &self.knobs
    }

    /// Changes the settings. What is held already keeps the deadline that it has. IDs are given another
    /// chance, and so is the array: who changes a setting has seen to it that no two controllers have the
    /// same, and that it arbitrates paths.
    pub fn set_knobs(&mut self, associations: &mut impl Storage, knobs: Knobs) {
        self.knobs = knobs;
        self.array = Array::UNKNOWN;
        self.ids_repeat = false;
        self.await_notices(associations);
    }

    /// A new association is made, to which this is lent ([`Opened::resets`]): what is returned is to be
    /// put at the end of the storage.
    ///
    /// The one that the controller had before is over, even if nobody said so. What the new one proves
    /// about others is to be taken by [`Self::poll_output`].
    pub fn open<S: Storage>(
        &mut self,
        associations: &mut S,
        opened: Opened,
        resets: Option<S::Lent>,
    ) -> Association<S::Lent> {
        self.happens(opened.at, associations, opened.controller, Event::Detached);
        self.look_for_repeated_id(associations, &opened);
        if !self.ids_repeat {
            for older in associations.iter_mut() {
                let proof = reconnect::proof(older.opened(), &opened, &self.knobs);
                if let Some(evidence) = proof {
                    older.note(opened.at, Event::Reconnected(evidence), &self.knobs);
                }
            }
        }
        Association::new(opened, resets)
    }

    /// Two controllers that are in use do not have the same ID, unless IDs are worth nothing.
    fn look_for_repeated_id(&mut self, associations: &mut impl Storage, opened: &Opened) {
        if self.ids_repeat {
            return;
        }
        let twin = associations.iter_mut().find(|one| {
            one.state() == State::Open && one.identity().cntlid == opened.identity.cntlid
        });
        if let Some(twin) = twin {
            self.ids_repeat = true;
            twin.note_repeated_id(opened.controller);
            for association in associations.iter_mut() {
                association.forget_reconnect();
            }
        }
    }

    /// Decides on a command that was sent on this association and did not succeed. What is to be done
    /// then is to be taken by [`Self::poll_output_of`] this one: nothing follows for others.
    pub fn hold(
        &mut self,
        associations: &mut impl Storage,
        association: AssociationId,
        command: &Command,
    ) -> Fate {
        if let Verdict::Pass(reason) = command.verdict(&self.knobs) {
            return Fate::Pass(reason);
        }
        // It may come late, when its association was closed and discarded.
        let Some((association, slots)) = associations.get_mut_with_slots(association) else {
            return Fate::Unknown;
        };
        if !command.holdable {
            return match association.track_unheld(command, &self.knobs, slots) {
                Verdict::Hold => Fate::Track,
                Verdict::Pass(reason) => Fate::Pass(reason),
            };
        }
        let verdict = association.hold(command, &self.knobs);
        if verdict == Verdict::Hold {
            self.array
                .note_held(association, command.elsewhere, &self.knobs);
        }
        match verdict {
            Verdict::Hold if self.knobs.hold().tracks() && association.track(command, slots) => {
                Fate::Track
            }
            Verdict::Hold => Fate::Hold,
            Verdict::Pass(reason) => Fate::Pass(reason),
        }
    }

    /// Whether a new write of so many bytes must wait for this association, as it overlaps what is
    /// tracked for it: then it is to be kept as what is held is. To be asked of each association for
    /// which there was an [`Output::Repeat`], or for which something is tracked that can not be held,
    /// until the write has to wait for one.
    ///
    /// What [`Output::Repeat`] sends again is not new. What has waited and is sent on by
    /// [`Output::Release`] is: it may overlap what is tracked for another association.
    pub fn check(
        &self,
        associations: &mut impl Storage,
        association: AssociationId,
        write: &Blocks,
        bytes: u32,
    ) -> bool {
        associations
            .get_mut_with_slots(association)
            .is_some_and(|(one, slots)| one.detain(slots, write, bytes))
    }

    /// The same for a new write that can not be kept: it is to come again, and counts for nothing.
    pub fn touches(
        &self,
        associations: &mut impl Storage,
        association: AssociationId,
        write: &Blocks,
    ) -> bool {
        associations
            .get_mut_with_slots(association)
            .is_some_and(|(one, slots)| one.tracked().overlaps(slots, write))
    }

    /// Takes note of what happened. What follows is to be taken by [`Self::poll_output`].
    pub fn handle(&mut self, now: Nanos, associations: &mut impl Storage, input: Input<'_>) {
        match input {
            Input::Lost(controller) => self.happens(now, associations, controller, Event::Lost),
            Input::Resumed(controller) => {
                self.happens(now, associations, controller, Event::Resumed);
            }
            Input::Disabled(controller) => {
                self.happens(now, associations, controller, Event::Disabled);
            }
            Input::Closed(controller, clocks) => {
                self.happens(now, associations, controller, Event::Closed(clocks));
            }
            Input::Removed(controller) => {
                self.happens(now, associations, controller, Event::Detached);
                for association in associations.iter_mut() {
                    if association.controller() == controller {
                        association.mark_removed();
                    }
                }
            }
            Input::Release(scope) => {
                for association in associations.iter_mut().filter(|one| scope.includes(one)) {
                    association.note(now, Event::Release, &self.knobs);
                }
            }
            Input::Drained {
                association,
                commands,
                bytes,
            } => {
                if let Some(association) = associations.get_mut(association) {
                    association.note(now, Event::Drained { commands, bytes }, &self.knobs);
                }
            }
            Input::Emptied(association) => {
                if let Some(association) = associations.get_mut(association) {
                    association.note(now, Event::Emptied, &self.knobs);
                }
            }
            Input::Repeated {
                association,
                commands,
                bytes,
            } => {
                if let Some(association) = associations.get_mut(association) {
                    association.note(now, Event::Repeated { commands, bytes }, &self.knobs);
                }
            }
            Input::Moved(association) if self.array.may_arbitrate() => {
                if let Some(association) = associations.get_mut(association) {
                    association.note(now, Event::Moved, &self.knobs);
                }
            }
            Input::Moved(_) => {}
            Input::Timeout => {
                for association in associations.iter_mut() {
                    association.note(now, Event::Timeout, &self.knobs);
                }
            }
            Input::ResetCompleted(controller) => {
                let association = current(associations, controller);
                if let Some(source) = association.and_then(Association::source_mut) {
                    source.completed_event();
                }
            }
            Input::HostLost(controller) => {
                if let Some(association) = current(associations, controller) {
                    association.note_lost_host_event();
                }
            }
            Input::Answered {
                source,
                source_controller,
                identity,
                answer,
            } => {
                let source = (source, source_controller);
                self.answered(now, associations, source, &identity, answer);
            }
            Input::LogRead { source, page } => self.log_read(now, associations, source, page),
            Input::LogNotSent { source } => reports::log_not_sent(now, associations, source),
        }
        self.await_notices(associations);
    }

    /// As long as somebody waits for a controller to notice, all that may know are to be asked. Who has
    /// the ID of another one has its name as well, sooner or later: then no entry is believed.
    fn await_notices(&self, associations: &mut impl Storage) {
        let counts = !self.ids_repeat;
        let awaited = counts
            && associations
                .iter()
                .any(|one| one.awaits_notice(&self.knobs));
        let needed = counts && associations.iter().any(Association::needs_entry);
        for source in associations.iter_mut().filter_map(Association::source_mut) {
            source.set_notice_awaited(awaited, needed);
        }
    }

    /// What is to be done next; [`None`]: nothing more.
    pub fn poll_output(&self, associations: &mut impl Storage) -> Option<Output> {
        associations.iter_mut().find_map(Association::take_output)
    }

    /// The same, for one association.
    pub fn poll_output_of(
        &self,
        associations: &mut impl Storage,
        association: AssociationId,
    ) -> Option<Output> {
        associations.get_mut(association)?.take_output()
    }

    /// The association that a controller has; one that is closed it has no more.
    pub fn current<'a, S: Storage>(
        &self,
        associations: &'a S,
        controller: ControllerId,
    ) -> Option<&'a Association<S::Lent>> {
        associations
            .iter()
            .filter(|one| one.controller() == controller)
            .last()
            .filter(|newest| !newest.is_closed())
    }

    /// When [`Input::Timeout`] will have an effect, if nothing else happens before.
    pub fn next_deadline(&self, associations: &impl Storage) -> Option<Nanos> {
        associations
            .iter()
            .filter_map(Association::next_deadline)
            .min()
    }

    /// What the associations have in sum that `scope` is about.
    pub fn sum(&self, associations: &impl Storage, scope: Scope) -> Sum {
        let mut sum = Sum::default();
        for association in associations.iter().filter(|one| scope.includes(one)) {
            sum.add(association);
        }
        sum
    }

    /// Something happens to the association that a controller has.
    fn happens(
        &self,
        now: Nanos,
        associations: &mut impl Storage,
        controller: ControllerId,
        event: Event,
    ) {
        let Some(association) = current(associations, controller) else {
            return;
        };
        association.note(now, event, &self.knobs);
        if association.state() == State::Open {
            return;
        }
        let lost = association.id();
        for other in associations.iter_mut() {
            other.note(now, Event::SourceLost(lost), &self.knobs);
        }
    }
}
