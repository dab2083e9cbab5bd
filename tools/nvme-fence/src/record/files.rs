// SPDX-License-Identifier: GPL-2.0
//! The files of the record: lines of JSON, a bounded number of files of a bounded size.
//!
//! Files are numbered and never renamed. So whoever reads them one after the other misses nothing
//! and sees nothing twice, whatever the writer does meanwhile.
//!
//! Nothing is waited for to reach the disk: this may be the disk whose paths are lost.

use anyhow::{bail, Context, Result};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::event::Event;
use crate::sysfs::topology::number;

/// What the names of the files begin and end with.
const PREFIX: &str = "events-";
/// See above.
const SUFFIX: &str = ".jsonl";

/// How large the record may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How many files are kept.
    pub(crate) files: u32,
    /// How large each may become.
    pub(crate) file_bytes: u64,
}

/// The record, being written.
pub(crate) struct Writer {
    /// Where it is.
    directory: PathBuf,
    /// How large it may be.
    bounds: Bounds,
    /// The file that is written to, and its size; `None` = the next line begins one.
    current: Option<(File, u64)>,
    /// Keeps other writers out.
    _lock: Flock<File>,
}

impl Writer {
    /// Goes on with the record in a directory.
    pub(crate) fn open(directory: &Path, bounds: Bounds) -> Result<Self> {
        let context = || format!("cannot record in {}", directory.display());
        let lock = File::open(directory).with_context(context)?;
        let lock = match Flock::lock(lock, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((_, Errno::EWOULDBLOCK)) => {
                bail!("another monitor records in {}", directory.display())
            }
            Err((_, error)) => return Err(error).with_context(context),
        };
        let current = match files(directory).with_context(context)?.last() {
            Some(last) => Some(go_on(last).with_context(context)?),
            None => None,
        };
        Ok(Self {
            directory: directory.to_owned(),
            bounds,
            current,
            _lock: lock,
        })
    }

    /// Adds a line.
    pub(crate) fn write(&mut self, event: &Event) -> Result<()> {
        let context = || format!("cannot record in {}", self.directory.display());
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let length = line.len() as u64;
        let fits = |(_, size): &(File, u64)| size + length <= self.bounds.file_bytes;
        let (mut file, size) = match self.current.take().filter(fits) {
            Some(current) => current,
            None => (begin(&self.directory).with_context(context)?, 0),
        };
        file.write_all(&line).with_context(context)?;
        self.current = Some((file, size + length));
        self.forget().with_context(context)
    }

    /// Removes the oldest files, if there are too many.
    fn forget(&self) -> Result<()> {
        let files = files(&self.directory)?;
        let too_many = files.len().saturating_sub(self.bounds.files as usize);
        for file in &files[..too_many] {
            fs::remove_file(file)?;
        }
        Ok(())
    }
}

/// Opens a file to add to it. A last line that was cut off, as by a crash, stays one of its own.
fn go_on(path: &Path) -> Result<(File, u64)> {
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let mut size = file.metadata()?.len();
    if size > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            size += 1;
        }
    }
    Ok((file, size))
}

/// Begins a file.
fn begin(directory: &Path) -> Result<File> {
    let newest = files(directory)?.pop();
    let number = newest.and_then(|path| file_number(&path)).unwrap_or(0);
    let path = directory.join(format!("{PREFIX}{}{SUFFIX}", number.saturating_add(1)));
    let mut options = OpenOptions::new();
    Ok(options.create_new(true).append(true).open(path)?)
}

/// The number of a file; `None` = it is not one of the record.
fn file_number(path: &Path) -> Option<u32> {
    number(path.file_name()?.to_str()?.strip_suffix(SUFFIX)?, PREFIX)
}

/// The files of a record, the oldest first.
pub(crate) fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in directory.read_dir()? {
        let path = entry?.path();
        files.extend(file_number(&path).map(|number| (number, path)));
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// Passes on the events of a file. Returns how many of its lines are none.
pub(crate) fn read(path: &Path, mut each: impl FnMut(Event)) -> Result<usize> {
    let text = match fs::read(path) {
        // The writer has just removed it.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        text => text.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let mut unreadable = 0;
    // What is behind the last newline is still being written, or was cut off.
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(event) => each(event),
            Err(_) if !line.ends_with(b"\n") => {}
            Err(_) => unreadable += 1,
        }
    }
    Ok(unreadable)
}

#[cfg(test)]
mod tests;
