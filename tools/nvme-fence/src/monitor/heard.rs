// SPDX-License-Identifier: GPL-2.0
//! What the kernel has announced since the last look. nvme-core announces that a controller is
//! connected, also again, but not that it is lost: so an announcement that nothing was seen of
//! tells of a loss that was over before the next look.

use std::collections::{BTreeMap, BTreeSet};

use crate::sysfs::topology::number;

/// Announcements, brought together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// How often each controller was connected, since it was removed if it was.
    pub(crate) connected: BTreeMap<String, u32>,
    /// The controllers that were removed; there may be others of the same name.
    pub(crate) removed: BTreeSet<String>,
    /// How often the module was loaded.
    pub(crate) module_loaded: u32,
    /// Whether there were too many, and some are missing.
    pub(crate) missed: bool,
}

/// How many changes were seen whose announcement is still to come: what is seen, and when it is
/// announced, may be on both sides of a look.
#[derive(Debug, Default)]
pub(crate) struct Due(u32);

impl Due {
    /// Takes whether a change was seen, and how many are announced. Returns how many of these were
    /// not seen.
    pub(crate) fn unseen(&mut self, seen: bool, announced: u32, heard: &Heard) -> u32 {
        let due = self.0 + u32::from(seen);
        self.0 = match heard.missed {
            true => 0,
            false => due.saturating_sub(announced),
        };
        announced.saturating_sub(due)
    }
}

impl Heard {
    /// Takes a uevent. Returns whether it is about NVMe, and so a reason to look.
    pub(crate) fn hear(&mut self, uevent: &[u8]) -> bool {
        let value = |key: &str| {
            uevent
                .split(|byte| *byte == 0)
                .find_map(|field| std::str::from_utf8(field).ok()?.strip_prefix(key))
        };
        let (Some(action), Some(path)) = (value("ACTION="), value("DEVPATH=")) else {
            return false;
        };
        if path == "/module/nvme_fence" {
            self.module_loaded += u32::from(action == "add");
            return true;
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        if number(name, "nvme").is_some() {
            match action {
                "remove" => {
                    self.connected.remove(name);
                    self.removed.insert(name.to_owned());
                }
                "change" if value("NVME_EVENT=") == Some("connected") => {
                    *self.connected.entry(name.to_owned()).or_default() += 1;
                }
                _ => {}
            }
        }
        path.contains("/nvme")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was heard of some uevents, each written as words.
    fn heard(uevents: &[&str]) -> Heard {
        let mut heard = Heard::default();
        for uevent in uevents {
            heard.hear(uevent.replace(' ', "\0").as_bytes());
        }
        heard
    }

    #[test]
    fn connections_are_counted_by_controller() {
        let connected =
            "change@/ctl/nvme3 ACTION=change DEVPATH=/devices/virtual/nvme-fabrics/ctl/nvme3 \
                         SUBSYSTEM=nvme NVME_TRTYPE=tcp NVME_EVENT=connected";
        let rediscover = &connected.replace("connected", "rediscover");
        let removed = &connected.replace("change", "remove");
        let both = heard(&[connected, rediscover, connected]);
        assert_eq!(both.connected, [("nvme3".to_owned(), 2)].into());
        assert!(both.removed.is_empty());
        let anew = heard(&[connected, connected, removed, connected]);
        assert_eq!(anew.connected, [("nvme3".to_owned(), 1)].into());
        assert_eq!(anew.removed, ["nvme3".to_owned()].into());
    }

    #[test]
    fn others_are_no_reason_to_look() {
        let mut heard = Heard::default();
        for (uevent, is_about_nvme) in [
            ("ACTION=add\0DEVPATH=/devices/virtual/net/lo", false),
            ("ACTION=add\0DEVPATH=/module/nvme_fence", true),
            ("ACTION=add\0DEVPATH=/module/nvme_fence_not", true),
            (
                "ACTION=change\0DEVPATH=/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1",
                true,
            ),
            ("libudev\0", false),
            ("", false),
        ] {
            assert_eq!(heard.hear(uevent.as_bytes()), is_about_nvme, "{uevent}");
        }
        let expected = Heard {
            module_loaded: 1,
            ..Heard::default()
        };
        assert_eq!(heard, expected);
        let mut unloaded = Heard::default();
        assert!(unloaded.hear(b"ACTION=remove\0DEVPATH=/module/nvme_fence"));
        assert_eq!(unloaded, Heard::default());
    }
}
