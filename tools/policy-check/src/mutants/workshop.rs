// SPDX-License-Identifier: GPL-2.0-only

//! Where mutants are built and tried out.

use super::copy::{copy_changed, copy_files};
use super::expected::Expected;
use super::list::Mutant;
use crate::check::Outcome;
use crate::model::Violation;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::{fmt, fs};

/// The policy crate in the source tree.
const POLICY: &str = "rust/nvme_fence_policy";

/// This package in the source tree.
const CHECK: &str = "tools/policy-check";

/// Tests that take longer than this many seconds do not end at all. They are built before.
const TESTS_MAX_S: u32 = 900;

/// The status with which timeout(1) says that it has ended what it was to run.
const TIMED_OUT: i32 = 124;

/// The signal by which it ends what goes on all the same, and with that itself.
const KILLED: i32 = 9;

/// Where mutants are built.
#[derive(Clone, Debug)]
pub struct Workshop {
    /// The source tree.
    pub tree: PathBuf,
    /// The copy, and what cargo makes of it.
    pub directory: PathBuf,
    /// Jobs of cargo, and threads of the search.
    pub jobs: usize,
    /// Run all cases of the model on all mutants: takes minutes for each.
    pub always_model: bool,
    /// Ask nobody more when somebody has noticed.
    pub until_noticed: bool,
}

/// Who noticed that the policy was changed.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What the model found; `None` = it was not run, as it is known not to notice, or nobody more
    /// was to be asked.
    pub model: Option<Option<Caught>>,
    /// What became of the unit tests of the crate.
    pub unit_tests: Tests,
    /// What became of the properties of the crate.
    pub properties: Tests,
}

/// What became of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    /// So many failed. None did, too, if they were not run as somebody else has noticed.
    Failed(usize),
    /// At least one of them did not end.
    DidNotEnd,
}

impl Tests {
    /// Did they notice that the policy was changed?
    fn noticed(self) -> bool {
        self != Self::Failed(0)
    }
}

impl fmt::Display for Tests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(0) => f.write_str("-"),
            Self::Failed(count) => write!(f, "{count}"),
            Self::DidNotEnd => f.write_str("did not end"),
        }
    }
}

/// What the model found.
#[derive(Clone, Debug)]
pub struct Caught {
    /// In which case.
    pub case: String,
    /// What went wrong.
    pub violation: Violation,
    /// In so many steps.
    pub steps: usize,
}

impl Verdict {
    /// Did anybody notice?
    pub fn is_caught(&self) -> bool {
        self.model_found().is_some() || self.unit_tests.noticed() || self.properties.noticed()
    }

    /// Did somebody notice, and the model if it was asked and should?
    pub(super) fn is_as_expected(&self, expected: Option<Expected>) -> bool {
        match (expected, &self.model) {
            (Some(Expected::Noticed(_)), Some(found)) => found.is_some(),
            (Some(Expected::Noticed(_) | Expected::Unnoticed(_)) | None, _) => self.is_caught(),
        }
    }

    /// What the model found, if it was run.
    pub fn model_found(&self) -> Option<&Caught> {
        self.model.as_ref()?.as_ref()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_caught() {
            return write!(f, "caught by nobody");
        }
        write!(
            f,
            "caught; unit tests: {}, properties: {}",
            self.unit_tests, self.properties
        )?;
        if let Some(caught) = self.model_found() {
            write!(
                f,
                ", the model: in {} steps of {}",
                caught.steps, caught.case
            )?;
        }
        Ok(())
    }
}

/// A line of `policy-check model -o json`.
#[derive(Deserialize)]
struct Line {
    case: String,
    outcome: Outcome,
}

