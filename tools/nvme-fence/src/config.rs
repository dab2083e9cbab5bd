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
use crate::text::OneLine;

/// What is printed. The names of the fields are the keys of the JSON output, which scripts rely on.
#[derive(Serialize)]
struct Config {
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
        mode: args.mode,
        cqt_default_ms: args.cqt_default_ms,
        cqt_override_ms: args.cqt_override_ms,
        trust_notification: args.trust_notification,
    };
    changes.write(&fence)?;
    let config = Config {
        knobs: Knobs::read(&fence)?,
        nqn: subsystem.nqn().ok(),
        name: subsystem.name,
    };
    output::print(args.output.format, &config)
}

/// The knobs under the names of the options that set them.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nqn = self.nqn.as_deref().unwrap_or("-");
        writeln!(f, "{} - NQN={}", self.name, OneLine(nqn))?;
        writeln!(f, "  mode                {}", self.knobs.mode)?;
        writeln!(f, "  cqt-default-ms      {}", self.knobs.cqt_default_ms)?;
        writeln!(f, "  cqt-override-ms     {}", self.knobs.cqt_override_ms)?;
        writeln!(f, "  trust-notification  {}", self.knobs.trust_word())
    }
}
