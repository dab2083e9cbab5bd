// SPDX-License-Identifier: GPL-2.0-only

//! Where mutants of the shell are built and tried out.

use super::super::copy::copy_files;
use super::super::list::Mutant;
use super::list::Scene;
use crate::replay::replay;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The module's own Rust in the source tree.
const SHELL: &str = "drivers/nvme/host/fence";

/// All that the module is built from.
const MODULE: [&str; 2] = [SHELL, "rust/nvme_fence_policy"];

/// What happens so much later than it could is late, for the replay: a jiffy.
const TOLERANCE_NS: u64 = 10_000_000;

/// Where mutants of the shell are built.
#[derive(Clone, Debug)]
pub struct Workshop {
    /// The source tree.
    pub tree: PathBuf,
    /// The copy. The laboratory has to see it: it is below the source tree.
    pub directory: PathBuf,
}

/// What came of a scenario.
pub(super) struct Played {
    /// The first test that failed, if one did.
    pub(super) failed: Option<String>,
    /// What the replay found in the recorded trace.
    pub(super) findings: usize,
}

impl Workshop {
    /// A source file of the module.
    pub(super) fn source(&self, file: &str) -> Result<String> {
        let path = self.tree.join(SHELL).join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Builds the module, with a change, and returns the archive to boot.
    pub(super) fn build(&self, mutant: Option<&Mutant>) -> Result<String> {
        for part in MODULE {
            copy_files(&self.tree.join(part), &self.directory.join(part))?;
        }
        fs::copy(self.tree.join("Kbuild"), self.directory.join("Kbuild"))?;
        if let Some(mutant) = mutant {
            let mutated = mutant.apply(&self.source(mutant.file)?)?;
            fs::write(self.directory.join(SHELL).join(mutant.file), mutated)?;
        }
        let copy = fs::canonicalize(&self.directory)?;
        let copy = copy.to_str().context("the copy has no name in UTF-8")?;
        let module = self.make("module", &["fence", copy])?;
        self.make("initramfs", &["fence", "", &module])
    }

    /// Plays a scenario.
    pub(super) fn play(&self, initramfs: &str, scene: Scene) -> Result<Played> {
        let kernel = self.make("kernel", &["fence"])?;
        let output = self
            .tool("machine")
            .args(["--kernel", &kernel, "--initramfs", initramfs, "--"])
            .args([scene.scenario, scene.variant])
            .env("KEEP", "1")
            .output()?;
        let ktap = String::from_utf8_lossy(&output.stdout);
        // A mutant that does not even run shows nothing.
        ensure!(
            !ktap.contains("the module does not load"),
            "{scene}: the module does not load:\n{ktap}"
        );
        let run = line_after(&ktap, &["# kept: ", "# left behind: "]).with_context(|| {
            let what = String::from_utf8_lossy(&output.stderr);
            format!("{scene} was not played:\n{ktap}{what}")
        })?;
        let test = line_after(&ktap, &["not ok "]).and_then(|test| test.split_once(' '));
        let failed = test
            .map(|(_number, what)| what)
            .or_else(|| line_after(&ktap, &["# problem: "]));
        ensure!(
            output.status.success() == failed.is_none(),
            "{scene} ended in an unexpected way:\n{ktap}"
        );
        let findings = findings(&Path::new(run).join("out/trace.txt"));
        fs::remove_dir_all(run)?;
        Ok(Played {
            failed: failed.map(str::to_owned),
            findings,
        })
    }

    /// Has the laboratory make something. Returns where it is.
    fn make(&self, tool: &str, arguments: &[&str]) -> Result<String> {
        let output = self
            .tool(tool)
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            bail!("tools/lab/{tool} {} failed", arguments.join(" "));
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().into())
    }

    fn tool(&self, name: &str) -> Command {
        Command::new(self.tree.join("tools/lab").join(name))
    }
}

/// What follows one of these at the beginning of a line.
fn line_after<'a>(text: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    text.lines()
        .find_map(|line| prefixes.iter().find_map(|prefix| line.strip_prefix(prefix)))
}

/// How much the replay finds in a trace. A machine that crashed has left none.
fn findings(trace: &Path) -> usize {
    let text = fs::read(trace).unwrap_or_default();
    replay(&String::from_utf8_lossy(&text), TOLERANCE_NS)
        .findings
        .len()
}
