// SPDX-License-Identifier: GPL-2.0-only

//! The table of mutants.

use super::expected::Expected;
use super::grid;
use super::list::Mutant;
use super::workshop::Verdict;
use std::fmt;

/// Mutants and what became of them, as a table of reStructuredText.
pub(super) struct Table<'a>(pub(super) &'a [(&'a Mutant, Verdict)]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = [
            "mutant",
            "what was changed",
            "model",
            "steps",
            "unit",
            "property",
        ];
        let rows: Vec<[String; 6]> = self.0.iter().map(|(m, v)| row(m, v)).collect();
        grid::write(f, head, &rows)?;
        writeln!(f, "\nWhat the model does not notice:\n")?;
        for (mutant, _) in self.0 {
            if let Some(Expected::Unnoticed(why)) = mutant.expected() {
                writeln!(f, "``{}``\n  {why}.", mutant.name)?;
            }
        }
        Ok(())
    }
}

fn row(mutant: &Mutant, verdict: &Verdict) -> [String; 6] {
    let (model, steps) = match &verdict.model {
        Some(Some(caught)) => (
            format!("{} ({})", caught.violation, caught.case),
            caught.steps.to_string(),
        ),
        Some(None) => ("-".into(), "-".into()),
        None if matches!(mutant.expected(), Some(Expected::Noticed(_))) => {
            ("not asked".into(), "".into())
        }
        None => ("see below".into(), "".into()),
    };
    [
        mutant.name.into(),
        mutant.what.into(),
        model,
        steps,
        verdict.unit_tests.to_string(),
        verdict.properties.to_string(),
    ]
}
