// SPDX-License-Identifier: GPL-2.0

//! Files that are written anew.
//!
//! A file that is there already is overwritten only if it is empty, or begins as what is written
//! there always does: a typing error must not cost anybody a file.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use anyhow::{Result, bail, ensure};

const NOT_REGULAR: &str = "it is no regular file";

/// Opens a log, which begins with `beginning`. It may be a pipe or a terminal as well.
pub fn log(path: &Path, beginning: &str) -> Result<File> {
    let is_stream = fs::metadata(path).is_ok_and(|found| {
        let kind = found.file_type();
        kind.is_fifo() || kind.is_char_device()
    });
    if is_stream {
        return Ok(File::options().write(true).open(path)?);
    }
    file(path, beginning)
}

/// Opens a regular file, which begins with `beginning`, and empties it.
pub fn file(path: &Path, beginning: &str) -> Result<File> {
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    ensure_replaceable(&mut file, beginning)?;
    file.set_len(0)?;
    file.rewind()?;
    Ok(file)
}

/// Whether there is nothing in the way of a file that begins with `beginning`.
pub fn check(path: &Path, beginning: &str) -> Result<()> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
        // To open anything else may take for ever.
        Ok(found) if found.is_file() => ensure_replaceable(&mut File::open(path)?, beginning),
        Ok(_) => bail!(NOT_REGULAR),
    }
}

fn ensure_replaceable(file: &mut File, beginning: &str) -> Result<()> {
    ensure!(file.metadata()?.is_file(), NOT_REGULAR);
    let mut found = Vec::new();
    file.take(beginning.len() as u64).read_to_end(&mut found)?;
    ensure!(
        found.is_empty() || found == beginning.as_bytes(),
        "it is there already, and ghost has not written it"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_earlier_file_is_replaced_another_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        check(&path, "mine:").unwrap();
        for text in ["mine: 1234", "mine: 5"] {
            let mut file = file(&path, "mine:").unwrap();
            file.write_all(text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            check(&path, "mine:").unwrap();
        }
        for other in ["mi", "yours: 1"] {
            fs::write(&path, other).unwrap();
            check(&path, "mine:").unwrap_err();
            file(&path, "mine:").unwrap_err();
            log(&path, "mine:").unwrap_err();
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
        }
    }

    #[test]
    fn only_a_log_may_be_a_stream() {
        let null = Path::new("/dev/null");
        log(null, "mine:").unwrap();
        for error in [
            check(null, "mine:").unwrap_err(),
            file(null, "mine:").unwrap_err(),
            check(Path::new("/"), "mine:").unwrap_err(),
        ] {
            assert_eq!(error.to_string(), NOT_REGULAR);
        }
    }
}
