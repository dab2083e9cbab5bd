// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence check`: whether what is connected is protected from ghost writes, and what to do
//! about it.
//!
//! First the facts are read (`read`), on whatever kernel this is. Then each rule of one table
//! (`finding`) looks at the facts alone. What the rules say comes to a verdict.

mod address;
mod facts;
pub(crate) mod finding;
mod mend;
mod output;
mod read;
mod rules;
mod stacked;
pub(crate) mod verdict;

use anyhow::{bail, Result};
use serde::Serialize;
use std::process::ExitCode;

use crate::cli::CheckArgs;
use crate::host::Host;
use crate::output::print;
use crate::sysfs::device::resolve;
use crate::sysfs::topology::{subsystems, Subsystem};
use facts::{HostFacts, SubsystemFacts};
use finding::Finding;
use verdict::Verdict;

/// What the JSON output is: schemas/check-1.schema.json describes it.
const SCHEMA: &str = "nvme-fence/check/1";

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
pub(crate) struct Check {
    /// What this is, with its version.
    schema: &'static str,
    /// The worst of the verdicts.
    verdict: Verdict,
    /// The subsystems that were asked for.
    pub(crate) subsystems: Vec<SubsystemCheck>,
    /// What of the host could not be read.
    pub(crate) errors: Vec<String>,
}

/// A subsystem in the output.
#[derive(Serialize)]
pub(crate) struct SubsystemCheck {
    /// nvme-subsysX
    pub(crate) name: String,
    /// Its qualified name; `None` = it could not be read.
    pub(crate) nqn: Option<String>,
    /// Whether it is protected.
    pub(crate) verdict: Verdict,
    /// How many controllers it has that a fence is needed for.
    paths: usize,
    /// How many of them are connected.
    live: usize,
    /// What is wrong, the worst first.
    pub(crate) findings: Vec<Finding>,
    /// What of it could not be read.
    pub(crate) errors: Vec<String>,
}

impl Check {
    /// The answer for some subsystems.
    fn new(subsystems: Vec<SubsystemCheck>, errors: Vec<String>) -> Self {
        let of_host = match errors.is_empty() {
            true => Verdict::NeedsNoFence,
            false => Verdict::CouldNotTell,
        };
        let verdicts = subsystems.iter().map(|subsystem| subsystem.verdict);
        Self {
            schema: SCHEMA,
            verdict: verdicts.fold(of_host, Verdict::max),
            subsystems,
            errors,
        }
    }
}

impl SubsystemCheck {
    /// The answer for a subsystem.
    fn new(host: &HostFacts, facts: SubsystemFacts) -> Self {
        let findings = finding::findings(host, &facts);
        let has_errors = !facts.errors.is_empty();
        Self {
            verdict: Verdict::of(facts.needs_no_fence(), &findings, has_errors),
            paths: facts.paths.len(),
            live: facts.live().count(),
            name: facts.name,
            nqn: facts.nqn,
            findings,
            errors: facts.errors,
        }
    }
}

/// Checks some subsystems. Those that have gone meanwhile are left out.
pub(crate) fn check(host: &Host, wanted: &[Subsystem]) -> Check {
    let mut errors = Vec::new();
    let host_facts = read::host(host).unwrap_or_else(|error| {
        errors.push(format!("{error:#}"));
        HostFacts::default()
    });
    let found = wanted
        .iter()
        .filter_map(|subsystem| read::subsystem(host, subsystem))
        .map(|facts| SubsystemCheck::new(&host_facts, facts));
    Check::new(found.collect(), errors)
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &CheckArgs) -> Result<ExitCode> {
    let wanted = match &args.device {
        Some(name) => vec![resolve(host, name)?.subsystem],
        None => subsystems(host)?,
    };
    let check = check(host, &wanted);
    if let (Some(name), true) = (&args.device, check.subsystems.is_empty()) {
        bail!("{name} is gone");
    }
    print(args.output.format, &check)?;
    Ok(check.verdict.exit_code())
}
