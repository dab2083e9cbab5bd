// SPDX-License-Identifier: GPL-2.0
//! `nvme-fence trace record`: the trace's text, for `report`.

use anyhow::{Context, Result};
use std::fs::File;
use std::io::{self, Write};

use super::event::{parse, Parsed};
use super::follow::{Follower, Piece};
use super::line::{LineBuffer, HEADER};
use super::surroundings::Surroundings;
use crate::cli::RecordArgs;
use crate::host::Host;
use crate::units::Count;

/// Runs the command.
pub(crate) fn run(host: &Host, args: &RecordArgs) -> Result<()> {
    let context = || format!("cannot write {}", args.file.display());
    let follower = Follower::start(host, &args.events)?;
    let mut file = File::create(&args.file).with_context(context)?;
    // A recording in which nothing happens is one all the same.
    let (header, version) = (HEADER, env!("CARGO_PKG_VERSION"));
    writeln!(file, "{header}{version}, times are CLOCK_MONOTONIC").with_context(context)?;
    let before = Surroundings::read(host).lines();
    write_new(&mut file, &before, &[]).with_context(context)?;
    // Scripts wait for this word before they break a path. Standard output is flushed at the
    // newline.
    writeln!(io::stdout(), "recording")?;
    let mut lines = LineBuffer::default();
    let mut recorded = 0;
    let mut events_lost = 0;
    follower.run(|piece| {
        let piece = match piece {
            Piece::Text(text) => text,
            Piece::Notice(notice) => {
                eprintln!("nvme-fence: {notice}");
                return writeln!(file, "{HEADER}{notice}").with_context(context);
            }
        };
        // Unbuffered: what has happened is in the file, even if we are killed.
        file.write_all(piece).with_context(context)?;
        lines.push(piece, |line| {
            match parse(line) {
                Parsed::EventsLost(count) => events_lost = count.saturating_add(events_lost),
                _ => recorded += 1,
            }
            Ok(())
        })
    })?;
    // What has come meanwhile.
    write_new(&mut file, &Surroundings::read(host).lines(), &before).with_context(context)?;
    writeln!(
        io::stdout(),
        "{} recorded, {events_lost} lost",
        Count(recorded, "event")
    )?;
    Ok(())
}

/// Writes the lines that are not among those that were written before.
fn write_new(file: &mut impl Write, lines: &[String], before: &[String]) -> io::Result<()> {
    let mut new = lines.iter().filter(|line| !before.contains(line));
    new.try_for_each(|line| writeln!(file, "{line}"))
}
