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
    if !before.held.is_any() {
        writeln!(
            io::stdout(),
            "{who}: nothing was held, nothing was released"
        )?;
        return Ok(());
    }
    let after = watch(&before, directory)
        .with_context(|| format!("{who}: told to release, but not seen to do so"))?;
    let released = before.until(&after);
    if released.commands > 0 {
        let commands = Count(released.commands, "command");
        let bytes = Bytes(released.bytes);
        writeln!(io::stdout(), "{who}: released {commands}, {bytes}")?;
    } else if before.held.commands > 0 && after.held.commands == 0 {
        writeln!(io::stdout(), "{who}: nothing is held any more")?;
    }
    if released.tracked > 0 {
        let tracked = Count(released.tracked, "cancelled command");
        writeln!(
            io::stdout(),
            "{who}: newer commands need not wait any more for the blocks of {tracked}"
        )?;
    }
    if !before.is_done(&after) {
        bail!(
            "{who}: {}, to be released when the connections are terminated",
            still(&after.held)
        );
    }
    Ok(())
}

/// What is left.
fn still(held: &Held) -> String {
    let mut left = Vec::new();
    if held.commands > 0 {
        let (commands, bytes) = (Count(held.commands, "command"), Bytes(held.bytes));
        left.push(format!("{commands}, {bytes} still held"));
    }
    if let Some(tracked) = held.tracked.filter(|tracked| *tracked > 0) {
        left.push(format!(
            "newer ones would still wait for the blocks of {}",
            Count(tracked, "cancelled command")
        ));
    }
    left.join("; ")
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

/// Looks until what was held has been sent on, and what was tracked is forgotten, but not for long.
fn watch(before: &Tally, directory: &Path) -> Result<Tally> {
    let mut now = Tally::read(directory)?;
    for _ in 0..LOOKS {
        if before.is_done(&now) {
            break;
        }
        sleep(PAUSE);
        now = Tally::read(directory)?;
    }
    Ok(now)
}

/// What is held and tracked, and what has become of others.
struct Tally {
    /// What is held, or being sent on, and what is tracked.
    held: Held,
    /// What has happened, where that is counted.
    counters: Option<Counters>,
}

/// What has been released.
struct Released {
    /// The commands that have been sent on.
    commands: u64,
    /// Their bytes.
    bytes: u64,
    /// The commands for whose blocks newer ones need not wait any more.
    tracked: u64,
}

impl Tally {
    /// Reads the attributes in a directory.
    fn read(directory: &Path) -> Result<Self> {
        // In this order, as in the monitor: what is sent on meanwhile is held or counted, or both.
        Ok(Self {
            held: Held::read(directory)?,
            counters: Counters::read_if_there(&directory.join("counters"))?,
        })
    }

    /// What has been released from this tally to a later one.
    fn until(&self, later: &Self) -> Released {
        // What fails in the meantime is held or tracked as well. The counters tell it apart.
        let (before, after) = (&self.held, &later.held);
        let tracked = before.tracked.unwrap_or(0);
        let since = self.counted(later, "tracked").unwrap_or(0);
        let forgotten = (tracked + since).saturating_sub(after.tracked.unwrap_or(0));
        Released {
            commands: self
                .counted(later, "released")
                .unwrap_or(before.commands.saturating_sub(after.commands)),
            bytes: self
                .counted(later, "released_bytes")
                .unwrap_or(before.bytes.saturating_sub(after.bytes)),
            // What was tracked since, and is forgotten too, was not there when the word was given.
            tracked: forgotten.min(tracked),
        }
    }

    /// By how much a counter has increased until a later tally; `None` = it is not counted.
    fn counted(&self, later: &Self, name: &str) -> Option<u64> {
        let of = |tally: &Self| tally.counters.as_ref()?.get(name);
        Some(of(later)?.saturating_sub(of(self)?))
    }

    /// Whether all that this tally has is released in a later one.
    fn is_done(&self, later: &Self) -> bool {
        let released = self.until(later);
        let tracked = |held: &Held| held.tracked.unwrap_or(0);
        let sent = released.commands >= self.held.commands || later.held.commands == 0;
        sent && (released.tracked >= tracked(&self.held) || tracked(&later.held) == 0)
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
