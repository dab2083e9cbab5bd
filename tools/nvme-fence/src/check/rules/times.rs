// SPDX-License-Identifier: GPL-2.0
//! Whether the times fit each other: the wait, what it is made of, and what ends while it lasts.

use super::super::facts::{HostFacts, PathFacts, SubsystemFacts};
use super::super::finding::Told;
use super::super::mend;
use crate::sysfs::identity::Identity;
use crate::sysfs::knobs::Knobs;
use crate::units::Seconds;
use crate::wait::Wait;

/// A keep alive timeout that nvme-core takes if none is asked for, in seconds.
const KATO_S: u64 = 5;

/// Nothing ends the wait by itself.
pub(crate) fn kato_off(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let paths = subsystem.paths.iter();
    let told = |path: &PathFacts| Told {
        objects: vec![path.name.clone()],
        sentence: "keep alive is off: the host may not notice that the path is lost, and what is \
                   held then has no deadline; with another live path at hand, connect it anew"
            .to_owned(),
        command: mend::reconnect(subsystem, path, &format!(" --keep-alive-tmo={KATO_S}")),
    };
    paths
        .filter(|path| path.kato_ms == Some(0))
        .map(told)
        .collect()
}

/// One finding about the paths whose Command Quiesce Time is as described.
fn quiesce_time(
    subsystem: &SubsystemFacts,
    is_meant: impl Fn(&Identity, &Knobs) -> bool,
    sentence: impl Fn(&Identity, &Knobs) -> String,
    option: &str,
) -> Vec<Told> {
    let Some(knobs) = &subsystem.knobs else {
        return Vec::new();
    };
    let paths = subsystem.paths.iter();
    let meant: Vec<(&PathFacts, &Identity)> = paths
        .filter_map(|path| Some((path, path.identity.as_ref()?)))
        .filter(|(_, identity)| is_meant(identity, knobs))
        .collect();
    // The one that reports most, for the sentence.
    let Some((_, most)) = meant
        .iter()
        .max_by_key(|(_, identity)| identity.cqt_reported_ms)
    else {
        return Vec::new();
    };
    vec![Told {
        objects: meant.iter().map(|(path, _)| path.name.clone()).collect(),
        sentence: sentence(most, knobs),
        command: mend::config(subsystem, option),
    }]
}

/// The Command Quiesce Time in force is nobody's word.
pub(crate) fn cqt_assumed(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let sentence = |_: &Identity, knobs: &Knobs| {
        format!(
            "no Command Quiesce Time (CQT) is reported, and {} are assumed (cqt_default_ms); if it \
             takes longer, ghost writes are possible: ask the maker of the array for it, and set it",
            Seconds(knobs.cqt_default_ms.into())
        )
    };
    let is_meant = |identity: &Identity, _: &Knobs| identity.cqt_source == "default";
    quiesce_time(subsystem, is_meant, sentence, "--cqt-override-ms MS")
}

/// The controller says that it may take longer than the host waits.
pub(crate) fn override_below_report(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let sentence = |identity: &Identity, knobs: &Knobs| {
        format!(
            "the controller reports a Command Quiesce Time of {}, and {} are waited instead \
             (cqt_override_ms): ghost writes are possible",
            Seconds(identity.cqt_reported_ms.into()),
            Seconds(knobs.cqt_override_ms.into())
        )
    };
    let is_meant = |identity: &Identity, knobs: &Knobs| {
        identity.cqt_source == "override" && knobs.cqt_override_ms < identity.cqt_reported_ms
    };
    quiesce_time(subsystem, is_meant, sentence, "--cqt-override-ms 0")
}

/// The waits of all paths for which there is one. Nothing waits if nothing is held.
fn waits(subsystem: &SubsystemFacts) -> Vec<(&PathFacts, Wait<'_>)> {
    let knobs = subsystem.knobs.as_ref();
    let Some(knobs) = knobs.filter(|knobs| !knobs.holds_nothing()) else {
        return Vec::new();
    };
    let paths = subsystem.paths.iter();
    paths
        .filter_map(|path| Some((path, Wait::of(path.identity.as_ref()?, knobs)?)))
        .collect()
}

