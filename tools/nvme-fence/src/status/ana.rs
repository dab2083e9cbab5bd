// SPDX-License-Identifier: GPL-2.0
//! The ANA states of a subsystem: one for each path of each namespace, and on most arrays the same
//! for all namespaces of a path.

use super::NamespaceStatus;
use crate::sysfs::namespace::NamespacePath;

/// The word for a path whose namespaces differ.
const MIXED: &str = "mixed";

/// The word for what has no ANA state.
pub(super) const NONE: &str = "-";

/// The ANA state of a path; `-` = its controller does not report any, or has no namespace.
pub(super) fn of_path<'a>(namespaces: &'a [NamespaceStatus], controller: &str) -> &'a str {
    let mut states = namespaces
        .iter()
        .flat_map(|namespace| &namespace.paths)
        .filter(|path| path.controller == controller)
        .map(|path| path.ana_state.as_deref().unwrap_or(NONE));
    let Some(first) = states.next() else {
        return NONE;
    };
    match states.all(|state| state == first) {
        true => first,
        false => MIXED,
    }
}

/// Namespaces that have the same states.
pub(super) struct Alike<'a> {
    /// Their names.
    pub(super) names: Vec<&'a str>,
    /// The controllers and the states.
    pub(super) states: Vec<(&'a str, &'a str)>,
}

/// All namespaces, told apart by their states; none if there is nothing to tell apart.
pub(super) fn told_apart(namespaces: &[NamespaceStatus]) -> Vec<Alike<'_>> {
    let mut groups: Vec<Alike<'_>> = Vec::new();
    for namespace in namespaces {
        let states: Vec<_> = namespace.paths.iter().map(state_of).collect();
        match groups.iter_mut().find(|group| group.states == states) {
            Some(group) => group.names.push(&namespace.name),
            None => groups.push(Alike {
                names: vec![&namespace.name],
                states,
            }),
        }
    }
    let paths = namespaces.iter().flat_map(|namespace| &namespace.paths);
    let differ = |controller| of_path(namespaces, controller) == MIXED;
    if !paths.map(|path| path.controller.as_str()).any(differ) {
        groups.clear();
    }
    groups
}

/// The controller of a path, and its state.
fn state_of(path: &NamespacePath) -> (&str, &str) {
    (&path.controller, path.ana_state.as_deref().unwrap_or(NONE))
}
