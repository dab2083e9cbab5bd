// SPDX-License-Identifier: GPL-2.0
//! What a recording says of the machine that it is of. The events name controllers and disks as the
//! kernel does at that moment, and count from when it was booted: a week later, elsewhere, nobody
//! knows which array, volume and night these were.

use jiff::{SignedDuration, Timestamp};
use nix::time::{clock_gettime, ClockId};
use std::collections::BTreeMap;
use std::time::Duration;

use super::line::HEADER;
use crate::host::Host;
use crate::sysfs::attribute;
use crate::sysfs::namespace::DiskName;
use crate::sysfs::topology::subsystems;
use crate::text::OneLine;
use crate::units::Nanos;

/// The host, and what its names mean.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// Its name; `None` = not known, as is so for all that follows.
    pub(crate) host: Option<String>,
    /// The release of its kernel.
    pub(crate) kernel: Option<String>,
    /// The time of day at which CLOCK_MONOTONIC was 0.
    pub(crate) boot: Option<Timestamp>,
    /// The NQN of each controller; `None` = it was that of several, one after the other.
    nqns: BTreeMap<String, Option<String>>,
    /// The volume of each disk, by its number: of its own, and of its paths; `None` as above.
    disks: BTreeMap<String, Option<String>>,
}

impl Surroundings {
    /// What is so now. What cannot be read is not known.
    pub(crate) fn read(host: &Host) -> Self {
        let text = |path| attribute::read(&host.proc(path)).ok();
        let mut surroundings = Self {
            host: text("sys/kernel/hostname"),
            kernel: text("sys/kernel/osrelease"),
            boot: boot(),
            ..Self::default()
        };
        for subsystem in subsystems(host).unwrap_or_default() {
            let nqn = subsystem.nqn().ok();
            for controller in subsystem.controllers().unwrap_or_default() {
                surroundings.nqns.insert(controller, nqn.clone());
            }
        }
        // What is cancelled was sent to a path, which is a disk of its own. Only here has that a number.
        for line in text("diskstats").iter().flat_map(|text| text.lines()) {
            let mut words = line.split_ascii_whitespace();
            let (Some(major), Some(minor), Some(name)) = (words.next(), words.next(), words.next())
            else {
                continue;
            };
            if let Ok(disk) = name.parse::<DiskName>() {
                let number = format!("{major}:{minor}");
                surroundings.disks.insert(number, Some(disk.namespace()));
            }
        }
        surroundings
    }

    /// The lines of a recording that say it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = |what: &str, name: &str, value: &str| {
            lines.push(format!("{HEADER}{what}={name} {}", OneLine(value)));
        };
        for (what, value) in [("host", &self.host), ("kernel", &self.kernel)] {
            if let Some(value) = value {
                line(what, "", value);
            }
        }
        if let Some(boot) = self.boot {
            line("boot", "", &boot.to_string());
        }
        for (what, values) in [("controller", &self.nqns), ("disk", &self.disks)] {
            for (name, value) in values {
                if let Some(value) = value {
                    line(what, name, value);
                }
            }
        }
        lines
    }

    /// Takes up a line of a recording, if it is one of these.
    pub(crate) fn take(&mut self, line: &str) {
        let said = line.strip_prefix(HEADER).and_then(|said| {
            let (what, rest) = said.split_once('=')?;
            let (name, value) = rest.split_once(' ')?;
            Some((what, name, value))
        });
        match said {
            Some(("host", "", value)) => self.host = Some(value.to_owned()),
            Some(("kernel", "", value)) => self.kernel = Some(value.to_owned()),
            Some(("boot", "", value)) => self.boot = value.parse().ok(),
            Some(("controller", name, value)) => learn(&mut self.nqns, name, value),
            Some(("disk", number, value)) => learn(&mut self.disks, number, value),
            _ => {}
        }
    }

    /// The NQN of a controller.
    pub(crate) fn nqn(&self, controller: &str) -> Option<&str> {
        self.nqns.get(controller)?.as_deref()
    }

    /// The volume of the disk with a number, `major:minor`.
    pub(crate) fn disk(&self, number: &str) -> Option<&str> {
        self.disks.get(number)?.as_deref()
    }

    /// The time of day of a moment.
    pub(crate) fn time(&self, at: Nanos) -> Option<Timestamp> {
        self.boot?
            .checked_add(SignedDuration::from_nanos(at.0))
            .ok()
    }
}

