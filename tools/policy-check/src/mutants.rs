// SPDX-License-Identifier: GPL-2.0-only

//! Changes the policy's source in small ways, and sees who notices.
//!
//! A copy of the policy crate gets the change, and stands beside a copy of this package. Both are
//! built anew; then the crate's own tests are run, and the model: in the one case in which it should
//! notice, or in all if nobody else has noticed.

mod copy;
mod expected;
mod grid;
mod list;
#[cfg(test)]
mod page;
pub mod shell;
mod table;
mod workshop;

pub use expected::Expected;
pub use list::{Mutant, all};
pub use workshop::{Verdict, Workshop};

use anyhow::{Result, ensure};
use std::time::Instant;

/// Tries the mutants that have one of `filters` in their names, or all if there are none, and prints a
/// table. Returns whether all of them were caught, and by the model where it should notice.
pub fn run(workshop: &Workshop, filters: &[String]) -> Result<bool> {
    let start = Instant::now();
    // A source that changed under a mutant's hands is to be known before anything is built.
    for mutant in all() {
        mutant.apply(&workshop.source(mutant.file)?)?;
    }
    let chosen: Vec<_> = all()
        .filter(|mutant| {
            let has = |filter: &String| mutant.name.contains(filter);
            filters.is_empty() || filters.iter().any(has)
        })
        .collect();
    ensure!(!chosen.is_empty(), "no mutant has such a name");

    ensure!(
        workshop.passes_own_tests()?,
        "the policy itself does not pass its tests"
    );
    let mut as_expected = true;
    let mut rows = Vec::new();
    for mutant in chosen {
        eprintln!("{}: {}", mutant.name, mutant.what);
        let verdict = workshop.try_out(mutant)?;
        eprintln!("{}: {verdict}", mutant.name);
        as_expected &= verdict.is_as_expected(mutant.expected());
        rows.push((mutant, verdict));
    }
    print!("{}", table::Table(&rows));
    println!(
        "{} mutants, {} caught, {} of them by the model; {} s",
        rows.len(),
        rows.iter().filter(|(_, v)| v.is_caught()).count(),
        rows.iter()
            .filter(|(_, v)| v.model_found().is_some())
            .count(),
        start.elapsed().as_secs()
    );
    Ok(as_expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::suite;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_mutant_fits_the_policy_and_has_a_name_of_its_own() {
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rust/nvme_fence_policy");
        let mut names = BTreeSet::new();
        for mutant in all() {
            let source = std::fs::read_to_string(policy.join(mutant.file)).unwrap();
            assert_ne!(mutant.apply(&source).unwrap(), source, "{}", mutant.name);
            assert!(names.insert(mutant.name), "{}", mutant.name);
        }
    }

    #[test]
    fn of_every_mutant_it_is_known_what_the_model_makes_of_it() {
        let cases: Vec<_> = suite::cases().iter().map(|case| case.name).collect();
        for mutant in all() {
            let expected = mutant.expected();
            assert!(expected.is_some(), "{}", mutant.name);
            if let Some(Expected::Noticed(case)) = expected {
                assert!(cases.contains(&case), "{}: {case}", mutant.name);
            }
        }
        assert_eq!(expected::ALL.len(), all().count());
    }

    #[test]
    fn the_page_on_the_model_has_a_row_for_each_mutant_and_no_other() {
        let rows = page::rows(page::policy());
        for mutant in all() {
            let row = rows.get(mutant.name).expect(mutant.name);
            assert!(row.starts_with(mutant.what), "{}: {row}", mutant.name);
            let found = match mutant.expected() {
                Some(Expected::Noticed(case)) => format!(" ({case}) "),
                Some(Expected::Unnoticed(_)) | None => "  see below  ".into(),
            };
            assert!(row.contains(&found), "{}: {row}", mutant.name);
        }
        assert_eq!(rows.len(), all().count());
    }

    #[test]
    fn the_page_on_the_model_says_what_it_does_not_notice_and_why() {
        let mut reasons = page::unnoticed(page::policy());
        for mutant in all() {
            if let Some(Expected::Unnoticed(why)) = mutant.expected() {
                let said = reasons.remove(mutant.name).expect(mutant.name);
                assert_eq!(said, format!("{why}."), "{}", mutant.name);
            }
        }
        assert!(reasons.is_empty(), "{reasons:?}");
    }
}
