// SPDX-License-Identifier: GPL-2.0
//! Completion of command lines: what is printed is for a file that the shell reads.

use clap::CommandFactory;
use clap_complete::Shell;
use std::io::{self, Write};

use crate::cli::Cli;

/// Prints the completion for `shell`.
pub(crate) fn run(shell: Shell) -> anyhow::Result<()> {
    // What generates it takes it for granted that it can be written.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "nvme-fence", &mut text);
    io::stdout().write_all(&text)?;
    Ok(())
}
