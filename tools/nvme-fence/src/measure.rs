// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence measure`: how long commands take before, during and after something happens to a
//! path.
//!
//! It goes through tracefs, and needs neither BPF nor the module. [`tap`] reads the events that
//! [`event`] explains, [`ledger`] makes latencies of them and puts them on a [`timeline`], and
//! [`incident`] cuts windows out of that where [`paths`] saw something happen.
//!
//! The kernel cannot add up by itself what is wanted here. A histogram trigger knows a command only
//! by the disk and the sector, as that is all that the events have in common: there are as many keys
//! as the disk has sectors, a trigger never forgets one, and keeps at most 2^17 of them. It has one
//! histogram for all time, and no windows. And User Mode Linux has no histogram triggers.

mod command;
mod disk;
mod event;
mod format;
mod incident;
pub(crate) mod latencies;
mod ledger;
mod page;
mod paths;
mod picture;
mod processors;
mod report;
mod table;
mod tap;
mod timeline;
mod under_way;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{poll, PollFd, PollFlags, PollTimeout};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::time::{clock_gettime, ClockId};
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use crate::cli::{MeasureArgs, MeasureFormat, OutputFormat};
use crate::host::Host;
use crate::output;
use crate::uevents::{is_about_nvme, Uevents, KERNEL};
use crate::units::Nanos;
use command::Running;
use disk::Disk;
use incident::incidents;
use ledger::Ledger;
use paths::{PathEvent, Paths};
use processors::Processors;
use report::Report;
use tap::Tap;
use timeline::WIDTH;

/// The time between two looks. Of what happens to a path, some is announced, and some is not.
const LOOK_AGAIN: Nanos = WIDTH;

/// Where a signal comes from if the kernel sent it, as for Ctrl-C at a terminal: SI_KERNEL.
const FROM_THE_KERNEL: i32 = 0x80;

/// Runs the command.
pub(crate) fn run(host: &Host, args: &MeasureArgs) -> Result<ExitCode> {
    let disk = Disk::find(host, &args.wanted)?;
    // Before anything is measured: it would be a pity about the result.
    let cannot_write = |path: &Path| format!("cannot write {}", path.display());
    let mut picture = None;
    if let Some(path) = &args.picture {
        let file = File::create(path).with_context(|| cannot_write(path))?;
        picture = Some((path, file));
    }
    let mut measurement = Measurement::begin(host, disk)?;
    let running = Running::start(&args.command)?;
    // On standard error, as the result may be for a program. Scripts wait for this line.
    eprintln!("nvme-fence: measuring {}", measurement.disk.name);
    let end = args
        .seconds
        .map(|seconds| Duration::from_secs(seconds.into()));
    let status = measurement.watch(end, running.as_ref())?;
    let report = measurement.finish(status)?;
    match args.format {
        MeasureFormat::Normal => output::print(OutputFormat::Normal, &report)?,
        MeasureFormat::Json => output::print(OutputFormat::Json, &report)?,
        MeasureFormat::Svg => output::print_text(&report.svg())?,
    }
    if let Some((path, mut file)) = picture {
        let written = file.write_all(report.svg().as_bytes());
        written.with_context(|| cannot_write(path))?;
    }
    // No more than a byte of it ever reaches whoever waits.
    Ok(status.map_or(ExitCode::SUCCESS, |status| ExitCode::from(status as u8)))
}

/// A measurement that goes on.
struct Measurement {
    /// What is measured.
    disk: Disk,
    /// Readable when a signal has come.
    signals: SignalFd,
    /// Readable when something is announced.
    uevents: Uevents,
    /// Where the events come from.
    tap: Tap,
    /// What became of them.
    ledger: Ledger,
    /// The paths as they were seen last.
    paths: Paths,
    /// What happened to them.
    path_events: Vec<PathEvent>,
    /// The processors.
    processors: Processors,
    /// When it was looked last.
    looked: Nanos,
}

