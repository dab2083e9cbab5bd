// SPDX-License-Identifier: GPL-2.0
//! A namespace in the output, with the names under which programs find it.

use serde::Serialize;
use std::fs;

use crate::host::Host;
use crate::sysfs::namespace::{Identifiers, Namespace, NamespacePath};

/// Whether a volume can be used.
///
/// There is no state for a stale device, one that shows what its target has replaced by another
/// volume meanwhile: sysfs has no file that says so. nvme-core compares the names when it scans, and
/// removes what differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// There is a disk, and a path that nvme-core sends commands to.
    Usable,
    /// There are paths, and none of them can be used now.
    NoPath,
    /// What remains has no paths: the subsystem, or the disk, is kept by somebody who has it open,
    /// or for `delayed_removal_secs`.
    Orphaned,
}

/// What all volumes of a subsystem have in common.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Of {
    /// nvme-subsysX
    pub(crate) subsystem: String,
    /// Its qualified name.
    pub(crate) nqn: Option<String>,
    /// Its serial number.
    pub(crate) serial: Option<String>,
    /// How it spreads commands over its paths; `None` = the kernel has no multipath.
    pub(crate) iopolicy: Option<String>,
}

/// A namespace, or what remains of a subsystem that has none any more.
#[derive(Serialize)]
pub(crate) struct Volume {
    /// nvmeXnY; `None` = only the subsystem remains.
    pub(crate) namespace: Option<String>,
    /// Its device node; `None` = there is none.
    pub(crate) device: Option<String>,
    /// The link in /dev/disk/by-id that keeps its name; `None` = there is none.
    pub(crate) by_id: Option<String>,
    /// The subsystem.
    #[serde(flatten)]
    pub(crate) of: Of,
    /// What it is called beyond this host.
    #[serde(flatten)]
    pub(crate) identifiers: Identifiers,
    /// Its size; `None` = not known.
    pub(crate) size_bytes: Option<u64>,
    /// Its paths.
    pub(crate) paths: Vec<NamespacePath>,
    /// How many of them can be used.
    pub(crate) paths_usable: usize,
    /// How many of those are preferred.
    pub(crate) paths_optimized: usize,
    /// Whether it can be used.
    pub(crate) state: State,
}

impl Volume {
    /// A namespace.
    pub(crate) fn new(host: &Host, of: &Of, namespace: Namespace) -> Self {
        let paths = namespace.paths;
        let paths_usable = paths.iter().filter(|path| path.is_usable()).count();
        let state = if paths.is_empty() {
            State::Orphaned
        } else if paths_usable > 0 && namespace.disk.is_some() {
            State::Usable
        } else {
            State::NoPath
        };
        let wwid = namespace.identifiers.wwid.as_deref();
        Self {
            device: host.node(&namespace.name),
            by_id: by_id(host, &namespace.name, wwid),
            namespace: Some(namespace.name),
            of: of.clone(),
            identifiers: namespace.identifiers,
            size_bytes: namespace.size_bytes,
            paths_usable,
            paths_optimized: paths.iter().filter(|path| path.is_optimized()).count(),
            paths,
            state,
        }
    }

    /// A subsystem without controllers and namespaces.
    pub(crate) fn remains(of: &Of) -> Self {
        Self {
            namespace: None,
            device: None,
            by_id: None,
            of: of.clone(),
            identifiers: Identifiers::default(),
            size_bytes: None,
            paths: Vec::new(),
            paths_usable: 0,
            paths_optimized: 0,
            state: State::Orphaned,
        }
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        self.namespace.as_deref().unwrap_or(&self.of.subsystem)
    }
}

/// The link of a disk that is made of its name; if there is none, the first of its links that is
/// made of something else, as of model and serial number.
fn by_id(host: &Host, disk: &str, wwid: Option<&str>) -> Option<String> {
    let node = fs::canonicalize(host.dev(disk)).ok()?;
    let mut links: Vec<_> = host
        .dev("disk/by-id")
        .read_dir()
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|link| fs::canonicalize(link).is_ok_and(|target| target == node))
        .collect();
    let preferred = wwid.map(|wwid| format!("nvme-{wwid}"));
    // false is before true.
    links.sort_by_key(|link| {
        let name = link
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        (name != preferred, name)
    });
    Some(links.first()?.display().to_string())
}
