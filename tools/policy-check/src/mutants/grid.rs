// SPDX-License-Identifier: GPL-2.0-only

//! Tables of reStructuredText.

use std::fmt;

/// Writes a table with these columns.
pub(super) fn write<const COLUMNS: usize>(
    f: &mut fmt::Formatter<'_>,
    head: [&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) -> fmt::Result {
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    });
    let rule = widths.map(|width| "=".repeat(width));
    let head = head.map(str::to_owned);
    for row in [&rule, &head, &rule].into_iter().chain(rows).chain([&rule]) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line += &format!("{cell:width$}  ");
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}
