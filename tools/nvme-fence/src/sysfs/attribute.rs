// SPDX-License-Identifier: GPL-2.0
//! One attribute: a file with one value. Every error names the file.

use anyhow::{Context, Result};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

/// Reads an attribute's text, without the newline at its end.
pub(crate) fn read(path: &Path) -> Result<String> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim_end().to_owned())
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

/// Reads a number for which the kernel may also say `none`.
pub(crate) fn read_optional_number<T: FromStr>(path: &Path) -> Result<Option<T>> {
    if read(path)? == "none" {
        return Ok(None);
    }
    read_number(path).map(Some)
}

/// Writes a value, in one write(2), as the kernel wants it.
pub(crate) fn write(path: &Path, value: &str) -> Result<()> {
    // Never create: a missing attribute is an error of its own, not a permission problem.
    OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(path)
        .and_then(|mut file| file.write_all(value.as_bytes()))
        .with_context(|| format!("the kernel refused `{value}` for {}", path.display()))
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
    fn write_replaces_but_never_creates() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mode");
        assert!(write(&path, "off").is_err());
        assert!(!path.exists());
        fs::write(&path, "auto\n").unwrap();
        write(&path, "off").unwrap();
        assert_eq!(read(&path).unwrap(), "off");
    }

    #[test]
    fn refusal_names_file_and_errno() {
        let error = format!("{:#}", write(Path::new("/dev/full"), "1").unwrap_err());
        assert!(error.contains("/dev/full"), "{error}");
        assert!(error.contains("os error 28"), "{error}");
    }
}
