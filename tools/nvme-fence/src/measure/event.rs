// SPDX-License-Identifier: GPL-2.0
//! The events that tell when a command begins and ends, as the block layer sees it.
//!
//! * `block_bio_queue`: an application, or a file system for it, has submitted a command to the disk
//!   itself. It is traced once, whatever becomes of the command then: this is its start.
//! * `block_bio_remap`: native multipath sends it down a path. This is how the numbers of the paths
//!   are known: they are hidden disks, which sysfs has no number of.
//! * `block_rq_complete`: a path has done it. What is cancelled on a lost path, and goes to another
//!   one, completes there with no sectors at all, which is no end.
//! * `block_bio_complete`: the disk itself has failed it, having no path left.

use anyhow::{Context, Result};
use std::path::Path;

use super::format::{field, id, Field};
use crate::sysfs::attribute;
use crate::units::Nanos;

/// Which way the data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// From the disk.
    Read,
    /// To the disk.
    Write,
}

/// What a command is about. Two commands may be about the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Which way the data goes.
    pub(crate) direction: Direction,
    /// The first sector, of 512 bytes.
    pub(crate) sector: u64,
    /// How many.
    pub(crate) sectors: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A command was submitted to the disk.
    Started(Extent),
    /// The disk has a path of this number.
    Path(u32),
    /// A disk of this number has done this.
    Ended {
        /// The disk: a path, or any other one.
        dev: u32,
        /// What.
        extent: Extent,
        /// Whether it failed.
        failed: bool,
    },
    /// The disk itself has failed this.
    Refused(Extent),
    /// So many events are missing before this moment.
    Missing(u64),
}

/// An event, and when it was, on CLOCK_MONOTONIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// When.
    pub(crate) at: Nanos,
    /// What.
    pub(crate) step: Step,
}

/// The names of the events.
pub(crate) const NAMES: [&str; 4] = [
    "block_bio_queue",
    "block_bio_remap",
    "block_rq_complete",
    "block_bio_complete",
];

/// Where the fields of one kind of event are.
struct Layout {
    /// What it is called.
    name: &'static str,
    /// The number of the event.
    id: u16,
    /// The number of the disk.
    dev: Field,
    /// The first sector.
    sector: Field,
    /// How many.
    sectors: Field,
    /// What it is: text.
    rwbs: Field,
    /// With what it ended; only of what ends.
    error: Option<Field>,
}

/// Understands entries of the trace.
pub(crate) struct Decoder {
    /// Where the number of an entry's event is.
    kind: Field,
    /// The events.
    layouts: Vec<Layout>,
}

impl Decoder {
    /// Reads what the kernel says of its events, which are in this directory.
    pub(crate) fn read(events: &Path) -> Result<Self> {
        Self::read_from(|name| attribute::read(&events.join("block").join(name).join("format")))
    }

    /// The same from elsewhere.
    pub(crate) fn read_from(format: impl Fn(&str) -> Result<String>) -> Result<Self> {
        let formats = NAMES.map(|name| Ok((name, format(name)?)));
        let formats: Result<Vec<_>> = formats.into_iter().collect();
        Self::new(&formats?).context("the block layer's events are not as they were since 5.15")
    }

