// SPDX-License-Identifier: GPL-2.0
//! The volumes for people: one line each.

use std::fmt;

use super::volume::{State, Volume};
use crate::text::{write_columns, OneLine};

/// The columns. A line is as wide as the names in it: they are there to be copied whole.
const HEADINGS: [&str; 8] = [
    "NAMESPACE",
    "DEVICE",
    "BY-ID",
    "SUBSYSTEM",
    "NQN",
    "PATHS",
    "OPTIMIZED",
    "STATE",
];

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Usable => "usable",
            Self::NoPath => "no-path",
            Self::Orphaned => "orphaned",
        })
    }
}

/// Writes the table, if there is anything in it.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, volumes: &[Volume]) -> fmt::Result {
    if volumes.is_empty() {
        return Ok(());
    }
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(volumes.iter().map(cells));
    write_columns(f, &lines)
}

/// The cells of a line.
fn cells(volume: &Volume) -> [String; HEADINGS.len()] {
    let word = |text: &Option<String>| OneLine(text.as_deref().unwrap_or("-")).to_string();
    [
        word(&volume.namespace),
        word(&volume.device),
        word(&volume.by_id),
        volume.of.subsystem.clone(),
        word(&volume.of.nqn),
        volume.paths.len().to_string(),
        volume.paths_optimized.to_string(),
        volume.state.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::volume::Of;

    /// The table.
    struct Table(Vec<Volume>);

    impl fmt::Display for Table {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write(f, &self.0)
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_names() {
        let of = Of {
            subsystem: "nvme-subsys3".to_owned(),
            nqn: Some("nqn.\u{1b}x".to_owned()),
            serial: None,
            iopolicy: None,
        };
        assert_eq!(
            Table(vec![Volume::remains(&of)]).to_string(),
            r"
NAMESPACE  DEVICE  BY-ID  SUBSYSTEM     NQN          PATHS  OPTIMIZED  STATE
-          -       -      nvme-subsys3  nqn.\u{1b}x  0      0          orphaned
"
            .trim_start()
        );
        assert_eq!(Table(Vec::new()).to_string(), "");
    }
}
