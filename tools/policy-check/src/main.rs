// SPDX-License-Identifier: GPL-2.0-only

//! `policy-check`: checks the fence policy.
//!
//! Exit status: 0 if all is as it should be, 1 if not, 2 for wrong usage.

mod cli;
mod report;

use clap::Parser;
use cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Model(args) => report::model(&args),
        Command::Assumptions => report::assumptions(),
        Command::Mutants(args) => report::mutants(&args),
        Command::ShellMutants(args) => report::shell_mutants(&args),
        Command::Replay(args) => report::replay(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("policy-check: {error:#}");
            ExitCode::FAILURE
        }
    }
}
