// SPDX-License-Identifier: GPL-2.0-only

//! Copies of sources.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// Copies a folder, but not what cargo may have left in it.
pub(super) fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                copy_files(&path, &target)?;
            }
        } else {
            copy_changed(&path, &target)?;
        }
    }
    Ok(())
}

/// Copies a file if that changes something: cargo goes by when files were written.
pub(super) fn copy_changed(from: &Path, to: &Path) -> Result<()> {
    let new = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    match fs::read(to) {
        Ok(old) if old == new => Ok(()),
        Ok(_) => Ok(fs::write(to, new)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(fs::write(to, new)?),
        Err(error) => bail!("cannot read {}: {error}", to.display()),
    }
}
