// SPDX-License-Identifier: GPL-2.0
//! Reads the facts. What goes meanwhile is left out; what is there and cannot be read is noted.

use anyhow::Result;
use std::path::Path;

use super::address::Address;
use super::facts::{HostFacts, NamespaceFacts, PathFacts, SubsystemFacts};
use super::stacked;
use crate::host::Host;
use crate::missing;
use crate::sysfs::attribute;
use crate::sysfs::ccr::Ccr;
use crate::sysfs::fence::read_identity;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::namespace::{namespaces, Namespaces};
use crate::sysfs::part::{self, noted};
use crate::sysfs::timers::{has_io_timeout, Timer, Timers};
use crate::sysfs::topology::Subsystem;
use crate::sysfs::unfenced::Unfenced;

/// Reads what is true of the whole host.
pub(crate) fn host(host: &Host) -> Result<HostFacts> {
    let hung_task = host.proc("sys/kernel/hung_task_timeout_secs");
    // A kernel without the detector has no such file, and 0 turns it off.
    let hung_task_s = attribute::read_number_if_there::<u64>(&hung_task)?.filter(|s| *s > 0);
    Ok(HostFacts {
        missing: missing::module(host),
        multipath: multipath(host)?,
        hung_task_ms: hung_task_s.map(|s| s.saturating_mul(1000)),
    })
}

/// Whether native multipath is on. A kernel that was built without it has no such parameter.
fn multipath(host: &Host) -> Result<Option<bool>> {
    let parameters = host.sysfs("module/nvme_core/parameters");
    if !parameters.is_dir() {
        return Ok(None);
    }
    let multipath = attribute::read_if_there(&parameters.join("multipath"))?;
    Ok(Some(multipath.as_deref() == Some("Y")))
}

/// Reads a subsystem; `None` = it has been removed in the meantime.
pub(crate) fn subsystem(host: &Host, subsystem: &Subsystem) -> Option<SubsystemFacts> {
    let mut errors = Vec::new();
    let nqn = part::read(|| subsystem.exists(), || subsystem.nqn());
    let nqn = noted(nqn, &mut errors);
    let fence = subsystem.fence();
    let knobs = part::read(|| fence.is_dir(), || Knobs::read(&fence));
    let knobs = noted(knobs, &mut errors);
    let names = noted(subsystem.controllers().map(Some), &mut errors).unwrap_or_default();
    let found = namespaces(subsystem);
    let (mut paths, mut harmless) = (Vec::new(), Vec::new());
    for name in names {
        let directory = subsystem.controller(&name);
        // A link that leads nowhere is what is left of a controller for a moment.
        let path = part::read(
            || directory.exists(),
            || controller(host, &directory, &name, &found),
        );
        match noted(path, &mut errors) {
            Some(Ok(path)) => paths.push(path),
            Some(Err(reason)) => harmless.push(reason),
            None => {}
        }
    }
    // Whether they hold anything is decided by the settings.
    if knobs.is_none() && paths.iter().any(|path| path.unfenced.is_none()) {
        errors.push(format!("there are no settings: {}", fence.display()));
    }
    // Disks of this machine have their namespaces, too.
    let namespaces = match paths.is_empty() && !harmless.is_empty() {
        true => Vec::new(),
        false => read_namespaces(found, &mut errors),
    };
    subsystem.exists().then(|| SubsystemFacts {
        name: subsystem.name.clone(),
        nqn,
        knobs,
        paths,
        harmless,
        namespaces,
        errors,
    })
}

/// Reads a controller; `Err` = why it needs no fence.
fn controller(
    host: &Host,
    directory: &Path,
    name: &str,
    namespaces: &Namespaces,
) -> Result<Result<PathFacts, Unfenced>> {
    let transport = attribute::read(&directory.join("transport"))?;
    // Not what is missing for the module is asked here, but what would be wrong if it were there.
    let unfenced = Unfenced::of(directory, &transport, None)?;
    if unfenced.is_harmless() {
        return Ok(Err(unfenced));
    }
    let fence = directory.join("fence");
    let is_fenced = fence.is_dir();
    let (identity, ccr) = match is_fenced {
        true => (read_identity(&fence.join("identity"))?, Ccr::read(&fence)?),
        false => (None, None),
    };
    let timers = Timers::read(host, directory, name, namespaces)?;
    let kato_ms = match &identity {
        Some(identity) => Some(identity.kato_ms.into()),
        None => timers.kato_ms.map(|kato| kato.ms().unwrap_or(0)),
    };
    Ok(Ok(PathFacts {
        name: name.to_owned(),
        address: attribute::read_if_there(&directory.join("address"))?
            .map_or_else(Address::default, |text| Address::parse(&text)),
        state: attribute::read(&directory.join("state"))?,
        unfenced: (!is_fenced).then_some(unfenced),
        identity,
        ccr,
        kato_ms,
        io_timeout_ms: timers.io_timeout_ms.and_then(Timer::ms),
        has_io_timeout: has_io_timeout(directory),
        ctrl_loss_ms: timers.ctrl_loss_ms.and_then(Timer::ms),
        fast_io_fail_ms: timers.fast_io_fail_ms.and_then(Timer::ms),
        transport,
    }))
}

/// What there is to say of namespaces.
fn read_namespaces(namespaces: Namespaces, errors: &mut Vec<String>) -> Vec<NamespaceFacts> {
    errors.extend(namespaces.errors);
    let mut facts = Vec::new();
    for namespace in namespaces.found {
        errors.extend(namespace.errors);
        let maps = namespace
            .disk
            .as_ref()
            .map_or(Ok(Vec::new()), |disk| stacked::request_maps(disk));
        facts.push(NamespaceFacts {
            usable: namespace.paths.iter().filter(|p| p.is_usable()).count(),
            optimized: namespace.paths.iter().filter(|p| p.is_optimized()).count(),
            request_maps: noted(maps.map(Some), errors).unwrap_or_default(),
            name: namespace.name,
        });
    }
    facts
}
