// SPDX-License-Identifier: GPL-2.0

//! Plays one round: load, faults, and in the end a look at everything that must hold.

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::host::{Counters, Host};
use super::path::{Struck, SweepPath};
use super::schedule::{PATHS, Round};
use super::tally::Outcome;
use super::timeline::{Action, QUIESCE_MS, Step, steps};
use crate::register::report::Report;
use crate::register::run::{Plan, run};
use crate::register::storage::{Caching, Device, Layout, Purpose};
use crate::register::verify::verify;

/// Longer than any wait that a schedule can lead to: who waits longer, waits in vain. An admin
/// command that is swallowed times out after a minute, and connecting takes several of them.
const PATIENCE: Duration = Duration::from_secs(900);

/// Every look costs more than the virtual time that it waits for.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Where a sweep happens.
#[derive(Debug)]
pub struct Arena {
    /// The multipath device.
    pub device: PathBuf,
    /// The host.
    pub host: Host,
    /// Its paths.
    pub paths: [SweepPath; PATHS],
}

impl Arena {
    /// Plays `round`. Returns what came out, and the writer's report.
    pub fn play(&self, round: &Round) -> Result<(Outcome, Report)> {
        let before = self.counters()?;
        self.set_up(round)?;
        let load = self.start_load(round)?;
        let outcome = self.inflict(round)?;

        let report = load
            .recv_timeout(PATIENCE)
            .map_err(|_| anyhow!("writes are lost: they neither succeed nor fail"))??;
        self.settle()?;
        let verification = verify(&self.device, report.clone(), Caching::Direct)?;
        let unread = report.unread_blocks.len() + verification.unread_blocks.len();
        if unread > 0 {
            bail!("{unread} blocks cannot be read although all paths are live");
        }

        let counters = self.counters()? - before;
        if !counters.add_up() {
            bail!("held and released do not add up: {counters:?}");
        }
        let outcome = Outcome {
            counters,
            writes: report.writes.summary.count,
            write_errors: report.writes.summary.errors,
            findings: report.findings.len() + verification.findings.len(),
            ..outcome
        };
        Ok((outcome, report))
    }

    fn set_up(&self, round: &Round) -> Result<()> {
        self.host
            .set_subsystem("fence/cqt_override_ms", &round.cqt_ms.to_string())?;
        self.host.set_evidence("notification", round.notification)?;
        self.host.set_subsystem("iopolicy", round.iopolicy)?;
        for path in &self.paths {
            let timeout = round.io_timeout_ms.to_string();
            self.host
                .set_controller(&path.controller, "io_timeout", &timeout)?;
        }
        Ok(())
    }

    /// Returns when the registers are formatted and the writers are about to start.
    fn start_load(&self, round: &Round) -> Result<Receiver<Result<Report>>> {
        let load = round.load;
        let plan = Plan {
            device: self.device.clone(),
            layout: Layout {
                offset_bytes: 0,
                block_bytes: load.block_bytes,
                blocks: load.blocks,
            },
            generations: load.generations,
            write_interval: Duration::from_millis(load.interval_ms),
            read_interval: load.read_interval_ms.map(Duration::from_millis),
        };
        let device = Device::open(
            &plan.device,
            plan.layout,
            Caching::Direct,
            Purpose::Overwrite,
        )?;
        let (ended, end) = mpsc::channel();
        let (started, start) = mpsc::channel();
        thread::spawn(move || {
            let report = run(&plan, device, || Ok(started.send(())?));
            // Nobody waits for it any more if the sweep has failed.
            let _ = ended.send(report);
        });
        // If formatting fails, the end says why.
        let _ = start.recv();
        Ok(end)
    }

    /// Does what the round says when it says it.
    fn inflict(&self, round: &Round) -> Result<Outcome> {
        let begin = Instant::now();
        let mut struck = vec![None; round.faults.len()];
        let mut outcome = Outcome::default();
        for step in steps(round) {
            let at = Duration::from_millis(step.at_ms);
            thread::sleep(at.saturating_sub(begin.elapsed()));
            self.take(round, step, &mut struck[step.fault], &mut outcome)?;
        }
        Ok(outcome)
    }

    fn take(
        &self,
        round: &Round,
        step: Step,
        struck: &mut Option<Struck>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let fault = &round.faults[step.fault];
        let path = &self.paths[fault.path];
        match step.action {
            Action::Refuse => {
                path.tell("refuse")?;
            }
            Action::Accept => {
                path.tell("accept")?;
            }
            Action::Strike => *struck = Some(path.strike(fault.kind, fault.scope)?),
            Action::Mend(mend) => {
                let struck = struck.as_ref().context("mended before it was struck")?;
                outcome.late_bytes += path.mend(struck, mend.deliver)?;
            }
            // It must be true: another fault may keep bytes of the same controller.
            Action::Release => {
                if !path.keeps_bytes()? {
                    self.host
                        .set_controller(&path.controller, "fence/release", "1")?;
                    outcome.admin_releases += 1;
                }
            }
        }
        Ok(())
    }

    /// Waits until all paths are live and nothing is held.
    fn settle(&self) -> Result<()> {
        let begin = Instant::now();
        while !self.is_settled()? {
            if begin.elapsed() > PATIENCE {
                bail!("the paths do not come back, or something is held forever");
            }
            thread::sleep(POLL_INTERVAL);
        }
        thread::sleep(Duration::from_millis(QUIESCE_MS));
        Ok(())
    }

    fn is_settled(&self) -> Result<bool> {
        for path in &self.paths {
            if !self.host.is_live(&path.controller)? || self.host.held(&path.controller)? > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What the fence has counted so far, on all paths.
    pub fn counters(&self) -> Result<Counters> {
        let mut sum = Counters::default();
        for path in &self.paths {
            sum += self.host.counters(&path.controller)?;
        }
        Ok(sum)
    }
}
