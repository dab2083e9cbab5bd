// SPDX-License-Identifier: GPL-2.0-only

//! Runs the commands, and prints what came of them. They return whether all is as it should be.

use crate::cli::{Format, ModelArgs, MutantsArgs, ReplayArgs, ShellMutantsArgs};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use policy_check::check::{Outcome, Search, check};
use policy_check::model::suite::{self, Case};
use policy_check::model::{Assumption, Violation, World};
use policy_check::{mutants, replay};
use serde_json::json;

/// `policy-check model`
pub(crate) fn model(args: &ModelArgs) -> Result<bool> {
    let mut as_it_should_be = true;
    for case in choose(args)? {
        if args.list {
            let bounds = serde_json::to_string(&case.bounds)?;
            println!("{}: {}\n  {bounds}", case.name, case.about);
            continue;
        }
        let search = Search {
            threads: args.threads,
            shortest: true,
        };
        let world = World {
            bounds: case.bounds.clone(),
        };
        let outcome = check(&world, search);
        match args.output_format {
            Format::Normal => print(&case, &outcome),
            Format::Json => println!("{}", json!({ "case": case.name, "outcome": outcome })),
        }
        let violation = outcome.found.map(|found| found.violation);
        let expected = args.expect_ghost_write.then_some(Violation::GhostWrite);
        as_it_should_be &= violation == expected;
        if args.fail_fast && violation.is_some() {
            break;
        }
    }
    Ok(as_it_should_be)
}

/// The cases that are asked for, with the bounds that are asked for.
fn choose(args: &ModelArgs) -> Result<Vec<Case>> {
    let all = suite::cases();
    for name in &args.case {
        if !all.iter().any(|case| case.name == name) {
            bail!("there is no case {name:?}; see --list");
        }
    }
    let mut chosen = all;
    chosen.retain(|case| args.case.is_empty() || args.case.iter().any(|name| name == case.name));
    for case in &mut chosen {
        args.bounds.apply(&mut case.bounds);
        if let Err(what) = case.bounds.validate() {
            bail!("case {}: {what}", case.name);
        }
    }
    Ok(chosen)
}

fn print(case: &Case, outcome: &Outcome) {
    println!("{}: {}", case.name, case.about);
    println!(
        "  {} states, {} unique, {} steps deep, {:.2} s",
        outcome.states, outcome.unique, outcome.depth, outcome.seconds
    );
    match &outcome.found {
        None => {
            for violation in Violation::ALL {
                println!("  holds: {}", violation.property());
            }
        }
        Some(found) => {
            println!("  DOES NOT HOLD: {}", found.violation.property());
            println!("  {} in {} steps:", found.violation, found.steps.len());
            for (number, step) in found.steps.iter().enumerate() {
                println!("  {:4}. {step}", number + 1);
            }
        }
    }
}

/// `policy-check assumptions`
pub(crate) fn assumptions() -> Result<bool> {
    let mut all_needed = true;
    for &assumption in Assumption::value_variants() {
        let name = assumption.to_possible_value().context("it has a name")?;
        let (bounds, violation) = suite::without(assumption);
        let search = Search {
            threads: 2,
            shortest: true,
        };
        let outcome = check(&World { bounds }, search);
        println!("without {}:", name.get_name());
        match outcome.found {
            Some(found) => {
                all_needed &= found.violation == violation;
                println!("  {} in {} steps:", found.violation, found.steps.len());
                for (number, step) in found.steps.iter().enumerate() {
                    println!("  {:4}. {step}", number + 1);
                }
            }
            None => {
                all_needed = false;
                println!("  nothing goes wrong");
            }
        }
    }
    Ok(all_needed)
}

/// `policy-check mutants`
pub(crate) fn mutants(args: &MutantsArgs) -> Result<bool> {
    let workshop = mutants::Workshop {
        tree: args.tree.clone(),
        directory: args.work_dir.clone(),
        jobs: args.jobs,
        always_model: args.always_model,
        until_noticed: args.until_noticed,
    };
    mutants::run(&workshop, &args.filters)
}

/// `policy-check shell-mutants`
pub(crate) fn shell_mutants(args: &ShellMutantsArgs) -> Result<bool> {
    let workshop = mutants::shell::Workshop {
        tree: args.tree.clone(),
        directory: args.work_dir.clone(),
    };
    mutants::shell::run(&workshop, &args.filters)
}

/// `policy-check replay`
pub(crate) fn replay(args: &ReplayArgs) -> Result<bool> {
    let bytes = std::fs::read(&args.trace)
        .with_context(|| format!("cannot read {}", args.trace.display()))?;
    // Task names need not be UTF-8.
    let text = String::from_utf8_lossy(&bytes);
    let summary = replay::replay(&text, args.tolerance_us.saturating_mul(1000));
    for finding in &summary.findings {
        println!("line {}: {}", finding.line, finding.what);
    }
    println!("{summary}");
    Ok(summary.findings.is_empty())
}
