// SPDX-License-Identifier: GPL-2.0

//! Stops ghost writes: holds commands that were cancelled because their path was lost until there is
//! evidence that the lost association can execute nothing any more.
//!
//! All decisions are those of the crate `nvme_fence_policy`. This module is the shell around it: it
//! turns the callbacks of nvme-core (`include/linux/nvme-fence.h`) into inputs of the policy, and
//! carries out its outputs.
//!
//! - [`host`], [`listed`]: the subsystems that there are;
//! - [`subsystem`]: what the policy knows of one, the lock around that, and its timer;
//! - [`handle`]: what nvme-core says of an association, and asks;
//! - [`output`], [`requests`], [`warnings`]: what the policy wants done, asked and said;
//! - [`controller`], [`counters`]: what the associations with a controller have in common, and what is
//!   counted for it and for its subsystem;
//! - [`record`]: what is kept for one association, [`overlap`]: the same for what is tracked;
//! - [`course`]: what is noted of an association on its way, [`history`]: what is kept when it is fenced;
//! - [`attributes`], [`snapshot`]: what is seen in sysfs;
//! - [`sys`]: the border to C, the only part that is unsafe, but for where its clock is put.
//!
//! # Locks
//!
//! Each subsystem has one lock, and nothing is done under the locks of two. It is taken with interrupts
//! disabled, in any context, also under `ctrl->lock` and under nvme-core's lock of an association. Only
//! the locks of its clock, of the timer and of the workqueue are taken under it, and the list of the
//! namespaces of a controller is read (SRCU).
//! nvme-core attaches, identifies and detaches each controller in one thread at a time, but several
//! controllers at once, under a semaphore of its own, which is never taken in the failure path.
//! The list of subsystems of the [`host`] has a mutex that is taken under that one.
//!
//! # Lifetimes
//!
//! nvme-core keeps a [`controller::Attached`] for each controller, and a [`handle::Handle`] for each
//! association. What is held is held there, also when this module goes. A record refers to nvme-core's
//! association, which has it removed before it is gone, and outlives the `nvme_ctrl`.

#![deny(unsafe_code)]

mod attributes;
mod controller;
mod counters;
mod course;
mod handle;
mod history;
mod host;
mod listed;
mod output;
mod overlap;
mod record;
mod requests;
mod snapshot;
mod subsystem;
#[allow(unsafe_code)]
mod sys;
mod warnings;

use crate::host::Host;
use crate::sys::{Dir, Glue, Registration};
use kernel::fmt;
use kernel::prelude::*;
use nvme_fence_policy::{Belief, Beliefs, Hold, Knobs, RANGES_MAX};

module! {
    type: NvmeFence,
    name: "nvme_fence",
    authors: ["nvme-fence developers"],
    description: "NVMe host: fence lost associations before their commands go elsewhere",
    license: "GPL",
}

/// The loaded module. Its fields are dropped in this order.
struct NvmeFence {
    _removed: Dir<Host>,
    _registration: Registration,
}

impl kernel::Module for NvmeFence {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let host = Host::new(default_knobs()?, tracked_max()?)?;
        let glue = Glue::new(host.clone())?;
        let removed = sys::removed_dir(host)?;

        Ok(Self {
            _removed: removed,
            _registration: Registration::new(glue)?,
        })
    }
}

/// The settings of new subsystems, from the module parameters.
fn default_knobs() -> Result<Knobs> {
    let params = sys::params();
    let mut knobs = Knobs::DEFAULT;

    let Some(hold) = text(params.hold).and_then(Hold::from_name) else {
        pr_err!(
            "parameter hold must be one of:{}\n",
            Words(Hold::ALL.map(Hold::name))
        );
        return Err(EINVAL);
    };
    if hold.tracks() {
        sys::enable_overlap();
    }
    knobs.set_hold(hold);

    if let Some(evidence) = params.evidence {
        let Some(evidence) = text(evidence).and_then(Beliefs::from_words) else {
            pr_err!(
                "parameter evidence must be some of:{}\n",
                Words(Belief::ALL.map(Belief::name))
            );
            return Err(EINVAL);
        };
        knobs.set_evidence(evidence);
    }

    if !knobs.set_cqt_default_ms(params.cqt_default_ms) {
        pr_err!("parameter cqt_default_ms must be 1 to 3600000 (ms)\n");
        return Err(EINVAL);
    }
    if !knobs.set_cqt_override_ms(params.cqt_override_ms) {
        pr_err!("parameter cqt_override_ms must be 0 to 3600000 (ms)\n");
        return Err(EINVAL);
    }
    Ok(knobs)
}

/// So many ranges can be tracked for each association, from the module parameter.
fn tracked_max() -> Result<usize> {
    let ranges = sys::params().tracked_max;
    usize::try_from(ranges)
        .ok()
        .filter(|ranges| (1..=RANGES_MAX).contains(ranges))
        .ok_or_else(|| {
            pr_err!("parameter tracked_max must be 1 to {RANGES_MAX}\n");
            EINVAL
        })
}

fn text(bytes: &'static [u8]) -> Option<&'static str> {
    core::str::from_utf8(bytes).ok()
}

/// Words, each with a blank before it.
struct Words<const N: usize>([&'static str; N]);

impl<const N: usize> fmt::Display for Words<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|word| write!(f, " {word}"))
    }
}
