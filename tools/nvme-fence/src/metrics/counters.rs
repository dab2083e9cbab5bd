// SPDX-License-Identifier: GPL-2.0
//! What has happened, in numbers.

use super::collect::{by_fence, Measured};
use super::exposition::{Family, Labels, Samples};
use crate::sysfs::fence::EVIDENCE;

/// What the module has counted for the controllers that are there.
pub(super) fn counters(measured: &[Measured]) -> Vec<Family> {
    let counter = |name| by_fence(measured, |fence| fence.counters.get(name));
    let mut fenced = Vec::new();
    for evidence in EVIDENCE {
        fenced.extend(counter(evidence).into_iter().map(|(mut labels, count)| {
            labels.push(("evidence", evidence.to_owned()));
            (labels, count)
        }));
    }
    // In the order of the controllers.
    fenced.sort();
    named([
        counter("lost"),
        counter("held"),
        fenced,
        counter("released"),
        counter("passed_unknown"),
    ])
}

/// The families: losses, holds, fencings, releases, and what was not held.
fn named([lost, held, fenced, released, passed]: [Vec<(Labels, u64)>; 5]) -> Vec<Family> {
    [
        (
            "nvme_fence_lost",
            "Connections that were given up, also by a reset or a disconnect",
            lost,
        ),
        ("nvme_fence_holds", "Commands that were held", held),
        (
            "nvme_fence_fenced",
            "Connections with held commands of which it was proven that they execute nothing any \
             more",
            fenced,
        ),
        (
            "nvme_fence_released_commands",
            "Commands that were held and then sent on",
            released,
        ),
        (
            "nvme_fence_passed_unknown_commands",
            "Commands that should have been held and were not; each may be a ghost write",
            passed,
        ),
    ]
    .map(|(name, help, samples)| Family {
        name,
        help,
        samples: Samples::Counter(samples),
    })
    .into()
}
