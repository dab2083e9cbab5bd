// SPDX-License-Identifier: GPL-2.0

//! The seed sweep: random faults on the paths of a host under load, judged by the oracle.
//!
//! A seed stands for one life of a machine: how its paths are connected, and then round after
//! round of load, faults, and what becomes of the bytes that the faults held back. In a machine
//! whose time is virtual the same seed leads to the same run, to the bit.
//!
//! - [`random`]: numbers from a seed
//! - [`schedule`]: what a seed says (pure: it is drawn before anything happens)
//! - [`timeline`]: a round as one step after the other (pure)
//! - [`path`](mod@path): a proxy, and which of its connections a fault is about
//! - [`host`]: what the host's sysfs says of controllers and fences, and is told
//! - [`round`](mod@round): plays one round
//! - [`tally`]: what came out

pub mod host;
pub mod path;
pub mod random;
pub mod round;
pub mod schedule;
pub mod tally;
pub mod timeline;
