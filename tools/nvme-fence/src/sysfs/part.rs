// SPDX-License-Identifier: GPL-2.0
//! Parts of sysfs that may go while they are read. What goes loses its files one after the other.

use anyhow::{Context, Result};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// How long to wait each time before a part is looked at again that cannot be read, but is there,
/// in milliseconds. What comes or goes may be half there for as long as its kernel thread has to
/// wait for a processor.
const PAUSES_MS: [u64; 6] = [10, 20, 40, 80, 160, 320];

/// Reads a part; `None` = it is gone. An error is one of a part that stays.
pub(crate) fn read<T>(
    present: impl Fn() -> bool,
    read: impl Fn() -> Result<T>,
) -> Result<Option<T>> {
    let mut result = read();
    for pause_ms in PAUSES_MS {
        if result.is_ok() {
            break;
        }
        if !present() {
            return Ok(None);
        }
        sleep(Duration::from_millis(pause_ms));
        result = read();
    }
    result.map(Some)
}

/// Whether a part is there, or that cannot be told: only what is not found is gone.
pub(crate) fn may_be_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

/// What could be read; an error is noted down.
pub(crate) fn noted<T>(result: Result<Option<T>>, errors: &mut Vec<String>) -> Option<T> {
    result.unwrap_or_else(|error| {
        errors.push(format!("{error:#}"));
        None
    })
}

/// The names in a directory. Those that are no UTF-8 are none that the kernel gives.
pub(crate) fn names(directory: &Path) -> Result<Vec<String>> {
    let context = || format!("cannot read {}", directory.display());
    let mut names = Vec::new();
    for entry in directory.read_dir().with_context(context)? {
        names.extend(entry.with_context(context)?.file_name().into_string());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use std::cell::Cell;

    #[test]
    fn what_goes_is_gone_and_what_stays_is_an_error() {
        assert_eq!(read(|| false, || Ok(1)).unwrap(), Some(1));
        let looks = Cell::new(0);
        let going = || looks.replace(looks.get() + 1) < 2;
        assert_eq!(read(going, || bail!("half of it")).unwrap(), None::<u8>);
        assert_eq!(looks.get(), 3);
        assert!(read(|| true, || -> Result<u8> { bail!("broken") }).is_err());
    }
}
