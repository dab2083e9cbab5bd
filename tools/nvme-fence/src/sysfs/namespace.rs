// SPDX-License-Identifier: GPL-2.0
//! The namespaces of a subsystem, their names, and the paths that lead to them.
//!
//! Where sysfs keeps them, on all kernels since 5.15:
//!
//! * With native multipath, a namespace is a disk `nvmeXnY` (its head, as nvme-core calls it) in the
//!   directory of the subsystem nvme-subsysX. It appears with the first path that can be used, and
//!   goes with the last path. Each path is a hidden disk `nvmeXcZnY` in the directory of its
//!   controller nvmeZ, not in that of the subsystem. X and Y are the numbers of the head, which is
//!   how the two are brought together here: the links in `multipath/` of the head say the same, but
//!   5.15, 6.1 and 6.12 have none, and those of 7.2 and 7.3 come only with the head.
//! * Without it (`nvme_core.multipath=N`, or a kernel that has no multipath), and for a subsystem
//!   that says that it has one controller only, the namespace is a disk `nvmeXnY` in the directory
//!   of each controller. It is its own only path.
//!
//! Of the attributes, `nsid` and `wwid` are always there; `uuid`, `nguid` and `eui` where the
//! namespace has them; `ana_state` and `ana_grpid` on paths whose controller reports ANA. `iopolicy`
//! of a subsystem needs a kernel with multipath. 7.2 and 7.3 keep a head for `delayed_removal_secs`
//! after its last path (0 by default); older kernels do not. All this was read in the sources of
//! 7.2.12 and 7.3.4; of the older ones it was not checked on a running kernel.

use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::attribute;
use super::part::{self, noted};
use super::topology::{number, Subsystem};

/// The ANA state in which a path is preferred, and that of a path whose controller knows no ANA.
const OPTIMIZED: &str = "optimized";
/// The ANA state in which a path is used when no other is optimized.
const NON_OPTIMIZED: &str = "non-optimized";

/// The unit of the size of a disk in sysfs, whatever the size of its logical blocks.
const SECTOR_BYTES: u64 = 512;

/// The name of a disk of a namespace: `nvmeXnY`, or `nvmeXcZnY` for one of several paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DiskName {
    /// X: the number of the subsystem, or that of the controller where there is no multipath.
    instance: u32,
    /// Y, which is not the NSID.
    namespace: u32,
    /// Z: the number of the controller.
    controller: Option<u32>,
}

impl DiskName {
    /// The name of the disk that it is a path of.
    fn head(self) -> Self {
        Self {
            controller: None,
            ..self
        }
    }

    /// nvmeZ: the controller of the path, if it is one.
    pub(crate) fn controller(self) -> Option<String> {
        self.controller
            .map(|controller| format!("nvme{controller}"))
    }

    /// nvmeXnY: what people call the namespace.
    pub(crate) fn namespace(self) -> String {
        format!("nvme{}n{}", self.instance, self.namespace)
    }
}

impl FromStr for DiskName {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let numbers = name.strip_prefix("nvme").ok_or(())?;
        let (front, namespace) = numbers.split_once('n').ok_or(())?;
        let (instance, controller) = match front.split_once('c') {
            Some((instance, controller)) => (instance, Some(controller)),
            None => (front, None),
        };
        let bare = |digits| number(digits, "").ok_or(());
        Ok(Self {
            instance: bare(instance)?,
            namespace: bare(namespace)?,
            controller: controller.map(bare).transpose()?,
        })
    }
}

/// What a namespace is called beyond this host. Each is `None` if the namespace has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Identifiers {
    /// The number of the namespace in its subsystem.
    pub(crate) nsid: Option<u32>,
    /// Its UUID, with dashes.
    pub(crate) uuid: Option<String>,
    /// Its Namespace Globally Unique Identifier, with dashes, as sysfs writes it.
    pub(crate) nguid: Option<String>,
    /// Its IEEE Extended Unique Identifier: 16 hexadecimal digits.
    pub(crate) eui64: Option<String>,
    /// The one that nvme-core prefers, as in udev's links: `uuid.X`, `eui.X`, or `nvme.X`.
    pub(crate) wwid: Option<String>,
}

/// One path to a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NamespacePath {
    /// nvmeXcZnY; where there is no multipath, nvmeXnY.
    pub(crate) name: String,
    /// nvmeZ
    pub(crate) controller: String,
    /// nvme-core's state of the controller: live, connecting, ...
    pub(crate) controller_state: Option<String>,
    /// `None` = the controller does not report ANA.
    pub(crate) ana_state: Option<String>,
    /// The ANA group; `None` as above.
    pub(crate) ana_grpid: Option<u32>,
}

impl NamespacePath {
    /// Whether nvme-core sends commands there, as far as sysfs tells.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_live() && matches!(self.ana(), OPTIMIZED | NON_OPTIMIZED)
    }

    /// Whether it is usable, and preferred.
    pub(crate) fn is_optimized(&self) -> bool {
        self.is_live() && self.ana() == OPTIMIZED
    }

    /// Whether its controller is connected.
    fn is_live(&self) -> bool {
        self.controller_state.as_deref() == Some("live")
    }

    /// Its ANA state.
    fn ana(&self) -> &str {
        self.ana_state.as_deref().unwrap_or(OPTIMIZED)
    }
}

