// SPDX-License-Identifier: GPL-2.0
//! A terminal that shows one thing at a time, always in the same place.

use anyhow::Result;
use std::io::{self, Write};

/// Switches to a screen of its own.
const ENTER: &str = "\x1b[?1049h";
/// Switches back to what was there before.
const LEAVE: &str = "\x1b[?1049l";
/// Goes to the upper left corner.
const HOME: &str = "\x1b[H";
/// Clears the rest of a line.
const CLEAR_LINE: &str = "\x1b[K";
/// Clears all that is below.
const CLEAR_BELOW: &str = "\x1b[J";

/// The size of a terminal that does not tell: columns and lines.
const USUAL: (usize, usize) = (80, 24);

/// What is on the screen. When it goes, this stays there, and what was there before is back above.
#[derive(Default)]
pub(super) struct Screen(Vec<String>);

impl Screen {
    /// Shows lines in place of those before.
    pub(super) fn show(&mut self, lines: &[String]) -> Result<()> {
        let mut stdout = io::stdout().lock();
        if self.0.is_empty() {
            stdout.write_all(ENTER.as_bytes())?;
        }
        self.0 = lines.to_vec();
        let size = terminal_size::terminal_size();
        let size = size.map_or(USUAL, |(columns, lines)| (columns.0.into(), lines.0.into()));
        stdout.write_all(frame(lines, size).as_bytes())?;
        stdout.flush()?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            // If the terminal is gone, so is whoever would want to know.
            let _ = writeln!(io::stdout(), "{LEAVE}{}", self.0.join("\n"));
        }
    }
}

/// What shows lines on a terminal of a size. What does not fit is cut off: broken lines would not be
/// in the same place the next time.
fn frame(lines: &[String], (columns, height): (usize, usize)) -> String {
    let mut frame = HOME.to_owned();
    let fits = lines.len() <= height;
    let shown = if fits {
        lines.len()
    } else {
        height.saturating_sub(1)
    };
    let cut = |line: &String| line.chars().take(columns).collect::<String>();
    let mut visible: Vec<String> = lines.iter().take(shown).map(cut).collect();
    if !fits {
        visible.push(cut(&format!("{} more lines", lines.len() - shown)));
    }
    frame += &visible.join(&format!("{CLEAR_LINE}\n"));
    frame + CLEAR_LINE + CLEAR_BELOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_scrolls() {
        let lines = ["a line", "another line", "a third one"].map(str::to_owned);
        assert_eq!(
            frame(&lines, (6, 3)),
            "\x1b[Ha line\x1b[K\nanothe\x1b[K\na thir\x1b[K\x1b[J"
        );
        assert_eq!(
            frame(&lines, (80, 2)),
            "\x1b[Ha line\x1b[K\n2 more lines\x1b[K\x1b[J"
        );
    }
}