/// One finding for all paths of which the same is to be said, and for which the same value is to be
/// set.
fn attribute(
    subsystem: &SubsystemFacts,
    attribute: &str,
    say: impl Fn(&PathFacts, Wait<'_>) -> Option<String>,
) -> Vec<Told> {
    let mut groups: Vec<(String, u64, Vec<String>)> = Vec::new();
    for (path, wait) in waits(subsystem) {
        let Some(sentence) = say(path, wait) else {
            continue;
        };
        let seconds = wait.seconds();
        let group = groups
            .iter_mut()
            .find(|(its, value, _)| *its == sentence && *value == seconds);
        match group {
            Some((.., names)) => names.push(path.name.clone()),
            None => groups.push((sentence, seconds, vec![path.name.clone()])),
        }
    }
    let told = |(sentence, seconds, objects): (String, u64, Vec<String>)| Told {
        command: mend::set(&objects, attribute, seconds),
        objects,
        sentence,
    };
    groups.into_iter().map(told).collect()
}

/// The controller is removed before what it held is free.
pub(crate) fn wait_over_ctrl_loss(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    attribute(subsystem, "ctrl_loss_tmo", |path, wait| {
        let limit = path.ctrl_loss_ms.filter(|limit| *limit < wait.ms)?;
        Some(format!(
            "a lost path is removed after {} (ctrl_loss_tmo), and its writes are held for up to \
             {wait}: without another path they fail then",
            Seconds(limit)
        ))
    })
}

/// Commands that are held fail meanwhile, if no path is left.
pub(crate) fn fast_io_fail(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    attribute(subsystem, "fast_io_fail_tmo", |path, wait| {
        let limit = path.fast_io_fail_ms.filter(|limit| *limit < wait.ms)?;
        Some(format!(
            "if all paths are lost for {} (fast_io_fail_tmo), what is held fails, although it would \
             be free after {wait}",
            Seconds(limit)
        ))
    })
}

/// Whoever waits for a held write is reported as hung.
pub(crate) fn wait_over_hung_task(host: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let waits = waits(subsystem);
    let longest = waits.iter().max_by_key(|(_, wait)| wait.ms);
    let (Some(limit), Some((path, wait))) = (host.hung_task_ms, longest) else {
        return Vec::new();
    };
    if wait.ms <= limit {
        return Vec::new();
    }
    // The task waits before the loss is noticed, too.
    let enough = wait.ms.saturating_add(path.io_timeout_ms.unwrap_or(0));
    let katt_s = limit.saturating_sub(wait.cqt_ms()) / wait.katts() / 1000;
    let shorter = match katt_s {
        0 => String::new(),
        katt_s => format!(", or connect with --keep-alive-tmo={katt_s} or less"),
    };
    vec![Told {
        objects: vec![path.name.clone()],
        sentence: format!(
            "a write may be held for up to {wait}, and a task that waits for {} is reported as hung \
             (kernel.hung_task_timeout_secs): raise the limit to the wait and the I/O \
             timeout{shorter}",
            Seconds(limit)
        ),
        command: format!(
            "sysctl kernel.hung_task_timeout_secs={}",
            enough.div_ceil(1000)
        ),
    }]
}

/// Not every command that is lost is missed as soon as a lost path is.
pub(crate) fn io_timeout_over_kato(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let mut groups: Vec<(&PathFacts, Vec<String>)> = Vec::new();
    for path in &subsystem.paths {
        let (Some(kato), Some(io)) = (path.kato_ms, path.io_timeout_ms) else {
            continue;
        };
        if kato == 0 || io <= kato {
            continue;
        }
        let key = |path: &PathFacts| (path.kato_ms, path.io_timeout_ms, path.has_io_timeout);
        match groups.iter_mut().find(|(first, _)| key(first) == key(path)) {
            Some((_, names)) => names.push(path.name.clone()),
            None => groups.push((path, vec![path.name.clone()])),
        }
    }
    let told = |(path, objects): (&PathFacts, Vec<String>)| {
        let (kato, io) = (path.kato_ms.unwrap_or(0), path.io_timeout_ms.unwrap_or(0));
        let parameter = "/sys/module/nvme_core/parameters/io_timeout";
        Told {
            sentence: format!(
                "a command that gets lost while its controller goes on to answer is given up after \
                 {} (io_timeout), and a path after {} (KATO): lower the former if this array \
                 answers sooner{}",
                Seconds(io),
                Seconds(kato),
                match path.has_io_timeout {
                    true => "",
                    false => "; that is for what is connected from then on",
                }
            ),
            command: match path.has_io_timeout {
                true => mend::set(&objects, "io_timeout", kato),
                false => format!("echo {} >{parameter}", kato.div_ceil(1000)),
            },
            objects,
        }
    };
    groups.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests;
