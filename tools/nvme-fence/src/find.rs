// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence find`: where a volume is on this host, and whether it can be used.

mod events;
mod table;
mod volume;
mod wanted;

use anyhow::{bail, ensure, Context, Result};
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

use crate::cli::FindArgs;
use crate::host::Host;
use crate::output;
use crate::sysfs::namespace::namespaces;
use crate::sysfs::part::{self, noted};
use crate::sysfs::topology::{subsystems, Subsystem};
use events::Events;
use volume::{State, Volume};
pub(crate) use wanted::Wanted;

/// The version of the output for programs, whose description is in `schemas/`.
const SCHEMA: &str = "nvme-fence/find/1";

/// The longest time between two looks while waiting: not everything that makes a volume usable is
/// announced. An ANA state, for one, changes without an event.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
struct Found {
    /// Which description this output follows.
    schema: &'static str,
    /// What was looked for, as it was written.
    wanted: String,
    /// What is called so.
    volumes: Vec<Volume>,
    /// What of them is there, and could not be read.
    errors: Vec<String>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table::write(f, &self.volumes)?;
        self.errors
            .iter()
            .try_for_each(|error| writeln!(f, "{error}"))
    }
}

impl Found {
    /// Whether there is something, and all of it can be used; an error says what is missing.
    fn usable(&self) -> Result<()> {
        let wanted = &self.wanted;
        ensure!(
            !self.volumes.is_empty(),
            "there is no namespace {wanted} on this host"
        );
        for volume in &self.volumes {
            let name = volume.name();
            match volume.state {
                State::Usable => {}
                State::NoPath => bail!("{name} has no usable path (nvme list-subsys shows them)"),
                State::Orphaned => bail!("{name} has lost its last path: connect it again"),
            }
        }
        Ok(())
    }

    /// The device of the one volume there is.
    fn device(&self) -> Result<&str> {
        let disks = || {
            self.volumes
                .iter()
                .filter(|volume| volume.namespace.is_some())
        };
        if disks().count() > 1 {
            let names: Vec<&str> = disks().map(Volume::name).collect();
            let (wanted, names) = (&self.wanted, names.join(", "));
            bail!("{wanted} is the name of several: say which of {names}");
        }
        self.usable()?;
        let volume = disks().next().context("there is no such namespace")?;
        let missing = || format!("{} has no device node: is udev running?", volume.name());
        volume.device.as_deref().with_context(missing)
    }
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &FindArgs) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(args.wait.unwrap_or_default().into());
    // From here on: what happens between a look and the wait is not missed.
    let events = args.wait.map(|_| Events::subscribe());
    let found = loop {
        let found = look(host, &args.wanted)?;
        let done = if args.device {
            found.device().is_ok()
        } else {
            found.usable().is_ok()
        };
        let left = end.saturating_duration_since(Instant::now());
        match &events {
            Some(events) if !done && !left.is_zero() => events.wait(left.min(LOOK_AGAIN)),
            _ => break found,
        }
    };
    if args.device {
        return output::print_line(found.device()?);
    }
    output::print(args.output.format, &found)?;
    found.usable()
}

/// Looks at what is there now.
fn look(host: &Host, wanted: &Wanted) -> Result<Found> {
    let mut found = Found {
        schema: SCHEMA,
        wanted: wanted.to_string(),
        volumes: Vec::new(),
        errors: Vec::new(),
    };
    let target = wanted.target();
    for subsystem in subsystems(host)? {
        look_at(host, &subsystem, &target, &mut found);
    }
    Ok(found)
}

/// Adds what is wanted of a subsystem.
fn look_at(host: &Host, subsystem: &Subsystem, target: &wanted::Target, found: &mut Found) {
    let mut errors = Vec::new();
    let present = || subsystem.exists();
    let nqn = noted(part::read(present, || subsystem.nqn()), &mut errors);
    let serial = noted(part::read(present, || subsystem.serial()), &mut errors).flatten();
    let iopolicy = noted(part::read(present, || subsystem.iopolicy()), &mut errors).flatten();
    let all_of_it = target.is_subsystem(subsystem, nqn.as_deref(), serial.as_deref());
    let namespaces = namespaces(subsystem);
    errors.extend(namespaces.errors);
    let of = volume::Of {
        subsystem: subsystem.name.clone(),
        nqn,
        serial,
        iopolicy,
    };
    let none = namespaces.found.is_empty();
    for namespace in namespaces.found {
        if all_of_it || target.is_namespace(&namespace) {
            found.errors.extend_from_slice(&namespace.errors);
            found.volumes.push(Volume::new(host, &of, namespace));
        }
    }
    let controllers = subsystem.controllers().unwrap_or_default();
    if all_of_it && none && controllers.is_empty() && subsystem.exists() {
        found.volumes.push(Volume::remains(&of));
    }
    if all_of_it {
        found.errors.extend(errors);
    }
}
