// SPDX-License-Identifier: GPL-2.0
//! The man pages, one per command, made from the command line's own description.

use anyhow::{Context, Result};
use clap::CommandFactory;
use std::path::Path;

use crate::cli::Cli;

/// Writes all pages into `directory`, which is created if need be.
pub(crate) fn run(directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory))
        .with_context(|| format!("cannot write the man pages to {}", directory.display()))
}
