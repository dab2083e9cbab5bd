// SPDX-License-Identifier: GPL-2.0
//! Where the events come from: the trace buffers of the processors, in an instance of our own.

use anyhow::{ensure, Context, Result};
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::disk::Disk;
use super::event::{Decoder, Event, Step, NAMES};
use super::page::PageLayout;
use crate::host::Host;
use crate::sysfs::{attribute, part};
use crate::trace::instance::{open_nonblocking, Instance};
use crate::units::Nanos;

/// What the numbers of NVMe disks begin with, hidden ones too: BLOCK_EXT_MAJOR.
const MAJOR: u32 = 259;

/// Why nothing can be measured on some kernels before 6.1.
const NO_NUMBERS: &str = "this kernel does not tell which path a command takes, as its hidden \
     disks have no number: that takes Linux 6.1, or an older one with that fix";

/// More than a page of a buffer has on any machine.
const PAGE_BYTES: usize = 1 << 16;

/// The events, being recorded.
pub(crate) struct Tap {
    /// The buffer of each processor. Declared before the instance: an open one keeps the instance
    /// from going away.
    buffers: Vec<File>,
    /// What the buffers belong to.
    instance: Instance,
    /// How their pages look.
    layout: PageLayout,
    /// What their entries mean.
    decoder: Decoder,
    /// The disks that do what the disk is told.
    paths: PathNumbers,
    /// What was read, but is too young to be passed on.
    waiting: Vec<Event>,
}

/// The numbers of the paths of a disk, as far as commands went there.
#[derive(Default)]
pub(crate) struct PathNumbers(BTreeSet<u32>);

impl PathNumbers {
    /// Whether an event is one of the disk, and not of another NVMe disk.
    pub(crate) fn is_of_the_disk(&mut self, event: &Event) -> bool {
        match event.step {
            Step::Started(_) | Step::Refused(_) | Step::Missing(_) => true,
            Step::Path(dev) => {
                self.0.insert(dev);
                false
            }
            Step::Ended { dev, .. } => self.0.contains(&dev),
        }
    }
}

impl Tap {
    /// Begins to record. When this returns, nothing that happens to the disk is missed.
    pub(crate) fn open(host: &Host, disk: &Disk) -> Result<Self> {
        let instance = Instance::create_bare(host)?;
        let events = instance.path().join("events");
        let decoder = Decoder::read(&events)?;
        let layout = PageLayout::parse(&read_at_once(&events.join("header_page"))?)?;
        let buffers = open_buffers(&instance.path().join("per_cpu"))?;
        for name in NAMES {
            let event = events.join("block").join(name);
            let is_remap = name == "block_bio_remap";
            if is_remap && !disk.multipath {
                continue;
            }
            attribute::write(&event.join("filter"), &filter(name, disk))?;
            attribute::write(&event.join("enable"), "1")?;
        }
        // A disk without paths of its own does by itself what it is told.
        let itself = (!disk.multipath).then_some(disk.numbers[0]);
        Ok(Self {
            buffers,
            instance,
            layout,
            decoder,
            paths: PathNumbers(itself.into_iter().collect()),
            waiting: Vec::new(),
        })
    }

    /// Reads what there is, and returns what happened until some time ago, in its order. What
    /// happened since may still be on its way from another processor.
    pub(crate) fn take(&mut self, until: Nanos) -> Result<Vec<Event>> {
        let mut page = vec![0; PAGE_BYTES];
        for buffer in &mut self.buffers {
            while let Some(length) = read(buffer, &mut page)? {
                let (decoder, waiting) = (&self.decoder, &mut self.waiting);
                let begin = waiting.len();
                let (at, missing) = self.layout.events(&page[..length], |at, entry| {
                    waiting.extend(decoder.decode(entry).map(|step| Event { at, step }));
                })?;
                if missing > 0 {
                    let step = Step::Missing(missing);
                    waiting.insert(begin, Event { at, step });
                }
            }
        }
        // Stable: what one processor did at the same time stays in its order.
        self.waiting.sort_by_key(|event| event.at);
        let old = self.waiting.partition_point(|event| event.at <= until);
        let mut events: Vec<Event> = self.waiting.drain(..old).collect();
        ensure!(!events.iter().any(is_of_no_disk), NO_NUMBERS);
        events.retain(|event| self.paths.is_of_the_disk(event));
        Ok(events)
    }

