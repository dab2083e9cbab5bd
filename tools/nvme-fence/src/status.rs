// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence status`: what is held, and what would fence it.

mod tree;

use anyhow::{bail, Result};
use serde::Serialize;

use crate::cli::StatusArgs;
use crate::host::Host;
use crate::missing::{self, Missing};
use crate::output;
use crate::sysfs::attribute;
use crate::sysfs::device::resolve;
use crate::sysfs::fence::Fence;
use crate::sysfs::held::Held;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::part::{self, noted};
use crate::sysfs::removed;
use crate::sysfs::topology::{subsystems, Subsystem};
use crate::sysfs::unfenced::Unfenced;
use crate::units::Count;

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
///
/// `errors` say what of a part could not be read. The other parts are shown all the same.
#[derive(Serialize)]
struct Status {
    /// The subsystems that were asked for.
    subsystems: Vec<SubsystemStatus>,
    /// What removed controllers hold; `None` = a device was asked for, or the module does not tell.
    removed: Option<Held>,
    /// Of `removed`.
    errors: Vec<String>,
}

/// A subsystem in the output.
#[derive(Serialize)]
struct SubsystemStatus {
    /// nvme-subsysX
    name: String,
    /// Its qualified name.
    nqn: Option<String>,
    /// Its knobs; `None` = the module does not manage it.
    fence: Option<Knobs>,
    /// Its controllers, or the one that was asked for.
    controllers: Vec<ControllerStatus>,
    /// Of the subsystem itself.
    errors: Vec<String>,
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
                    Some(Unfenced::NoModule | Unfenced::NoSeries)
                )
            })
    }
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &StatusArgs) -> Result<()> {
    let missing = missing::module(host);
    let mut status = Status {
        subsystems: Vec::new(),
        removed: None,
        errors: Vec::new(),
    };
    if let Some(name) = &args.device {
        let device = resolve(host, name)?;
        let one = device.controller.is_some();
        let subsystem = read_subsystem(&device.subsystem, device.controller, missing);
        // It may have gone just now.
        let Some(subsystem) = subsystem.filter(|it| !one || !it.controllers.is_empty()) else {
            bail!("{name} is gone");
        };
        status.subsystems.push(subsystem);
    } else {
        for subsystem in subsystems(host)? {
            status
                .subsystems
                .extend(read_subsystem(&subsystem, None, missing));
        }
        status.removed = noted(removed::read(host), &mut status.errors);
    }
    output::print(args.output.format, &status)?;
    if status.errors() > 0 {
        let things = Count(status.errors() as u64, "thing");
        bail!("{things} could not be read, see above");
    }
    match missing {
        Some(missing) if status.lacks_module() => bail!(missing),
        _ => Ok(()),
    }
}

/// Reads a subsystem and its controllers, or the one controller that was asked for; `None` = it has
/// been removed in the meantime.
fn read_subsystem(
    subsystem: &Subsystem,
    controller: Option<String>,
    missing: Option<Missing>,
) -> Option<SubsystemStatus> {
    let mut errors = Vec::new();
    let nqn = noted(
        part::read(|| subsystem.exists(), || subsystem.nqn()),
        &mut errors,
    );
    if !subsystem.exists() {
        return None;
    }
    let fence = subsystem.fence();
    let knobs = part::read(|| fence.is_dir(), || Knobs::read(&fence));
    let knobs = noted(knobs, &mut errors);
    let names = match controller {
        Some(name) => vec![name],
        None => noted(subsystem.controllers().map(Some), &mut errors).unwrap_or_default(),
    };
    let controllers = names
        .iter()
        .filter_map(|name| read_controller(subsystem, name, missing))
        .collect();
    Some(SubsystemStatus {
        name: subsystem.name.clone(),
        nqn,
        fence: knobs,
        controllers,
        errors,
    })
}

/// Reads a controller; `None` = it has been removed in the meantime.
fn read_controller(
    subsystem: &Subsystem,
    name: &str,
    missing: Option<Missing>,
) -> Option<ControllerStatus> {
    let path = subsystem.controller(name);
    let present = || subsystem.lists(name);
    let mut errors = Vec::new();
    let basics = part::read(present, || {
        Ok((
            attribute::read(&path.join("transport"))?,
            attribute::read_if_there(&path.join("address"))?,
            attribute::read(&path.join("state"))?,
        ))
    });
    let basics = noted(basics, &mut errors);
    let directory = path.join("fence");
    let fence = part::read(|| directory.is_dir(), || Fence::read(&directory));
    let fence = noted(fence, &mut errors);
    let unfenced = match &basics {
        Some((transport, ..)) if !directory.is_dir() => {
            let reason = Unfenced::of(&path, transport, missing);
            noted(reason.map(Some), &mut errors)
        }
        _ => None,
    };
    if !present() {
        return None;
    }
    let (transport, address, state) = match basics {
        Some((transport, address, state)) => (Some(transport), address, Some(state)),
        None => (None, None, None),
    };
    Some(ControllerStatus {
        name: name.to_owned(),
        transport,
        address,
        state,
        fence,
        unfenced,
        errors,
    })
}
