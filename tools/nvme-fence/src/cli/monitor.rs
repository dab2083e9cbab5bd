// SPDX-License-Identifier: GPL-2.0
//! The command lines of what watches over time.

use clap::Args;
use std::path::PathBuf;

use super::OutputArgs;
use crate::history::Since;
use crate::record::DIRECTORY;
use crate::units::Size;

/// `nvme-fence monitor`
#[derive(Args)]
pub(crate) struct MonitorArgs {
    /// Record in this directory, which must exist
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Keep this many files of the record
    #[arg(long, value_name = "N", default_value = "8", requires = "directory")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: u32,
    /// Begin another one when a file has this size, in bytes, or with K, M or G
    #[arg(
        long,
        value_name = "SIZE",
        default_value = "4M",
        requires = "directory"
    )]
    pub(crate) size: Size,
    /// Keep the metrics fresh in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) textfile: Option<PathBuf>,
}

/// `nvme-fence history`
#[derive(Args)]
pub(crate) struct HistoryArgs {
    /// Only what happened since then: a time of today (03:00), a date (2026-11-29), both
    /// ('2026-11-29 03:00'), or how long ago (2h, '3 days')
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Since>,
    /// Where the monitor records
    #[arg(long, value_name = "DIR", default_value = DIRECTORY)]
    pub(crate) directory: PathBuf,
    /// The format of the output.
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `nvme-fence metrics`
#[derive(Args)]
pub(crate) struct MetricsArgs {
    /// Put them in the place of this file, at once, instead of printing them
    #[arg(long, value_name = "FILE")]
    pub(crate) textfile: Option<PathBuf>,
}
