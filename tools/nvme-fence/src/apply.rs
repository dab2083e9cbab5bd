// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence apply`: the settings that a file has for the arrays that are connected.

mod arrays;

use anyhow::{bail, Context, Result};
use serde::Serialize;
use std::fmt;
use std::path::Path;

use crate::cli::ApplyArgs;
use crate::host::Host;
use crate::missing;
use crate::output;
use crate::sysfs::device::resolve;
use crate::sysfs::knobs::Knobs;
use crate::sysfs::topology::{subsystems, Subsystem};
use crate::sysfs::unfenced;
use crate::text::OneLine;
use arrays::Arrays;

/// The version of the output for programs, whose description is in `schemas/`.
const SCHEMA: &str = "nvme-fence/apply/1";

/// Where the file is, if none is named.
const ARRAYS: &str = "/etc/nvme-fence/arrays.conf";

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
struct Applied {
    /// Which description this output follows.
    schema: &'static str,
    /// The file.
    file: String,
    /// Whether it was only said what would be set.
    dry_run: bool,
    /// The subsystems that were meant.
    subsystems: Vec<One>,
    /// What of the file has no effect, and why.
    warnings: Vec<String>,
    /// Those of which something failed, and why.
    errors: Vec<String>,
}

/// A subsystem.
#[derive(Serialize)]
struct One {
    /// nvme-subsysX
    name: String,
    /// Its model; `None` = the kernel does not say.
    model: Option<String>,
    /// The model of the entry that counts for it; `None` = there is none.
    entry: Option<String>,
    /// What was set: file and value.
    set: Vec<(&'static str, String)>,
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &ApplyArgs) -> Result<()> {
    let path = args.file.as_deref().unwrap_or(Path::new(ARRAYS));
    let arrays = match Arrays::read(path)? {
        None if args.file.is_some() => bail!("there is no {}", path.display()),
        arrays => arrays.unwrap_or_default(),
    };
    let mut applied = Applied {
        schema: SCHEMA,
        file: path.display().to_string(),
        dry_run: args.dry_run,
        subsystems: Vec::new(),
        warnings: arrays.warnings().to_vec(),
        errors: Vec::new(),
    };
    for subsystem in meant(host, args)? {
        match apply(&subsystem, &arrays, args.dry_run) {
            Ok(one) => applied.subsystems.push(one),
            // It has gone, and what was to be set with it.
            Err(_) if !subsystem.fence().is_dir() => {}
            Err(error) => applied
                .errors
                .push(format!("{}: {error:#}", subsystem.name)),
        }
    }
    output::print(args.output.format, &applied)?;
    match applied.errors.is_empty() {
        true => Ok(()),
        false => bail!("not all of {} could be applied", path.display()),
    }
}

/// The subsystems that are meant.
fn meant(host: &Host, args: &ApplyArgs) -> Result<Vec<Subsystem>> {
    let missing = missing::module(host);
    let Some(device) = &args.device else {
        if let Some(missing) = missing {
            bail!(missing);
        }
        let mut all = subsystems(host)?;
        all.retain(|subsystem| subsystem.fence().is_dir());
        return Ok(all);
    };
    let subsystem = resolve(host, device)?.subsystem;
    match subsystem.fence().is_dir() {
        true => Ok(vec![subsystem]),
        false => Err(unfenced::subsystem(&subsystem, missing)),
    }
}

/// Applies the file to one subsystem.
fn apply(subsystem: &Subsystem, arrays: &Arrays, dry_run: bool) -> Result<One> {
    let model = subsystem.model()?;
    let entry = model.as_deref().and_then(|model| arrays.of(model));
    let mut set = Vec::new();
    if let Some(entry) = entry {
        let fence = subsystem.fence();
        let now = Knobs::read(&fence)?;
        let changes = entry.changes();
        set = changes.values(&now)?;
        if !dry_run {
            let context = || format!("the entry of model `{}`", entry.model());
            changes.write(&fence, &now).with_context(context)?;
        }
    }
    Ok(One {
        name: subsystem.name.clone(),
        entry: entry.map(|entry| entry.model().to_string()),
        model,
        set,
    })
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.subsystems {
            let model = one.model.as_deref().unwrap_or("-");
            write!(f, "{}: model `{}`: ", one.name, OneLine(model))?;
            let values = one.set.iter();
            let set: Vec<_> = values
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            match (&one.entry, self.dry_run) {
                (None, _) => writeln!(f, "no entry in {}", self.file)?,
                (Some(_), _) if set.is_empty() => writeln!(f, "nothing to set")?,
                (Some(_), true) => writeln!(f, "would set {}", set.join(" "))?,
                (Some(_), false) => writeln!(f, "set {}", set.join(" "))?,
            }
        }
        let mut notes = self.warnings.iter().chain(&self.errors);
        notes.try_for_each(|note| writeln!(f, "{note}"))
    }
}
