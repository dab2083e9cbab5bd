// SPDX-License-Identifier: GPL-2.0
//! What has happened, in numbers.

use super::collect::{by_counter, Measured};
use super::exposition::{Family, Labels, Samples};
use crate::monitor::totals::{Cause, Totals};
use crate::sysfs::fence::{counter_of, EVIDENCE};

/// Who counts what has happened.
#[derive(Clone, Copy)]
pub(crate) enum Counted<'a> {
    /// The module, by subsystems: the numbers go with the last controller, or the module. One that is
    /// older than this tool counts by controllers, and the numbers go with each.
    ByModule,
    /// The monitor, by subsystems: the numbers stay.
    ByMonitor(&'a Totals),
}

/// The counters.
pub(super) fn families(measured: &[Measured], counted: Counted<'_>) -> Vec<Family> {
    match counted {
        Counted::ByModule => by_module(measured),
        Counted::ByMonitor(totals) => by_monitor(totals),
    }
}

/// What the module has counted for what is there.
fn by_module(measured: &[Measured]) -> Vec<Family> {
    let counter = |name: &str| by_counter(measured, name);
    let mut fenced = Vec::new();
    for evidence in EVIDENCE {
        fenced.extend(
            counter(&counter_of(evidence))
                .into_iter()
                .map(|(mut labels, count)| {
                    labels.push(("evidence", evidence.to_owned()));
                    (labels, count)
                }),
        );
    }
    // In the order of the subsystems and controllers.
    fenced.sort();
    named([
        counter("lost"),
        counter("held"),
        counter("tracked"),
        counter("waited"),
        counter("noticed"),
        fenced,
        counter("released"),
    ])
}

/// What the monitor has counted.
fn by_monitor(totals: &Totals) -> Vec<Family> {
    let mut all: [Vec<(Labels, u64)>; 7] = Default::default();
    let [lost, held, tracked, waited, noticed, fenced, released] = &mut all;
    for (subsystem, its) in totals.named() {
        let labels = || vec![("subsystem", subsystem.to_owned())];
        let with = |name: &'static str, value: &str| {
            let mut labels = labels();
            labels.push((name, value.to_owned()));
            labels
        };
        // Also those that are 0: otherwise nobody sees the first one as an increase.
        for cause in [Cause::Connection, Cause::Removed] {
            lost.push((with("cause", cause.word()), its.lost(cause)));
        }
        for evidence in EVIDENCE {
            fenced.push((with("evidence", evidence), its.fenced(evidence)));
        }
        held.push((labels(), its.held));
        tracked.push((labels(), its.tracked));
        waited.push((labels(), its.waited));
        noticed.push((labels(), its.noticed));
        released.push((labels(), its.released));
    }
    named(all)
}

/// The families: losses, holds, what was tracked and what waited for it, losses that were noticed,
/// fencings and releases.
fn named(
    [lost, held, tracked, waited, noticed, fenced, released]: [Vec<(Labels, u64)>; 7],
) -> Vec<Family> {
    [
        (
            "nvme_fence_lost",
            "Connections that were given up, also by a reset or a disconnect",
            lost,
        ),
        ("nvme_fence_holds", "Commands that were held", held),
        (
            "nvme_fence_tracks",
            "Cancelled commands that were tracked: any newer one to their blocks had to wait",
            tracked,
        ),
        (
            "nvme_fence_waits",
            "Those of the held commands that were newer, and waited for such blocks",
            waited,
        ),
        (
            "nvme_fence_noticed",
            "Connections with held or tracked commands of which the controller was known to have \
             noticed the loss before the keep alive wait was over",
            noticed,
        ),
        (
            "nvme_fence_fenced",
            "Connections with held or tracked commands of which it was proven that they execute \
             nothing any more",
            fenced,
        ),
        (
            "nvme_fence_released_commands",
            "Commands that were held and then sent on",
            released,
        ),
    ]
    .map(|(name, help, samples)| Family {
        name,
        help,
        samples: Samples::Counter(samples),
    })
    .into()
}
