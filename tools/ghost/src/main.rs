// SPDX-License-Identifier: GPL-2.0

//! The command `ghost`: see `ghost --help`.

mod cli;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;

use cli::{
    Cli, Command, CtlArgs, KeepArgs, ProxyArgs, RunArgs, SweepCommand, SweepPlanArgs, SweepRunArgs,
    TargetArgs, VerifyArgs, WriteCommand,
};
use ghost::control;
use ghost::keep::sockets_to;
use ghost::proxy::Proxy;
use ghost::register::finding::Finding;
use ghost::register::report::Report;
use ghost::register::run::run;
use ghost::register::storage::Device;
use ghost::register::verify::verify;
use ghost::sweep::host::Host;
use ghost::sweep::round::Arena;
use ghost::sweep::schedule::{Round, connects};
use ghost::sweep::tally::Tally;

/// What a command found out, if it ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Inconsistent,
}

fn main() -> ExitCode {
    let (result, error_status) = match Cli::parse().command {
        Command::Proxy(args) => (proxy(args), 2),
        Command::Target(args) => (target(args), 2),
        Command::Ctl(args) => (ctl(&args), 1),
        Command::Keep(args) => (keep(&args), 2),
        Command::Write(WriteCommand::Run(args)) => (write_run(&args), 2),
        Command::Write(WriteCommand::Verify(args)) => (write_verify(&args), 2),
        Command::Sweep(SweepCommand::Plan(args)) => (sweep_plan(&args), 2),
        Command::Sweep(SweepCommand::Run(args)) => (sweep_run(args), 2),
    };
    match result {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Inconsistent) => ExitCode::from(1),
        Err(error) => {
            // If standard error is closed, the exit status still tells.
            let _ = writeln!(io::stderr(), "ghost: {error:#}");
            ExitCode::from(error_status)
        }
    }
}

fn proxy(args: ProxyArgs) -> Result<Verdict> {
    let proxy = Proxy::bind(&args.endpoints())?;
    say("ready")?;
    proxy.serve()?;
    Ok(Verdict::Good)
}

fn target(args: TargetArgs) -> Result<Verdict> {
    let target = args.bind()?;
    say("ready")?;
    target.serve()?;
    Ok(Verdict::Good)
}

fn ctl(args: &CtlArgs) -> Result<Verdict> {
    let reply = control::request(&args.control, &args.command.join(" "))?;
    print(&reply)?;
    Ok(Verdict::Good)
}

fn keep(args: &KeepArgs) -> Result<Verdict> {
    let sockets = sockets_to(args.peer)?;
    if sockets.is_empty() {
        bail!("nobody has a socket that is connected to {}", args.peer);
    }
    say("ready")?;
    loop {
        thread::park();
    }
}

fn write_run(args: &RunArgs) -> Result<Verdict> {
    let plan = args.plan();
    if let Some(path) = &args.report {
        Report::check_place(path)?;
    }
    let device = Device::open(
        &args.device,
        plan.layout,
        args.caching.caching(),
        args.purpose(),
    )?;
    let report = run(&plan, device, || {
        say("formatted")?;
        args.start_fifo.as_deref().map_or(Ok(()), await_fifo)
    })?;
    if let Some(path) = &args.report {
        report.store(path)?;
    }
    say_at_the_end(format_args!("writes: {}", report.writes.summary));
    say_at_the_end(format_args!("reads: {}", report.reads));
    if let Some(slowest) = report.writes.slowest {
        say_at_the_end(format_args!("slowest write: {slowest}"));
    }
    judge(&report.findings, &report.unread_blocks)
}

fn write_verify(args: &VerifyArgs) -> Result<Verdict> {
    let report = Report::load(&args.report)?;
    let verification = verify(&args.device, report, args.caching.caching())?;
    judge(&verification.findings, &verification.unread_blocks)
}

fn sweep_plan(args: &SweepPlanArgs) -> Result<Verdict> {
    for (index, connect) in connects(args.seed).iter().enumerate() {
        say(format_args!("path {}: {connect}", index + 1))?;
    }
    for number in 1..=args.rounds {
        let round = Round::draw(args.seed, number);
        say(format_args!("round {number}: {round}"))?;
    }
    Ok(Verdict::Good)
}

fn sweep_run(args: SweepRunArgs) -> Result<Verdict> {
    let SweepRunArgs {
        plan: SweepPlanArgs { seed, rounds },
        device,
        paths,
        reports,
        sysfs,
    } = args;
    let arena = Arena {
        device,
        host: Host::new(&sysfs)?,
        paths: paths
            .try_into()
            .map_err(|paths: Vec<_>| anyhow!("a sweep has two paths, not {}", paths.len()))?,
    };
    let mut tally = Tally::default();
    for number in 1..=rounds {
        let round = Round::draw(seed, number);
        let place = reports
            .as_deref()
            .map(|directory| directory.join(format!("round-{number:04}.json")));
        if let Some(path) = &place {
            Report::check_place(path)?;
        }
        let (outcome, report) = arena
            .play(&round)
            .with_context(|| format!("seed {seed}, round {number}: {round}"))?;
        say(format_args!("round {number}: {outcome}"))?;
        if let Some(path) = &place {
            report.store(path)?;
        }
        tally.add(&outcome);
    }
    say(format_args!("sweep: seed={seed} {tally}"))?;
    match (tally.is_consistent(), tally.write_errors()) {
        (false, _) => Ok(Verdict::Inconsistent),
        (true, 0) => Ok(Verdict::Good),
        (true, errors) => bail!("{errors} writes failed"),
    }
}

/// A finding counts more than a block that could not be read, about which nothing is known.
fn judge(findings: &[Finding], unread_blocks: &[u64]) -> Result<Verdict> {
    if !findings.is_empty() {
        return Ok(Verdict::Inconsistent);
    }
    if !unread_blocks.is_empty() {
        bail!("cannot judge blocks {unread_blocks:?}: they could not be read");
    }
    say_at_the_end("consistent");
    Ok(Verdict::Good)
}

/// Waits for a byte from a FIFO, or for its last writer to close it.
fn await_fifo(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|mut fifo| fifo.read(&mut [0]))
        .with_context(|| format!("cannot wait for {}", path.display()))?;
    Ok(())
}

/// Prints a line that somebody may be waiting for.
fn say(line: impl fmt::Display) -> Result<()> {
    print(&format!("{line}\n"))
}

/// Prints all of it, or as much as somebody wants to read: who has closed the pipe has seen enough.
fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout();
    let printed = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("cannot print"),
    }
}

/// Prints a line if anybody still listens. A script may have gone after "formatted"; the verdict is
/// in the exit status, and a closed standard output must not change it.
fn say_at_the_end(line: impl fmt::Display) {
    let _ = say(line);
}
