// SPDX-License-Identifier: GPL-2.0
//! Results go to standard output through here.

use anyhow::Result;
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, Write};

use crate::cli::OutputFormat;
use crate::text::OneLine;

/// Prints a result that can be shown to people and to programs.
pub(crate) fn print<T: Serialize + Display>(format: OutputFormat, result: &T) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match format {
        OutputFormat::Normal => {
            for line in lines(result) {
                writeln!(stdout, "{line}")?;
            }
        }
        OutputFormat::Json => {
            serde_json::to_writer_pretty(&mut stdout, result).map_err(io::Error::from)?;
            writeln!(stdout)?;
        }
    }
    stdout.flush()?;
    Ok(())
}

/// The lines in which a result is shown to people.
pub(crate) fn lines(result: &impl Display) -> Vec<String> {
    let line = |line: &str| OneLine(line).to_string();
    result.to_string().lines().map(line).collect()
}

/// Prints one of many results for programs: a line each.
pub(crate) fn print_json_line(result: &impl Serialize) -> Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer(&mut stdout, result).map_err(io::Error::from)?;
    writeln!(stdout)?;
    Ok(())
}

/// Prints a result that is a file of a format of its own.
pub(crate) fn print_text(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Prints one word of a result, for scripts.
pub(crate) fn print_line(word: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", OneLine(word))?;
    stdout.flush()?;
    Ok(())
}

/// Whether the only thing that went wrong is that nobody reads our output any more.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
