// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence release`: the administrator is the evidence.

use anyhow::{bail, Result};
use std::io::{self, Write};

use crate::cli::ReleaseArgs;
use crate::host::Host;
use crate::missing;
use crate::sysfs::attribute;
use crate::sysfs::device::{resolve, DeviceName};
use crate::units::{Bytes, Count};

/// Runs the command. That `--force` was given is the command line's business.
pub(crate) fn run(host: &Host, args: &ReleaseArgs) -> Result<()> {
    let name = &args.controller.0;
    let subsystem = resolve(host, &DeviceName::Controller(args.controller.clone()))?.subsystem;
    let fence = subsystem.controller(name).join("fence");
    if !fence.is_dir() {
        if let Some(missing) = missing::module(host) {
            bail!(missing);
        }
        bail!("{name} is not managed by nvme_fence");
    }
    let held = attribute::read_number(&fence.join("held"))?;
    let held_bytes = attribute::read_number(&fence.join("held_bytes"))?;
    attribute::write(&fence.join("release"), "1")?;
    writeln!(
        io::stdout(),
        "{name}: released; {} had been held, {}",
        Count(held, "command"),
        Bytes(held_bytes)
    )?;
    Ok(())
}
