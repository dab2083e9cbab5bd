// SPDX-License-Identifier: GPL-2.0
//! What the findings are drawn from. Times are in ms, whatever unit sysfs has them in.

use super::address::Address;
use crate::missing::Missing;
use crate::sysfs::ccr::Ccr;
use crate::sysfs::identity::Identity;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::unfenced::Unfenced;

/// What is true of the whole host.
#[derive(Debug, Default)]
pub(crate) struct HostFacts {
    /// What the module lacks to be at work.
    pub(crate) missing: Option<Missing>,
    /// Whether nvme-core brings the paths of a namespace together; `None` = not known.
    pub(crate) multipath: Option<bool>,
    /// After how long a task that waits is reported as hung; `None` = never.
    pub(crate) hung_task_ms: Option<u64>,
}

/// A subsystem, as it is now.
#[derive(Debug, Default)]
pub(crate) struct SubsystemFacts {
    /// nvme-subsysX
    pub(crate) name: String,
    /// Its qualified name.
    pub(crate) nqn: Option<String>,
    /// Its knobs; `None` = the module does not manage it.
    pub(crate) knobs: Option<Knobs>,
    /// Its controllers, but for those that need no fence.
    pub(crate) paths: Vec<PathFacts>,
    /// Why the other controllers need none.
    pub(crate) harmless: Vec<Unfenced>,
    /// Its namespaces.
    pub(crate) namespaces: Vec<NamespaceFacts>,
    /// What is there, and could not be read.
    pub(crate) errors: Vec<String>,
}

/// A controller that a fence is needed for.
#[derive(Debug, Default)]
pub(crate) struct PathFacts {
    /// nvmeX
    pub(crate) name: String,
    /// tcp, rdma, fc, ...
    pub(crate) transport: String,
    /// Where it leads.
    pub(crate) address: Address,
    /// nvme-core's state of it: live, connecting, ...
    pub(crate) state: String,
    /// Why it has no fence, if the module is not to blame; `None` = it has one.
    pub(crate) unfenced: Option<Unfenced>,
    /// What it said about itself; `None` = it has no fence, or was not identified yet.
    pub(crate) identity: Option<Identity>,
    /// What it takes for Cross-Controller Resets; `None` = as for `identity`.
    pub(crate) ccr: Option<Ccr>,
    /// Its keep alive timeout, 0 = off; `None` = not known.
    pub(crate) kato_ms: Option<u64>,
    /// After how long a command is given up; `None` = not known.
    pub(crate) io_timeout_ms: Option<u64>,
    /// Whether `io_timeout` can be set for this controller alone.
    pub(crate) has_io_timeout: bool,
    /// How long it is reconnected before it is removed; `None` = for ever, or not known.
    pub(crate) ctrl_loss_ms: Option<u64>,
    /// After how long without it commands fail that find no other path; `None` = never, or not
    /// known.
    pub(crate) fast_io_fail_ms: Option<u64>,
}

/// A namespace.
#[derive(Debug, Default)]
pub(crate) struct NamespaceFacts {
    /// nvmeXnY
    pub(crate) name: String,
    /// How many of its paths can be used.
    pub(crate) usable: usize,
    /// How many of these are optimized.
    pub(crate) optimized: usize,
    /// The maps of request-based dm-multipath that lie on top of it: dm-N.
    pub(crate) request_maps: Vec<String>,
}

impl SubsystemFacts {
    /// The paths that are connected.
    pub(crate) fn live(&self) -> impl Iterator<Item = &PathFacts> {
        self.paths.iter().filter(|path| path.is_live())
    }

    /// Whether no write to it can be lost for want of a fence.
    pub(crate) fn needs_no_fence(&self) -> bool {
        self.paths.is_empty() && !self.harmless.is_empty()
    }
}

impl PathFacts {
    /// Whether it is connected.
    pub(crate) fn is_live(&self) -> bool {
        self.state == "live"
    }
}
