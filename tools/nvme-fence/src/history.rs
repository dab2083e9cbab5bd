// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence history`: what the monitor has recorded.

mod since;
mod table;

use anyhow::{ensure, Result};
use serde::Serialize;
use std::io::ErrorKind;
use std::path::Path;

use crate::cli::HistoryArgs;
use crate::output;
use crate::record::event::Event;
use crate::record::files::{files, read};
use crate::sysfs::attribute::advise;
use crate::units::Count;
pub(crate) use since::Since;

/// What the JSON output is: schemas/history-1.schema.json describes it.
const SCHEMA: &str = "nvme-fence/history/1";

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
struct History {
    /// What this is, with its version.
    schema: &'static str,
    /// What happened, in the order in which it was recorded.
    events: Vec<Event>,
    /// What of the record could not be read.
    errors: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &HistoryArgs) -> Result<()> {
    output::print(args.output.format, &look(&args.directory, args.since)?)
}

/// Reads the record.
fn look(directory: &Path, since: Option<Since>) -> Result<History> {
    let shown = directory.display();
    let files = match files(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        files => files.map_err(|error| advise(error, &format!("cannot read {shown}")))?,
    };
    ensure!(
        !files.is_empty(),
        "there is no record in {shown}: the monitor makes it (systemctl enable --now \
         nvme-fence-monitor); if it records elsewhere, say where by --directory"
    );
    let mut history = History {
        schema: SCHEMA,
        events: Vec::new(),
        errors: Vec::new(),
    };
    for file in files {
        let is_meant = |event: &Event| since.is_none_or(|since| event.time >= since.0);
        let unreadable = read(&file, |event| {
            if is_meant(&event) {
                history.events.push(event);
            }
        });
        match unreadable {
            Ok(0) => {}
            Ok(lines) => history.errors.push(format!(
                "{} of {} could not be read",
                Count(lines as u64, "line"),
                file.display()
            )),
            Err(error) => history.errors.push(format!("{error:#}")),
        }
    }
    Ok(history)
}