/// A namespace of a subsystem.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    /// nvmeXnY
    pub(crate) name: String,
    /// The directory of its disk; `None` = it has no disk (yet): no path could ever be used.
    pub(crate) disk: Option<PathBuf>,
    /// What it is called.
    pub(crate) identifiers: Identifiers,
    /// Its size; `None` = not known.
    pub(crate) size_bytes: Option<u64>,
    /// Its paths, in the order of their controllers' numbers.
    pub(crate) paths: Vec<NamespacePath>,
    /// What of it is there, and could not be read.
    pub(crate) errors: Vec<String>,
}

/// The namespaces of a subsystem.
#[derive(Debug, Default)]
pub(crate) struct Namespaces {
    /// In the order of their numbers.
    pub(crate) found: Vec<Namespace>,
    /// What of the subsystem is there, and could not be read.
    pub(crate) errors: Vec<String>,
}

/// The disks of one namespace.
#[derive(Default)]
struct Disks {
    /// The one that is no path of another.
    head: Option<PathBuf>,
    /// The paths: the name of the disk, of its controller, and the directory of the controller.
    paths: Vec<(String, String, PathBuf)>,
}

/// Reads the namespaces of a subsystem. What goes meanwhile is left out, and an error of one part
/// is noted there.
pub(crate) fn namespaces(subsystem: &Subsystem) -> Namespaces {
    let mut all: BTreeMap<DiskName, Disks> = BTreeMap::new();
    let mut errors = Vec::new();
    let mut disks = |directory: &Path| {
        let names = part::read(|| directory.exists(), || part::names(directory));
        let names = noted(names, &mut errors).unwrap_or_default();
        let disk = |name: String| Some((name.parse::<DiskName>().ok()?, name));
        names.into_iter().filter_map(disk).collect::<Vec<_>>()
    };
    for (disk, name) in disks(subsystem.path()) {
        all.entry(disk.head()).or_default().head = Some(subsystem.path().join(name));
    }
    let controllers = subsystem.controllers();
    for controller in controllers.as_deref().unwrap_or_default() {
        let directory = subsystem.controller(controller);
        for (disk, name) in disks(&directory) {
            let namespace = all.entry(disk.head()).or_default();
            if disk.controller.is_none() {
                namespace.head = Some(directory.join(&name));
            }
            let path = (name, controller.clone(), directory.clone());
            namespace.paths.push(path);
        }
    }
    errors.extend(controllers.err().map(|error| format!("{error:#}")));
    let found = all
        .into_iter()
        .filter_map(|(name, disks)| read(name, disks));
    Namespaces {
        found: found.collect(),
        errors,
    }
}

/// Reads a namespace; `None` = it has gone meanwhile.
fn read(name: DiskName, disks: Disks) -> Option<Namespace> {
    let mut errors = Vec::new();
    let paths: Vec<NamespacePath> = disks
        .paths
        .iter()
        .filter_map(|(name, controller, directory)| {
            read_path(name, controller, directory, &mut errors)
        })
        .collect();
    let disk = disks.head.filter(|disk| disk.exists());
    // The disk of a path knows the same names.
    let of_path = disks.paths.iter().map(|(name, _, dir)| dir.join(name));
    let named = disk
        .clone()
        .into_iter()
        .chain(of_path)
        .find(|d| d.exists())?;
    let present = || named.exists();
    let identifiers = noted(part::read(present, || identifiers(&named)), &mut errors);
    let sectors = part::read(present, || {
        attribute::read_number_if_there::<u64>(&named.join("size"))
    });
    let sectors = noted(sectors, &mut errors).flatten();
    present().then(|| Namespace {
        name: name.namespace(),
        disk,
        identifiers: identifiers.unwrap_or_default(),
        size_bytes: sectors.map(|sectors| sectors.saturating_mul(SECTOR_BYTES)),
        paths,
        errors,
    })
}

/// Reads a path; `None` = it has gone meanwhile.
fn read_path(
    name: &str,
    controller: &str,
    directory: &Path,
    errors: &mut Vec<String>,
) -> Option<NamespacePath> {
    let disk = directory.join(name);
    let present = || disk.exists();
    let state = part::read(present, || attribute::read(&directory.join("state")));
    let ana_state = part::read(present, || {
        attribute::read_if_there(&disk.join("ana_state"))
    });
    let ana_grpid = part::read(present, || {
        attribute::read_number_if_there(&disk.join("ana_grpid"))
    });
    let path = NamespacePath {
        name: name.to_owned(),
        controller: controller.to_owned(),
        controller_state: noted(state, errors),
        ana_state: noted(ana_state, errors).flatten(),
        ana_grpid: noted(ana_grpid, errors).flatten(),
    };
    present().then_some(path)
}

/// Reads what the namespace of a disk is called.
fn identifiers(disk: &Path) -> Result<Identifiers> {
    let text = |name| attribute::read_if_there(&disk.join(name));
    let (nguid, wwid) = (text("nguid")?, text("wwid")?);
    // Where there is no UUID, `uuid` has the NGUID, for programs that are older than the
    // difference.
    let has_uuid = |uuid: &String| {
        nguid.as_ref() != Some(uuid) || wwid.as_deref() == Some(&format!("uuid.{uuid}"))
    };
    Ok(Identifiers {
        nsid: attribute::read_number_if_there(&disk.join("nsid"))?,
        uuid: text("uuid")?.filter(has_uuid),
        // sysfs puts blanks between its bytes.
        eui64: text("eui")?.map(|eui| eui.replace(' ', "")),
        nguid,
        wwid,
    })
}

#[cfg(test)]
mod tests;
