// SPDX-License-Identifier: GPL-2.0
//! Whether there is a way to go on when a path is lost.

use super::super::facts::{HostFacts, NamespaceFacts, PathFacts, SubsystemFacts};
use super::super::finding::Told;
use super::super::mend;

/// A finding about the subsystem as a whole.
fn about(subsystem: &SubsystemFacts, sentence: String, command: String) -> Vec<Told> {
    vec![Told {
        objects: vec![subsystem.name.clone()],
        sentence,
        command,
    }]
}

/// The last controller has gone, and something still uses the subsystem.
pub(crate) fn orphaned(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    if !subsystem.paths.is_empty() || !subsystem.harmless.is_empty() {
        return Vec::new();
    }
    let sentence = "no controller is left, and its devices serve nobody: connect it again, or \
                    close what has them open";
    about(
        subsystem,
        sentence.to_owned(),
        mend::connect_another(subsystem),
    )
}

/// No path is live, or none of those to a namespace can be used.
pub(crate) fn no_path(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    if !subsystem.paths.is_empty() && subsystem.live().next().is_none() {
        let paths = subsystem.paths.iter();
        let states: Vec<_> = paths
            .map(|p| format!("{} is {}", p.name, p.state))
            .collect();
        let sentence = format!("no path is live: {}", states.join(", "));
        return about(subsystem, sentence, "nvme list-subsys".to_owned());
    }
    of_namespaces(
        subsystem,
        |namespace| namespace.usable == 0,
        "none of its paths can be used; ask the array for the ANA states",
    )
}

/// Commands can be sent, but take a way that the array advises against.
pub(crate) fn no_optimized_path(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    of_namespaces(
        subsystem,
        |namespace| namespace.usable > 0 && namespace.optimized == 0,
        "no path to it is optimized; connect the ports that are, or ask the array why none is",
    )
}

/// Findings about those namespaces that are as described.
fn of_namespaces(
    subsystem: &SubsystemFacts,
    are_meant: impl Fn(&NamespaceFacts) -> bool,
    sentence: &str,
) -> Vec<Told> {
    let namespaces = subsystem.namespaces.iter().filter(|n| are_meant(n));
    let told = |namespace: &NamespaceFacts| Told {
        objects: vec![namespace.name.clone()],
        sentence: sentence.to_owned(),
        command: format!("nvme list-subsys /dev/{}", namespace.name),
    };
    namespaces.map(told).collect()
}

/// Nothing moves commands from one path to another.
pub(crate) fn multipath_off(host: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    if host.multipath != Some(false) || subsystem.paths.is_empty() {
        return Vec::new();
    }
    let sentence = "native multipath is off (nvme_core.multipath), or this kernel has none: what \
                    a lost path had in flight fails, unless something above has another path";
    let command = "echo options nvme_core multipath=Y >/etc/modprobe.d/nvme-multipath.conf";
    about(subsystem, sentence.to_owned(), command.to_owned())
}

/// There is no other path to go on with.
pub(crate) fn one_path(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let live: Vec<&PathFacts> = subsystem.live().collect();
    let [only] = live[..] else {
        return Vec::new();
    };
    let what_if = "when it is lost, everything waits until it is back";
    match subsystem.paths.len() {
        1 => {
            let sentence = format!("it has one path only: {what_if}");
            about(subsystem, sentence, mend::connect_another(subsystem))
        }
        all => {
            let sentence = format!("of {all} paths only {} is live: {what_if}", only.name);
            about(subsystem, sentence, "nvme list-subsys".to_owned())
        }
    }
}

/// The other paths go when this one goes.
pub(crate) fn one_port(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let mut ports = subsystem.live().map(|path| path.address.port());
    let Some(Some((traddr, trsvcid))) = ports.next() else {
        return Vec::new();
    };
    if subsystem.live().count() < 2 || ports.any(|port| port != Some((traddr, trsvcid))) {
        return Vec::new();
    }
    let service = trsvcid.map_or(String::new(), |service| format!(" (service {service})"));
    let sentence = format!(
        "all live paths lead to one port of the array, {traddr}{service}: when that is lost, \
         everything waits until it is back"
    );
    about(subsystem, sentence, mend::connect_another(subsystem))
}

/// Another controller has taken the place of this one.
pub(crate) fn superseded(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let told = |(index, path): (usize, &PathFacts)| {
        let by = successor(subsystem, index, path)?;
        Some(Told {
            objects: vec![path.name.clone()],
            sentence: format!(
                "{} is connected in the same way ({}), and {} is {}: one of them is too many",
                by.name,
                path.address.traddr.as_deref().unwrap_or("-"),
                path.name,
                path.state
            ),
            command: mend::disconnect(path),
        })
    };
    let paths = subsystem.paths.iter().enumerate();
    paths.filter_map(told).collect()
}

/// The live controller that leads from the same place to the same port as a path does: for one
/// that is live itself, a younger one of the very same address.
fn successor<'a>(
    subsystem: &'a SubsystemFacts,
    index: usize,
    path: &PathFacts,
) -> Option<&'a PathFacts> {
    let is_successor = |(other, by): &(usize, &PathFacts)| {
        let is_same = match path.is_live() {
            true => *other > index && by.address == path.address,
            false => true,
        };
        let leads_there = by.transport == path.transport && by.address.may_be(&path.address);
        by.is_live() && is_same && leads_there
    };
    let mut all = subsystem.paths.iter().enumerate();
    all.find(is_successor).map(|(_, by)| by)
}

#[cfg(test)]
mod tests;
