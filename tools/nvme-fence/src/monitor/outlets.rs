// SPDX-License-Identifier: GPL-2.0
//! Where what has happened is told: standard output for the journal, the record, the metrics.

use anyhow::Result;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::totals::Totals;
use crate::cli::MonitorArgs;
use crate::host::Host;
use crate::metrics::{exposition, Counted};
use crate::record::event::Event;
use crate::record::files::{Bounds, Writer};
use crate::replace::replace;
use crate::text::OneLine;

/// After how long the metrics are written again if nothing has happened. How old the file is tells
/// whether the monitor is alive.
const METRICS_EVERY: Duration = Duration::from_secs(15);

/// All of them.
pub(super) struct Outlets {
    /// The record, and the directory that it is in.
    record: Option<(Writer, PathBuf)>,
    /// The file of the metrics.
    textfile: Option<PathBuf>,
    /// When they were written last.
    written: Option<Instant>,
}

impl Outlets {
    /// Opens those that are asked for.
    pub(super) fn open(args: &MonitorArgs) -> Result<Self> {
        let bounds = Bounds {
            files: args.keep,
            file_bytes: args.size.0,
        };
        let open = |directory: &PathBuf| {
            let writer = Writer::open(directory, bounds)?;
            anyhow::Ok((writer, directory.clone()))
        };
        Ok(Self {
            record: args.directory.as_ref().map(open).transpose()?,
            textfile: args.textfile.clone(),
            written: None,
        })
    }

    /// Tells what has happened, if anything. That the disk is full does not end the monitor: it is
    /// said, and the journal still gets everything.
    pub(super) fn tell(&mut self, host: &Host, totals: &Totals, events: &[Event]) -> Result<()> {
        let mut stdout = io::stdout().lock();
        for event in events {
            writeln!(stdout, "{}", OneLine(&event.to_string()))?;
        }
        stdout.flush()?;
        if let (Some((writer, directory)), false) = (&mut self.record, events.is_empty()) {
            for event in events {
                complain(writer.write(event));
            }
            complain(totals.save(directory));
        }
        let is_fresh = |written: Instant| written.elapsed() < METRICS_EVERY;
        if let Some(file) = &self.textfile {
            if !events.is_empty() || !self.written.is_some_and(is_fresh) {
                let text = exposition(host, Counted::ByMonitor(totals));
                complain(text.and_then(|text| replace(file, &text)));
                self.written = Some(Instant::now());
            }
        }
        Ok(())
    }
}

/// Says what went wrong.
fn complain(result: Result<()>) {
    if let Err(error) = result {
        eprintln!("nvme-fence: {}", OneLine(&format!("{error:#}")));
    }
}
