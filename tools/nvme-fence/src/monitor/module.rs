// SPDX-License-Identifier: GPL-2.0
//! The module's coming and going.

use crate::record::event::Kind;

/// What has become of the module, which may have been loaded without being seen.
pub(super) fn module_changes(before: bool, after: bool, unseen: bool) -> Vec<Kind> {
    use Kind::{ModuleLoaded, ModuleUnloaded};
    match (before, after, unseen) {
        (false, true, _) => vec![ModuleLoaded],
        (false, false, true) => vec![ModuleLoaded, ModuleUnloaded],
        (false, false, false) => Vec::new(),
        (true, false, _) => vec![ModuleUnloaded],
        // There was another one before.
        (true, true, true) => vec![ModuleUnloaded, ModuleLoaded],
        (true, true, false) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_as_it_is_seen() {
        for before in [false, true] {
            for after in [false, true] {
                for unseen in [false, true] {
                    let mut loaded = before;
                    for kind in module_changes(before, after, unseen) {
                        // Each changes something.
                        assert_eq!(kind == Kind::ModuleLoaded, !loaded);
                        loaded = !loaded;
                    }
                    assert_eq!(loaded, after);
                }
            }
        }
    }
}
