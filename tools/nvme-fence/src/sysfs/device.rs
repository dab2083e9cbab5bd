// SPDX-License-Identifier: GPL-2.0
//! What users call a device, and the subsystem it belongs to.

use anyhow::{bail, Context, Result};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::namespace::DiskName;
use super::topology::{number, subsystems, Subsystem};
use crate::host::Host;
use crate::missing::Missing;

/// A device as the user named it. Known to be well formed, not to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeviceName {
    /// The NQN of a subsystem.
    Nqn(String),
    /// nvme-subsysX
    Subsystem(String),
    /// nvmeX
    Controller(ControllerName),
    /// nvmeXnY, a partition of it, or one of its paths: nvmeXcZnY
    Namespace(String),
    /// A path that leads nowhere, as a link in /dev/disk/by-id does when its device is gone.
    Nowhere(PathBuf),
}

/// The name of a controller: nvmeX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ControllerName(pub(crate) String);

/// The name of a controller, or of a subsystem with all its controllers: nvmeX, nvme-subsysX, or an
/// NQN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ControllerOrSubsystem(pub(crate) DeviceName);

/// What a name turned out to mean.
#[derive(Debug)]
pub(crate) struct Device {
    /// The subsystem that it is, or belongs to.
    pub(crate) subsystem: Subsystem,
    /// The controller, if it is one.
    pub(crate) controller: Option<String>,
}

/// Why a text names no device.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BadName(&'static str);

impl FromStr for DeviceName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.starts_with("nqn.") {
            return Ok(Self::Nqn(text.to_owned()));
        }
        let (name, followed) = last_component(text);
        if number(&name, "nvme-subsys").is_some() {
            return Ok(Self::Subsystem(name));
        }
        if number(&name, "nvme").is_some() {
            return Ok(Self::Controller(ControllerName(name)));
        }
        if is_namespace(&name) {
            return Ok(Self::Namespace(name));
        }
        if followed.is_err() {
            return Ok(Self::Nowhere(text.into()));
        }
        Err(BadName(
            "give an NQN, nvme-subsysX, nvmeX, nvmeXnY, or the path of a device",
        ))
    }
}

impl DeviceName {
    /// The disk, if it is that of a namespace or of a path to one, or a partition of it.
    pub(crate) fn disk(&self) -> Option<DiskName> {
        match self {
            Self::Namespace(name) => name.split('p').next()?.parse().ok(),
            _ => None,
        }
    }
}

impl FromStr for ControllerOrSubsystem {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        match text.parse()? {
            DeviceName::Namespace(_) => Err(BadName(
                "give an NQN, nvme-subsysX or nvmeX: this is about controllers, not namespaces",
            )),
            name => Ok(Self(name)),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nqn(name) | Self::Subsystem(name) | Self::Namespace(name) => f.write_str(name),
            Self::Controller(name) => f.write_str(&name.0),
            Self::Nowhere(path) => path.display().fmt(f),
        }
    }
}

/// The name at the end of a path, where the path is followed first if it is a link, as those in
/// /dev/disk/by-id are; and whether it could be.
pub(crate) fn last_component(text: &str) -> (String, io::Result<()>) {
    if !text.contains('/') {
        return (text.to_owned(), Ok(()));
    }
    let (path, followed) = match fs::canonicalize(text) {
        Ok(path) => (path, Ok(())),
        Err(error) => (text.into(), Err(error)),
    };
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    (name, followed)
}

/// Whether a name is nvmeXnY, nvmeXnYpZ or nvmeXcZnY.
fn is_namespace(name: &str) -> bool {
    let Some((controller, namespace)) = name
        .strip_prefix("nvme")
        .and_then(|numbers| numbers.split_once('n'))
    else {
        return false;
    };
    let (namespace, partition) = namespace.split_once('p').unwrap_or((namespace, "1"));
    let (controller, path) = controller.split_once('c').unwrap_or((controller, "1"));
    [controller, path, namespace, partition]
        .iter()
        .all(|digits| number(digits, "").is_some())
}

