// SPDX-License-Identifier: GPL-2.0
//! What is measured, and where it comes from.

use anyhow::Result;
use std::path::Path;

use super::counters::{self, Counted};
use super::exposition::{Family, Labels, Samples};
use crate::check::verdict::Verdict;
use crate::check::{check, Check};
use crate::host::Host;
use crate::sysfs::fence::{read_identity, Counters};
use crate::sysfs::held::Held;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::namespace::{namespaces, Namespace};
use crate::sysfs::part::{self, noted};
use crate::sysfs::removed;
use crate::sysfs::topology::{subsystems, Subsystem};

/// What is read of a subsystem.
pub(super) struct Measured {
    /// nvme-subsysX
    name: String,
    /// Its qualified name.
    nqn: Option<String>,
    /// Its knobs; `None` = the module does not manage it.
    knobs: Option<Knobs>,
    /// What has happened to all of its controllers, those that are gone included; `None` = the module
    /// does not tell.
    totals: Option<Counters>,
    /// Its controllers that have a fence.
    fences: Vec<(String, Fence)>,
    /// Its namespaces.
    namespaces: Vec<Namespace>,
}

/// What is read of the fence of a controller.
pub(super) struct Fence {
    /// What is held.
    held: Held,
    /// How long that may take; `None` = not known, or no time ends it.
    wait_ms: Option<u64>,
    /// What has happened.
    counters: Counters,
}

impl Fence {
    /// Reads a `fence/` directory.
    fn read(directory: &Path) -> Result<Self> {
        let identity = read_identity(&directory.join("identity"))?;
        Ok(Self {
            held: Held::read(directory)?,
            wait_ms: identity.and_then(|identity| identity.wait_ms),
            counters: Counters::read(&directory.join("counters"))?,
        })
    }
}

/// Measures all there is.
pub(super) fn families(host: &Host, counted: Counted<'_>) -> Result<Vec<Family>> {
    let all = subsystems(host)?;
    let check = check(host, &all);
    let mut errors = Vec::new();
    let measured: Vec<Measured> = all.iter().filter_map(|s| measure(s, &mut errors)).collect();
    let removed = noted(removed::read(host), &mut errors);
    let unreadable = check
        .subsystems
        .iter()
        .map(|s| s.errors.len())
        .sum::<usize>()
        + check.errors.len()
        + errors.len();
    let loaded = host.sysfs("module/nvme_fence").is_dir();

    let mut families = vec![
        gauge(
            "nvme_fence_build_info",
            "The version of the tool",
            vec![(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1.0)],
        ),
        gauge(
            "nvme_fence_module_loaded",
            "Whether the module nvme_fence is loaded",
            vec![(Vec::new(), loaded.into())],
        ),
        gauge(
            "nvme_fence_unreadable",
            "How many things could not be read",
            vec![(Vec::new(), unreadable as f64)],
        ),
    ];
    families.extend(of_check(&check));
    families.extend(of_subsystems(&measured));
    families.extend(removed.iter().flat_map(of_removed));
    families.extend(counters::families(&measured, counted));
    // Not to be told from one that is not known.
    families.retain(|family| match &family.samples {
        Samples::Gauge(samples) => !samples.is_empty(),
        Samples::Counter(samples) => !samples.is_empty(),
    });
    Ok(families)
}

/// Measures a subsystem; `None` = it has been removed in the meantime.
fn measure(subsystem: &Subsystem, errors: &mut Vec<String>) -> Option<Measured> {
    let nqn = noted(
        part::read(|| subsystem.exists(), || subsystem.nqn()),
        errors,
    );
    let settings = subsystem.fence();
    let knobs = part::read(|| settings.is_dir(), || Knobs::read(&settings));
    let knobs = noted(knobs, errors);
    let file = subsystem.totals();
    let totals = part::read(|| file.exists(), || Counters::read_if_there(&file));
    let totals = noted(totals, errors).flatten();
    let mut fences = Vec::new();
    for name in noted(subsystem.controllers().map(Some), errors).unwrap_or_default() {
        let directory = subsystem.controller(&name).join("fence");
        let fence = part::read(|| directory.is_dir(), || Fence::read(&directory));
        fences.extend(noted(fence, errors).map(|fence| (name, fence)));
    }
    let found = namespaces(subsystem);
    errors.extend(found.errors);
    subsystem.exists().then(|| Measured {
        name: subsystem.name.clone(),
        nqn,
        knobs,
        totals,
        fences,
        namespaces: found.found,
    })
}

/// What `nvme-fence check` says.
fn of_check(check: &Check) -> [Family; 2] {
    let mut protected = Vec::new();
    let mut findings: Vec<(Labels, f64)> = Vec::new();
    for subsystem in &check.subsystems {
        let name = ("subsystem", subsystem.name.clone());
        let is_protected = match subsystem.verdict {
            Verdict::NeedsNoFence | Verdict::Protected | Verdict::ProtectedWithWarnings => 1.0,
            Verdict::NotProtected => 0.0,
            // No number says that.
            Verdict::CouldNotTell => continue,
        };
        protected.push((vec![name.clone()], is_protected));
        for finding in &subsystem.findings {
            let labels = vec![
                name.clone(),
                ("code", finding.code.to_owned()),
                ("severity", finding.severity.word().to_owned()),
            ];
            // A code may be found of several paths.
            match findings.iter_mut().find(|(its, _)| *its == labels) {
                Some((_, count)) => *count += 1.0,
                None => findings.push((labels, 1.0)),
            }
        }
    }
    [
        gauge(
            "nvme_fence_protected",
            "Whether no ghost write is possible: 1 if it is protected or needs no fence",
            protected,
        ),
        gauge(
            "nvme_fence_findings",
            "How often nvme-fence check has found this",
            findings,
        ),
    ]
}

