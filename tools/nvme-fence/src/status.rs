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
use crate::sysfs::device::{resolve, Device};
use crate::sysfs::fence::Fence;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::removed::Removed;
use crate::sysfs::topology::{subsystems, Subsystem};

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
struct Status {
    /// The subsystems that were asked for.
    subsystems: Vec<SubsystemStatus>,
    /// What removed controllers hold; `None` = a device was asked for, or the module does not tell.
    removed: Option<Removed>,
}

/// A subsystem in the output.
#[derive(Serialize)]
struct SubsystemStatus {
    /// nvme-subsysX
    name: String,
    /// Its qualified name.
    nqn: String,
    /// Its knobs; `None` = the module does not manage it.
    fence: Option<Knobs>,
    /// Its controllers, or the one that was asked for.
    controllers: Vec<ControllerStatus>,
}

/// A controller in the output.
#[derive(Serialize)]
struct ControllerStatus {
    /// nvmeX
    name: String,
    /// tcp, rdma, fc, pcie, ...
    transport: String,
    /// Its transport address, as nvme-core writes it.
    address: String,
    /// nvme-core's state of it: live, connecting, ...
    state: String,
    /// Its fence; `None` = the module does not manage it.
    fence: Option<Fence>,
}

impl Status {
    /// Whether the module manages anything of what was asked for.
    fn is_fenced(&self) -> bool {
        self.subsystems
            .iter()
            .any(|subsystem| subsystem.fence.is_some())
    }
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &StatusArgs) -> Result<()> {
    let (devices, removed) = match &args.device {
        Some(name) => (vec![resolve(host, name)?], None),
        None => (
            subsystems(host)?.into_iter().map(whole).collect(),
            Removed::read(host)?,
        ),
    };
    if devices.is_empty() && removed.as_ref().is_none_or(|removed| removed.held == 0) {
        bail!(Missing::Subsystem);
    }
    let status = Status {
        subsystems: devices
            .into_iter()
            .map(read_subsystem)
            .collect::<Result<_>>()?,
        removed,
    };
    if !status.is_fenced() {
        if let Some(missing) = missing::module(host) {
            bail!(missing);
        }
    }
    output::print(args.output.format, &status)
}

/// A subsystem with all its controllers.
fn whole(subsystem: Subsystem) -> Device {
    Device {
        subsystem,
        controller: None,
    }
}

/// Reads a subsystem and its controllers, or the one controller that was asked for.
fn read_subsystem(device: Device) -> Result<SubsystemStatus> {
    let Device {
        subsystem,
        controller,
    } = device;
    let names = controller.map_or_else(|| subsystem.controllers.clone(), |name| vec![name]);
    let mut controllers = Vec::new();
    for name in names {
        match read_controller(&subsystem, &name) {
            Ok(controller) => controllers.push(controller),
            // It has been disconnected in the meantime.
            Err(_) if !subsystem.controller(&name).exists() => {}
            Err(error) => return Err(error),
        }
    }
    let fence = subsystem.fence();
    Ok(SubsystemStatus {
        fence: fence.is_dir().then(|| Knobs::read(&fence)).transpose()?,
        name: subsystem.name,
        nqn: subsystem.nqn,
        controllers,
    })
}

/// Reads a controller.
fn read_controller(subsystem: &Subsystem, name: &str) -> Result<ControllerStatus> {
    let path = subsystem.controller(name);
    let fence = path.join("fence");
    Ok(ControllerStatus {
        name: name.to_owned(),
        transport: attribute::read(&path.join("transport"))?,
        address: attribute::read(&path.join("address"))?,
        state: attribute::read(&path.join("state"))?,
        fence: fence.is_dir().then(|| Fence::read(&fence)).transpose()?,
    })
}
