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
use crate::sysfs::held::Held;
use crate::sysfs::{removed, unfenced};
use crate::units::{Bytes, Count};

/// Runs the command. That `--force` was given is the command line's business, and that either a
/// controller or `--removed` was.
pub(crate) fn run(host: &Host, args: &ReleaseArgs) -> Result<()> {
    match &args.controller {
        Some(controller) => release(&controller.0, &controller_directory(host, controller)?),
        None => release("removed controllers", &removed_directory(host)?),
    }
}

/// Where what a controller holds is released. Nothing else of the host is looked at.
fn controller_directory(host: &Host, controller: &ControllerName) -> Result<PathBuf> {
    let name = &controller.0;
    let path = host.sysfs("class/nvme").join(name);
    let fence = path.join("fence");
    if fence.is_dir() {
        return Ok(fence);
    }
    // Says what there is instead, if there is no such controller.
    resolve(host, &DeviceName::Controller(controller.clone()))?;
    Err(unfenced::controller(&path, name, missing::module(host)))
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
    let held = Held::read(directory)?;
    attribute::write(&directory.join("release"), "1")?;
    writeln!(
        io::stdout(),
        "{who}: released; {} had been held, {}",
        Count(held.commands, "command"),
        Bytes(held.bytes)
    )?;
    Ok(())
}
