// SPDX-License-Identifier: GPL-2.0

//! When may a cancelled NVMe command leave the host again?
//!
//! The one invariant: **nothing that may still execute on a lost association is re-issued, completed
//! or failed upward until there is evidence that it can no longer execute.** Every release names its
//! evidence. No evidence, no release.
//!
//! This crate makes that decision and nothing else. It has no clock, no memory of its own and no
//! kernel types: its user turns what happens into [`Input`]s, says what time it is, and carries out
//! the [`Output`]s. The kernel module and the user space tools are built from these very files.
//!
//! - [`subsystem`]: the unit of decision, which all of the others serve;
//! - [`association`]: the life of a record, from Connect until the last held command is sent on;
//! - [`hold`]: the hold rule: which cancelled commands may still execute;
//! - [`wait`]: the time rule of TP4129 (Base Specification 2.1, section 9.6.2);
//! - `reconnect`: what a new association with a controller proves about an older one;
//! - [`ccr`]: Cross-Controller Reset (TP8028), which makes the wait shorter;
//! - `array`: what arrays prove that arbitrate paths themselves;
//! - `lost_host`: Lost Host Communication, which says that a controller has noticed;
//! - [`knobs`]: what the administrator can set;
//! - [`overlap`]: which blocks are tracked, instead of commands being held;
//! - [`held_until`], [`sum`]: until when commands are held, and how many they are;
//! - [`history`]: what was fenced last;
//! - [`identity`], [`evidence`], [`log_page`], [`output`], [`time`]: the words that they share.

// The kernel's build system says so itself.
#![cfg_attr(not(CONFIG_RUST), no_std)]
#![forbid(unsafe_code)]

mod array;
pub mod association;
pub mod ccr;
pub mod evidence;
pub mod held_until;
pub mod history;
pub mod hold;
pub mod identity;
pub mod knobs;
pub mod log_page;
mod lost_host;
pub mod output;
pub mod overlap;
mod reconnect;
pub mod subsystem;
pub mod sum;
pub mod time;
pub mod wait;

pub use association::{Action, Actions, Association, Event, Opened, State};
pub use ccr::answer::Answer;
pub use ccr::log::Log;
pub use ccr::resets::{Lent, Resets};
pub use ccr::source::{LogRead, Offer};
pub use evidence::Evidence;
pub use held_until::HeldUntil;
pub use history::{Fencing, History, FENCINGS_KEPT};
pub use hold::{Command, Kind, PassReason, Verdict};
pub use identity::{AssociationId, ControllerId, Identity};
pub use knobs::{Belief, Beliefs, CqtSource, Hold, Knobs};
pub use log_page::LogPage;
pub use output::{Output, ResetStep};
pub use overlap::{Blocks, Slot, RANGES_MAX};
pub use subsystem::choice::Aptitude;
pub use subsystem::{Fate, Input, Question, Request, Scope, Storage, Subsystem};
pub use sum::Sum;
pub use time::Nanos;
pub use wait::{Clocks, Deadline, Notice, Rule, Terms};
