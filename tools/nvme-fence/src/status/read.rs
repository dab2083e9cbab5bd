// SPDX-License-Identifier: GPL-2.0
//! Reads what is shown. What goes meanwhile is left out; what is there and cannot be read is noted.

use anyhow::{bail, Result};
use jiff::{Timestamp, Unit};

use super::{ControllerStatus, NamespaceStatus, Status, SubsystemStatus, SCHEMA};
use crate::host::Host;
use crate::missing::Missing;
use crate::sysfs::attribute;
use crate::sysfs::device::{resolve, DeviceName};
use crate::sysfs::diag::Diag;
use crate::sysfs::fence::Fence;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::namespace::{namespaces, DiskName, Namespaces};
use crate::sysfs::part::{self, noted};
use crate::sysfs::removed;
use crate::sysfs::timers::{Timer, Timers};
use crate::sysfs::topology::{subsystems, Subsystem};
use crate::sysfs::unfenced::Unfenced;

/// What of a subsystem is wanted; by default, all.
#[derive(Default)]
struct Wanted {
    /// One controller.
    controller: Option<String>,
    /// One namespace.
    namespace: Option<String>,
}

/// What is common to all that is read.
struct Reader<'a> {
    /// The host.
    host: &'a Host,
    /// What it lacks.
    missing: Option<Missing>,
}

/// Reads what is there now of a device, or of all.
pub(crate) fn status(
    host: &Host,
    device: Option<&DeviceName>,
    missing: Option<Missing>,
) -> Result<Status> {
    let reader = Reader { host, missing };
    let mut status = Status {
        schema: SCHEMA,
        time: Timestamp::now().round(Unit::Second)?.to_string(),
        subsystems: Vec::new(),
        removed: None,
        errors: Vec::new(),
        verbose: false,
    };
    let Some(name) = device else {
        for subsystem in subsystems(host)? {
            let subsystem = reader.subsystem(&subsystem, &Wanted::default());
            status.subsystems.extend(subsystem);
        }
        status.removed = noted(removed::read(host), &mut status.errors);
        return Ok(status);
    };
    let device = resolve(host, name)?;
    let disk = name.disk();
    let wanted = Wanted {
        controller: device.controller.or(disk.and_then(DiskName::controller)),
        namespace: disk.map(DiskName::namespace),
    };
    let subsystem = reader.subsystem(&device.subsystem, &wanted);
    // It may have gone just now.
    let is_there = |it: &SubsystemStatus| wanted.controller.is_none() || !it.controllers.is_empty();
    let Some(subsystem) = subsystem.filter(is_there) else {
        bail!("{name} is gone");
    };
    status.subsystems.push(subsystem);
    Ok(status)
}

impl Reader<'_> {
    /// Reads what is wanted of a subsystem; `None` = it has been removed in the meantime.
    fn subsystem(&self, subsystem: &Subsystem, wanted: &Wanted) -> Option<SubsystemStatus> {
        let mut errors = Vec::new();
        let present = || subsystem.exists();
        let nqn = noted(part::read(present, || subsystem.nqn()), &mut errors);
        if !subsystem.exists() {
            return None;
        }
        let iopolicy = noted(part::read(present, || subsystem.iopolicy()), &mut errors);
        let fence = subsystem.fence();
        let settings = part::read(|| fence.is_dir(), || Knobs::read(&fence));
        let settings = noted(settings, &mut errors);
        let all = noted(subsystem.controllers().map(Some), &mut errors);
        let orphaned = all.as_ref().is_some_and(Vec::is_empty);
        let names = match &wanted.controller {
            Some(name) => vec![name.clone()],
            None => all.unwrap_or_default(),
        };
        let namespaces = namespaces(subsystem);
        let controllers: Vec<_> = names
            .iter()
            .filter_map(|name| self.controller(subsystem, name, &namespaces, settings.as_ref()))
            .collect();
        let namespaces = self.namespaces(namespaces, wanted, &mut errors);
        // Each path of each namespace looks at the state of its controller, too.
        let of_controllers = || controllers.iter().flat_map(|controller| &controller.errors);
        errors.retain(|error| !of_controllers().any(|other| other == error));
        Some(SubsystemStatus {
            name: subsystem.name.clone(),
            nqn,
            iopolicy: iopolicy.flatten(),
            orphaned,
            settings,
            namespaces,
            controllers,
            errors,
        })
    }

    /// What is wanted of the namespaces.
    fn namespaces(
        &self,
        namespaces: Namespaces,
        wanted: &Wanted,
        errors: &mut Vec<String>,
    ) -> Vec<NamespaceStatus> {
        let is = |wanted: &Option<String>, name: &String| wanted.as_ref().is_none_or(|w| w == name);
        errors.extend(namespaces.errors);
        let mut shown = Vec::new();
        for namespace in namespaces.found {
            if !is(&wanted.namespace, &namespace.name) {
                continue;
            }
            let mut paths = namespace.paths;
            paths.retain(|path| is(&wanted.controller, &path.controller));
            // It has nothing to do with the controller.
            if wanted.controller.is_some() && paths.is_empty() {
                continue;
            }
            errors.extend(namespace.errors);
            shown.push(NamespaceStatus {
                device: self.host.node(&namespace.name),
                name: namespace.name,
                paths,
            });
        }
        shown
    }

    /// Reads a controller; `None` = it has been removed in the meantime.
    fn controller(
        &self,
        subsystem: &Subsystem,
        name: &str,
        namespaces: &Namespaces,
        settings: Option<&Knobs>,
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
        let timers = part::read(present, || Timers::read(self.host, &path, name, namespaces));
        let mut timers = noted(timers, &mut errors);
        let diag = part::read(present, || Diag::read(&path, name, namespaces));
        let diag = noted(diag, &mut errors).flatten();
        let directory = path.join("fence");
        let fence = part::read(|| directory.is_dir(), || Fence::read(&directory, settings));
        let fence = noted(fence, &mut errors);
        // That of the association may differ from the one that is asked for next time.
        let identity = fence.as_ref().and_then(|fence| fence.identity.as_ref());
        if let (Some(timers), Some(identity)) = (&mut timers, identity) {
            timers.kato_ms = Some(Timer::unless_zero(identity.kato_ms.into()));
        }
        let unfenced = match &basics {
            Some((transport, ..)) if !directory.is_dir() => {
                let reason = Unfenced::of(&path, transport, self.missing);
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
            timers,
            diag,
            fence,
            unfenced,
            errors,
        })
    }
}
