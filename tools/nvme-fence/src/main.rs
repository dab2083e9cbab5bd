// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence`: watch, configure and trace the fencing of lost NVMe associations.
//!
//! Everything here goes through sysfs and tracefs; neither BTF nor BPF is needed. Exit status: 0,
//! or 1 for a failure that is explained on stderr, or 2 for wrong usage, or 3 if the module is
//! missing, or what `check` and `can-disconnect` answer, or that of the command of `measure`.

mod apply;
mod can_disconnect;
mod check;
mod cli;
mod completion;
mod config;
mod deadline_rule;
mod fields;
mod find;
mod history;
mod host;
mod json;
mod man;
mod measure;
mod metrics;
mod missing;
mod monitor;
mod output;
mod record;
mod release;
mod replace;
mod signals;
mod status;
mod sysfs;
mod text;
mod trace;
mod uevents;
mod units;
mod wait;

/// What the tests of the whole tool hold its output against, too.
#[cfg(test)]
#[path = "../tests/fixture/schema.rs"]
mod schema;

use clap::Parser;
use std::process::ExitCode;

use crate::cli::{Cli, Command, TraceCommand};
use crate::host::Host;
use crate::missing::Missing;
use crate::text::OneLine;

/// Runs the command of the command line; `Ok` = how it answered.
fn run(command: Command) -> anyhow::Result<ExitCode> {
    let host = Host::from_environment();
    match command {
        // Their answers are in the exit status, too.
        Command::Check(args) => return check::run(&host, &args),
        Command::CanDisconnect(args) => return can_disconnect::run(&host, &args),
        // Its exit status is that of the command that it measures.
        Command::Measure(args) => return measure::run(&host, &args),
        Command::Find(args) => find::run(&host, &args),
        Command::Status(args) => status::run(&host, &args),
        Command::Config(args) => config::run(&host, &args),
        Command::Apply(args) => apply::run(&host, &args),
        Command::Release(args) => release::run(&host, &args),
        Command::Monitor(args) => monitor::run(&host, &args),
        Command::History(args) => history::run(&host, &args),
        Command::Metrics(args) => metrics::run(&host, &args),
        Command::Trace(TraceCommand::Live(args)) => trace::live::run(&host, &args),
        Command::Trace(TraceCommand::Record(args)) => trace::record::run(&host, &args),
        Command::Trace(TraceCommand::Report(args)) => trace::report::run(&args),
        Command::Trace(TraceCommand::Export(args)) => trace::export::run(&args),
        Command::Completion { shell } => completion::run(shell),
        Command::Man { directory } => man::run(&directory),
    }
    .map(|()| ExitCode::SUCCESS)
}

/// Parses, runs, and turns an error into one line on stderr. Usage errors leave from within
/// `parse`, with 2.
fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(answer) => answer,
        // `nvme-fence trace live | head` ends well: the reader has seen what it wanted.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nvme-fence: {}", OneLine(&format!("{error:#}")));
            error
                .downcast_ref::<Missing>()
                .map_or(ExitCode::FAILURE, |missing| missing.exit_code().into())
        }
    }
}
