// SPDX-License-Identifier: GPL-2.0
//! Lines of cells, no wider than the window.

use std::fmt;

use crate::text::{Wrapped, COLUMNS};

/// What every line begins with.
const INDENT: &str = "  ";

/// A line, and what belongs to it.
pub(super) struct Row {
    /// The cells. The last one may be as long as it likes: no other is below it.
    pub(super) cells: Vec<String>,
    /// Lines that follow.
    pub(super) below: String,
}

/// The lines, the first of which are headings.
pub(super) struct Table(pub(super) Vec<Row>);

impl Row {
    /// A line that nothing belongs to.
    pub(super) fn new<const CELLS: usize>(cells: [&str; CELLS]) -> Self {
        Self {
            cells: cells.map(str::to_owned).to_vec(),
            below: String::new(),
        }
    }

    /// The cells that others are below, and the last.
    fn split(&self) -> (&[String], &str) {
        match self.cells.split_last() {
            Some((last, others)) => (others, last),
            None => (&[], ""),
        }
    }
}

/// How wide a text is.
fn width(text: &str) -> usize {
    text.chars().count()
}

impl Table {
    /// How wide each column is.
    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for row in &self.0 {
            let (cells, _) = row.split();
            widths.resize(widths.len().max(cells.len()), 0);
            for (column, cell) in cells.iter().enumerate() {
                widths[column] = widths[column].max(width(cell));
            }
        }
        widths
    }

    /// What a line begins with, up to its last cell.
    fn front(row: &Row, widths: &[usize], gap: &str) -> String {
        let (cells, _) = row.split();
        let cells = cells.iter().zip(widths);
        let padded = cells.map(|(cell, width)| format!("{cell:width$}{gap}"));
        INDENT.to_owned() + &padded.collect::<String>()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let fits = |gap| {
            let whole = |row| width(&Self::front(row, &widths, gap)) + width(row.split().1);
            self.0.iter().all(|row| whole(row) <= COLUMNS)
        };
        // Rather narrow than broken.
        let gap = if fits("  ") { "  " } else { " " };
        for row in &self.0 {
            let (mut first, text) = (Self::front(row, &widths, gap), row.split().1);
            let mut others = " ".repeat(width(&first));
            let longest = text.split(' ').map(width).max().unwrap_or(0);
            if width(&others) + longest > COLUMNS {
                // A word that has no room beside the others is below them.
                others = INDENT.repeat(2);
                first = format!("{}\n{others}", first.trim_end());
            }
            let (first, others) = (&first, &others);
            write!(
                f,
                "{}",
                Wrapped {
                    first,
                    others,
                    text
                }
            )?;
            f.write_str(&row.below)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::text::HEADINGS;

    #[test]
    fn only_last_cells_run_on() {
        let table = Table(vec![
            Row::new(["PATH", "ANA", "FENCE", "HELD"]),
            Row::new(["nvme0", "-", "local disk, needs no fence"]),
            Row::new(["nvme10", "optimized", "idle", "0"]),
        ]);
        assert_eq!(
            table.to_string(),
            "  PATH    ANA        FENCE  HELD\n  \
               nvme0   -          local disk, needs no fence\n  \
               nvme10  optimized  idle   0\n"
        );
    }

    #[test]
    fn the_longest_words_of_the_kernel_fit() {
        for (last, lines) in [("disabled", 2), ("reconnect-by-id", 3)] {
            let table = Table(vec![
                Row::new(HEADINGS),
                Row::new([
                    "nvme1023",
                    "deleting",
                    "persistent-loss",
                    "holding",
                    "12345",
                    "1023.9 MiB",
                    "3655.0 s",
                    last,
                ]),
            ]);
            let text = table.to_string();
            assert_eq!(text.lines().count(), lines, "{text}");
            assert!(text.lines().all(|line| width(line) <= COLUMNS), "{text}");
        }
    }
}