    /// Stops recording. What has been recorded can still be read.
    pub(crate) fn stop(&self) -> Result<()> {
        self.instance.stop()
    }
}

/// Whether an event says that the disk has a path of no number. Nothing would ever end there.
fn is_of_no_disk(event: &Event) -> bool {
    event.step == Step::Path(0)
}

/// Which events of a name the kernel is to record.
fn filter(name: &str, disk: &Disk) -> String {
    match name {
        "block_bio_remap" => format!("old_dev == {}", disk.numbers[0]),
        // Nobody knows the numbers of the paths yet.
        "block_rq_complete" => {
            format!("dev >= {} && dev < {}", MAJOR << 20, (MAJOR + 1) << 20)
        }
        _ => {
            let is = |number: &u32| format!("dev == {number}");
            let any: Vec<String> = disk.numbers.iter().map(is).collect();
            any.join(" || ")
        }
    }
}

/// Reads a file of which the kernel tells what the first read asks for, and nothing after that.
fn read_at_once(path: &Path) -> Result<String> {
    let context = || format!("cannot read {}", path.display());
    let mut text = vec![0; PAGE_BYTES];
    let mut file = File::open(path).with_context(context)?;
    let length = file.read(&mut text).with_context(context)?;
    text.truncate(length);
    String::from_utf8(text).with_context(context)
}

/// Opens the buffers of all processors.
fn open_buffers(per_cpu: &Path) -> Result<Vec<File>> {
    let names = part::names(per_cpu)?;
    let open = |name: String| open_nonblocking(&per_cpu.join(name).join("trace_pipe_raw"));
    names.into_iter().map(open).collect()
}

/// Reads a page; `None` = there is none now.
fn read(buffer: &mut File, page: &mut [u8]) -> Result<Option<usize>> {
    loop {
        match buffer.read(page) {
            Ok(0) => return Ok(None),
            Ok(length) => return Ok(Some(length)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            // A processor that was never there.
            Err(error) if error.raw_os_error() == Some(Errno::ENODEV as i32) => return Ok(None),
            Err(error) => return Err(error).context("cannot read the kernel's trace"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Direction, Extent};
    use super::*;

    /// Something that happened.
    fn event(step: Step) -> Event {
        Event { at: Nanos(0), step }
    }

    /// What a disk has done.
    fn ended(dev: u32) -> Event {
        event(Step::Ended {
            dev,
            extent: Extent {
                direction: Direction::Read,
                sector: 0,
                sectors: 8,
            },
            failed: false,
        })
    }

    #[test]
    fn only_what_paths_of_the_disk_do_counts() {
        let mut paths = PathNumbers::default();
        let counts: Vec<bool> = [ended(7), event(Step::Path(7)), ended(7), ended(8)]
            .iter()
            .map(|event| paths.is_of_the_disk(event))
            .collect();
        assert_eq!(counts, [false, false, true, false]);
    }

    #[test]
    fn a_path_without_a_number_is_noticed() {
        let noticed = [0, 7].map(|dev| is_of_no_disk(&event(Step::Path(dev))));
        assert_eq!(noticed, [true, false]);
    }

    #[test]
    fn the_kernel_records_what_is_of_the_disk() {
        let root = tempfile::tempdir().unwrap();
        let class = root.path().join("sys/class/nvme-subsystem/nvme-subsys0");
        std::fs::create_dir_all(class).unwrap();
        let subsystem = crate::sysfs::topology::subsystems(&Host::below(root.path()));
        let disk = Disk {
            subsystem: subsystem.unwrap().remove(0),
            name: "nvme0n1".to_owned(),
            numbers: vec![271_581_185, 271_581_190],
            multipath: true,
        };
        let filters = NAMES.map(|name| filter(name, &disk));
        let itself = "dev == 271581185 || dev == 271581190";
        assert_eq!(
            filters,
            [
                itself,
                "old_dev == 271581185",
                "dev >= 271581184 && dev < 272629760",
                itself,
            ]
        );
    }
}
