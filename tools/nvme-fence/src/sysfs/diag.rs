// SPDX-License-Identifier: GPL-2.0
//! What nvme-core counts of a controller since it was connected, from Linux 7.2 on, with or without
//! the module.

use anyhow::Result;
use serde::Serialize;
use std::fmt;
use std::path::Path;

use super::attribute;
use super::namespace::Namespaces;

/// The counters. The names of the fields are the keys of the JSON output.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Diag {
    /// How often it was reset.
    pub(crate) resets: u64,
    /// How often it was tried to reconnect it; `None` = its transport has no such thing.
    pub(crate) reconnects: Option<u64>,
    /// Admin commands that failed.
    pub(crate) admin_errors: u64,
    /// I/O commands that failed, on its paths to all namespaces.
    pub(crate) io_errors: u64,
    /// Those that were tried again.
    pub(crate) retries: u64,
    /// Those that went over to another path; `None` = there is no multipath.
    pub(crate) failovers: Option<u64>,
}

impl Diag {
    /// Reads those of the controller `name` in `directory`; `None` = its kernel does not count.
    pub(crate) fn read(
        directory: &Path,
        name: &str,
        namespaces: &Namespaces,
    ) -> Result<Option<Self>> {
        let own = directory.join("diag");
        let Some(resets) = attribute::read_number_if_there(&own.join("reset_count"))? else {
            return Ok(None);
        };
        let mut diag = Self {
            resets,
            reconnects: attribute::read_number_if_there(&own.join("reconnect_count"))?,
            admin_errors: attribute::read_number(&own.join("command_error_count"))?,
            ..Self::default()
        };
        let paths = namespaces.found.iter().flat_map(|found| &found.paths);
        for path in paths.filter(|path| path.controller == name) {
            let counters = directory.join(&path.name).join("diag");
            // A namespace may have gone meanwhile, and what it had counted with it.
            let count = |name| attribute::read_number_if_there::<u64>(&counters.join(name));
            diag.io_errors += count("command_error_count")?.unwrap_or(0);
            diag.retries += count("command_retries_count")?.unwrap_or(0);
            if let Some(failovers) = count("multipath_failover_count")? {
                diag.failovers = Some(diag.failovers.unwrap_or(0) + failovers);
            }
        }
        Ok(Some(diag))
    }
}

impl fmt::Display for Diag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counters = [
            ("resets", Some(self.resets)),
            ("reconnects", self.reconnects),
            ("admin_errors", Some(self.admin_errors)),
            ("io_errors", Some(self.io_errors)),
            ("retries", Some(self.retries)),
            ("failovers", self.failovers),
        ];
        let known = counters
            .iter()
            .filter_map(|(name, count)| Some((name, (*count)?)));
        let words: Vec<String> = known
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name}={count}"))
            .collect();
        match words.as_slice() {
            [] => f.write_str("all 0"),
            words => f.write_str(&words.join(" ")),
        }
    }
}