/// Notes what a name means. If it has meant something else, nobody knows when.
fn learn(names: &mut BTreeMap<String, Option<String>>, name: &str, meaning: &str) {
    let known = names
        .entry(name.to_owned())
        .or_insert_with(|| Some(meaning.to_owned()));
    if known.as_deref() != Some(meaning) {
        *known = None;
    }
}

/// The time of day at which CLOCK_MONOTONIC was 0, as the clock of this host has it now.
fn boot() -> Option<Timestamp> {
    let since_boot = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?);
    Timestamp::now().checked_sub(since_boot).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A host with two controllers of an array, and its disk.
    fn host() -> (tempfile::TempDir, Host) {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("proc/sys/kernel/hostname", "db1\n");
        put("proc/sys/kernel/osrelease", "7.3.4\n");
        let subsystem = "sys/class/nvme-subsystem/nvme-subsys0";
        put(&format!("{subsystem}/subsysnqn"), "nqn.2026-01:a b\x1b\n");
        put(&format!("{subsystem}/nvme0/state"), "live\n");
        put(&format!("{subsystem}/nvme1/state"), "live\n");
        put(
            "proc/diskstats",
            " 259       1 nvme0n1 7 0 56 0\n 259       3 nvme0n1p1 1 0 8 0\n \
              259       0 nvme0c0n1 7 0 56 0\n 259       2 nvme0c1n1 0 0 0 0\n   8       0 sda 1\n",
        );
        let below = Host::below(root.path());
        (root, below)
    }

    #[test]
    fn what_is_written_is_understood() {
        let (_root, host) = host();
        let written = Surroundings::read(&host);
        let mut read = Surroundings::default();
        for line in written.lines() {
            assert!(line.starts_with("# "), "{line}");
            read.take(&line);
        }
        assert_eq!(read.host.as_deref(), Some("db1"));
        assert_eq!(read.kernel.as_deref(), Some("7.3.4"));
        assert_eq!(read.boot, written.boot);
        assert_eq!(read.nqn("nvme1"), Some(r"nqn.2026-01:a b\u{1b}"));
        assert_eq!(read.nqn("nvme2"), None);
        // The volume, and its paths.
        for number in ["259:0", "259:1", "259:2"] {
            assert_eq!(read.disk(number), Some("nvme0n1"), "{number}");
        }
        for number in ["8:0", "259:3"] {
            assert_eq!(read.disk(number), None, "{number}");
        }
    }

    #[test]
    fn other_lines_say_nothing() {
        let mut surroundings = Surroundings::default();
        for line in [
            "# nvme-fence: 0.1.0, times are CLOCK_MONOTONIC",
            "# nvme-fence: the module nvme_fence was unloaded: nothing to record until it is loaded",
            "# tracer: nop",
            "# host= elsewhere",
            "a-1 [000] d..1. 1.000000: nvme_fence_lost: nvme0 record=1 cntlid=1 ciu=0",
            "# nvme-fence: boot= yesterday",
        ] {
            surroundings.take(line);
        }
        assert_eq!(surroundings, Surroundings::default());
    }

    #[test]
    fn what_a_name_meant_is_known_if_it_is_one_thing() {
        let mut surroundings = Surroundings::default();
        for line in [
            "controller=nvme0 a",
            "controller=nvme0 a",
            "controller=nvme1 a",
        ] {
            surroundings.take(&format!("{HEADER}{line}"));
        }
        assert_eq!(surroundings.nqn("nvme0"), Some("a"));
        surroundings.take(&format!("{HEADER}controller=nvme0 b"));
        surroundings.take(&format!("{HEADER}controller=nvme0 a"));
        assert_eq!(surroundings.nqn("nvme0"), None);
        assert_eq!(surroundings.nqn("nvme1"), Some("a"));
    }

    #[test]
    fn moments_have_a_time_of_day() {
        let mut surroundings = Surroundings::default();
        assert_eq!(surroundings.time(Nanos(0)), None);
        surroundings.take(&format!("{HEADER}boot= 2026-11-30T03:12:00Z"));
        let time = surroundings.time(Nanos(8_330_000_000)).unwrap();
        assert_eq!(time.to_string(), "2026-11-30T03:12:08.33Z");
        assert_eq!(surroundings.time(Nanos(i64::MAX)).map(|_| ()), Some(()));
    }
}
