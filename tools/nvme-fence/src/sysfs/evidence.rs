// SPDX-License-Identifier: GPL-2.0
//! What is to count as evidence, as a user says it: all of it, or what is to change about it.

use anyhow::{ensure, Result};
use std::str::FromStr;

use super::words::{NoWord, Word, Words};

/// A set of words: `ccr,time`, or what to add to the set in force, and to take from it:
/// `+notification,-time`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Whether what is in force stays, but for what is said.
    keeps: bool,
    /// The words in the order in which they were given, and whether each is to count.
    words: Vec<(Word, bool)>,
}

/// Why a text says nothing of the kind.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadSet {
    /// There is none in it.
    #[error("give words, with commas in between")]
    Empty,
    /// It is not clear what becomes of the set in force.
    #[error("give + or - before each word, or before none")]
    Mixed,
    /// It is none.
    #[error(transparent)]
    NoWord(#[from] NoWord),
}

impl FromStr for Wanted {
    type Err = BadSet;

    fn from_str(text: &str) -> Result<Self, BadSet> {
        let separators = |c: char| c == ',' || c.is_ascii_whitespace();
        let given: Vec<&str> = text.split(separators).filter(|t| !t.is_empty()).collect();
        let is_signed = |text: &&str| text.starts_with(['+', '-']);
        let keeps = given.first().is_some_and(is_signed);
        if given.is_empty() {
            return Err(BadSet::Empty);
        }
        if given.iter().any(|text| is_signed(text) != keeps) {
            return Err(BadSet::Mixed);
        }
        let word = |text: &str| {
            let counts = !text.starts_with('-');
            let word = if keeps { &text[1..] } else { text };
            Ok((word.parse()?, counts))
        };
        let words = given.into_iter().map(word).collect::<Result<_, NoWord>>()?;
        Ok(Self { keeps, words })
    }
}

impl Wanted {
    /// The set that comes of it for a module that says `now`, as it is written.
    pub(crate) fn of(&self, now: &Words) -> Result<String> {
        let mut set: Vec<&str> = match self.keeps {
            true => now.in_force().collect(),
            false => Vec::new(),
        };
        for (word, counts) in &self.words {
            now.ensure_listed("evidence", word)?;
            set.retain(|its| *its != word.as_str());
            if *counts {
                set.push(word.as_str());
            }
        }
        ensure!(
            !set.is_empty(),
            "evidence: nothing would be left, which the module refuses; nothing was changed"
        );
        let in_order: Vec<&str> = now.listed().filter(|word| set.contains(word)).collect();
        Ok(in_order.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of a text, where these are in force.
    fn of(text: &str) -> String {
        let now = Words::parse("[ccr] [time] [disabled] notification dowsing");
        let wanted: Wanted = text.parse().unwrap();
        wanted.of(&now).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn a_list_replaces_and_signs_change() {
        for (text, set) in [
            ("ccr", "ccr"),
            ("notification,ccr", "ccr,notification"),
            ("time ccr, time", "ccr,time"),
            // Of a newer module.
            ("dowsing", "dowsing"),
            ("+dowsing", "ccr,time,disabled,dowsing"),
            ("+notification,-ccr", "time,disabled,notification"),
            ("-ccr", "time,disabled"),
            // As it is.
            ("+ccr", "ccr,time,disabled"),
            ("-notification", "ccr,time,disabled"),
            // The last word.
            ("+dowsing,-dowsing", "ccr,time,disabled"),
        ] {
            assert_eq!(of(text), set, "{text}");
        }
    }

    #[test]
    fn what_the_module_would_refuse_is_refused() {
        let listed = "ccr, time, disabled, notification, dowsing; nothing was changed";
        for text in ["luck", "ccr,luck", "+luck", "-luck"] {
            let refused = format!("the module has no `luck` for evidence, but: {listed}");
            assert_eq!(of(text), refused, "{text}");
        }
        let refused = "evidence: nothing would be left, which the module refuses; \
                       nothing was changed";
        assert_eq!(of("-ccr,-time,-disabled"), refused);
    }

    #[test]
    fn what_is_no_set() {
        let no_word = |text: &str| BadSet::NoWord(text.parse::<Word>().unwrap_err());
        for (text, error) in [
            ("", BadSet::Empty),
            (" ,", BadSet::Empty),
            ("ccr,+time", BadSet::Mixed),
            ("-ccr,time", BadSet::Mixed),
            ("CCR", no_word("CCR")),
            ("+", no_word("")),
            ("--hold", no_word("-hold")),
        ] {
            assert_eq!(text.parse::<Wanted>(), Err(error), "{text}");
        }
    }
}
