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
use toml::Spanned;

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
    /// What of it has no effect, and why.
    #[serde(skip)]
    warnings: Vec<String>,
}

/// An entry.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Array {
    /// Which arrays are meant.
    model: Spanned<Model>,
    /// As for `nvme-fence config`.
    #[serde(default, deserialize_with = "parsed")]
    hold: Option<Word>,
    /// As for `nvme-fence config`.
    #[serde(default, deserialize_with = "parsed")]
    evidence: Option<Wanted>,
    /// As for `nvme-fence config`.
    #[serde(default, deserialize_with = "cqt_default_ms")]
    cqt_default_ms: Option<u32>,
    /// As for `nvme-fence config`.
    #[serde(default, deserialize_with = "cqt_override_ms")]
    cqt_override_ms: Option<u32>,
}

/// A model number, in which `*`, `?` and `[...]` stand for others, as in a shell.
#[derive(Debug, PartialEq)]
struct Model(Pattern);

impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A controller pads its model with blanks, and whoever copies it may copy some of them.
        match text.trim() {
            "" => Err(D::Error::custom("the model is empty; `*` stands for any")),
            model => model.parse().map(Self).map_err(D::Error::custom),
        }
    }
}

impl Arrays {
    /// Reads a file; `None` = there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let name = path.display();
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("cannot read {name}"))?,
        };
        let line = |begin: usize| text[..begin].matches('\n').count() + 1;
        let mut arrays: Self = match toml::from_str(&text) {
            Ok(arrays) => arrays,
            Err(error) => {
                let line = line(error.span().map_or(0, |span| span.start));
                bail!("{name}, line {line}: {}", error.message())
            }
        };
        arrays.warnings = arrays
            .ineffective()
            .map(|(first, second)| {
                let [before, line] = [first, second].map(|array| line(array.model.span().start));
                format!(
                    "{name}, line {line}: the entry of `{}` never counts: that of `{}` in line \
                     {before} fits before it",
                    second.model(),
                    first.model()
                )
            })
            .collect();
        Ok(Some(arrays))
    }

    /// What of it has no effect, and why.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The entries that never count, each behind the first one that fits whatever it fits.
    fn ineffective(&self) -> impl Iterator<Item = (&Array, &Array)> {
        self.array
            .iter()
            .enumerate()
            .filter_map(move |(index, second)| {
                let mut before = self.array[..index].iter();
                let first = before.find(|first| fits_all_of(first.model(), second.model()))?;
                Some((first, second))
            })
    }

    /// The entry that counts for a model.
    pub(crate) fn of(&self, model: &str) -> Option<&Array> {
        let model = model.trim();
        let mut arrays = self.array.iter();
        arrays.find(|array| array.model().matches(model))
    }
}

impl Array {
    /// Which arrays are meant.
    pub(crate) fn model(&self) -> &Pattern {
        &self.model.get_ref().0
    }

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

/// Whether a model fits all that another one fits, as far as is easily told.
fn fits_all_of(model: &Pattern, other: &Pattern) -> bool {
    let has = |model: &Pattern, wildcards: &[char]| model.as_str().contains(wildcards);
    // A `*` stands for any text, also for that of another wildcard; but `?` is a narrower one.
    let is_comparable = !has(model, &['?', '[']) || !has(other, &['*', '?', '[']);
    model == other || (is_comparable && model.matches(other.as_str()))
}

/// Reads what is written as text, and may be missing.
fn parsed<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
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
    fn blanks_around_a_model_are_none_of_it() {
        let arrays = read("[[array]]\nmodel = 'Flash 9 '\nhold = 'none'\n").unwrap();
        let padded = format!("{:<40}", "Flash 9");
        for model in ["Flash 9", "Flash 9 ", padded.as_str()] {
            assert_eq!(arrays.of(model).unwrap().model().as_str(), "Flash 9");
        }
        assert!(arrays.of("Flash9").is_none());
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
            ("\nmodel = ''", "line 3: the model is empty"),
            ("model = '  '", "line 2: the model is empty"),
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
    fn an_entry_that_never_counts_is_named_and_the_others_count() {
        let entry = |model: &str| format!("[[array]]\nmodel = '{model}'\n");
        for (models, expected) in [
            (
                &["a", "b", "a "][..],
                Some("line 6: the entry of `a` never counts: that of `a` in line 2 fits before it"),
            ),
            (
                &["*", "a"][..],
                Some("line 4: the entry of `a` never counts: that of `*` in line 2 "),
            ),
            (
                &["a", "*", "b?"][..],
                Some("line 6: the entry of `b?` never counts: that of `*` in line 4 "),
            ),
            (&["Flash*", "Flash 9*"][..], Some("line 4: ")),
            (&["Flash ?", "Flash 9"][..], Some("line 4: ")),
            (&["Flash ?", "Flash *"][..], None),
            (&["Flash [89]", "Flash [8-9]"][..], None),
            (&["Flash 9*", "Flash*", "F*", "*"][..], None),
        ] {
            let text: String = models.iter().map(|model| entry(model)).collect();
            let arrays = read(&text).unwrap();
            let [warning] = arrays.warnings() else {
                assert_eq!((arrays.warnings().len(), expected), (0, None), "{models:?}");
                continue;
            };
            assert!(expected.is_some_and(|e| warning.contains(e)), "{warning}");
            assert!(arrays.of(models[0]).is_some());
        }
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
