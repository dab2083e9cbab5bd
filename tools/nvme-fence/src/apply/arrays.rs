// SPDX-License-Identifier: GPL-2.0
//! The file arrays.conf: settings by the model of an array.

use anyhow::{bail, Context, Result};
use glob::Pattern;
use serde::de::{Deserializer, Error};
use serde::Deserialize;
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::Path;
use std::str::FromStr;

use crate::sysfs::evidence::Wanted;
use crate::sysfs::knobs::{Changes, CQT_DEFAULT_MS, CQT_OVERRIDE_MS};
use crate::sysfs::words::Word;

/// All that the file says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arrays {
    /// The entries, in its order.
    #[serde(default)]
    array: Vec<Array>,
}

/// An entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Array {
    /// Which arrays are meant: `*`, `?` and `[...]` stand for others, as in a shell.
    #[serde(deserialize_with = "parsed")]
    pub(crate) model: Pattern,
    /// As for `nvme-fence config`.
    #[serde(default, deserialize_with = "parsed_if_there")]
    hold: Option<Word>,
    /// As for `nvme-fence config`.
    #[serde(default, deserialize_with = "parsed_if_there")]
    evidence: Option<Wanted>,
    /// As for `nvme-fence config`.
    #[serde(default, deserialize_with = "cqt_default_ms")]
    cqt_default_ms: Option<u32>,
    /// As for `nvme-fence config`.
    #[serde(default, deserialize_with = "cqt_override_ms")]
    cqt_override_ms: Option<u32>,
}

impl Arrays {
    /// Reads a file; `None` = there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let name = path.display();
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("cannot read {name}"))?,
        };
        match toml::from_str(&text) {
            Ok(arrays) => Ok(Some(arrays)),
            Err(error) => {
                let begin = error.span().map_or(0, |span| span.start);
                let line = text[..begin].matches('\n').count() + 1;
                bail!("{name}, line {line}: {}", error.message())
            }
        }
    }

    /// The entry that counts for a model.
    pub(crate) fn of(&self, model: &str) -> Option<&Array> {
        self.array.iter().find(|array| array.model.matches(model))
    }
}

impl Array {
    /// What it changes.
    pub(crate) fn changes(&self) -> Changes {
        Changes {
            hold: self.hold.clone(),
            evidence: self.evidence.clone(),
            cqt_default_ms: self.cqt_default_ms,
            cqt_override_ms: self.cqt_override_ms,
        }
    }
}

/// Reads what is written as text.
fn parsed<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

/// The same for what may be missing.
fn parsed_if_there<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    parsed(deserializer).map(Some)
}

/// Reads a number that the module accepts.
fn number<'de, D: Deserializer<'de>>(
    range: RangeInclusive<i64>,
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    let number = i64::deserialize(deserializer)?;
    let refused = || {
        let (first, last) = (range.start(), range.end());
        D::Error::custom(format!("{number} is not from {first} to {last}"))
    };
    match u32::try_from(number) {
        Ok(fits) if range.contains(&number) => Ok(Some(fits)),
        _ => Err(refused()),
    }
}

/// Reads `cqt-default-ms`.
fn cqt_default_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    number(CQT_DEFAULT_MS, deserializer)
}

/// Reads `cqt-override-ms`.
fn cqt_override_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    number(CQT_OVERRIDE_MS, deserializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is understood of a text.
    fn read(text: &str) -> Result<Arrays> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("arrays.conf");
        fs::write(&path, text).unwrap();
        Arrays::read(&path).map(Option::unwrap)
    }

    #[test]
    fn the_first_that_fits_counts() {
        let arrays = read(
            "[[array]]\nmodel = 'Flash 9'\nhold = 'none'\n\
             [[array]]\nmodel = 'Flash*'\ncqt-default-ms = 7\nevidence = '+notification'\n\
             [[array]]\nmodel = 'F*'\ncqt-override-ms = 0\n",
        )
        .unwrap();
        let of = |model| arrays.of(model).map(Array::changes);
        let first = Changes {
            hold: Some("none".parse().unwrap()),
            ..Changes::default()
        };
        let second = Changes {
            evidence: Some("+notification".parse().unwrap()),
            cqt_default_ms: Some(7),
            ..Changes::default()
        };
        let third = Changes {
            cqt_override_ms: Some(0),
            ..Changes::default()
        };
        assert_eq!(of("Flash 9"), Some(first));
        assert_eq!(of("Flash 9/x"), Some(second));
        assert_eq!(of("F"), Some(third));
        assert_eq!(of("flash"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        for (entry, expected) in [
            (
                "modle = 'a'",
                "line 2: unknown field `modle`, expected one of",
            ),
            ("hold = 'none'", "line 1: missing field `model`"),
            ("model = '[a'", "line 2: Pattern syntax error"),
            ("model = 'a'\nhold = 'None'", "line 3: `None` is no word"),
            ("model = 'a'\nhold = 1", "line 3: invalid type: integer `1`"),
            (
                "model = 'a'\n\nevidence = 'ccr,+time'",
                "line 4: give + or -",
            ),
            ("model = 'a'\nevidence = ''", "line 3: give words"),
            (
                "model = 'a'\ncqt-default-ms = 0",
                "line 3: 0 is not from 1 to 3600000",
            ),
            (
                "model = 'a'\ncqt-override-ms = -1",
                "line 3: -1 is not from 0 to 3600000",
            ),
            (
                "model = 'a'\ncqt-override-ms = 4294967296",
                "is not from 0 to",
            ),
            ("model = a", "line 2: "),
        ] {
            let error = read(&format!("[[array]]\n{entry}\n"))
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = read("array = 1\n").unwrap_err().to_string();
        assert!(error.contains("line 1: "), "{error}");
        assert!(read("# nothing\n").is_ok_and(|arrays| arrays.of("a").is_none()));
    }

    #[test]
    fn no_file_is_no_mistake() {
        assert!(Arrays::read(Path::new("/nowhere/arrays.conf"))
            .unwrap()
            .is_none());
        assert!(Arrays::read(Path::new("/")).is_err());
    }

    #[test]
    fn the_example_is_understood() {
        let arrays = read(include_str!("../../examples/nvme-fence/arrays.conf")).unwrap();
        assert!(arrays.array.is_empty(), "all of it is commented out");
        // The same, with its entries in force.
        let text = include_str!("../../examples/nvme-fence/arrays.conf");
        let in_force = |line: &str| match line.strip_prefix('#') {
            Some(entry) if !entry.starts_with(' ') => entry.to_owned() + "\n",
            _ => String::new(),
        };
        let text: String = text.lines().map(in_force).collect();
        assert_eq!(read(&text).unwrap().array.len(), 2);
    }
}