/// Finds the device of a name. Looks only at what it needs: other subsystems may come and go.
pub(crate) fn resolve(host: &Host, name: &DeviceName) -> Result<Device> {
    let mut all = subsystems(host)?;
    if let DeviceName::Nowhere(path) = name {
        fs::canonicalize(path).with_context(|| format!("cannot find {name}"))?;
    }
    if all.is_empty() {
        bail!(Missing::Subsystem);
    }
    let wanted = match name {
        DeviceName::Namespace(namespace) => &namespace_parent(host, namespace)?,
        name => name,
    };
    let matches = |subsystem: &Subsystem| match wanted {
        DeviceName::Nqn(nqn) => subsystem.nqn().is_ok_and(|its| its == *nqn),
        DeviceName::Subsystem(name) => subsystem.name == *name,
        DeviceName::Controller(name) => subsystem.lists(&name.0),
        DeviceName::Namespace(_) | DeviceName::Nowhere(_) => false,
    };
    let known = all.clone();
    all.retain(matches);
    if all.len() > 1 {
        // Every connection to a discovery controller makes a subsystem of the same name.
        bail!(
            "{name} is the name of several: say which of {}",
            names(&all)
        );
    }
    let Some(subsystem) = all.pop() else {
        bail!(
            "there is no {name} among the NVMe subsystems of this host ({})",
            names(&known)
        );
    };
    let controller = match name {
        DeviceName::Controller(name) => Some(name.0.clone()),
        _ => None,
    };
    if let Some(name) = &controller {
        let path = subsystem.controller(name);
        path.metadata()
            .with_context(|| format!("{name} is gone: {}", path.display()))?;
    }
    Ok(Device {
        subsystem,
        controller,
    })
}

/// What a namespace hangs off: its subsystem, or its controller where there is no multipath.
fn namespace_parent(host: &Host, namespace: &str) -> Result<DeviceName> {
    let link = host.sysfs("class/block").join(namespace);
    let path = fs::canonicalize(&link)
        .with_context(|| format!("there is no {namespace}: {}", link.display()))?;
    path.ancestors()
        .filter_map(Path::file_name)
        .filter_map(|name| name.to_str()?.parse().ok())
        .find(|name| !matches!(name, DeviceName::Namespace(_)))
        .with_context(|| {
            format!(
                "{namespace} belongs to no NVMe subsystem: {}",
                path.display()
            )
        })
}

/// The names of some subsystems and of their controllers, for messages.
fn names(subsystems: &[Subsystem]) -> String {
    let names: Vec<String> = subsystems
        .iter()
        .map(|subsystem| {
            let controllers = subsystem.controllers().unwrap_or_default();
            match controllers.as_slice() {
                [] => subsystem.name.clone(),
                controllers => format!("{}: {}", subsystem.name, controllers.join(" ")),
            }
        })
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_by_their_form() {
        let subsystem = |name: &str| Some(DeviceName::Subsystem(name.to_owned()));
        let controller = |name: &str| Some(DeviceName::Controller(ControllerName(name.to_owned())));
        let namespace = |name: &str| Some(DeviceName::Namespace(name.to_owned()));
        for (text, expected) in [
            ("nvme-subsys12", subsystem("nvme-subsys12")),
            (
                "/sys/class/nvme-subsystem/nvme-subsys12",
                subsystem("nvme-subsys12"),
            ),
            ("nvme0", controller("nvme0")),
            ("/dev/nvme0", controller("nvme0")),
            ("nvme0n1", namespace("nvme0n1")),
            ("/dev/nvme0n1", namespace("nvme0n1")),
            ("nvme0n1p2", namespace("nvme0n1p2")),
            (
                "nqn.2026-01.org.example:a/b",
                Some(DeviceName::Nqn("nqn.2026-01.org.example:a/b".to_owned())),
            ),
            ("nvme0c1n1", namespace("nvme0c1n1")),
            ("nvme0cn1", None),
            ("nvme", None),
            ("sda", None),
            ("/", None),
            ("", None),
            (
                "/nowhere/nvme-uuid.1",
                Some(DeviceName::Nowhere("/nowhere/nvme-uuid.1".into())),
            ),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }

    #[test]
    fn links_are_followed() {
        let dev = tempfile::tempdir().unwrap();
        fs::write(dev.path().join("nvme7n1"), "").unwrap();
        let by_id = dev.path().join("nvme-uuid.1");
        std::os::unix::fs::symlink("nvme7n1", &by_id).unwrap();
        let name: DeviceName = by_id.to_str().unwrap().parse().unwrap();
        assert_eq!(name, DeviceName::Namespace("nvme7n1".to_owned()));
    }
}
