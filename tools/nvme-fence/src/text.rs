// SPDX-License-Identifier: GPL-2.0
//! Text for a terminal: without control characters of others, and no wider than the window.

use std::fmt;

/// How wide the lines are that can be broken.
pub(crate) const COLUMNS: usize = 80;

/// Text that comes from elsewhere, on one line. Whoever chose an NQN or the name of a task does not
/// get to move the cursor of our reader.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}

/// Words after a heading, broken into lines that are all indented alike.
pub(crate) struct Wrapped<'a> {
    /// What the first line begins with.
    pub(crate) first: &'a str,
    /// What the others begin with; as wide as `first`.
    pub(crate) others: &'a str,
    /// The words.
    pub(crate) text: &'a str,
}

impl<'a> Wrapped<'a> {
    /// All lines begin with `indent`.
    pub(crate) fn below(indent: &'a str, text: &'a str) -> Self {
        Self {
            first: indent,
            others: indent,
            text,
        }
    }
}

impl fmt::Display for Wrapped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: &str| text.chars().count();
        let mut column = width(self.first);
        f.write_str(self.first)?;
        for (index, words) in chunks(self.text).iter().enumerate() {
            let words = OneLine(words).to_string();
            if index > 0 && column + 1 + width(&words) > COLUMNS {
                write!(f, "\n{}", self.others)?;
                column = width(self.others);
            } else if index > 0 {
                f.write_str(" ")?;
                column += 1;
            }
            f.write_str(&words)?;
            column += width(&words);
        }
        writeln!(f)
    }
}

/// Writes lines of cells in columns, each as wide as its widest cell.
pub(crate) fn write_columns<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    lines: &[[String; N]],
) -> fmt::Result {
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    for line in lines {
        let cells = line.iter().zip(widths);
        let padded: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        writeln!(f, "{}", padded.join("  ").trim_end())?;
    }
    Ok(())
}

/// What a text may be broken into: its words, but a number stays with its unit.
fn chunks(text: &str) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match chunks.last_mut() {
            Some(last) if last.ends_with(|c: char| c.is_ascii_digit()) && is_unit(word) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => chunks.push(word.to_owned()),
        }
    }
    chunks
}

/// Whether a word, without what ends a clause, is a unit of time or of size.
fn is_unit(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    ["us", "ms", "s", "B"].contains(&word) || (word.len() == 3 && word.ends_with("iB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out() {
        for (text, shown) in [
            ("nqn.2026-01.org.example:a", "nqn.2026-01.org.example:a"),
            ("a\u{1b}[2Jb\r\n\u{9b}", r"a\u{1b}[2Jb\r\n\u{9b}"),
            ("Größe", "Größe"),
        ] {
            assert_eq!(OneLine(text).to_string(), shown);
        }
    }

    #[test]
    fn lines_are_no_wider_than_a_terminal() {
        let text = "word ".repeat(40) + &"x".repeat(100);
        let wrapped = Wrapped {
            first: " |    row  ",
            others: " |         ",
            text: &text,
        }
        .to_string();
        let lines: Vec<&str> = wrapped.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[..3].iter().all(|line| line.len() <= COLUMNS));
        assert!(lines[0].starts_with(" |    row  word"));
        assert!(lines[1].starts_with(" |         word"));
        // What has no blank is not broken.
        assert!(lines[3].ends_with(&"x".repeat(100)));
    }

    #[test]
    fn numbers_stay_with_their_units() {
        let text = "4 commands, 16.0 KiB: 12.345 s, 3 x";
        assert_eq!(
            chunks(text),
            ["4", "commands,", "16.0 KiB:", "12.345 s,", "3", "x"]
        );
    }
}
