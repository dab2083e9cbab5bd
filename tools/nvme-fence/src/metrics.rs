// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence metrics`: what sysfs says now, for Prometheus.
//!
//! The labels are those of node_exporter's collector `nvmesubsystem`: `subsystem` and `controller`
//! everywhere, and `nqn` in one metric only, from which others get it by a join on `subsystem`.

mod collect;
mod counters;
mod exposition;

use anyhow::Result;

use crate::cli::MetricsArgs;
use crate::host::Host;
use crate::output;
use crate::replace::replace;
pub(crate) use counters::Counted;

/// Runs the command.
pub(crate) fn run(host: &Host, args: &MetricsArgs) -> Result<()> {
    let text = exposition(host, Counted::ByModule)?;
    match &args.textfile {
        Some(file) => replace(file, &text),
        None => output::print_text(&text),
    }
}

/// All there is to say of a host now, in the text format of Prometheus.
pub(crate) fn exposition(host: &Host, counted: Counted<'_>) -> Result<String> {
    exposition::text(collect::families(host, counted)?)
}
