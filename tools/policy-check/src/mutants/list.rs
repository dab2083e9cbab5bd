// SPDX-License-Identifier: GPL-2.0-only

//! The mutants of the policy.

mod life;
mod notices;
mod overlap;
mod reconnect;
mod resets;
mod subsystem;
mod target;
mod time;

use super::expected::{Expected, expected};
use anyhow::{Result, ensure};

/// A small change of the policy, or of the module's own Rust.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// What the change means.
    pub what: &'static str,
    /// In which source file.
    pub file: &'static str,
    /// What is replaced; it is there once.
    pub(super) from: &'static str,
    /// What it is replaced with.
    pub(super) to: &'static str,
}

impl Mutant {
    /// What the model makes of it, if it is one of the policy and anybody has thought of that.
    pub fn expected(&self) -> Option<Expected> {
        expected(self.name)
    }

    /// Changes the source. Fails if what is to be changed is not there, or there more than once.
    pub fn apply(&self, source: &str) -> Result<String> {
        let places = source.matches(self.from).count();
        ensure!(
            places == 1,
            "mutant {}: {places} places in {} read {:?}; the source has changed",
            self.name,
            self.file,
            self.from
        );
        Ok(source.replacen(self.from, self.to, 1))
    }
}

/// All mutants of the policy.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    let all = [
        time::ALL,
        life::ALL,
        overlap::ALL,
        reconnect::ALL,
        resets::ALL,
        notices::ALL,
        target::ALL,
        subsystem::ALL,
    ];
    all.into_iter().flatten()
}
