// SPDX-License-Identifier: GPL-2.0-only

//! Changes the Rust of the module around the policy in small ways, and sees which scenario notices.
//!
//! A copy of the module's sources gets the change. The laboratory builds it for its kernel, and plays
//! the one scenario that should notice it in a machine. What the machine has recorded is fed to the
//! policy as well.

mod list;
mod workshop;

pub use list::{Scene, ShellMutant, all};
pub use workshop::Workshop;

use self::workshop::Played;
use super::grid;
use anyhow::{Result, ensure};
use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;

/// Tries the mutants that have one of `filters` in their names, or all if there are none, and prints a
/// table. Returns whether all of them were noticed by the scenario that should.
pub fn run(workshop: &Workshop, filters: &[String]) -> Result<bool> {
    let start = Instant::now();
    // A source that changed under a mutant's hands is to be known before anything is built.
    for mutant in all() {
        mutant.change.apply(&workshop.source(mutant.change.file)?)?;
    }
    let chosen: Vec<_> = all()
        .iter()
        .filter(|mutant| {
            let has = |filter: &String| mutant.change.name.contains(filter);
            filters.is_empty() || filters.iter().any(has)
        })
        .collect();
    ensure!(!chosen.is_empty(), "no mutant has such a name");

    let initramfs = workshop.build(None)?;
    for scene in chosen.iter().map(|one| one.scene).collect::<BTreeSet<_>>() {
        let played = workshop.play(&initramfs, scene)?;
        ensure!(
            played.failed.is_none() && played.findings == 0,
            "the module itself does not pass {scene}: {}",
            played.failed.as_deref().unwrap_or("see its replay"),
        );
    }

    let mut rows = Vec::new();
    for mutant in chosen {
        eprintln!("{}: {}", mutant.change.name, mutant.change.what);
        let initramfs = workshop.build(Some(&mutant.change))?;
        let played = workshop.play(&initramfs, mutant.scene)?;
        let what = played.failed.as_deref().unwrap_or("not noticed");
        eprintln!("{}: {}: {what}", mutant.change.name, mutant.scene);
        rows.push((mutant, played));
    }
    let noticed = |(_, played): &&(_, Played)| played.failed.is_some();
    let caught = rows.iter().filter(noticed).count();
    print!("{}", Table(&rows));
    println!(
        "{} mutants of the shell, {caught} caught; {} s",
        rows.len(),
        start.elapsed().as_secs()
    );
    Ok(caught == rows.len())
}

/// Mutants and what became of them.
struct Table<'a>(&'a [(&'a ShellMutant, Played)]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = [
            "mutant",
            "what was changed",
            "scenario",
            "what it noticed first",
            "replay",
        ];
        let rows: Vec<[String; 5]> = self
            .0
            .iter()
            .map(|(mutant, played)| {
                [
                    mutant.change.name.into(),
                    mutant.change.what.into(),
                    mutant.scene.to_string(),
                    played.failed.clone().unwrap_or_else(|| "-".into()),
                    match played.findings {
                        0 => "-".into(),
                        count => count.to_string(),
                    },
                ]
            })
            .collect();
        grid::write(f, head, &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::page;
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    fn workshop() -> Workshop {
        Workshop {
            tree: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
            directory: PathBuf::new(),
        }
    }

    #[test]
    fn every_mutant_fits_the_module_and_has_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for ShellMutant { change, .. } in all() {
            let source = workshop().source(change.file).unwrap();
            assert_ne!(change.apply(&source).unwrap(), source, "{}", change.name);
            assert!(names.insert(change.name), "{}", change.name);
        }
    }

    #[test]
    fn the_page_on_the_model_has_a_row_for_each_mutant_and_no_other() {
        let rows = page::rows(page::shell());
        for ShellMutant { change, scene } in all() {
            let row = rows.get(change.name).expect(change.name);
            assert!(row.starts_with(change.what), "{}: {row}", change.name);
            assert!(row.contains(&scene.to_string()), "{}: {row}", change.name);
        }
        assert_eq!(rows.len(), all().len());
    }

    #[test]
    fn every_mutant_has_a_scenario_on_the_kernel_with_the_fence() {
        for ShellMutant { change, scene } in all() {
            let scenarios = workshop().tree.join("selftests/scenarios");
            let text = fs::read_to_string(scenarios.join(scene.scenario).with_extension("sh"));
            let text = text.unwrap_or_else(|error| panic!("{}: {error}", change.name));
            let variant = format!("{}:fence", scene.variant);
            let mut words = text.split(|c: char| c.is_whitespace() || c == '"');
            assert!(words.any(|word| word == variant), "{}", change.name);
        }
    }
}
