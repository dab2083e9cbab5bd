// SPDX-License-Identifier: GPL-2.0
//! What sysfs says about NVMe subsystems, their controllers, and their fences.

pub(crate) mod attribute;
pub(crate) mod ccr;
pub(crate) mod device;
pub(crate) mod diag;
pub(crate) mod evidence;
pub(crate) mod fence;
pub(crate) mod held;
pub(crate) mod identity;
pub(crate) mod knobs;
pub(crate) mod namespace;
pub(crate) mod part;
pub(crate) mod removed;
pub(crate) mod timers;
pub(crate) mod topology;
pub(crate) mod unfenced;
pub(crate) mod words;