impl Measurement {
    /// Begins. When this returns, nothing is missed.
    fn begin(host: &Host, disk: Disk) -> Result<Self> {
        // Before there is an instance of tracefs, so that no signal can leave it behind. A blocked
        // signal arrives here even if it is ignored, as SIGINT is in a background job of a script.
        let mask = SigSet::from_iter([
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGQUIT,
            Signal::SIGCHLD,
        ]);
        mask.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = SignalFd::with_flags(&mask, flags)?;
        let uevents = Uevents::listen(KERNEL).context("cannot listen to the kernel's uevents")?;
        let processors = Processors::new(host)?;
        let tap = Tap::open(host, &disk)?;
        let now = now()?;
        Ok(Self {
            signals,
            uevents,
            tap,
            ledger: Ledger::new(now),
            paths: Paths::new(disk.subsystem.clone(), &disk.name, now),
            path_events: Vec::new(),
            processors,
            looked: now,
            disk,
        })
    }

    /// Watches until the time is over, or a signal has come, or the command has ended, whose exit
    /// status it returns.
    fn watch(&mut self, limit: Option<Duration>, running: Option<&Running>) -> Result<Option<i32>> {
        let begun = self.looked;
        loop {
            self.look()?;
            let length = self.looked.since(begun);
            let left = limit.map(|limit| Nanos(limit.as_nanos() as i64).since(length));
            if left.is_some_and(|left| left.0 <= 0) {
                return Ok(None);
            }
            self.sleep(left.map_or(LOOK_AGAIN, |left| left.min(LOOK_AGAIN)))?;
            while let Some(signal) = self.signals.read_signal()? {
                let number = Signal::try_from(signal.ssi_signo as i32)?;
                match running {
                    _ if number == Signal::SIGCHLD => {}
                    None => return Ok(None),
                    // A terminal has sent it to the command as well.
                    Some(_) if signal.ssi_code == FROM_THE_KERNEL => {}
                    Some(running) => running.signal(number)?,
                }
            }
            if let Some(running) = running {
                if let Some(status) = running.ended()? {
                    return Ok(Some(status));
                }
            }
        }
    }

    /// Takes up what has happened.
    fn look(&mut self) -> Result<()> {
        let now = now()?;
        // What happened until the last look has arrived by now, from whatever processor.
        let events = self.tap.take(self.looked)?;
        events.iter().for_each(|event| self.ledger.take(event));
        self.path_events.extend(self.paths.look(now));
        self.ledger.timeline.busy(now, self.processors.busy()?);
        self.looked = now;
        Ok(())
    }

    /// Sleeps until something is announced that is about NVMe, or a signal comes, but not for longer
    /// than this.
    fn sleep(&self, limit: Nanos) -> Result<()> {
        let end = Nanos(now()?.0 + limit.0);
        loop {
            let mut ready = [
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.uevents.as_fd(), PollFlags::POLLIN),
            ];
            let left = end.since(now()?).0.max(0) as u64;
            let timeout = PollTimeout::try_from(left.div_ceil(1_000_000));
            match poll(&mut ready, timeout.unwrap_or(PollTimeout::MAX)) {
                Ok(0) => return Ok(()),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            let signalled = ready[0].any().unwrap_or_default();
            if self.uevents.take(is_about_nvme)? || signalled {
                return Ok(());
            }
        }
    }

    /// Ends it.
    fn finish(mut self, status: Option<i32>) -> Result<Report> {
        self.tap.stop()?;
        self.look()?;
        let rest = self.tap.take(Nanos(i64::MAX))?;
        rest.iter().for_each(|event| self.ledger.take(event));
        let starts = self.ledger.starts();
        let timeline = &self.ledger.timeline;
        let incidents = incidents(self.path_events, timeline, &starts);
        Ok(Report::new(
            &self.disk,
            &self.ledger,
            incidents,
            self.looked,
            status,
        ))
    }
}

/// The time, on the clock of the trace.
fn now() -> Result<Nanos> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
    Ok(Nanos(now.as_nanos() as i64))
}
