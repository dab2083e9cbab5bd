// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence config`: the knobs of a subsystem.

use anyhow::Result;
use serde::Serialize;
use std::fmt;

use crate::cli::ConfigArgs;
use crate::host::Host;
use crate::missing;
use crate::output;
use crate::sysfs::device::resolve;
use crate::sysfs::knobs::{Changes, Knobs};
use crate::sysfs::unfenced;
use crate::text::{OneLine, Wrapped};

/// The version of the output for programs, whose description is in `schemas/`.
const SCHEMA: &str = "nvme-fence/config/1";

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
struct Config {
    /// Which description this output follows.
    schema: &'static str,
    /// nvme-subsysX
    name: String,
    /// Its qualified name; `None` = it cannot be read, which changes nothing about the knobs.
    nqn: Option<String>,
    /// The knobs, after they were set.
    #[serde(flatten)]
    knobs: Knobs,
}

/// Runs the command.
pub(crate) fn run(host: &Host, args: &ConfigArgs) -> Result<()> {
    let subsystem = resolve(host, &args.device)?.subsystem;
    let fence = subsystem.fence();
    if !fence.is_dir() {
        return Err(unfenced::subsystem(&subsystem, missing::module(host)));
    }
    let changes = Changes {
        hold: args.hold.clone(),
        evidence: args.evidence.clone(),
        cqt_default_ms: args.cqt_default_ms,
        cqt_override_ms: args.cqt_override_ms,
    };
    changes.write(&fence, &Knobs::read(&fence)?)?;
    let config = Config {
        schema: SCHEMA,
        knobs: Knobs::read(&fence)?,
        nqn: subsystem.nqn().ok(),
        name: subsystem.name,
    };
    output::print(args.output.format, &config)
}

/// The knobs under the names of the options that set them. What could be set is shown, too.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nqn = self.nqn.as_deref().unwrap_or("-");
        writeln!(f, "{} - NQN={}", self.name, OneLine(nqn))?;
        let knobs = &self.knobs;
        for (name, value) in [
            ("hold", knobs.hold.to_string()),
            ("evidence", knobs.evidence.to_string()),
            ("cqt-default-ms", knobs.cqt_default_ms.to_string()),
            ("cqt-override-ms", knobs.cqt_override_ms.to_string()),
        ] {
            let first = &format!("  {name:<17}");
            let others = &" ".repeat(first.len());
            let text = &value;
            write!(
                f,
                "{}",
                Wrapped {
                    first,
                    others,
                    text
                }
            )?;
        }
        Ok(())
    }
}
