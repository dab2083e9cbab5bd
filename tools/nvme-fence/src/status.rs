// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence status`: what is going on: paths, what is held for them, and what would fence it.
//!
//! First all is read (`read`), on whatever kernel this is. What goes meanwhile is left out, and what
//! cannot be read is said where it belongs; the rest is shown all the same.

mod ana;
mod details;
mod read;
mod table;
mod text;
mod watch;

use anyhow::{bail, Result};
use serde::Serialize;

use crate::cli::StatusArgs;
use crate::host::Host;
use crate::missing::{self, Missing};
use crate::output;
use crate::sysfs::diag::Diag;
use crate::sysfs::fence::Fence;
use crate::sysfs::held::Held;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::namespace::NamespacePath;
use crate::sysfs::timers::Timers;
use crate::sysfs::unfenced::Unfenced;
use crate::units::Count;

/// What the JSON output is: schemas/status-1.schema.json describes it.
const SCHEMA: &str = "nvme-fence/status/1";

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
///
/// `errors` say what of a part could not be read.
#[derive(Serialize)]
struct Status {
    /// What this is, with its version.
    schema: &'static str,
    /// When it was read.
    time: String,
    /// The subsystems that were asked for.
    subsystems: Vec<SubsystemStatus>,
    /// What removed controllers hold; `None` = a device was asked for, or the module does not tell.
    removed: Option<Held>,
    /// Of `removed`.
    errors: Vec<String>,
    /// Whether people want to see all of it. Programs always do.
    #[serde(skip)]
    verbose: bool,
}

/// A subsystem in the output.
#[derive(Serialize)]
struct SubsystemStatus {
    /// nvme-subsysX
    name: String,
    /// Its qualified name.
    nqn: Option<String>,
    /// How it spreads commands over its paths; `None` = the kernel has no multipath.
    iopolicy: Option<String>,
    /// Whether no controller is left.
    orphaned: bool,
    /// Its settings; `None` = the module does not manage it.
    settings: Option<Knobs>,
    /// Its namespaces, or the one that was asked for.
    namespaces: Vec<NamespaceStatus>,
    /// Its controllers, or the one that was asked for.
    controllers: Vec<ControllerStatus>,
    /// Of the subsystem itself, and of its namespaces.
    errors: Vec<String>,
}

/// A namespace in the output.
#[derive(Serialize)]
struct NamespaceStatus {
    /// nvmeXnY
    name: String,
    /// Its device node; `None` = there is none.
    device: Option<String>,
    /// Its paths, of the controllers that were asked for.
    paths: Vec<NamespacePath>,
}

/// A controller in the output.
#[derive(Serialize)]
struct ControllerStatus {
    /// nvmeX
    name: String,
    /// tcp, rdma, fc, pcie, ...
    transport: Option<String>,
    /// Its transport address, as nvme-core writes it; `None` = its transport has none.
    address: Option<String>,
    /// nvme-core's state of it: live, connecting, ...
    state: Option<String>,
    /// When the host gives something up.
    timers: Option<Timers>,
    /// What nvme-core has counted of it; `None` = its kernel does not.
    diag: Option<Diag>,
    /// Its fence; `None` = the module does not manage it.
    fence: Option<Fence>,
    /// Why the module does not.
    unfenced: Option<Unfenced>,
    /// Of the controller.
    errors: Vec<String>,
}

impl Status {
    /// How many things could not be read.
    fn errors(&self) -> usize {
        let of_subsystem = |subsystem: &SubsystemStatus| {
            let controllers = subsystem.controllers.iter();
            let of_controllers: usize = controllers.map(|c| c.errors.len()).sum();
            subsystem.errors.len() + of_controllers
        };
        self.errors.len() + self.subsystems.iter().map(of_subsystem).sum::<usize>()
    }

    /// Whether a controller could have a fence, if the module were there.
    fn lacks_module(&self) -> bool {
        self.subsystems
            .iter()
            .flat_map(|subsystem| &subsystem.controllers)
            .any(|controller| {
                matches!(
                    controller.unfenced,
                    Some(Unfenced::TimeAlone | Unfenced::NoModule | Unfenced::NoSeries)
                )
            })
    }

    /// How the command ends that shows this on a host that lacks `missing`.
    fn result(&self, missing: Option<Missing>) -> Result<()> {
        if self.errors() > 0 {
            let things = Count(self.errors() as u64, "thing");
            bail!("{things} could not be read, see above");
        }
        match missing {
            Some(missing) if self.lacks_module() => bail!(missing),
            _ => Ok(()),
        }
    }
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &StatusArgs) -> Result<()> {
    let look = || {
        let missing = missing::module(host);
        let mut status = read::status(host, args.device.as_ref(), missing)?;
        status.verbose = args.verbose;
        Ok((status, missing))
    };
    let (status, missing) = match args.watch {
        Some(seconds) => watch::run(seconds, args.output.format, look)?,
        None => {
            let (status, missing) = look()?;
            output::print(args.output.format, &status)?;
            (status, missing)
        }
    };
    status.result(missing)
}
