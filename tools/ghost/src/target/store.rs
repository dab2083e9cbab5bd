// SPDX-License-Identifier: GPL-2.0

//! The blocks of the namespace.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Blocks are zeroed in pieces of this size.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// Where the blocks are. Offsets and lengths were checked against the size before.
#[derive(Debug)]
pub(super) enum Store {
    Memory(Vec<u8>),
    File(File),
}

impl Store {
    /// A store of this size, in `file` if there is one. A file keeps what it has; one of another
    /// size is none that a target has made.
    pub(super) fn new(file: Option<&Path>, bytes: u64) -> Result<Self> {
        let Some(path) = file else {
            let bytes = usize::try_from(bytes).context("the namespace is too large")?;
            return Ok(Store::Memory(vec![0; bytes]));
        };
        let open = || {
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            let found = file.metadata()?;
            ensure!(found.is_file(), "it is no regular file");
            match found.len() {
                0 => file.set_len(bytes)?,
                size => ensure!(
                    size == bytes,
                    "it has {size} bytes, and the namespace is to have {bytes}"
                ),
            }
            Ok(file)
        };
        let file = open().with_context(|| format!("cannot use {}", path.display()))?;
        Ok(Store::File(file))
    }

    pub(super) fn read(&self, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        match self {
            Store::Memory(memory) => {
                let start = index(offset);
                Ok(memory[start..start + bytes].to_vec())
            }
            Store::File(file) => {
                let mut data = vec![0; bytes];
                file.read_exact_at(&mut data, offset)?;
                Ok(data)
            }
        }
    }

    pub(super) fn write(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        match self {
            Store::Memory(memory) => {
                let start = index(offset);
                memory[start..start + data.len()].copy_from_slice(data);
                Ok(())
            }
            Store::File(file) => file.write_all_at(data, offset),
        }
    }

    pub(super) fn zero(&mut self, offset: u64, bytes: u64) -> io::Result<()> {
        let mut done = 0;
        while done < bytes {
            let piece = ZEROS.len().min(index(bytes - done));
            self.write(offset + done, &ZEROS[..piece])?;
            done += piece as u64;
        }
        Ok(())
    }

    pub(super) fn flush(&self) -> io::Result<()> {
        match self {
            Store::Memory(_) => Ok(()),
            Store::File(file) => file.sync_data(),
        }
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("the store is in memory, or the number is a transfer's")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_file_are_alike() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("blocks");
        for file in [None, Some(path.as_path())] {
            let mut store = Store::new(file, 1 << 20).unwrap();
            assert_eq!(store.read((1 << 20) - 4, 4).unwrap(), [0; 4]);
            store.write(8, b"data").unwrap();
            store.flush().unwrap();
            assert_eq!(store.read(7, 6).unwrap(), b"\0data\0");
            store.zero(0, 1 << 20).unwrap();
            assert_eq!(store.read(8, 4).unwrap(), [0; 4]);
        }
    }

    #[test]
    fn a_file_keeps_what_it_has() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("blocks");
        Store::new(Some(&path), 4096)
            .unwrap()
            .write(0, b"old")
            .unwrap();
        let store = Store::new(Some(&path), 4096).unwrap();
        assert_eq!(store.read(0, 3).unwrap(), b"old");
    }

    #[test]
    fn a_file_of_another_size_is_not_touched() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes");
        std::fs::write(&path, "notes").unwrap();
        let error = Store::new(Some(&path), 4096).unwrap_err();
        assert!(format!("{error:#}").contains("it has 5 bytes"), "{error:#}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
    }
}
