// SPDX-License-Identifier: GPL-2.0

//! A device as numbered blocks of one size, past the page cache.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use rustix::fs::OFlags;

/// Enough for direct I/O on every device: no logical block is larger than a page.
const ALIGNMENT_BYTES: usize = 4096;

/// How to overwrite it nevertheless.
const FORCE: &str = "with --force it is overwritten";

/// Numbered blocks that are read and written as a whole.
///
/// The trait is where tests put a device that loses, delays or repeats writes.
pub trait Storage: Sync {
    /// Size of a block.
    fn block_bytes(&self) -> usize;

    /// Reads a block into `buffer`.
    fn read(&self, block: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes a block and waits until it is acknowledged.
    fn write(&self, block: u64, buffer: &[u8]) -> io::Result<()>;
}

/// Where the blocks lie on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Byte offset of block 0.
    pub offset_bytes: u64,
    /// Size of a block.
    pub block_bytes: usize,
    /// Number of blocks.
    pub blocks: u64,
}

/// Whether the page cache stands between the oracle and the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// `O_DIRECT`: every read asks the device.
    Direct,
    /// Through the page cache; for regular files on file systems that refuse `O_DIRECT`.
    Buffered,
}

/// What a device is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To look at what is there.
    Read,
    /// To overwrite a block device that nobody else has a claim to.
    Overwrite,
    /// To overwrite whatever it is: somebody has said so.
    OverwriteByForce,
}

impl Purpose {
    /// The kernel lets nobody open a block device with `O_EXCL` that is mounted, used for swapping
    /// or a part of another device, or of which a partition is. To open a FIFO for reading would
    /// wait for a writer; then it could not be refused.
    fn flags(self) -> OFlags {
        match self {
            Purpose::Overwrite => OFlags::EXCL,
            Purpose::OverwriteByForce => OFlags::empty(),
            Purpose::Read => OFlags::NONBLOCK,
        }
    }
}

/// A block device, or a regular file in tests.
#[derive(Debug)]
pub struct Device {
    file: File,
    layout: Layout,
}

impl Device {
    /// Opens a device that must be large enough for all blocks of `layout`.
    pub fn open(path: &Path, layout: Layout, caching: Caching, purpose: Purpose) -> Result<Self> {
        let mut file = open(path, caching, purpose)
            .with_context(|| format!("cannot open {}", path.display()))?;
        let kind = file.metadata()?.file_type();
        ensure!(
            kind.is_block_device() || kind.is_file(),
            "{} is neither a block device nor a regular file",
            path.display()
        );
        ensure!(
            purpose != Purpose::Overwrite || kind.is_block_device(),
            "{} is a regular file; {FORCE}",
            path.display()
        );
        // A buffered read of a block device is answered by the page cache, which no ghost write
        // ever reaches: the oracle would be blind.
        ensure!(
            caching == Caching::Direct || kind.is_file(),
            "{} is not a regular file: buffered I/O would hide what is on the device",
            path.display()
        );
        let end = layout
            .offset_bytes
            .saturating_add(layout.blocks * layout.block_bytes as u64);
        let size = file.seek(SeekFrom::End(0))?;
        ensure!(
            size >= end,
            "{} has {size} bytes, {end} are needed",
            path.display()
        );
        Ok(Device { file, layout })
    }

    fn position(&self, block: u64, buffer: &[u8]) -> u64 {
        assert!(block < self.layout.blocks);
        assert_eq!(buffer.len(), self.layout.block_bytes);
        self.layout.offset_bytes + block * self.layout.block_bytes as u64
    }
}

fn open(path: &Path, caching: Caching, purpose: Purpose) -> Result<File> {
    let caching = match caching {
        Caching::Direct => OFlags::DIRECT,
        Caching::Buffered => OFlags::empty(),
    };
    let flags = (caching | purpose.flags()).bits();
    OpenOptions::new()
        .read(true)
        .write(purpose != Purpose::Read)
        .custom_flags(flags.try_into().expect("open flags fit an int"))
        .open(path)
        .map_err(|error| match error.kind() {
            io::ErrorKind::ResourceBusy => anyhow!("it is mounted or in use; {FORCE}"),
            _ => error.into(),
        })
}

