// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence can-disconnect`: whether anybody would miss a subsystem or a controller.

mod mounts;
mod uses;

use anyhow::{bail, Result};
use serde::Serialize;
use std::fmt;
use std::process::ExitCode;

use crate::cli::CanDisconnectArgs;
use crate::host::Host;
use crate::output;
use crate::sysfs::device::resolve;
use crate::sysfs::held::Held;
use crate::sysfs::namespace::{namespaces, Namespace};
use crate::sysfs::part::{self, noted};
use crate::sysfs::removed;
use crate::sysfs::topology::Subsystem;
use crate::units::Count;
use uses::System;

/// The version of the output for programs, whose description is in `schemas/`.
const SCHEMA: &str = "nvme-fence/can-disconnect/1";
/// The exit status that says no.
const EXIT_NO: u8 = 4;

/// What sysfs and procfs do not tell, and a verdict does not say anything about.
const NOT_KNOWN: &str = "whether a program has it open (fuser shows those of this host)";

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// Nothing speaks against it.
    Yes,
    /// Something does.
    No,
    /// Nothing that could be seen does, and something could not be seen.
    Unknown,
}

/// Something that speaks against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reason {
    /// Its kind, for programs.
    pub(crate) code: &'static str,
    /// The device that it is about.
    pub(crate) object: String,
    /// What is so.
    pub(crate) text: String,
    /// What to do about it.
    pub(crate) advice: String,
}

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
struct Answer {
    /// Which description this output follows.
    schema: &'static str,
    /// The subsystem or controller that was asked about.
    object: String,
    /// nvme-subsysX
    subsystem: String,
    /// Its qualified name.
    nqn: Option<String>,
    /// What would go.
    controllers: Vec<String>,
    /// The answer.
    verdict: Verdict,
    /// What speaks against it.
    reasons: Vec<Reason>,
    /// What had to be seen to say yes, and could not be.
    errors: Vec<String>,
    /// What the verdict says nothing about.
    not_known: [&'static str; 1],
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Yes => "can be disconnected",
            Verdict::No => "must not be disconnected",
            Verdict::Unknown => "may be in use, or not",
        };
        writeln!(f, "{}: {verdict}", self.object)?;
        for reason in &self.reasons {
            let Reason {
                code,
                object,
                text,
                advice,
            } = reason;
            writeln!(f, "{code} {object}: {text}; {advice}")?;
        }
        for error in &self.errors {
            writeln!(f, "{error}")?;
        }
        if self.verdict == Verdict::Yes {
            writeln!(f, "not known: {}", self.not_known[0])?;
        }
        Ok(())
    }
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &CanDisconnectArgs) -> Result<ExitCode> {
    let device = resolve(host, &args.device.0)?;
    let one = device.controller.clone();
    let answer = answer(host, &device.subsystem, device.controller)?;
    // Whoever asks about what has just gone is told so, and not that it may go.
    let gone = one.is_some_and(|name| !device.subsystem.lists(&name));
    if gone || !device.subsystem.exists() {
        bail!("{} is gone", args.device.0);
    }
    output::print(args.output.format, &answer)?;
    match answer.verdict {
        Verdict::Yes => Ok(ExitCode::SUCCESS),
        Verdict::No => Ok(EXIT_NO.into()),
        Verdict::Unknown => {
            let things = Count(answer.errors.len() as u64, "thing");
            bail!("{things} could not be seen, see above")
        }
    }
}

/// Looks for what speaks against disconnecting a subsystem, or one of its controllers.
fn answer(host: &Host, subsystem: &Subsystem, controller: Option<String>) -> Result<Answer> {
    let mut errors = Vec::new();
    let mut reasons = Vec::new();
    let nqn = part::read(|| subsystem.exists(), || subsystem.nqn());
    let nqn = noted(nqn, &mut errors);
    let whole = controller.is_none();
    let object = controller.clone().unwrap_or(subsystem.name.clone());
    let controllers = match controller {
        Some(name) => vec![name],
        None => subsystem.controllers()?,
    };
    for name in &controllers {
        reasons.extend(held(subsystem, name, &mut errors));
    }
    let all = namespaces(subsystem);
    errors.extend(all.errors);
    let system = System::read(host, &mut errors);
    let mut cut_off = false;
    for namespace in &all.found {
        errors.extend_from_slice(&namespace.errors);
        let is_leaving = |name: &String| controllers.contains(name);
        if !loses_last_path(namespace, is_leaving) {
            continue;
        }
        cut_off = true;
        let uses = system.uses(namespace, &mut errors);
        if !whole && !uses.is_empty() {
            reasons.push(Reason {
                code: "last-path",
                object: namespace.name.clone(),
                text: format!("no usable path is left without {object}, and it is in use"),
                advice: "connect or mend another path first".to_owned(),
            });
        }
        reasons.extend(uses);
    }
    if cut_off {
        errors.extend(held_for_removed(host));
    }
    let verdict = match (reasons.is_empty(), errors.is_empty()) {
        (false, _) => Verdict::No,
        (true, true) => Verdict::Yes,
        (true, false) => Verdict::Unknown,
    };
    Ok(Answer {
        schema: SCHEMA,
        object,
        subsystem: subsystem.name.clone(),
        nqn,
        controllers,
        verdict,
        reasons,
        errors,
        not_known: [NOT_KNOWN],
    })
}

/// Whether a namespace has a path that goes, and no usable one that stays.
fn loses_last_path(namespace: &Namespace, is_leaving: impl Fn(&String) -> bool) -> bool {
    let mut paths = namespace.paths.iter();
    let stays = |path| !is_leaving(path);
    namespace
        .paths
        .iter()
        .any(|path| is_leaving(&path.controller))
        && !paths.any(|path| stays(&path.controller) && path.is_usable())
}

/// What the module holds or tracks for a controller. Without the module, that is nothing.
fn held(subsystem: &Subsystem, name: &str, errors: &mut Vec<String>) -> Option<Reason> {
    let fence = subsystem.controller(name).join("fence");
    let held = part::read(|| fence.is_dir(), || Held::read(&fence));
    let held = noted(held, errors).filter(Held::is_any)?;
    // What is tracked waits for nothing. But without the controller there is less that may be
    // evidence, and newer ones would wait longer.
    let (code, what) = match held.commands {
        0 => ("tracked", "newer commands need not wait any more"),
        _ => ("held", "they are sent on"),
    };
    Some(Reason {
        code,
        object: name.to_owned(),
        text: held.to_string(),
        advice: format!("wait until {what} (nvme-fence status {name})"),
    })
}

/// What is held for controllers that are gone, of whatever subsystem: the module does not tell. They
/// are sent on by the paths that are left.
fn held_for_removed(host: &Host) -> Option<String> {
    match removed::read(host) {
        Ok(Some(held)) if held.is_any() => Some(format!(
            "removed controllers: {held}; they may belong to it: wait (nvme-fence status)"
        )),
        Ok(_) => None,
        Err(error) => Some(format!("{error:#}")),
    }
}
