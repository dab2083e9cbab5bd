// SPDX-License-Identifier: GPL-2.0
//! One attribute: a file with one value. Every error names the file.

use anyhow::{Context, Result};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::str::FromStr;

use crate::fields::if_any;

/// Reads an attribute's text, without the newline at its end.
///
/// What is no UTF-8 in it is written out: a controller says of itself what it likes.
pub(crate) fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path)
        .map_err(|error| advise(error, &format!("cannot read {}", path.display())))?;
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// Reads an attribute that not every device has, or not every kernel.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>> {
    match read(path) {
        Err(error) if is(&error, ErrorKind::NotFound) => Ok(None),
        text => text.map(Some),
    }
}

/// Reads a number.
pub(crate) fn read_number<T: FromStr>(path: &Path) -> Result<T> {
    let text = read(path)?;
    text.parse().ok().with_context(|| {
        format!(
            "{}: `{text}` is not the number it should be",
            path.display()
        )
    })
}

/// Reads a number that not every device has, or not every kernel.
pub(crate) fn read_number_if_there<T: FromStr>(path: &Path) -> Result<Option<T>> {
    match read_number(path) {
        Err(error) if is(&error, ErrorKind::NotFound) => Ok(None),
        number => number.map(Some),
    }
}

/// Reads a number for which the kernel may also say `none`.
pub(crate) fn read_optional_number<T: FromStr>(path: &Path) -> Result<Option<T>> {
    if_any(&read(path)?).map(|_| read_number(path)).transpose()
}

/// Writes a value, in one write(2), as the kernel wants it.
pub(crate) fn write(path: &Path, value: &str) -> Result<()> {
    // Never create: a missing attribute is an error of its own, not a permission problem.
    let mut file = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(path)
        .map_err(|error| advise(error, &format!("cannot write {}", path.display())))?;
    // Only from here on has the kernel seen the value.
    file.write_all(value.as_bytes()).map_err(|error| {
        let refused = format!("the kernel refused `{value}` for {}", path.display());
        advise(error, &refused)
    })
}

/// Adds to an error what was tried, and what to do about it where that is known.
pub(crate) fn advise(error: io::Error, tried: &str) -> anyhow::Error {
    let advice = match error.kind() {
        ErrorKind::PermissionDenied => " (run this as root)",
        _ => "",
    };
    anyhow::Error::new(error).context(format!("{tried}{advice}"))
}

/// Whether it is an error of this kind that the system reported.
pub(crate) fn is(error: &anyhow::Error, kind: ErrorKind) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("value");
        fs::write(&path, "12\n").unwrap();
        assert_eq!(read_number::<u32>(&path).unwrap(), 12);
        assert_eq!(read_optional_number::<u32>(&path).unwrap(), Some(12));
        fs::write(&path, "none\n").unwrap();
        assert_eq!(read_optional_number::<u32>(&path).unwrap(), None);
        let error = format!("{:#}", read_number::<u32>(&path).unwrap_err());
        assert!(error.contains("`none` is not the number"), "{error}");
    }

    #[test]
    fn what_is_no_utf8_is_read_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("subsysnqn");
        assert_eq!(read_if_there(&path).unwrap(), None);
        fs::write(&path, b"nqn.\xffx\xc3\xa4\n").unwrap();
        assert_eq!(
            read_if_there(&path).unwrap().as_deref(),
            Some(r"nqn.\xffxä")
        );
    }

    #[test]
    fn write_replaces_but_never_creates() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hold");
        assert!(write(&path, "none").is_err());
        assert!(!path.exists());
        fs::write(&path, "all\n").unwrap();
        write(&path, "none").unwrap();
        assert_eq!(read(&path).unwrap(), "none");
    }

    #[test]
    fn refusal_names_file_and_errno() {
        let error = format!("{:#}", write(Path::new("/dev/full"), "1").unwrap_err());
        assert_eq!(
            error,
            "the kernel refused `1` for /dev/full: No space left on device (os error 28)"
        );
    }

    #[test]
    fn what_is_not_there_refuses_nothing() {
        let error = format!("{:#}", write(Path::new("/nowhere/hold"), "1").unwrap_err());
        assert_eq!(
            error,
            "cannot write /nowhere/hold: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn who_may_not_is_told_who_may() {
        let error = advise(ErrorKind::PermissionDenied.into(), "cannot write hold");
        assert_eq!(
            format!("{error:#}"),
            "cannot write hold (run this as root): permission denied"
        );
        assert!(is(&error, ErrorKind::PermissionDenied));
    }
}
