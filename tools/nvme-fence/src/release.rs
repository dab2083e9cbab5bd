// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence release`: the administrator is the evidence.

use anyhow::{bail, Context, Result};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::cli::ReleaseArgs;
use crate::host::Host;
use crate::missing;
use crate::sysfs::attribute;
use crate::sysfs::device::{resolve, ControllerName, DeviceName};
use crate::sysfs::fence::Counters;
use crate::sysfs::held::Held;
use crate::sysfs::{removed, unfenced};
use crate::units::{Bytes, Count};

/// How often the kernel is asked what became of the commands: it sends them on by itself.
const LOOKS: usize = 100;
/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Runs the command. That `--force` was given is the command line's business, and that either a
/// device or `--removed` was.
pub(crate) fn run(host: &Host, args: &ReleaseArgs) -> Result<()> {
    match args.device.as_ref().map(|device| &device.0) {
        Some(DeviceName::Controller(controller)) => {
            release(&controller.0, &controller_directory(host, controller)?)
        }
        Some(subsystem) => release_all_of(host, subsystem),
        None => {
            let directory = removed_directory(host)?;
            say_what_is_meant(&Held::read(&directory)?)?;
            release("removed controllers", &directory)
        }
    }
}

/// Releases what the controllers of a subsystem hold, also if one of them fails.
fn release_all_of(host: &Host, name: &DeviceName) -> Result<()> {
    let subsystem = resolve(host, name)?.subsystem;
    let mut fenced = 0;
    let mut failed = Vec::new();
    for controller in subsystem.controllers()? {
        let fence = subsystem.controller(&controller).join("fence");
        if !fence.is_dir() {
            continue;
        }
        fenced += 1;
        if let Err(error) = release(&controller, &fence) {
            failed.push(format!("{error:#}"));
        }
    }
    if fenced == 0 {
        return Err(unfenced::subsystem(&subsystem, missing::module(host)));
    }
    match failed.is_empty() {
        true => Ok(()),
        false => bail!(failed.join("; ")),
    }
}

/// Says, before it is released, what may be among what removed controllers hold.
fn say_what_is_meant(held: &Held) -> Result<()> {
    if held.commands > 0 && held.without_deadline != Some(0) {
        writeln!(
            io::stdout(),
            "removed controllers: what has no deadline may be what the module held when it was \
             unloaded, also for controllers that are still there"
        )?;
    }
    Ok(())
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

/// Releases what `who` holds by the attributes in `directory`, and says what was released.
fn release(who: &str, directory: &Path) -> Result<()> {
    let before = Tally::read(directory)?;
    attribute::write(&directory.join("release"), "1").map_err(|error| refusal(error, who))?;
    if before.held.commands == 0 {
        writeln!(
            io::stdout(),
            "{who}: nothing was held, nothing was released"
        )?;
        return Ok(());
    }
    let after = watch(&before, directory)
        .with_context(|| format!("{who}: told to release, but not seen to do so"))?;
    let released = before.until(&after);
    let what = |commands, bytes| format!("{}, {}", Count(commands, "command"), Bytes(bytes));
    if released.commands > 0 {
        let what = what(released.commands, released.bytes);
        writeln!(io::stdout(), "{who}: released {what}")?;
    } else if after.held.commands == 0 {
        writeln!(io::stdout(), "{who}: nothing is held any more")?;
    }
    if released.commands < before.held.commands && after.held.commands > 0 {
        bail!(
            "{who}: {} still held, to be released when the connections are terminated",
            what(after.held.commands, after.held.bytes)
        );
    }
    Ok(())
}

/// Why the kernel did not take the word.
fn refusal(error: anyhow::Error, who: &str) -> anyhow::Error {
    if attribute::is(&error, ErrorKind::WouldBlock) {
        return error.context(format!(
            "{who}: nothing was released: its connections are not terminated yet, try again"
        ));
    }
    error
}

/// Looks until what was held has been sent on, but not for long.
fn watch(before: &Tally, directory: &Path) -> Result<Tally> {
    let mut now = Tally::read(directory)?;
    for _ in 0..LOOKS {
        let done = before.until(&now).commands >= before.held.commands;
        if done || now.held.commands == 0 {
            break;
        }
        sleep(PAUSE);
        now = Tally::read(directory)?;
    }
    Ok(now)
}

/// What is held, and what has been sent on.
struct Tally {
    /// What is held, or being sent on.
    held: Held,
    /// What has been sent on, where that is counted.
    released: Option<Released>,
}

/// So many commands and bytes.
struct Released {
    /// The commands.
    commands: u64,
    /// Their bytes.
    bytes: u64,
}

impl Tally {
    /// Reads the attributes in a directory.
    fn read(directory: &Path) -> Result<Self> {
        let path = directory.join("counters");
        let counters = path.exists().then(|| Counters::read(&path)).transpose()?;
        let released = |counters: Counters| {
            Some(Released {
                commands: counters.get("released")?,
                bytes: counters.get("released_bytes")?,
            })
        };
        Ok(Self {
            released: counters.and_then(released),
            held: Held::read(directory)?,
        })
    }

    /// What has been sent on from this tally to a later one.
    fn until(&self, later: &Self) -> Released {
        // What fails in the meantime is held as well. The counters tell it apart.
        match (&self.released, &later.released) {
            (Some(before), Some(after)) => Released {
                commands: after.commands.saturating_sub(before.commands),
                bytes: after.bytes.saturating_sub(before.bytes),
            },
            _ => Released {
                commands: self.held.commands.saturating_sub(later.held.commands),
                bytes: self.held.bytes.saturating_sub(later.held.bytes),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_must_ask_again_is_told_so() {
        let refused = |kind: ErrorKind| {
            let error = attribute::advise(kind.into(), "the kernel refused `1` for release");
            format!("{:#}", refusal(error, "nvme0"))
        };
        assert_eq!(
            refused(ErrorKind::WouldBlock),
            "nvme0: nothing was released: its connections are not terminated yet, try again: \
             the kernel refused `1` for release: operation would block"
        );
        assert!(!refused(ErrorKind::InvalidInput).contains("try again"));
    }
}