impl Storage for Device {
    fn block_bytes(&self) -> usize {
        self.layout.block_bytes
    }

    fn read(&self, block: u64, buffer: &mut [u8]) -> io::Result<()> {
        let position = self.position(block, buffer);
        let count = self.file.read_at(buffer, position)?;
        whole(count, buffer.len(), io::ErrorKind::UnexpectedEof)
    }

    fn write(&self, block: u64, buffer: &[u8]) -> io::Result<()> {
        let position = self.position(block, buffer);
        let count = self.file.write_at(buffer, position)?;
        whole(count, buffer.len(), io::ErrorKind::WriteZero)
    }
}

/// A block moves as a whole or not at all: a second call for the rest would not be the same write.
fn whole(count: usize, expected: usize, kind: io::ErrorKind) -> io::Result<()> {
    if count == expected {
        Ok(())
    } else {
        Err(kind.into())
    }
}

/// A buffer that starts at an address direct I/O accepts.
#[derive(Debug)]
pub struct AlignedBuffer {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    /// A buffer of `length` zero bytes.
    pub fn new(length: usize) -> Self {
        let memory = vec![0; length + ALIGNMENT_BYTES];
        let start = memory.as_ptr().align_offset(ALIGNMENT_BYTES);
        assert!(start + length <= memory.len());
        AlignedBuffer {
            memory,
            start,
            length,
        }
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    const LAYOUT: Layout = Layout {
        offset_bytes: 512,
        block_bytes: 512,
        blocks: 2,
    };

    #[test]
    fn buffers_are_aligned() {
        for length in [512, 4096, 65536] {
            let buffer = AlignedBuffer::new(length);
            assert_eq!(buffer.len(), length);
            assert_eq!(buffer.as_ptr().addr() % ALIGNMENT_BYTES, 0);
        }
    }

    /// A file with this size.
    fn file(bytes: u64) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(bytes).unwrap();
        file
    }

    /// Why a path cannot be opened for this.
    fn refusal(path: &Path, purpose: Purpose) -> String {
        let error = Device::open(path, LAYOUT, Caching::Buffered, purpose).unwrap_err();
        format!("{error:#}")
    }

    #[test]
    fn blocks_lie_behind_the_offset() -> Result<()> {
        let file = file(3 * 512);
        let force = Purpose::OverwriteByForce;
        let device = Device::open(file.path(), LAYOUT, Caching::Buffered, force)?;
        device.write(1, &[7; 512])?;

        let bytes = std::fs::read(file.path())?;
        assert_eq!(bytes[..1024], [0; 1024]);
        assert_eq!(bytes[1024..], [7; 512]);
        Ok(())
    }

    #[test]
    fn who_looks_cannot_write() -> Result<()> {
        let file = file(3 * 512);
        let device = Device::open(file.path(), LAYOUT, Caching::Buffered, Purpose::Read)?;
        device.read(1, &mut [0; 512])?;
        device.write(1, &[7; 512]).unwrap_err();
        Ok(())
    }

    #[test]
    fn a_small_device_is_refused() {
        let error = refusal(file(3 * 512 - 1).path(), Purpose::Read);
        assert!(error.contains("1536 are needed"), "{error}");
    }

    #[test]
    fn a_regular_file_is_overwritten_by_force_only() {
        let error = refusal(file(3 * 512).path(), Purpose::Overwrite);
        assert!(error.contains("a regular file; with --force"), "{error}");
    }

    #[test]
    fn other_things_have_no_blocks() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for purpose in [Purpose::Read, Purpose::Overwrite, Purpose::OverwriteByForce] {
            for path in [Path::new("/dev/null"), &fifo] {
                let error = refusal(path, purpose);
                assert!(error.contains("neither a block device nor"), "{error}");
            }
        }
    }
}
