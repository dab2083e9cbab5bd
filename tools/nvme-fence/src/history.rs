// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence history`: what the monitor has recorded, and what the module has kept.

mod kept;
mod since;
mod table;

use anyhow::{ensure, Result};
use serde::Serialize;
use std::io::ErrorKind;
use std::path::Path;

use self::kept::Fencing;
use crate::cli::HistoryArgs;
use crate::host::Host;
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
    /// What the module has kept, the oldest first.
    fencings: Vec<Fencing>,
    /// What of all that could not be read.
    errors: Vec<String>,
    /// Whether there is a record: only that knows if anything else has happened.
    #[serde(skip)]
    has_record: bool,
    /// Whether all of what there is could be read.
    #[serde(skip)]
    is_whole: bool,
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &HistoryArgs) -> Result<()> {
    output::print(
        args.output.format,
        &look(host, &args.directory, args.since)?,
    )
}

/// Reads the record, and what the module has kept. One of them is enough; what of the other one
/// could not be read is said beside it.
fn look(host: &Host, directory: &Path, since: Option<Since>) -> Result<History> {
    let mut history = History {
        schema: SCHEMA,
        events: Vec::new(),
        fencings: Vec::new(),
        errors: Vec::new(),
        has_record: false,
        is_whole: false,
    };
    let kept = kept::read(host, &mut history.errors);
    let record = read_record(directory, since, &mut history);
    history.is_whole = history.errors.is_empty();
    if let Err(error) = record {
        history.errors.push(format!("{error:#}"));
        ensure!(kept.is_some(), history.errors.join("; "));
    }
    let is_meant = |fencing: &Fencing| since.is_none_or(|since| fencing.time >= since.0);
    history
        .fencings
        .extend(kept.into_iter().flatten().filter(is_meant));
    Ok(history)
}

/// Reads the record.
fn read_record(directory: &Path, since: Option<Since>, history: &mut History) -> Result<()> {
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
    history.has_record = true;
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
    Ok(())
}