/// What is so now.
fn of_subsystems(measured: &[Measured]) -> [Family; 10] {
    let info = |subsystem: &Measured| {
        let knobs = subsystem.knobs.as_ref();
        let of_knobs = |of: &dyn Fn(&Knobs) -> String| knobs.map(of).unwrap_or_default();
        let labels = vec![
            ("subsystem", subsystem.name.clone()),
            ("nqn", subsystem.nqn.clone().unwrap_or_default()),
            ("hold", of_knobs(&|knobs| knobs.hold().to_owned())),
            ("evidence", of_knobs(&Knobs::evidence_line)),
        ];
        (labels, 1.0)
    };
    let by_namespace = |count: fn(&Namespace) -> usize| {
        let of = move |s: &Measured| {
            let sample = |namespace: &Namespace| {
                let device = ("device", namespace.name.clone());
                let labels = vec![("subsystem", s.name.clone()), device];
                (labels, count(namespace) as f64)
            };
            s.namespaces.iter().map(sample).collect::<Vec<_>>()
        };
        measured.iter().flat_map(of).collect()
    };
    [
        gauge(
            "nvme_fence_info",
            "The name of a subsystem, what is held, and what counts as evidence; the last two are \
             empty where the module does not manage it",
            measured.iter().map(info).collect(),
        ),
        gauge(
            "nvme_fence_paths_usable",
            "Paths to a namespace that commands can be sent on",
            by_namespace(|n| n.paths.iter().filter(|p| p.is_usable()).count()),
        ),
        gauge(
            "nvme_fence_paths_optimized",
            "Paths to a namespace that are usable and optimized",
            by_namespace(|n| n.paths.iter().filter(|p| p.is_optimized()).count()),
        ),
        gauge(
            "nvme_fence_wait_seconds",
            "How long writes are held at most when the path is lost, counted from its last command; \
             absent if no time ends it",
            by_fence(measured, |fence| fence.wait_ms.map(|ms| ms as f64 / 1e3)),
        ),
        gauge(
            "nvme_fence_held_commands",
            "Commands that are held now",
            by_fence(measured, |fence| Some(fence.held.commands as f64)),
        ),
        gauge(
            "nvme_fence_held_bytes",
            "Their bytes",
            by_fence(measured, |fence| Some(fence.held.bytes as f64)),
        ),
        gauge(
            "nvme_fence_oldest_held_seconds",
            "How long the oldest command has been held that is held now; absent if none is, or \
             the module does not tell",
            by_fence(measured, |fence| {
                fence.held.held_for_ms.map(|ms| ms as f64 / 1e3)
            }),
        ),
        gauge(
            "nvme_fence_tracked_commands",
            "Cancelled commands that are tracked now: any newer one to their blocks has to wait",
            by_fence(measured, |fence| fence.held.tracked.map(|n| n as f64)),
        ),
        gauge(
            "nvme_fence_tracked_bytes",
            "Their bytes",
            by_fence(measured, |fence| fence.held.tracked_bytes().map(|n| n as f64)),
        ),
        gauge(
            "nvme_fence_waiting_commands",
            "Those of the held commands that are newer, and wait for such blocks",
            by_fence(measured, |fence| fence.held.waiting.map(|n| n as f64)),
        ),
    ]
}

/// A sample of each controller that has a fence, if it has this value.
fn by_fence<T>(measured: &[Measured], value: impl Fn(&Fence) -> Option<T>) -> Vec<(Labels, T)> {
    let mut samples = Vec::new();
    for subsystem in measured {
        for (controller, fence) in &subsystem.fences {
            let labels = vec![
                ("subsystem", subsystem.name.clone()),
                ("controller", controller.clone()),
            ];
            samples.extend(value(fence).map(|value| (labels, value)));
        }
    }
    samples
}

/// A sample of each subsystem if the module has this counter for it, else of each of its controllers.
pub(super) fn by_counter(measured: &[Measured], name: &str) -> Vec<(Labels, u64)> {
    let mut samples = Vec::new();
    for subsystem in measured {
        match &subsystem.totals {
            Some(totals) => {
                let labels = vec![("subsystem", subsystem.name.clone())];
                samples.extend(totals.get(name).map(|value| (labels, value)));
            }
            None => samples.extend(by_fence(std::slice::from_ref(subsystem), |fence| {
                fence.counters.get(name)
            })),
        }
    }
    samples
}

/// What there has to be evidence for of removed controllers.
fn of_removed(held: &Held) -> [Family; 3] {
    [
        gauge(
            "nvme_fence_removed_held_commands",
            "Commands that are held for controllers that were removed",
            vec![(Vec::new(), held.commands as f64)],
        ),
        gauge(
            "nvme_fence_removed_held_bytes",
            "Their bytes",
            vec![(Vec::new(), held.bytes as f64)],
        ),
        gauge(
            "nvme_fence_removed_tracked_commands",
            "Cancelled commands of controllers that were removed, which are tracked now: any newer \
             one to their blocks has to wait",
            held.tracked.map(|n| (Vec::new(), n as f64)).into_iter().collect(),
        ),
    ]
}

/// A family of gauges.
fn gauge(name: &'static str, help: &'static str, samples: Vec<(Labels, f64)>) -> Family {
    Family {
        name,
        help,
        samples: Samples::Gauge(samples),
    }
}
