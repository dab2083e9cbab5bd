// SPDX-License-Identifier: GPL-2.0
//! `key=value` words: how the module writes structured text, in sysfs and in the trace.

use std::str::FromStr;

use crate::units::Nanos;

/// A text of `key=value` words. Words that nobody asks for are ignored: a newer module may have
/// more.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a str);

/// The field that is missing or has no sensible value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the field {0} is missing or malformed")]
pub(crate) struct BadField(pub(crate) &'static str);

impl<'a> Fields<'a> {
    /// The value of `key`.
    pub(crate) fn word(self, key: &'static str) -> Result<&'a str, BadField> {
        self.0
            .split_ascii_whitespace()
            .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
            .ok_or(BadField(key))
    }

    /// The value of `key`, which is of a type that can be read from text.
    pub(crate) fn parse<T: FromStr>(self, key: &'static str) -> Result<T, BadField> {
        self.word(key)?.parse().map_err(|_| BadField(key))
    }

    /// The value of `key`; `None` = it is the word for that there is none.
    pub(crate) fn word_if_any(self, key: &'static str) -> Result<Option<&'a str>, BadField> {
        self.word(key).map(if_any)
    }

    /// The same, of a type that can be read from text.
    pub(crate) fn parse_if_any<T: FromStr>(self, key: &'static str) -> Result<Option<T>, BadField> {
        let value = self.word_if_any(key)?;
        value.map(|_| self.parse(key)).transpose()
    }

    /// The value of `key`, which is a point in time or a duration, and never negative.
    pub(crate) fn nanos(self, key: &'static str) -> Result<Nanos, BadField> {
        match self.parse(key)? {
            nanos if nanos >= 0 => Ok(Nanos(nanos)),
            _ => Err(BadField(key)),
        }
    }

    /// The same of a key that older modules do not have; they, or 0, say that it is not known.
    pub(crate) fn nanos_if_known(self, key: &'static str) -> Result<Option<Nanos>, BadField> {
        match self.word(key) {
            Err(_) => Ok(None),
            Ok(_) => self
                .nanos(key)
                .map(|nanos| Some(nanos).filter(|nanos| nanos.0 > 0)),
        }
    }
}

/// What the module says; `None` = it says that there is none.
pub(crate) fn if_any(word: &str) -> Option<&str> {
    Some(word).filter(|word| *word != "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_whole_words() {
        let fields = Fields("nvme0 held_bytes=4096 held=1");
        assert_eq!(fields.parse("held"), Ok(1));
        assert_eq!(fields.parse("held_bytes"), Ok(4096));
        assert_eq!(fields.word("bytes"), Err(BadField("bytes")));
        assert_eq!(Fields("n=x").parse::<u32>("n"), Err(BadField("n")));
    }

    #[test]
    fn what_there_is_none_of_is_a_word() {
        let fields = Fields("rule=none wait_ms=none closing_ms=12 held_ms=long");
        assert_eq!(fields.word_if_any("rule"), Ok(None));
        assert_eq!(fields.word_if_any("closing_ms"), Ok(Some("12")));
        assert_eq!(fields.parse_if_any::<u64>("wait_ms"), Ok(None));
        assert_eq!(fields.parse_if_any("closing_ms"), Ok(Some(12)));
        for key in ["held_ms", "number"] {
            assert_eq!(fields.parse_if_any::<u64>(key), Err(BadField(key)));
        }
    }

    #[test]
    fn what_is_not_known_is_absent_or_0() {
        for (text, known) in [
            ("", Ok(None)),
            ("age_ns=0", Ok(None)),
            ("age_ns=7", Ok(Some(Nanos(7)))),
            ("age_ns=-7", Err(BadField("age_ns"))),
        ] {
            assert_eq!(Fields(text).nanos_if_known("age_ns"), known, "{text}");
        }
    }
}
