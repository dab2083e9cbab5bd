// SPDX-License-Identifier: GPL-2.0

//! When may a cancelled NVMe command leave the host again?
//!
//! The one invariant: **nothing that may still execute on a lost association is re-issued, completed
//! or failed upward until there is evidence that it can no longer execute.** Every release names its
//! evidence. No evidence, no release.
//!
//! This crate makes that decision and nothing else. It has no clock, no memory of its own and no
//! kernel types: its user turns what happens into [`Event`]s, says what time it is, and carries out
//! the [`Actions`] it is given. The kernel module and the user space tools are built from these very
//! files.
//!
//! - [`hold`]: the hold rule: which cancelled commands may still execute;
//! - [`time`] and [`wait`]: the time rule of TP4129 (Base Specification 2.1, section 9.6.2);
//! - [`ccr`]: Cross-Controller Reset (TP8028), which makes the wait shorter;
//! - [`knobs`]: what the administrator can set;
//! - [`association`]: the life of a record, from Connect until the last held command is sent on;
//! - [`held_until`]: until when that will be.

// The kernel's build system says so itself.
#![cfg_attr(not(CONFIG_RUST), no_std)]
#![forbid(unsafe_code)]

pub mod association;
pub mod ccr;
pub mod held_until;
pub mod hold;
pub mod knobs;
pub mod time;
pub mod wait;

pub use association::{Action, Actions, Association, Event, Evidence, Identity, State};
pub use ccr::answer::Answer;
pub use ccr::choice::{Neighbours, Priority, Standing};
pub use ccr::log::Log;
pub use ccr::source::{LogRead, Offer};
pub use ccr::SourceId;
pub use held_until::HeldUntil;
pub use hold::{Command, Kind, PassReason, Verdict};
pub use knobs::{Knobs, Mode};
pub use time::Nanos;
pub use wait::{Clocks, CqtSource, Deadline, Rule, Terms};
