// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence trace live`: a readable line per event.

use anyhow::Result;
use std::io::{self, Write};

use super::event::{parse, Parsed};
use super::follow::{Follower, Piece};
use super::line::LineBuffer;
use crate::cli::LiveArgs;
use crate::host::Host;
use crate::text::OneLine;
use crate::units::Count;

/// Runs the command.
pub(crate) fn run(host: &Host, args: &LiveArgs) -> Result<()> {
    let follower = Follower::start(host, &args.events)?;
    let mut stdout = io::stdout().lock();
    let mut lines = LineBuffer::default();
    let mut events = 0;
    let mut events_lost = 0;
    follower.run(|piece| {
        let piece = match piece {
            Piece::Text(text) => text,
            Piece::Notice(notice) => return Ok(writeln!(stdout, "{notice}")?),
        };
        lines.push(piece, |line| -> Result<()> {
            match parse(line) {
                Parsed::Event(event) => {
                    events += 1;
                    writeln!(stdout, "{}", OneLine(&event.to_string()))?;
                }
                Parsed::EventsLost(count) => {
                    events_lost = count.saturating_add(events_lost);
                    writeln!(stdout, "{} lost", Count(count, "event"))?;
                }
                // Of a module that is newer than this tool: still better than nothing.
                Parsed::Malformed(..) | Parsed::Other => {
                    writeln!(stdout, "{}", OneLine(line.trim()))?;
                }
            }
            Ok(())
        })
    })?;
    writeln!(stdout, "{}, {events_lost} lost", Count(events, "event"))?;
    Ok(())
}
