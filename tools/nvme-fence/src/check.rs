// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence check`: whether what is connected is protected from ghost writes, and what to do
//! about it.
//!
//! First the facts are read (`read`), on whatever kernel this is. Then each rule of one table
//! (`finding`) looks at the facts alone. What the rules say comes to a verdict.

mod address;
mod facts;
mod finding;
mod mend;
mod output;
mod read;
mod rules;
mod stacked;
mod verdict;

use anyhow::{bail, Result};
use serde::Serialize;
use std::process::ExitCode;

use crate::cli::CheckArgs;
use crate::host::Host;
use crate::output::print;
use crate::sysfs::device::resolve;
use crate::sysfs::topology::subsystems;
use facts::{HostFacts, SubsystemFacts};
use finding::Finding;
use verdict::Verdict;

/// What the JSON output is: schemas/check-1.schema.json describes it.
const SCHEMA: &str = "nvme-fence/check/1";

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
struct Check {
    /// What this is, with its version.
    schema: &'static str,
    /// The worst of the verdicts.
    verdict: Verdict,
    /// The subsystems that were asked for.
    subsystems: Vec<SubsystemCheck>,
    /// What of the host could not be read.
    errors: Vec<String>,
}

/// A subsystem in the output.
#[derive(Serialize)]
struct SubsystemCheck {
    /// nvme-subsysX
    name: String,
    /// Its qualified name; `None` = it could not be read.
    nqn: Option<String>,
    /// Whether it is protected.
    verdict: Verdict,
    /// How many controllers it has that a fence is needed for.
    paths: usize,
    /// How many of them are connected.
    live: usize,
    /// What is wrong, the worst first.
    findings: Vec<Finding>,
    /// What of it could not be read.
    errors: Vec<String>,
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

/// Runs the command.
pub(crate) fn run(host: &Host, args: &CheckArgs) -> Result<ExitCode> {
    let mut errors = Vec::new();
    let host_facts = read::host(host).unwrap_or_else(|error| {
        errors.push(format!("{error:#}"));
        HostFacts::default()
    });
    let wanted = match &args.device {
        Some(name) => vec![resolve(host, name)?.subsystem],
        None => subsystems(host)?,
    };
    let found: Vec<SubsystemCheck> = wanted
        .iter()
        .filter_map(|subsystem| read::subsystem(host, subsystem))
        .map(|facts| SubsystemCheck::new(&host_facts, facts))
        .collect();
    if let (Some(name), true) = (&args.device, found.is_empty()) {
        bail!("{name} is gone");
    }
    let check = Check::new(found, errors);
    print(args.output.format, &check)?;
    Ok(check.verdict.exit_code())
}
