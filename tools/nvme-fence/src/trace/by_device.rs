// SPDX-License-Identifier: GPL-2.0
//! Whom it hurt: the commands of a record that had to wait, by the volume that they are for.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

use super::history::Released;
use crate::measure::latencies::Latencies;
use crate::units::{Bytes, Count, Nanos};

/// A command that was held, or newer and had to wait.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The disk that it was sent to, `major:minor`.
    pub(crate) dev: String,
    /// How long it is.
    pub(crate) bytes: u64,
    /// When it was started; `None` = not known.
    pub(crate) started: Option<Nanos>,
    /// From when on it waited for evidence.
    pub(crate) since: Nanos,
}

/// All of them that are for one volume, or for one disk if it is not known of which volume that is.
/// The names of the fields are the keys of the JSON output.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Device {
    /// The name of the volume; `None` = the recording does not say.
    pub(crate) name: Option<String>,
    /// The number of the disk to which the first of them was sent, `major:minor`: with multipath,
    /// that of a path.
    pub(crate) dev: String,
    /// How many there are.
    pub(crate) commands: u64,
    /// How many bytes these have.
    pub(crate) bytes: u64,
    /// How long they took from when they were started until they were sent on; `None` = that is not
    /// known of all.
    #[serde(rename = "stall_ns")]
    pub(crate) stall: Option<Stall>,
}

/// How long commands took.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stall {
    /// Half of them at most.
    pub(crate) p50: Nanos,
    /// 95 of a hundred.
    pub(crate) p95: Nanos,
    /// 99 of a hundred.
    pub(crate) p99: Nanos,
    /// The slowest.
    pub(crate) max: Nanos,
}

/// Puts the commands of a record together, in the order of the names of their volumes.
pub(crate) fn by_device<'a>(
    waiting: &'a [Waiting],
    releases: &[Released],
    volume: impl Fn(&str) -> Option<&'a str>,
) -> Vec<Device> {
    let mut devices: BTreeMap<(Option<&str>, &str), Vec<&Waiting>> = BTreeMap::new();
    for command in waiting {
        let name = volume(&command.dev);
        // Of a volume that is known, all disks are the same.
        let disk = name.map_or(command.dev.as_str(), |_| "");
        devices.entry((name, disk)).or_default().push(command);
    }
    let device = |((name, _), commands): ((Option<&str>, &str), Vec<&Waiting>)| Device {
        name: name.map(str::to_owned),
        dev: commands[0].dev.clone(),
        commands: commands.len() as u64,
        // Numbers in a trace are anybody's.
        bytes: commands
            .iter()
            .fold(0, |sum: u64, command| sum.saturating_add(command.bytes)),
        stall: stall(&commands, releases),
    };
    devices.into_iter().map(device).collect()
}

/// How long they took, if that is known of all.
fn stall(commands: &[&Waiting], releases: &[Released]) -> Option<Stall> {
    let mut latencies = Latencies::default();
    for command in commands {
        let is_its = |released: &&Released| released.commands > 0 && released.at >= command.since;
        let sent_on = releases.iter().find(is_its)?;
        latencies.record(sent_on.at.since(command.started?));
    }
    Some(Stall {
        p50: latencies.percentile(50.0)?,
        p95: latencies.percentile(95.0)?,
        p99: latencies.percentile(99.0)?,
        max: latencies.max?,
    })
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_ref().unwrap_or(&self.dev);
        let (commands, bytes) = (Count(self.commands, "command"), Bytes(self.bytes));
        write!(f, "{name}: {commands}, {bytes}")?;
        match &self.stall {
            Some(Stall { p50, p95, p99, max }) => {
                write!(f, "; stall p50 {p50}, p95 {p95}, p99 {p99}, max {max}")
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(dev: &str, started: Option<i64>, since: i64) -> Waiting {
        Waiting {
            dev: dev.to_owned(),
            bytes: 4096,
            started: started.map(Nanos),
            since: Nanos(since),
        }
    }

    fn released(at: i64, commands: u64) -> Released {
        Released {
            at: Nanos(at),
            evidence: "time".to_owned(),
            commands,
            bytes: 0,
            held: Nanos(0),
        }
    }

    #[test]
    fn each_disk_has_its_own() {
        let waiting = [
            command("259:1", Some(-3_000), 5),
            command("259:0", Some(-1_000), 5),
            command("259:1", Some(-1_000), 7),
        ];
        let devices = by_device(&waiting, &[released(1_000, 3)], |_| None);
        let seen: Vec<_> = devices
            .iter()
            .map(|d| {
                (
                    d.dev.as_str(),
                    d.commands,
                    d.bytes,
                    d.stall.as_ref().unwrap().max.0,
                )
            })
            .collect();
        assert_eq!(seen, [("259:0", 1, 4096, 2_000), ("259:1", 2, 8192, 4_000)]);
        let text = devices[0].to_string();
        assert_eq!(
            text,
            "259:0: 1 command, 4.0 KiB; stall p50 2 us, p95 2 us, p99 2 us, max 2 us"
        );
    }

    /// A command that is held was sent to a path, and one that waits is on its way to the volume.
    #[test]
    fn the_disks_of_a_volume_are_one() {
        let waiting = [
            command("259:0", Some(-3_000), 5),
            command("259:1", Some(0), 5),
            command("259:7", Some(0), 5),
        ];
        let volume = |dev: &str| (dev != "259:7").then_some("nvme0n1");
        let devices = by_device(&waiting, &[released(1_000, 3)], volume);
        let seen: Vec<_> = devices
            .iter()
            .map(|d| (d.name.as_deref(), d.dev.as_str(), d.commands))
            .collect();
        assert_eq!(seen, [(None, "259:7", 1), (Some("nvme0n1"), "259:0", 2)]);
    }

    /// What comes late is sent on with those that were, and not with those before.
    #[test]
    fn each_command_is_sent_on_after_it_was_held() {
        let waiting = [command("259:0", Some(0), 5), command("259:0", Some(0), 50)];
        let devices = by_device(
            &waiting,
            &[released(20, 1), released(30, 0), released(60, 1)],
            |_| None,
        );
        let stall = devices[0].stall.as_ref().unwrap();
        assert_eq!((stall.p50, stall.max), (Nanos(20), Nanos(60)));
    }

    #[test]
    fn what_is_not_known_of_all_is_not_known() {
        for (waiting, releases) in [
            (
                [command("259:0", None, 5), command("259:0", Some(0), 5)],
                vec![released(9, 2)],
            ),
            (
                [command("259:0", Some(0), 5), command("259:0", Some(0), 50)],
                vec![released(9, 2)],
            ),
            (
                [command("259:0", Some(0), 5), command("259:0", Some(0), 5)],
                vec![],
            ),
        ] {
            let devices = by_device(&waiting, &releases, |_| None);
            assert_eq!((devices[0].commands, &devices[0].stall), (2, &None));
            assert_eq!(devices[0].to_string(), "259:0: 2 commands, 8.0 KiB");
        }
    }
}
