// SPDX-License-Identifier: GPL-2.0

//! The laboratory's adversary: provokes ghost writes and proves that they happened, or did not.
//!
//! A *ghost write* is a write that a lost path executes after the host has already repeated it on
//! another path and overwritten it with something newer.
//!
//! - [`proxy`] makes them: a TCP proxy in front of one path that holds the host's bytes back and
//!   delivers them late, as a slow controller or a full switch buffer would.
//! - [`register`] sees them: every block of a device is an atomic register with a generation, and
//!   an oracle knows which generations a read may return.
//! - [`sweep`] plays schedules drawn from a seed with both of them.
//! - [`target`] is a target that does what a script says, where a proxy in front of a good one is
//!   not enough; [`nvme`] is what it speaks.
//! - [`keep`] keeps a connection open that its owner believes to have closed.
//! - [`control`] is how proxy and target are commanded, [`output`] what may be overwritten.
//!
//! Nothing here polls: under a virtual clock with free CPU time a loop that waits by looking at the
//! clock never ends. Every wait is a blocking call or a condition variable.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod control;
pub mod keep;
pub mod nvme;
pub mod output;
pub mod proxy;
pub mod register;
pub mod sweep;
pub mod target;
