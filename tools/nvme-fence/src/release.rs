// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence release`: the administrator is the evidence.

use anyhow::{bail, Result};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::ReleaseArgs;
use crate::host::Host;
use crate::missing;
use crate::sysfs::attribute;
use crate::sysfs::device::{resolve, ControllerName, DeviceName};
use crate::sysfs::removed;
use crate::units::{Bytes, Count};

/// Runs the command. That `--force` was given is the command line's business, and that either a
/// controller or `--removed` was.
pub(crate) fn run(host: &Host, args: &ReleaseArgs) -> Result<()> {
    match &args.controller {
        Some(controller) => release(&controller.0, &controller_directory(host, controller)?),
        None => release("removed controllers", &removed_directory(host)?),
    }
}

/// Where what a controller holds is released.
fn controller_directory(host: &Host, controller: &ControllerName) -> Result<PathBuf> {
    let name = &controller.0;
    let subsystem = resolve(host, &DeviceName::Controller(controller.clone()))?.subsystem;
    let fence = subsystem.controller(name).join("fence");
    if !fence.is_dir() {
        if let Some(missing) = missing::module(host) {
            bail!(missing);
        }
        bail!("{name} is not managed by nvme_fence");
    }
    Ok(fence)
}

/// Where what removed controllers hold is released.
fn removed_directory(host: &Host) -> Result<PathBuf> {
    let directory = removed::directory(host);
    if !directory.is_dir() {
        if let Some(missing) = missing::module(host) {
            bail!(missing);
        }
        bail!(
            "the module nvme_fence that is loaded has no {}: it is older than this tool",
            directory.display()
        );
    }
    Ok(directory)
}

/// Releases what `who` holds by the attributes in `directory`.
fn release(who: &str, directory: &Path) -> Result<()> {
    let held = attribute::read_number(&directory.join("held"))?;
    let held_bytes = attribute::read_number(&directory.join("held_bytes"))?;
    attribute::write(&directory.join("release"), "1")?;
    writeln!(
        io::stdout(),
        "{who}: released; {} had been held, {}",
        Count(held, "command"),
        Bytes(held_bytes)
    )?;
    Ok(())
}
