// SPDX-License-Identifier: GPL-2.0-only

//! The world around the policy, small enough to try everything that can happen in it.
//!
//! - an application that writes increasing values to blocks, and writes a block again only when it
//!   knows that the write before is done;
//! - a host that sends these writes on any open association, loses associations, cancels what was in
//!   flight on them, tells the policy, and sends on what the policy releases ([`shell`]);
//! - the policy: the very `Subsystem` that the module runs ([`policy`]). What the model expects of it
//!   comes from what the model knows of the world, never from what the policy says;
//! - networks and controllers that deliver and execute late, within the rules ([`truth`]);
//! - one target behind all controllers, which remembers the last value that was written.
//!
//! Time is counted in ticks of one millisecond, the smallest unit that the policy knows for waits.
//! Each step either lets time pass, uses up a part of a bounded budget, or takes a command forward:
//! there are no cycles, every run comes to an end, and what must happen *eventually* must have
//! happened when nothing more can happen.

mod action;
mod array;
mod asker;
mod asking;
pub mod bounds;
mod enabled;
mod judge;
mod lost_host;
mod narrate;
mod policy;
mod property;
mod resets;
mod service;
mod settings;
mod shell;
mod state;
mod step;
pub mod suite;
mod teardown;
mod tidy;
mod tracking;
mod truth;
mod unload;

pub use action::Action;
pub use bounds::{Assumption, Bounds, KeepAlive};
pub use narrate::narrate;
pub use property::Violation;
pub use service::{Ending, Failure, Reply, Retry};
pub use settings::Setting;
pub use state::State;

use stateright::{Model, Property};

/// The model with its bounds.
#[derive(Clone, Debug)]
pub struct World {
    /// What is possible in it.
    pub bounds: Bounds,
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.bounds)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.enabled(&self.bounds, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        next.step(&self.bounds, action);
        next.sign(last);
        (next != *last).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all()
    }
}
