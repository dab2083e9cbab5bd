// SPDX-License-Identifier: GPL-2.0

//! What the target has received, done and answered: JSON, a line for each thing, in the order in
//! which it happened.

use std::io::{self, Write};

use serde::Serialize;

use crate::nvme::status::Status;

/// How every log begins.
pub const LOG_BEGINNING: &str = r#"{"ns":"#;

/// Where the lines go.
///
/// They are written at once, and before the host can see what they say: whoever has an answer finds
/// the line.
pub(super) struct Journal {
    sink: Option<Box<dyn Write + Send>>,
    /// The first error.
    error: Option<io::Error>,
}

/// A line. What does not apply is left out.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct Line<'a> {
    /// `CLOCK_MONOTONIC`.
    pub(super) ns: u64,
    /// What has happened.
    pub(super) event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cntlid: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) queue: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cid: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) opcode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) slba: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) blocks: Option<u64>,
    /// The namespace, or ANA group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nsid: Option<u32>,
    /// Where a command is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stage: Option<&'static str>,
    /// What a held command is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) held: Option<u64>,
    /// The rule that has applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<u64>,
    /// The controller that is reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) icid: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ciu: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lid: Option<u8>,
    /// The asynchronous event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notice: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<&'a str>,
    /// Why, or how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
}

/// A status as the kernel prints it.
pub(super) fn status_text(status: Status) -> Option<String> {
    Some(format!("{:#x}", status.number()))
}

impl Journal {
    /// A journal that goes to `sink`, or nowhere.
    pub(super) fn new(sink: Option<Box<dyn Write + Send>>) -> Self {
        Journal { sink, error: None }
    }

    /// Adds a line.
    pub(super) fn note(&mut self, line: &Line<'_>) {
        if let Some(sink) = &mut self.sink {
            let mut text = serde_json::to_vec(line).expect("a line has no maps");
            text.push(b'\n');
            if let Err(error) = sink.write_all(&text) {
                self.error.get_or_insert(error);
            }
        }
    }

    /// Whether all lines could be written.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }
}
