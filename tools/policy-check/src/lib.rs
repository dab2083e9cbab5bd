// SPDX-License-Identifier: GPL-2.0-only

//! Checks the policy crate `nvme_fence_policy`, which the kernel module is built from.
//!
//! - [`model`]: an exhaustive model of host, network, controllers and target around the policy;
//! - [`check`]: runs the model and reports what it found;
//! - [`mutants`]: changes the policy's source in small ways, and sees who notices;
//! - [`replay`]: feeds a recorded trace to the policy, and compares what follows.

pub mod check;
pub mod model;
pub mod mutants;
pub mod replay;
