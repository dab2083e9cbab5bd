// SPDX-License-Identifier: GPL-2.0
//! Words that the module lists, those in force in brackets: `[all] none`.
//!
//! What may be set is read from there. So this tool can set the words of modules that are newer.

use anyhow::{ensure, Result};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A word as a user gives it. Known to be well formed, not to be listed by any module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word(String);

/// Why a text is no word.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no word")]
pub(crate) struct NoWord(String);

impl FromStr for Word {
    type Err = NoWord;

    fn from_str(text: &str) -> Result<Self, NoWord> {
        let is_inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        match text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(is_inside) {
            true => Ok(Self(text.to_owned())),
            false => Err(NoWord(text.to_owned())),
        }
    }
}

impl Word {
    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The list, in the module's order: each word, and whether it is in force.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words(Vec<(String, bool)>);

impl Words {
    /// Understands what the module says.
    pub(crate) fn parse(text: &str) -> Self {
        let word = |text: &str| match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            Some(in_force) => (in_force.to_owned(), true),
            None => (text.to_owned(), false),
        };
        Self(text.split_ascii_whitespace().map(word).collect())
    }

    /// All words.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(word, _)| word.as_str())
    }

    /// Those in force.
    pub(crate) fn in_force(&self) -> impl Iterator<Item = &str> {
        let in_force = self.0.iter().filter(|(_, in_force)| *in_force);
        in_force.map(|(word, _)| word.as_str())
    }

    /// Whether a word is in force.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.in_force().any(|its| its == word)
    }

    /// Fails if the module does not list a word for what is called `name`.
    pub(crate) fn ensure_listed(&self, name: &str, word: &Word) -> Result<()> {
        let listed: Vec<&str> = self.listed().collect();
        ensure!(
            listed.contains(&word.as_str()),
            "the module has no `{}` for {name}, but: {}; nothing was changed",
            word.as_str(),
            listed.join(", ")
        );
        Ok(())
    }
}

/// As the module lists them.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (word, in_force)) in self.0.iter().enumerate() {
            let gap = if index > 0 { " " } else { "" };
            match in_force {
                true => write!(f, "{gap}[{word}]")?,
                false => write!(f, "{gap}{word}")?,
            }
        }
        Ok(())
    }
}

/// Those in force.
impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.in_force())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "[ccr] [time] reconnect-by-id notification";

    #[test]
    fn what_is_in_brackets_is_in_force() {
        let words = Words::parse(LIST);
        assert_eq!(words.in_force().collect::<Vec<_>>(), ["ccr", "time"]);
        assert_eq!(words.listed().count(), 4);
        assert!(words.has("time") && !words.has("notification") && !words.has("luck"));
        assert_eq!(words.to_string(), LIST);
        assert_eq!(serde_json::to_string(&words).unwrap(), r#"["ccr","time"]"#);
        assert_eq!(Words::parse(""), Words::default());
    }

    #[test]
    fn what_is_not_listed_is_refused_with_what_is() {
        let words = Words::parse(LIST);
        let check = |word: &str| words.ensure_listed("evidence", &word.parse().unwrap());
        assert!(check("notification").is_ok());
        assert_eq!(
            check("luck").unwrap_err().to_string(),
            "the module has no `luck` for evidence, but: \
             ccr, time, reconnect-by-id, notification; nothing was changed"
        );
    }

    #[test]
    fn words_are_what_a_module_may_list() {
        for text in ["all", "reconnect-by-id", "ccr2"] {
            assert_eq!(text.parse::<Word>().unwrap().as_str(), text);
        }
        for text in ["", "-all", "--hold", "ALL", "[all]", "all none", "2", "ä"] {
            assert_eq!(text.parse::<Word>(), Err(NoWord(text.to_owned())), "{text}");
        }
    }
}