impl Workshop {
    /// A source file of the policy.
    pub(super) fn source(&self, file: &str) -> Result<String> {
        let path = self.tree.join(POLICY).join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Does the policy pass its own tests as it is?
    pub(super) fn passes_own_tests(&self) -> Result<bool> {
        let copy = self.directory.join("tree");
        self.lay_out(&copy, None)?;
        let noticed = self.test(&copy, &["--lib"])?.noticed()
            || self.test(&copy, &["--test", "properties"])?.noticed();
        Ok(!noticed)
    }

    /// Builds the policy with a change, and tries it out.
    pub(super) fn try_out(&self, mutant: &Mutant) -> Result<Verdict> {
        let copy = self.directory.join("tree");
        self.lay_out(&copy, Some(mutant))?;
        let unit_tests = self.test(&copy, &["--lib"])?;
        let properties = if self.until_noticed && unit_tests.noticed() {
            Tests::Failed(0)
        } else {
            self.test(&copy, &["--test", "properties"])?
        };
        let noticed = unit_tests.noticed() || properties.noticed();
        let model = match mutant.expected() {
            _ if self.until_noticed && noticed => None,
            Some(Expected::Noticed(case)) if !self.always_model => {
                Some(self.model(&copy, Some(case)))
            }
            _ if self.always_model || !noticed => Some(self.model(&copy, None)),
            _ => None,
        };
        Ok(Verdict {
            unit_tests,
            properties,
            model: model.transpose()?,
        })
    }

    fn lay_out(&self, copy: &Path, mutant: Option<&Mutant>) -> Result<()> {
        let source = |part: &str| self.tree.join(part);
        copy_files(&source(POLICY), &copy.join(POLICY))?;
        copy_files(&source(CHECK), &copy.join(CHECK))?;
        copy_changed(&source("tools/Cargo.lock"), &copy.join("tools/Cargo.lock"))?;
        let workspace = "[workspace]\nresolver = \"2\"\n\
             members = [\"policy-check\", \"../rust/nvme_fence_policy\"]\n";
        fs::write(copy.join("tools/Cargo.toml"), workspace)?;
        if let Some(mutant) = mutant {
            let mutated = mutant.apply(&self.source(mutant.file)?)?;
            fs::write(copy.join(POLICY).join(mutant.file), mutated)?;
        }
        Ok(())
    }

    fn cargo(&self, copy: &Path, arguments: &[&str]) -> Result<Output> {
        self.run(copy, Command::new("cargo").args(arguments))
    }

    fn run(&self, copy: &Path, command: &mut Command) -> Result<Output> {
        command
            .current_dir(copy.join("tools"))
            .env(
                "CARGO_TARGET_DIR",
                fs::canonicalize(&self.directory)?.join("build"),
            )
            .env("CARGO_BUILD_JOBS", self.jobs.to_string())
            // What does not shrink is found as well, and sooner; and no file is left behind.
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env("PROPTEST_FAILURE_PERSISTENCE", "off")
            .output()
            .with_context(|| format!("cannot run {}", command.get_program().display()))
    }

    /// Runs tests of the policy crate.
    fn test(&self, copy: &Path, which: &[&str]) -> Result<Tests> {
        let test = [&["test", "--quiet", "-p", "nvme_fence_policy"], which].concat();
        // How long that takes says nothing of the tests.
        let built = self.cargo(copy, &[&test[..], &["--no-run"]].concat())?;
        ensure!(
            built.status.success(),
            "the tests cannot be built:\n{}",
            String::from_utf8_lossy(&built.stderr)
        );
        let limit = TESTS_MAX_S.to_string();
        // It ends what cargo has started, too.
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=10", &limit, "cargo"])
            .args(test);
        let output = self.run(copy, &mut command)?;
        if is_timed_out(output.status) {
            return Ok(Tests::DidNotEnd);
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let failed = text.lines().find_map(|line| {
            let rest = line.strip_prefix("test result: ")?;
            let (before, _) = rest.split_once(" failed;")?;
            before.rsplit(' ').next()?.parse().ok()
        });
        failed.map(Tests::Failed).with_context(|| {
            let what = String::from_utf8_lossy(&output.stderr);
            format!("the tests were not run:\n{text}{what}")
        })
    }

    /// Runs one case of the model, or all of them, until something is found.
    fn model(&self, copy: &Path, case: Option<&str>) -> Result<Option<Caught>> {
        let threads = self.jobs.to_string();
        let run = ["run", "--quiet", "--release", "-p", "policy-check", "--"];
        let model = ["model", "-o", "json", "--fail-fast", "--threads", &threads];
        let case = case.map(|case| ["--case", case]);
        let arguments = [&run[..], &model, case.as_ref().map_or(&[], |case| case)];
        let output = self.cargo(copy, &arguments.concat())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().with_context(|| {
            let what = String::from_utf8_lossy(&output.stderr);
            format!("the model was not run:\n{what}")
        })?;
        let line: Line = serde_json::from_str(last)?;
        ensure!(
            output.status.success() == line.outcome.found.is_none(),
            "the model ended in an unexpected way"
        );
        Ok(line.outcome.found.map(|found| Caught {
            case: line.case,
            violation: found.violation,
            steps: found.steps.len(),
        }))
    }
}

/// Whether timeout(1) has ended what it was to run: it says so, or has ended by killing all of it.
fn is_timed_out(status: ExitStatus) -> bool {
    status.code() == Some(TIMED_OUT) || status.signal() == Some(KILLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_killed_has_timed_out_and_what_fails_has_not() {
        let ended = |script| {
            let mut command = Command::new("timeout");
            command.args(["--kill-after=0.1", "0.1", "sh", "-c", script]);
            is_timed_out(command.status().unwrap())
        };
        assert!(ended("sleep 60"));
        assert!(ended("trap : TERM; while :; do sleep 0.01; done"));
        assert!(!ended("exit 101"));
        assert!(!ended("exit 0"));
    }

    #[test]
    fn tests_that_do_not_end_have_noticed() {
        let shown = |tests: Tests| (tests.noticed(), tests.to_string());
        assert_eq!(shown(Tests::Failed(0)), (false, "-".into()));
        assert_eq!(shown(Tests::Failed(2)), (true, "2".into()));
        assert_eq!(shown(Tests::DidNotEnd), (true, "did not end".into()));
    }
}