    /// Takes descriptions apart, each with its name.
    fn new(formats: &[(&'static str, String)]) -> Option<Self> {
        let layout = |(name, format): &(&'static str, String)| {
            Some(Layout {
                name,
                id: id(format)?,
                dev: field(format, "dev")?,
                sector: field(format, "sector")?,
                sectors: field(format, "nr_sector")?,
                rwbs: field(format, "rwbs")?,
                error: field(format, "error"),
            })
        };
        Some(Self {
            kind: field(&formats.first()?.1, "common_type")?,
            layouts: formats.iter().map(layout).collect::<Option<_>>()?,
        })
    }

    /// Understands an entry; `None` = it is of no read or write, or of no event of ours.
    pub(crate) fn decode(&self, entry: &[u8]) -> Option<Step> {
        let kind = self.kind.number(entry)?;
        let layout = self.layouts.iter().find(|l| u64::from(l.id) == kind)?;
        let dev = layout.dev.number(entry)? as u32;
        if layout.name == "block_bio_remap" {
            return Some(Step::Path(dev));
        }
        let extent = Extent {
            direction: direction(layout.rwbs.bytes(entry)?)?,
            sector: layout.sector.number(entry)?,
            sectors: layout.sectors.number(entry)?,
        };
        if extent.sectors == 0 {
            return None;
        }
        let error = || layout.error?.number(entry);
        Some(match layout.name {
            "block_bio_queue" => Step::Started(extent),
            "block_bio_complete" => Step::Refused(extent),
            _ => Step::Ended {
                dev,
                extent,
                failed: error()? != 0,
            },
        })
    }
}

/// What the block layer's letters mean; `None` = no data goes either way.
fn direction(rwbs: &[u8]) -> Option<Direction> {
    // Before a write, the letter of a flush that precedes it.
    let letters = match rwbs {
        [b'F', rest @ ..] => rest,
        letters => letters,
    };
    match letters {
        [b'R', ..] => Some(Direction::Read),
        // Zeroes are written without any data.
        [b'W', b'Z', ..] => None,
        [b'W', ..] => Some(Direction::Write),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The descriptions of the events, made up after include/trace/events/block.h of 7.3.
    fn formats() -> Vec<(&'static str, String)> {
        let of = |(index, name): (usize, &'static str)| {
            let error = "\tfield:int error;\toffset:28;\tsize:4;\tsigned:1;\n";
            let error = if name.ends_with("complete") {
                error
            } else {
                ""
            };
            let text = format!(
                "name: {name}\nID: {}\nformat:\n\
                 \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
                 \tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n\
                 \tfield:sector_t sector;\toffset:16;\tsize:8;\tsigned:0;\n\
                 \tfield:unsigned int nr_sector;\toffset:24;\tsize:4;\tsigned:0;\n{error}\
                 \tfield:char rwbs[10];\toffset:32;\tsize:10;\tsigned:0;\n",
                index + 100
            );
            (name, text)
        };
        NAMES.into_iter().enumerate().map(of).collect()
    }

    /// An entry. Made up.
    pub(crate) fn entry(
        id: u16,
        dev: u32,
        sector: u64,
        sectors: u32,
        error: i32,
        rwbs: &str,
    ) -> Vec<u8> {
        let mut entry = vec![0; 44];
        entry[..2].copy_from_slice(&id.to_ne_bytes());
        entry[8..12].copy_from_slice(&dev.to_ne_bytes());
        entry[16..24].copy_from_slice(&sector.to_ne_bytes());
        entry[24..28].copy_from_slice(&sectors.to_ne_bytes());
        entry[28..32].copy_from_slice(&error.to_ne_bytes());
        entry[32..32 + rwbs.len()].copy_from_slice(rwbs.as_bytes());
        entry
    }

    /// What reads them.
    pub(crate) fn decoder() -> Decoder {
        Decoder::new(&formats()).unwrap()
    }

    #[test]
    fn entries_are_understood() {
        let extent = |direction| Extent {
            direction,
            sector: 8,
            sectors: 16,
        };
        let (read, write) = (extent(Direction::Read), extent(Direction::Write));
        let ended = |failed| Step::Ended {
            dev: 7,
            extent: write,
            failed,
        };
        for (entry, expected) in [
            (entry(100, 1, 8, 16, 0, "RA"), Some(Step::Started(read))),
            (entry(100, 1, 8, 16, 0, "FWFS"), Some(Step::Started(write))),
            (entry(101, 7, 8, 16, 0, "WS"), Some(Step::Path(7))),
            (entry(102, 7, 8, 16, 0, "WS"), Some(ended(false))),
            (entry(102, 7, 8, 16, -5, "WS"), Some(ended(true))),
            (entry(103, 1, 8, 16, -5, "R"), Some(Step::Refused(read))),
            // It goes to another path.
            (entry(102, 7, 8, 0, 0, "WS"), None),
            // No data: discard, zeroes, flush, passthrough.
            (entry(100, 1, 8, 16, 0, "DS"), None),
            (entry(100, 1, 8, 16, 0, "WZS"), None),
            (entry(100, 1, 0, 0, 0, "FFS"), None),
            (entry(102, 7, 8, 16, 0, "N"), None),
            // Another event.
            (entry(99, 7, 8, 16, 0, "WS"), None),
            (Vec::new(), None),
        ] {
            assert_eq!(decoder().decode(&entry), expected, "{entry:?}");
        }
    }

    #[test]
    fn other_descriptions_are_refused() {
        let mut formats = formats();
        formats[2].1 = formats[2].1.replace("nr_sector", "nr_bytes");
        assert!(Decoder::new(&formats).is_none());
    }
}
