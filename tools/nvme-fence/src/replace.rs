// SPDX-License-Identifier: GPL-2.0
//! Files that somebody else reads at any time, as node_exporter's textfile collector does.

use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// Puts a new text in the place of a file: a reader sees the old one or the new one. The name of
/// the new one ends in a way that makes nobody take it for a file of metrics, and is the same each
/// time: whoever is killed leaves no heap of them behind.
///
/// It is not waited for the disk: this may be the disk whose paths are lost.
pub(crate) fn replace(file: &Path, text: &str) -> Result<()> {
    let mut new = OsString::from(file);
    new.push(".tmp");
    let write = || {
        fs::write(&new, text)?;
        fs::rename(&new, file)
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nvme.prom");
        for text in ["old\n", "new\n"] {
            replace(&file, text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            assert_eq!(directory.path().read_dir().unwrap().count(), 1);
        }
    }

    #[test]
    fn who_has_begun_to_read_goes_on_with_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nvme.prom");
        replace(&file, "old, and longer\n").unwrap();
        let mut reader = fs::File::open(&file).unwrap();
        replace(&file, "new\n").unwrap();
        let mut seen = String::new();
        reader.read_to_string(&mut seen).unwrap();
        assert_eq!(seen, "old, and longer\n");
    }
}
