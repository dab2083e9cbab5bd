// SPDX-License-Identifier: GPL-2.0
//! What lies on top of the namespaces.

use super::super::facts::{HostFacts, SubsystemFacts};
use super::super::finding::Told;

/// Request-based dm-multipath takes its requests back before the module could hold them. So what it sends
/// again waits in its queue, and so does all that is behind it.
pub(crate) fn dm_on_top(_: &HostFacts, subsystem: &SubsystemFacts) -> Vec<Told> {
    let namespaces = subsystem.namespaces.iter();
    let told = namespaces.filter(|namespace| !namespace.request_maps.is_empty());
    told.map(|namespace| {
        let maps = namespace.request_maps.join(" ");
        Told {
            objects: vec![namespace.name.clone()],
            sentence: format!(
                "request-based dm-multipath ({maps}) is on top of it: when a path is lost, what it \
                 sends again waits, and all that follows, reads included: use native multipath (nvme_core.multipath=Y), or have it pass on bios, by features \
                 \"2 queue_mode bio\" in multipath.conf"
            ),
            command: format!("dmsetup table /dev/{}", namespace.request_maps[0]),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn maps_are_named() {
        let mut subsystem = sample::subsystem();
        assert!(dm_on_top(&sample::host(), &subsystem).is_empty());
        subsystem.namespaces[0].request_maps = vec!["dm-0".to_owned(), "dm-3".to_owned()];
        let told = dm_on_top(&sample::host(), &subsystem);
        assert_eq!(told[0].objects, ["nvme0n1"]);
        assert!(told[0].sentence.contains("(dm-0 dm-3)"));
    }
}
